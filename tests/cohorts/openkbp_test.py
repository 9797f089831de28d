"""The OpenKBP reader: made-up patients for the rules, real ones for facts."""

import json
import pathlib
import pickle
import statistics
import tarfile

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import structures
from jaxseg.cohorts import _openkbp

SPACING = "4.0\n3.0\n2.5\n"  # Three different ones: rows, columns, slices.


def flat(row: int, column: int, k: int) -> int:
  """Index of a voxel as the files count it."""
  return (row * 128 + column) * 128 + k


def table(*lines: str) -> str:
  """A CSV with the published header."""
  return ",data\n" + "".join(f"{line}\n" for line in lines)


# Two scanned slices, 10 and 12, and nothing on the one between.
CT = table(
    f"{flat(5, 6, 10)},1040.0", f"{flat(5, 7, 12)},0.0",
    f"{flat(6, 7, 12)},28036.0", f"{flat(9, 9, 12)},4095.0",
)  # fmt: skip


def patient(folder: pathlib.Path, **files: str | bytes | None):
  """Writes patient pt_1; a keyword replaces a file, None leaves it out."""
  content = {
    "voxel_dimensions": SPACING,
    "ct": CT,
    "Larynx": table(f"{flat(5, 6, 10)},", f"{flat(5, 7, 12)},"),
    **files,
  }
  (folder / "pt_1").mkdir(exist_ok=True)
  for stem, text in content.items():
    if text is not None:
      data = text if isinstance(text, bytes) else text.encode()
      (folder / "pt_1" / f"{stem}.csv").write_bytes(data)
  return cohorts.OpenKBP(folder)


class TestRead:
  def test_a_voxel_lands_where_its_index_says(self, tmp_path):
    case = patient(tmp_path).load("pt_1")
    hu = case.image.array
    assert hu.dtype == np.int16 and hu.shape == (128, 128, 128)
    assert hu[10, 5, 6] == 40
    assert hu[0, 0, 0] == -1000
    assert set(map(tuple, np.argwhere(case.masks["larynx"]))) == {
        (10, 5, 6), (12, 5, 7),
    }  # fmt: skip

  def test_values_are_cut_before_the_shift(self, tmp_path):
    case = patient(tmp_path).load("pt_1")
    assert case.image.array[12, 6, 7] == 3095
    assert case.image.array[12, 9, 9] == 3095
    assert any("1 voxels above 4095" in note for note in case.notes)

  def test_affine_is_lps_by_hand(self, tmp_path):
    image = patient(tmp_path).load("pt_1").image
    assert image.spacing == (2.5, 4.0, 3.0)
    at = image.affine @ np.array([10, 5, 6, 1])
    np.testing.assert_array_equal(at, [6 * 3.0, 5 * 4.0, -10 * 2.5, 1])

  def test_slices_without_values_are_unscanned(self, tmp_path):
    case = patient(tmp_path).load("pt_1")
    assert case.unscanned == tuple(k for k in range(128) if k not in (10, 12))
    assert any("slice 11" in note for note in case.notes)

  def test_a_mask_beyond_the_scan_is_kept_and_noted(self, tmp_path):
    lines = [f"{flat(5, 6, k)}," for k in (10, 30, 31, 40)]
    case = patient(tmp_path, Larynx=table(*lines)).load("pt_1")
    assert case.masks["larynx"].sum() == 4
    assert (
      "Larynx.csv: 3 voxels on unscanned slices 30-31, 40; kept" in case.notes
    )

  def test_no_file_means_not_contoured(self, tmp_path):
    assert patient(tmp_path).load("pt_1").contoured == ("larynx",)

  def test_targets_only_when_asked_for(self, tmp_path):
    cohort = patient(tmp_path, PTV70=table("7,"))
    assert "ptv_70" not in cohort.load("pt_1").masks
    cohort = cohorts.OpenKBP(tmp_path, targets=True)
    assert cohort.load("pt_1").contoured == ("larynx", "ptv_70")
    assert cohort.structures[-3:] == ("ptv_70", "ptv_63", "ptv_56")

  def test_order_of_lines_and_line_ends_do_not_matter(self, tmp_path):
    header, *lines = CT.splitlines()
    plain = patient(tmp_path).load("pt_1")
    turned = "\r\n".join([header, *lines[::-1], ""])
    other = patient(tmp_path, ct=turned).load("pt_1")
    np.testing.assert_array_equal(plain.image.array, other.image.array)

  def test_fractions_are_rounded_and_noted(self, tmp_path):
    text = table(f"{flat(1, 1, 1)},1000.6")
    case = patient(tmp_path, ct=text, Larynx=None).load("pt_1")
    assert case.image.array[1, 1, 1] == 1
    assert case.notes == ("ct.csv: 1 fractional values rounded to whole HU",)

  def test_a_strange_file_is_noted(self, tmp_path):
    case = patient(tmp_path, dose=table(), Liver=table("1,")).load("pt_1")
    assert "Liver.csv: not a file of OpenKBP; ignored" in case.notes
    assert not any("dose" in note for note in case.notes)


