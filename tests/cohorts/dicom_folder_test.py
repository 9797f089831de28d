"""Folders of CT + RTSTRUCT or SEG of any shape, good patients and bad ones."""

import json
import pickle
import re
import shutil

import numpy as np
import pydicom
import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series
from tests.dicom.rt_double import square
from tests.dicom.rt_double import structure_set
from tests.dicom.seg_double import seg

ORGANS = {"Parotid-Left": [square(33)], "Spinal-Cord": [square(36, 1, 4)]}


def patient(folder, seed, rois=None, **options):
  """A CT and a structure set; their files lie about under odd names."""
  ct_series(folder / f"images{seed}", seed=seed)
  structure_set(
    folder / f"rs {seed}.bin", ORGANS if rois is None else rois, seed=seed,
    **options,
  )  # fmt: skip
  return folder


def statuses(audit):
  return {row["name"]: row["status"] for row in audit["structures"]}


def test_patients_and_masks(tmp_path):
  patient(tmp_path / "deep" / "er", 1)
  patient(tmp_path, 2)
  (tmp_path / "notes.txt").write_text("not DICOM")
  cohort = cohorts.DicomFolder(tmp_path)
  assert cohort.patients() == cohort.everyone() == ("p1", "p2")
  assert cohort.structures == ("parotid_left", "spinal_cord")
  assert (cohort.name, cohort.skipped, cohort.broken) == (
    "dicom_folder", 1, (),
  )  # fmt: skip
  case = cohort.load("p1")
  image = dicom.read_ct(tmp_path / "deep" / "er" / "images1")
  np.testing.assert_array_equal(case.image.array, image.array)
  expected = dicom.read_rtstruct(tmp_path / "deep" / "er").mask(
    "Parotid-Left", image
  )
  np.testing.assert_array_equal(case.masks["parotid_left"], expected.array)
  assert case.contoured == ("parotid_left", "spinal_cord")
  assert cohort.describe()["synthetic"] is False
  json.dumps(cohort.describe())


def test_audit(tmp_path):
  rois = {**ORGANS, "Wart": [square(30)], "GTV-1": [square(33)], "Brain": None}
  cohort = cohorts.DicomFolder(patient(tmp_path, 1, rois))
  audit = cohort.audit("p1")
  assert audit["refused"] == ""
  assert statuses(audit) == {
    "Parotid-Left": "matched",
    "Spinal-Cord": "matched",
    "Wart": "unknown",
    "GTV-1": "not asked for",
    "Brain": "empty",
  }
  row = audit["structures"][0]
  mask = cohort.load("p1").masks["parotid_left"]
  assert row["structure"] == "parotid_left"
  assert row["voxels"] == mask.sum()
  assert row["slices"] == 1
  assert row["ml"] == pytest.approx(mask.sum() * 3.0 * 1.5 * 1.0 / 1000)
  assert audit["ct"]["shape"] == [5, 16, 20]
  json.dumps(audit)
  assert "Nobody" not in json.dumps(audit)


def test_targets_only_when_asked_for(tmp_path):
  patient(tmp_path, 1, {"GTV-1": [square(33)]})
  assert cohorts.DicomFolder(tmp_path).patients() == ()
  cohort = cohorts.DicomFolder(tmp_path, structures=["gtv"])
  assert cohort.load("p1").contoured == ("gtv",)


def test_the_users_names_come_first(tmp_path):
  patient(tmp_path, 1, {"Ohr": [square(33)], "Brain": [square(36)]})
  cohort = cohorts.DicomFolder(
    tmp_path, aliases={"ohr": "cochlea_left", "Brain": None}
  )
  assert cohort.load("p1").contoured == ("cochlea_left",)
  assert statuses(cohort.audit("p1"))["Brain"] == "set aside"


