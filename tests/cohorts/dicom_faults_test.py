"""What contours and files lack, from the folder to training and console."""

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import data
from jaxseg import errors
from tests.cli import command
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import uid
from tests.dicom.rt_double import Drawn
from tests.dicom.rt_double import square
from tests.dicom.rt_double import structure_set
from tests.dicom.seg_double import seg

COUNT = 12


def z(index):
  return 30.0 + 3 * index


def patient(folder, seed, rois, **options):
  ct_series(folder / f"ct{seed}", shape=(COUNT, 16, 20), seed=seed)
  structure_set(folder / f"rs{seed}.dcm", rois, seed=seed, **options)
  return folder


def brain(*slices):
  return [square(z(k), 0, 6, y=-10) for k in slices]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """One brain on every second slice, one with a fault, and one whole."""
  made = tmp_path_factory.mktemp("faults")
  patient(made, 1, {"Brain": brain(2, 4, 6, 8)})
  lost = Drawn("a\\b\\c", images=[uid(2, "instance", 4)])
  patient(made, 2, {"Brain": [*brain(3, 5, 6), lost]})
  patient(made, 3, {"Brain": brain(1, 2, 3, 8, 9), "Lips": brain(4, 5)})
  return made


def test_unknown_slices_reach_training_and_scoring(folder, tmp_path):
  cohort = cohorts.DicomFolder(folder)
  assert cohort.load("p1").unknown == {"brain": (3, 5, 7)}
  assert cohort.load("p3").unknown == {"brain": (), "lips": ()}
  rows = [cohort.audit(name)["structures"][0] for name in cohort.patients()]
  assert [row["unknown_slices"] for row in rows] == [3, 1, 0]
  config = data.PrepareConfig(size=(16, 16))
  store = data.write_store(tmp_path / "store", cohort, config)
  p1, p3 = store.patients["p1"], store.patients["p3"]
  assert (p1.unknown, p3.unknown) == ({"brain": (3, 5, 7)}, {})
  known = data.known_slices(p1, "brain")
  assert np.flatnonzero(~known).tolist() == [3, 5, 7]
  samples = data.select(store, "brain", ("p1",), store.labels("brain"))
  assert samples.positive.tolist() == [2, 4, 6, 8]
  assert samples.negative.tolist() == [0, 1, 9, 10, 11]
  # A real gap is one: the organ is not there.
  assert data.known_slices(p3, "brain").all()


def test_asked_for_they_are_interpolated(folder):
  cohort = cohorts.DicomFolder(folder, repair=["contours"])
  for name, slices in (("p1", range(2, 9)), ("p2", range(3, 7))):
    case = cohort.load(name)
    assert case.unknown == {"brain": ()}
    shown = case.masks["brain"].any((1, 2))
    assert np.flatnonzero(shown).tolist() == list(slices)
    assert any("interpolated" in note for note in case.notes)
  shown = cohort.load("p3").masks["brain"].any((1, 2))
  assert np.flatnonzero(shown).tolist() == [1, 2, 3, 8, 9]


def test_the_console_tells(folder, tmp_path):
  out = command.done("inspect", str(folder), folder=tmp_path)
  assert "brain: 4 slices of 2 patients left unknown" in out
  assert "--repair=contours" in out
  flags = ("--cohort=dicom_folder", f"--input={folder}", "--output=run")
  sized = ("--recipe=quick", "--size=16", "--spacing=1.5")
  out = command.done("prepare", *flags, *sized, folder=tmp_path)
  assert "brain: 4 slices of 2 patients left unknown" in out
  out = command.done(
    "inspect", str(folder), "--repair=contours", folder=tmp_path
  )
  assert "unknown" not in out


def test_a_segment_beyond_the_ct_is_told(tmp_path):
  ct_series(tmp_path / "ct", seed=1)
  pixels = np.ones((16, 20), np.uint8)
  seg(
    tmp_path / "s.dcm",
    [(k, 1, pixels) for k in range(-5, 3)],
    labels=["Brain"],
    seed=1,
  )
  cohort = cohorts.DicomFolder(tmp_path)
  (note,) = cohort.load("p1").notes
  assert "1600 of 2560 voxels (62.5 %) lie beyond" in note
  (row,) = cohort.audit("p1")["structures"]
  assert "1600 of 2560" in row["notes"] and row["voxels"] == 960


def test_an_roi_of_the_mr_is_unreadable_on_the_ct(tmp_path):
  def change(dataset):
    dataset.StructureSetROISequence[1].ReferencedFrameOfReferenceUID = "1.2.3"

  rois = {"Brain": brain(3, 4), "Lips": brain(3, 4)}
  cohort = cohorts.DicomFolder(patient(tmp_path, 1, rois, change=change))
  case = cohort.load("p1")
  assert case.contoured == ("brain",)
  assert any("'Lips' lies in the frame" in note for note in case.notes)
  _, row = cohort.audit("p1")["structures"]
  assert row["status"] == "unreadable" and "--repair" in row["reason"]
  asked = cohorts.DicomFolder(tmp_path, repair=["frame_of_reference"])
  assert asked.load("p1").contoured == ("brain", "lips")


class TestTimeToParse:
  def test_the_reason_is_the_truth(self, tmp_path):
    patient(tmp_path, 1, {"Brain": [*brain(3, 4)] * 300})
    line = command.refused(
      "prepare",
      "--cohort=dicom_folder",
      f"--input={tmp_path}",
      "--limit_s=0.004",
      folder=tmp_path,
    )
    assert "none of 1 patients can be used" in line
    assert "processor time" in line and "--limit_s" in line
    cohort = cohorts.DicomFolder(tmp_path, limit_s=0.004)
    assert cohort.patients() == ()
    refused = cohort.audit("p1")["refused"]
    assert "rs1.dcm: takes more than 0.004 s of processor time" in refused

  def test_other_faults_are_told_as_well(self, tmp_path):
    patient(tmp_path, 1, {"Brain": brain(3)}, change=twice)
    refused = cohorts.DicomFolder(tmp_path).audit("p1")["refused"]
    assert "the number 3 twice" in refused

  @pytest.mark.parametrize("limit", [0, -1, float("nan")])
  def test_it_is_above_0(self, tmp_path, limit):
    with pytest.raises(errors.ConfigError, match="limit_s"):
      cohorts.DicomFolder(tmp_path, limit_s=limit)


def twice(dataset):
  dataset.StructureSetROISequence = [*dataset.StructureSetROISequence] * 2