class TestCohort:
  def test_patients_in_the_order_of_their_numbers(self, tmp_path):
    for name in ("pt_10", "pt_9", "pt_1", "pt_x", "other", "pt_2.bak"):
      (tmp_path / name).mkdir()
    (tmp_path / "pt_3").write_text("a file")
    assert cohorts.OpenKBP(tmp_path).patients() == ("pt_1", "pt_9", "pt_10")

  @pytest.mark.parametrize("inner", ["provided-data/train-pats", "train-pats"])
  def test_finds_them_in_a_clone(self, tmp_path, inner):
    (tmp_path / inner / "pt_4").mkdir(parents=True)
    cohort = cohorts.OpenKBP(str(tmp_path))
    assert cohort.patients() == ("pt_4",)
    assert cohort.describe()["source"] == "train-pats"

  def test_describe_is_json_without_paths(self, tmp_path):
    text = json.dumps(patient(tmp_path).describe())
    assert json.loads(text)["patients"] == 1
    assert json.loads(text)["grid"] == [128, 128, 128]
    assert str(tmp_path.parent) not in text

  def test_structures_are_canonical(self, tmp_path):
    cohort = patient(tmp_path)
    assert cohort.structures == structures.SETS["openkbp"]
    files = {**_openkbp._ORGANS, **_openkbp._TARGETS}
    for name, file in files.items():
      assert structures.resolve(file.removesuffix(".csv")) == name

  def test_travels_to_another_process(self, tmp_path):
    cohort = pickle.loads(pickle.dumps(patient(tmp_path)))
    assert cohort.load("pt_1").contoured == ("larynx",)

  def test_missing_folder(self, tmp_path):
    with pytest.raises(errors.DataError, match="no such folder"):
      cohorts.OpenKBP(tmp_path / "gone")

  def test_folder_without_patients(self, tmp_path):
    with pytest.raises(errors.DataError, match="no pt_N folders"):
      cohorts.OpenKBP(tmp_path)

  def test_folder_of_one_patient(self, tmp_path):
    patient(tmp_path)
    with pytest.raises(errors.DataError, match="give its parent"):
      cohorts.OpenKBP(tmp_path / "pt_1")

  @pytest.mark.parametrize("name", ["pt_2", "../pt_1", "", "pt_1/"])
  def test_unknown_patient(self, tmp_path, name):
    with pytest.raises(errors.DataError, match="not a patient"):
      patient(tmp_path).load(name)


def line(text: str) -> bytes:
  """The CT with one more line, which is its sixth."""
  return CT.encode() + text.encode()