def test_each_structure_set_is_parsed_once_and_each_mask_made_once(
  tmp_path, monkeypatch
):
  parsed, made = [], []

  def counted(owner, name, calls):
    real = getattr(owner, name)

    def call(*args, **options):
      calls.append(args)
      return real(*args, **options)

    monkeypatch.setattr(owner, name, call)

  counted(dicom, "read_rtstruct", parsed)
  counted(dicom.StructureSet, "mask", made)
  for seed in (1, 2):
    patient(tmp_path, seed, TWO)
  cohort = cohorts.DicomFolder(tmp_path, on_two="largest")
  for name in cohort.patients():
    assert cohort.audit(name)["refused"] == ""
  assert len(parsed) == 2
  assert len(made) == 2 * len(TWO)
  cohort.load("p1")  # Its contours were not kept.
  assert len(parsed) == 3


def test_a_pickled_cohort_has_no_contours_and_loads_the_same(tmp_path):
  cohort = cohorts.DicomFolder(patient(tmp_path, 1))
  content = pickle.dumps(cohort)
  assert len(content) < 20_000
  other = pickle.loads(content).load("p1")
  for name, mask in cohort.load("p1").masks.items():
    np.testing.assert_array_equal(other.masks[name], mask)


TWO = {
  "cord": [square(33, 0, 6)],
  "myelon": [square(33, 0, 9)],
  "CORD ": [square(33, 0, 3)],
  "Brain": [square(30)],
}


class TestTwoThatFit:
  def voxels(self, tmp_path, **options):
    folder = patient(tmp_path / "x", 1, TWO)
    case = cohorts.DicomFolder(folder, **options).load("p1")
    mask = case.masks.get("spinal_cord")
    return None if mask is None else int(mask.sum())

  def test_refused(self, tmp_path):
    folder = patient(tmp_path, 1, TWO)
    cohort = cohorts.DicomFolder(folder)
    assert cohort.load("p1").contoured == ("brain",)
    assert any("'cord', 'myelon'" in note for note in cohort.load("p1").notes)
    found = statuses(cohort.audit("p1"))
    assert found["cord"] == found["myelon"] == "refused"

  def test_first_newest_largest(self, tmp_path):
    image = cohorts.DicomFolder(
      patient(tmp_path / "y", 1, {"Brain": [square(33, 0, 9)]})
    )
    largest = int(image.load("p1").masks["brain"].sum())
    # Exact names beat names that differ by case, here also in what is newest.
    assert self.voxels(tmp_path / "a", on_two="largest") == largest
    assert self.voxels(tmp_path / "b", on_two="newest") == largest
    assert 0 < self.voxels(tmp_path / "c", on_two="first") < largest

  def test_exact_beats_normalised(self, tmp_path):
    rois = {"PAROTID LEFT": [square(30)], "Parotid_L": [square(33)]}
    cohort = cohorts.DicomFolder(patient(tmp_path, 1, rois))
    assert statuses(cohort.audit("p1")) == {
      "PAROTID LEFT": "second choice",
      "Parotid_L": "matched",
    }
    assert cohort.load("p1").masks["parotid_left"][1].any()

  def test_an_empty_one_is_no_rival(self, tmp_path):
    rois = {"cord": None, "myelon": [square(33)]}
    cohort = cohorts.DicomFolder(patient(tmp_path, 1, rois))
    assert cohort.load("p1").contoured == ("spinal_cord",)


class TestSeveralStructureSets:
  def folder(self, tmp_path, dates=("20200101", "20210101")):
    ct_series(tmp_path / "ct", seed=1)
    for number, date in enumerate(dates):

      def change(dataset, number=number, date=date):
        dataset.StructureSetDate = date
        dataset.StructureSetLabel = f"set {number}"

      rois = {"Brain" if number else "Lips": [square(33)]}
      structure_set(tmp_path / f"{number}", rois, seed=1, change=change)
    return tmp_path

  def test_each_structure_of_the_newest_that_has_it(self, tmp_path):
    folder = self.folder(tmp_path)

    def change(dataset):
      dataset.StructureSetDate = "20190101"

    old = {"Brain": [square(30)], "Larynx": [square(33, 2, 3)]}
    structure_set(folder / "old", old, seed=1, change=change)
    cohort = cohorts.DicomFolder(folder)
    case = cohort.load("p1")
    assert case.contoured == ("brain", "larynx", "lips")
    assert not case.masks["brain"][0].any()  # At z = 33, not at 30.
    (remark,) = cohort.remarks["p1"]
    assert remark.startswith("merged by structure, the newest first: 1 (")
    assert remark in case.notes
    rows = {
      (row["name"], row["status"]): row["reason"]
      for row in cohort.audit("p1")["structures"]
    }
    assert rows["Brain", "matched"] == ""
    assert "comes first" in rows["Brain", "second choice"]

  def test_the_newest_that_names_something(self, tmp_path):
    folder = self.folder(tmp_path)

    def change(dataset):
      dataset.StructureSetDate = "20220101"
      dataset.StructureSetLabel = "OPT"

    structure_set(folder / "opt", {"Ring": [square(33)]}, seed=1, change=change)
    for policy, found in (
      ("newest", ("brain",)),
      ("merge", ("brain", "lips")),
    ):
      cohort = cohorts.DicomFolder(folder, structure_set=policy)
      assert cohort.load("p1").contoured == found
      first = cohort.remarks["p1"][0]
      assert first.startswith(
        "file not used, since it names no wanted structure:"
      )
      assert "'OPT'" in first
    assert "took the newest of" in cohorts.DicomFolder(
      folder, structure_set="newest"
    ).remarks["p1"][1]  # fmt: skip

  def test_two_of_one_date_that_have_a_structure(self, tmp_path):
    folder = self.folder(tmp_path, ("2020", "2020"))
    cohort = cohorts.DicomFolder(folder)
    assert cohort.load("p1").contoured == ("brain", "lips")
    structure_set(
      folder / "third", {"Lips": [square(30)]}, seed=1,
      change=lambda d: setattr(d, "StructureSetDate", "2020"),
    )  # fmt: skip
    cohort = cohorts.DicomFolder(folder)
    assert cohort.load("p1").contoured == ("brain",)
    (note,) = [n for n in cohort.remarks["p1"] if "2 fit" in n]
    assert "'Lips' of 'third'" in note

  def test_a_copy_is_no_second_one(self, tmp_path):
    folder = patient(tmp_path, 1)
    shutil.copy(folder / "rs 1.bin", folder / "copy")
    cohort = cohorts.DicomFolder(folder)
    assert cohort.load("p1").contoured == ("parotid_left", "spinal_cord")
    assert cohort.remarks == {}

  def test_the_same_contours_exported_again(self, tmp_path):
    folder = patient(tmp_path, 1)
    structure_set(folder / "again", ORGANS, seed=1)
    assert (folder / "again").read_bytes() != (folder / "rs 1.bin").read_bytes()
    for policy in ("merge", "newest", "refuse", "plan"):
      cohort = cohorts.DicomFolder(folder, structure_set=policy)
      assert cohort.load("p1").contoured == ("parotid_left", "spinal_cord")
    moved = {**ORGANS, "Spinal-Cord": [square(36, 1, 5)]}
    structure_set(folder / "again", moved, seed=1)
    assert (
      "'Parotid-Left' of 'again'" in cohorts.DicomFolder(folder).left_out["p1"]
    )

  def test_the_image_with_most_structures(self, tmp_path):
    patient(tmp_path, 1)
    for path in ct_series(tmp_path / "other", seed=2):
      dataset = pydicom.dcmread(path)
      dataset.PatientID = "P1"
      dataset.save_as(path)

    def change(dataset):
      dataset.PatientID, dataset.StructureSetDate = "P1", "20300101"

    structure_set(tmp_path / "o", {"Lips": [square(33)]}, seed=2, change=change)
    cohort = cohorts.DicomFolder(tmp_path)
    assert cohort.load("p1").contoured == ("parotid_left", "spinal_cord")
    (remark,) = cohort.remarks["p1"]
    assert remark.startswith(
      "file not used, since it is drawn on another image: o"
    )

  def test_a_label(self, tmp_path):
    folder = self.folder(tmp_path)
    cohort = cohorts.DicomFolder(folder, structure_set="set 0")
    assert cohort.load("p1").contoured == ("lips",)
    other = cohorts.DicomFolder(folder, structure_set="set 7")
    assert "there are 'set 0', 'set 1'" in other.audit("p1")["refused"]

  def test_refused_or_tied(self, tmp_path):
    folder = self.folder(tmp_path / "a")
    cohort = cohorts.DicomFolder(folder, structure_set="refuse")
    assert cohort.patients() == ()
    assert "2 structure sets fit" in cohort.audit("p1")["refused"]
    folder = self.folder(tmp_path / "b", ("2020", "2020"))
    tied = cohorts.DicomFolder(folder, structure_set="newest")
    assert "with no newest" in tied.audit("p1")["refused"]