class TestCorruptFiles:
  @pytest.mark.parametrize(
    ("text", "said"),
    [
      (None, "missing"),
      (b"", "header"),
      (b"index,value\n1,2.0\n", "header"),
      (b"\xef\xbb\xbf,data\n1,2.0\n", "header"),
      (b",data\n", "0 lines"),
      (table("1,0.0", "2,0.0").encode(), "all 2 values are 0"),
      (line("7,abc\n"), "line 6, b'7,abc', has no plain number"),
      (line("7,nan\n"), "line 6, .* no plain number"),
      (line("7,inf\n"), "line 6, .* no plain number"),
      (line("7,\n"), "line 6, .* no plain number"),
      (line("7,1 2\n"), "line 6, .* no plain number"),
      (line("7,1,2\n"), "line 6, .* no plain number"),
      (line("7,\u0663\n"), "line 6, .* no plain number"),
      (line("7,-3.0\n"), "line 6, b'7,-3.0', has a negative value"),
      (line("-7,3.0\n"), "line 6, .* no whole number >= 0"),
      (line("7.5,3.0\n"), "line 6, .* no whole number >= 0"),
      (line(",3.0\n"), "line 6, .* no whole number >= 0"),
      (line("7\n"), "line 6, b'7', has no comma"),
      (line("\n"), "line 6, b'', has no comma"),
      (line("7,3.0"), "line 6, b'7,3.0', is cut short"),
      (line("7"), "line 6, b'7', is cut short"),
      (line("2097152,3.0\n"), "line 6 has index 2097152"),
      (line("9" * 400 + ",3.0\n"), "line 6 has index inf"),
      (line(CT.splitlines()[1] + "\n"), "of line 2 is there 2 times"),
    ],
  )
  def test_ct(self, tmp_path, text, said):
    cohort = patient(tmp_path, ct=text)
    with pytest.raises(errors.DataError, match=said) as caught:
      cohort.load("pt_1")
    assert str(caught.value).startswith("pt_1/ct.csv: ")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)

  @pytest.mark.parametrize(
    ("text", "said"),
    [
      (b"", "header"),
      (table(), "delete the file if the structure was not contoured"),
      (table("1,1.0"), "line 2, .* a value, which a mask"),
      (table("1,", "2"), "line 3, .* no comma"),
      (table("1,", "1.5,"), "line 3, .* no whole number"),
      (table("1,")[:-1], "cut short"),
      (table("1,", "3,", "1,"), "index 1 of line 2 is there 2 times"),
      (table("1,", "2097152,"), "line 3 has index 2097152"),
    ],
  )
  def test_mask(self, tmp_path, text, said):
    cohort = patient(tmp_path, Larynx=text)
    with pytest.raises(errors.DataError, match=said) as caught:
      cohort.load("pt_1")
    assert str(caught.value).startswith("pt_1/Larynx.csv: ")
    assert "\n" not in str(caught.value)

  @pytest.mark.parametrize(
      "text",
      [
          "", "3\n3\n", "3\n3\n3\n3\n", "3\n0\n3\n", "3\n-3\n3\n",
          "3\nnan\n3\n", "3\ninf\n3\n", "3\n1e999\n3\n", "3\n3\n3", "3 3 3\n",
      ],
  )  # fmt: skip
  def test_spacing(self, tmp_path, text):
    cohort = patient(tmp_path, voxel_dimensions=text)
    with pytest.raises(errors.DataError, match="not three lines") as caught:
      cohort.load("pt_1")
    assert str(caught.value).startswith("pt_1/voxel_dimensions.csv: ")

  def test_no_spacing(self, tmp_path):
    cohort = patient(tmp_path, voxel_dimensions=None)
    with pytest.raises(errors.DataError, match="file is missing"):
      cohort.load("pt_1")

  def test_a_folder_in_place_of_a_file(self, tmp_path):
    cohort = patient(tmp_path, ct=None)
    (tmp_path / "pt_1" / "ct.csv").mkdir()
    with pytest.raises(errors.DataError, match="cannot be read"):
      cohort.load("pt_1")

  def test_a_file_too_large_is_not_read(self, tmp_path, monkeypatch):
    monkeypatch.setattr(_openkbp, "_MAX_BYTES", 20)
    with pytest.raises(errors.DataError, match="at most 20 are possible"):
      patient(tmp_path).load("pt_1")