class TestPairing:
  def test_a_series_that_is_not_there(self, tmp_path):
    cohort = cohorts.DicomFolder(patient(tmp_path, 1, series="1.2.3"))
    (note,) = [n for n in cohort.load("p1").notes if "frame of ref" in n][:1]
    assert "another one in the same" in note

  def test_nothing_in_common(self, tmp_path):
    cohort = cohorts.DicomFolder(
      patient(tmp_path, 1, series="1.2.3", frame="1.2.4")
    )
    assert cohort.patients() == ()
    assert "no CT has its frame" in cohort.audit("p1")["refused"]
    with pytest.raises(errors.DataError, match="no CT has its frame"):
      cohort.load("p1")

  def test_a_ct_without_contours_and_contours_without_ct(self, tmp_path):
    ct_series(tmp_path / "a", seed=1)
    structure_set(tmp_path / "b.dcm", ORGANS, seed=2)
    cohort = cohorts.DicomFolder(tmp_path)
    assert "no structure set" in cohort.audit("p1")["refused"]
    assert "no CT series" in cohort.audit("p2")["refused"]

  def test_mr_has_no_hounsfield_units(self, tmp_path):
    ct_series(tmp_path / "a", seed=1, modality="MR")
    structure_set(tmp_path / "b.dcm", ORGANS, seed=1)
    cohort = cohorts.DicomFolder(tmp_path)
    assert "no CT series" in cohort.audit("p1")["refused"]

  def test_seg(self, tmp_path):
    ct_series(tmp_path / "ct", seed=1)
    mask = np.zeros((16, 20), np.bool_)
    mask[3:9, 4:11] = True
    seg(tmp_path / "s", [(2, 1, mask)], labels=("Parotid_L",), seed=1)
    cohort = cohorts.DicomFolder(tmp_path)
    (name,) = cohort.patients()
    case = cohort.load(name)
    np.testing.assert_array_equal(case.masks["parotid_left"][2], mask)
    assert case.masks["parotid_left"].sum() == mask.sum()

  def test_an_rtstruct_comes_before_a_seg(self, tmp_path):
    patient(tmp_path, 1, {"Brain": [square(33)]})
    pixels = np.ones((16, 20))
    seg(tmp_path / "s", [(2, 1, pixels)], labels=("Lips",), seed=1)
    seg(tmp_path / "b", [(2, 1, pixels)], labels=("Brain",), seed=1)
    cohort = cohorts.DicomFolder(tmp_path)
    case = cohort.load("p1")
    assert case.contoured == ("brain", "lips")
    assert 0 < case.masks["brain"].sum() < case.masks["lips"].sum() == 320
    cohort = cohorts.DicomFolder(tmp_path, structure_set="newest")
    assert cohort.load("p1").contoured == ("brain",)
    assert any("left out for an RTSTRUCT" in n for n in cohort.load("p1").notes)


class TestPeople:
  def folder(self, tmp_path, names, born=("", "")):
    """Two patients with one PatientID."""
    for seed, (name, date) in enumerate(zip(names, born, strict=True), 1):
      ct_series(tmp_path / f"ct{seed}", seed=seed)
      structure_set(tmp_path / f"rs{seed}", ORGANS, seed=seed)
      for path in [*(tmp_path / f"ct{seed}").iterdir(), tmp_path / f"rs{seed}"]:
        dataset = pydicom.dcmread(path)
        dataset.PatientID, dataset.PatientName = "0000", name
        dataset.PatientBirthDate = date
        dataset.save_as(path)
    return tmp_path

  @pytest.mark.parametrize(
    ("names", "born"),
    [
      (("A^B", "C^D"), ("", "")),
      (("A^B", "A^B"), ("19500101", "19600101")),
    ],
  )
  def test_two_under_one_id_are_kept_apart(self, tmp_path, names, born):
    cohort = cohorts.DicomFolder(self.folder(tmp_path, names, born))
    assert cohort.patients() == ("0000", "0000-2")
    first, second = (
      cohort.load(name).image.array for name in cohort.patients()
    )
    assert (first != second).any()
    assert "1 of 2 people who share a PatientID" in cohort.remarks["0000"][0]
    assert not any(part in repr(cohort.remarks) for part in ("A^B", "1950"))

  def test_one_whose_name_is_written_in_two_ways(self, tmp_path):
    patient(tmp_path, 1)
    path = tmp_path / "rs 1.bin"
    dataset = pydicom.dcmread(path)
    dataset.PatientName = "Somebody^Else"
    dataset.save_as(path)
    cohort = cohorts.DicomFolder(tmp_path)  # The contours refer to the CT.
    assert cohort.patients() == ("p1",)
    names = ("Doe^John", "DOE, JOHN^^")
    cohort = cohorts.DicomFolder(self.folder(tmp_path / "x", names))
    assert cohort.everyone() == ("0000",)

  def test_all_of_one_id_and_name(self, tmp_path):
    folder = self.folder(tmp_path, ("Anonymous", "Anonymous"))
    cohort = cohorts.DicomFolder(folder)
    assert "--patients_by=study" in cohort.left_out["0000"]
    path = folder / "rs2"
    dataset = pydicom.dcmread(path)
    dataset.StructureSetDate = "20300101"
    dataset.save_as(path)
    cohort = cohorts.DicomFolder(folder)
    assert cohort.patients() == ("0000",)
    assert "--patients_by=study" in cohort.remarks["0000"][0]
    cohort = cohorts.DicomFolder(folder, patients_by="study")
    assert cohort.patients() == ("0000", "0000-2")
    assert cohort.remarks == {}
    with pytest.raises(errors.ConfigError, match="patients_by: 'name'"):
      cohorts.DicomFolder(folder, patients_by="name")


def test_those_left_out_are_named(tmp_path):
  patient(tmp_path, 1)
  patient(tmp_path, 2, {"Wart": [square(33)]})
  patient(tmp_path, 3, {"GTV-1": [square(33)]})
  ct_series(tmp_path / "lonely", seed=4)
  cohort = cohorts.DicomFolder(tmp_path)
  assert cohort.patients() == ("p1",)
  assert cohort.left_out == {
    "p2": "no contour has a known name: 'Wart'",
    "p3": "has only structures that were not asked for: 'GTV-1'; name them"
    " (--structures, or --structure of train)",
    "p4": "has no structure set or segmentation; add one",
  }


FAR, BENT = square(33, 5000, 5006), square(33) + [[0, 0, k] for k in range(4)]


@pytest.mark.parametrize(
  ("rois", "why"),
  [
    ({"GTV-1": [square(33)], "GTV-2": [square(36)]}, "several contours fit"),
    ({"GTV": [FAR]}, r"'GTV'.*: no voxel of the CT lies within"),
    ({"GTV": [BENT], "Wart": [square(33)]}, r"ROI 'GTV': .* not planar"),
    ({"GTV": None}, "only structures without a closed contour: 'GTV'"),
  ],
  ids=["several", "outside", "bent", "empty"],
)
def test_why_nothing_of_a_patient_is_used(tmp_path, rois, why):
  cohort = cohorts.DicomFolder(patient(tmp_path, 1, rois), structures=["gtv"])
  with pytest.raises(errors.DataError, match=why):
    cohort.load("p1")
  assert re.search(why, cohort.audit("p1")["refused"])