ARCHIVE = (
  pathlib.Path(__file__).parents[2].parent
  / "shared/data/openkbp/openkbp-100.tar.xz"
)
# pt_1 is ordinary, pt_132 has the greatest value, pt_143 the longest gap.
UNPACKED = {"pt_1", "pt_132", "pt_143"}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
  """Three real patients, and the number of lines of every mask there is."""
  if not ARCHIVE.exists():
    pytest.skip("shared/data/openkbp/openkbp-100.tar.xz is not there")
  folder = tmp_path_factory.mktemp("openkbp")
  voxels = {}
  with tarfile.open(ARCHIVE, "r|xz") as archive:
    for member in archive:
      path = pathlib.PurePosixPath(member.name)
      if not member.isfile() or path.suffix != ".csv":
        continue
      wanted = path.parent.name in UNPACKED
      if not wanted and path.name in ("ct.csv", "voxel_dimensions.csv"):
        continue
      data = archive.extractfile(member).read()
      if path.name not in ("ct.csv", "voxel_dimensions.csv"):
        lines = data.count(b"\n") - 1
        voxels.setdefault(path.stem, {})[path.parent.name] = lines
      if wanted:
        target = folder / "provided-data" / "train-pats" / path.parent.name
        target.mkdir(parents=True, exist_ok=True)
        (target / path.name).write_bytes(data)
  return cohorts.OpenKBP(folder, targets=True), voxels


class TestRealPatients:
  def test_patients_and_voxels_per_structure(self, real):
    _, voxels = real
    found = {
      name: (len(of), statistics.median(of.values()))
      for name, of in voxels.items()
      if not name.startswith("PTV")
    }
    assert found == {
        "SpinalCord": (98, 510.5), "RightParotid": (96, 532.5),
        "LeftParotid": (95, 564), "Brainstem": (88, 522.5),
        "Mandible": (83, 1235), "Larynx": (65, 408), "Esophagus": (57, 229),
    }  # fmt: skip

  def test_every_listed_voxel_is_in_the_mask(self, real):
    cohort, voxels = real
    for name in cohort.patients():
      case = cohort.load(name)
      for stem, of in voxels.items():
        canonical = structures.resolve(stem)
        assert (canonical in case.masks) == (name in of)
        if name in of:
          assert case.masks[canonical].sum() == of[name]

  def test_odd_patients_are_noted(self, real):
    cohort, _ = real
    notes = {name: cohort.load(name).notes for name in cohort.patients()}
    assert notes["pt_1"] == ()
    (note,) = notes["pt_132"]
    assert "80 voxels above 4095, the greatest 28036" in note
    (note,) = notes["pt_143"]
    assert note == "ct.csv: no values between scanned slices: slices 20-33"

  def test_equals_a_slow_independent_reading(self, real):
    cohort, _ = real
    folder = cohort._folder / "pt_1"
    lines = (folder / "ct.csv").read_text().splitlines()[1:]
    grid = np.zeros((128, 128, 128), np.int64)
    for one in lines:
      index, value = one.split(",")
      grid[np.unravel_index(int(index), grid.shape)] = int(float(value))
    hu = cohort.load("pt_1").image.array
    for k in range(128):
      np.testing.assert_array_equal(
        hu[k], np.clip(grid[:, :, k], 0, 4095) - 1000
      )

  def test_left_right_head_feet_front_back(self, real):
    cohort, _ = real
    compared = 0
    for name in cohort.patients():
      case = cohort.load(name)
      center = {
        organ: case.image.affine @ np.append(np.argwhere(m).mean(0), 1)
        for organ, m in case.masks.items()
      }
      for greater, less, axis in (
        ("parotid_left", "parotid_right", 0),
        ("spinal_cord", "mandible", 1),
        ("brainstem", "larynx", 2),
        ("brainstem", "spinal_cord", 2),
      ):
        if greater in center and less in center:
          assert center[greater][axis] > center[less][axis], name
          compared += 1
    assert compared >= 6