def test_what_has_no_mask_is_missing(tmp_path):
  rois = {"GTV-1": [square(33)], "GTV-2": [BENT], "ctv": [FAR], **ORGANS}
  asked = ("ctv", "gtv", "parotid_left")
  case = cohorts.DicomFolder(
    patient(tmp_path, 1, rois), structures=asked, on_two="union"
  ).load("p1")
  assert case.contoured == ("parotid_left",)
  assert set(case.missing) == {"ctv", "gtv"}
  assert "not planar" in case.missing["gtv"]  # Half of a union is no reference.
  part = {"GTV-1": [square(33)], "GTV-2": [FAR]}
  case = cohorts.DicomFolder(
    patient(tmp_path / "part", 2, part), structures=["gtv"], on_two="union"
  ).load("p2")
  assert (case.contoured, case.missing) == (("gtv",), {})


def test_mr_is_scaled_where_it_is_asked_for(tmp_path):
  ct_series(tmp_path / "a", seed=1, modality="MR")
  structure_set(tmp_path / "b.dcm", ORGANS, seed=1)
  cohort = cohorts.DicomFolder(tmp_path)
  assert "ask for --modality=MR" in cohort.left_out["p1"]
  case = cohorts.DicomFolder(tmp_path, modality="MR").load("p1")
  signal = dicom.read_ct(tmp_path / "a").array.astype(np.float64)
  tissue = signal[signal > 0.1 * np.percentile(signal[signal > 0], 99.5)]
  bright = np.percentile(tissue, 99.5)
  # A line through (a tenth of the brightest, -200) and (the brightest, 400).
  expected = -200 + (signal - 0.1 * bright) * 600 / (0.9 * bright)
  linear = signal > 0.11 * bright
  assert linear.mean() > 0.5
  np.testing.assert_allclose(
    case.image.array[linear], expected[linear], atol=25
  )
  assert case.image.array.dtype == np.int16
  with pytest.raises(errors.ConfigError, match="modality: 'PT' is unknown"):
    cohorts.DicomFolder(tmp_path, modality="PT")


class TestBadPatients:
  @pytest.fixture
  def mixed(self, tmp_path):
    """A good patient, one without a slice, one with a broken file, ..."""
    patient(tmp_path / "good", 1)
    ct_series(tmp_path / "gap", seed=2, change=lambda _, k: k != 2)
    structure_set(tmp_path / "gap" / "rs", ORGANS, seed=2)
    patient(tmp_path / "cut", 3)
    path = next((tmp_path / "cut" / "images3").iterdir())
    path.write_bytes(path.read_bytes()[:-100])
    patient(tmp_path / "rubbish", 4)
    path = tmp_path / "rubbish" / "rs 4.bin"
    path.write_bytes(path.read_bytes()[:700])
    patient(tmp_path / "beside", 5)
    source = next((tmp_path / "good" / "images1").iterdir())
    content = bytearray(source.read_bytes())
    at = content.index(b"\x28\x00\x10\x00")  # Rows, now of an unknown length.
    content[at + 6 : at + 8] = b"\xff\xff"
    (tmp_path / "beside" / "images5" / "odd").write_bytes(bytes(content[:600]))
    return tmp_path

  def test_none_stops_the_others(self, mixed):
    cohort = cohorts.DicomFolder(mixed)
    refused = {
      name: cohort.audit(name)["refused"] for name in cohort.everyone()
    }
    assert refused["p1"] == ""
    assert "mm apart" in refused["p2"] or "missing" in refused["p2"]
    assert "cut off" in refused["p3"]
    assert refused["p4"]
    assert "beside its CT cannot be read" in refused["p5"]
    assert set(refused) == {"p1", "p2", "p3", "p4", "p5"}

  def test_repairs_are_recorded(self, mixed):
    cohort = cohorts.DicomFolder(mixed, repair=["spacing"])
    case = cohort.load("p2")
    assert case.image.shape == (5, 16, 20)
    assert case.unscanned == (2,)
    assert any(note.startswith("resampled") for note in case.notes), case.notes

  def test_a_contour_that_cannot_be_filled(self, tmp_path):
    bent = square(33)
    bent[0, 2] += 2
    rois = {"Brain": [bent], "Lips": [square(33)], "Mandible": [square(900)]}
    cohort = cohorts.DicomFolder(patient(tmp_path, 1, rois))
    case = cohort.load("p1")
    assert case.contoured == ("lips",)
    assert any("'Brain'" in note for note in case.notes)
    audit = cohort.audit("p1")
    found = statuses(audit)
    assert found["Brain"] == "unreadable"
    assert found["Mandible"] == "empty"
    reasons = {row["name"]: row["reason"] for row in audit["structures"]}
    assert "not planar" in reasons["Brain"]
    assert reasons["Mandible"] == "no voxel of the CT lies within"

  def test_a_broken_file_that_is_no_image_stops_nobody(self, tmp_path):
    where = patient(tmp_path, 1, {"Brain": [square(33)]})
    structure_set(
      where / "lost.dcm", {"Brain": []},
      change=lambda dataset: dataset.pop("SeriesInstanceUID"),
    )  # fmt: skip
    cohort = cohorts.DicomFolder(where)
    assert not cohort.audit("p1")["refused"]
    assert [name for name, _ in cohort.broken] == ["lost.dcm"]

  def test_hostile_names(self, tmp_path):
    def change(dataset, *_):
      dataset.PatientID = "../../<script>alert(1)</script>"

    ct_series(tmp_path / "a", seed=1, change=change)
    rois = {
      "../../etc/passwd": [square(33)],
      "<script>": [square(33)],
      "Brain": [square(33)],
    }
    structure_set(tmp_path / "b", rois, seed=1, change=change)
    cohort = cohorts.DicomFolder(tmp_path)
    (name,) = cohort.patients()
    assert name == "script-alert-1-script"
    assert cohort.load(name).contoured == ("brain",)

  def test_equal_ids_after_cleaning(self, tmp_path):
    for seed, own in ((1, "A/1"), (2, "a 1")):

      def change(dataset, *_, own=own):
        dataset.PatientID = own

      ct_series(tmp_path / f"{seed}", seed=seed, change=change)
      structure_set(tmp_path / f"{seed}.rs", ORGANS, seed=seed, change=change)
    assert cohorts.DicomFolder(tmp_path).patients() == ("a-1", "a-1-2")


def test_options_and_folders_that_cannot_work(tmp_path):
  folder = patient(tmp_path / "x", 1)
  for options, said in (
    ({"on_two": "both"}, "on_two"),
    ({"combine": "xor"}, "combine"),
    ({"repair": ["teeth"]}, "teeth"),
  ):
    with pytest.raises(errors.ConfigError, match=said):
      cohorts.DicomFolder(folder, **options)
  with pytest.raises(errors.StructureNotFoundError):
    cohorts.DicomFolder(folder, structures=["Brain"])
  with pytest.raises(errors.DataError, match="no such folder"):
    cohorts.DicomFolder(tmp_path / "none")
  shutil.rmtree(folder)
  folder.mkdir()
  (folder / "a.txt").write_text("x")
  with pytest.raises(errors.DataError, match=r"no DICOM files \(1 others\)"):
    cohorts.DicomFolder(folder)
  with pytest.raises(errors.DataError, match="not a patient"):
    cohorts.DicomFolder(patient(tmp_path / "y", 1)).audit("p9")


def test_real_patients(dicom_data):
  own = {"GTV_Mass_CT": "gtv", "GTV_Mass_PET": None}
  cohort = cohorts.DicomFolder(
    dicom_data / "sts", structures=["gtv"], aliases=own
  )
  voxels = {
    "sts_001": 117145, "sts_013": 490336, "sts_036": 110129, "sts_045": 160270,
  }  # fmt: skip
  assert set(cohort.everyone()) == {*voxels, "sts_006"}
  for name in cohort.patients():
    assert cohort.load(name).masks["gtv"].sum() == voxels[name]
