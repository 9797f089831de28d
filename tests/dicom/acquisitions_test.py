"""Several acquisitions in one series: named, and one of them chosen."""

import numpy as np
import pydicom
import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import stored
from tests.dicom.ct_double import uid
from tests.dicom.ct_test import enhanced
from tests.dicom.rt_double import square
from tests.dicom.rt_double import structure_set

SHAPE = (4, 6, 7)


def phases(folder, values=(2, 10), keyword="AcquisitionNumber"):
  """Two scans of one place in one series, told apart by an attribute."""
  for number, value in enumerate(values):

    def change(dataset, index, number=number, value=value):
      setattr(dataset, keyword, value)
      dataset.SOPInstanceUID = uid("acquisition", number, index)
      dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
      dataset.PixelData = stored(SHAPE, number)[index].tobytes()

    ct_series(folder / str(number), shape=SHAPE, change=change)
  return folder


@pytest.mark.parametrize(
  ("which", "number"), [("first", 0), ("last", 1), (2, 0), ("10", 1)]
)
def test_one_is_chosen(tmp_path, which, number):
  image = dicom.read_ct(phases(tmp_path), acquisition=which)
  np.testing.assert_array_equal(
    image.array, stored(SHAPE, number).astype(np.int32) - 1024
  )
  (note,) = image.notes
  assert note.code == "acquisition"
  assert "AcquisitionNumber (0020,0012) '2' (4 images), '10' (4" in note.text


def test_without_a_choice_they_are_named(tmp_path):
  folder = phases(tmp_path)
  with pytest.raises(errors.GeometryError, match=r"'2' \(4.*--acquisition"):
    dicom.read_ct(folder)
  with pytest.raises(errors.DataError, match="no acquisition '3'"):
    dicom.read_ct(folder, acquisition=3)


@pytest.mark.parametrize(
  ("keyword", "values"),
  [
    ("TemporalPositionIdentifier", (1, 2)),
    ("KVP", (80, 140)),
    ("ContentTime", ("101010", "101530.5")),
  ],
)
def test_whatever_tells_them_apart(tmp_path, keyword, values):
  folder = phases(tmp_path, values, keyword)
  image = dicom.read_ct(folder, acquisition="last")
  np.testing.assert_array_equal(
    image.array, stored(SHAPE, 1).astype(np.int32) - 1024
  )


def test_acquisitions_one_above_the_other_are_one_stack(tmp_path):
  ct_series(
    tmp_path,
    shape=(6, 6, 7),
    change=lambda d, k: setattr(d, "AcquisitionNumber", 1 + k // 3),
  )
  image = dicom.read_ct(tmp_path, acquisition="first")
  assert image.shape[0] == 6 and image.notes == ()


def test_a_cohort_asks_for_it(tmp_path):
  phases(tmp_path)
  structure_set(
    tmp_path / "rs.dcm", {"Brain": [square(33, -9.0, -5.0, y=-19.0)]}
  )
  refused = cohorts.DicomFolder(tmp_path).audit("p0")["refused"]
  assert "--acquisition" in refused
  cohort = cohorts.DicomFolder(tmp_path, acquisition="last")
  case = cohort.load("p0")
  np.testing.assert_array_equal(
    case.image.array, stored(SHAPE, 1).astype(np.int32) - 1024
  )
  assert cohort.describe()["settings"]["acquisition"] == "last"
  assert (
    "acquisition" not in cohorts.DicomFolder(tmp_path).describe()["settings"]
  )


@pytest.mark.parametrize("which", ["refuse", "first", 2])
def test_those_within_one_file_must_be_exported_apart(tmp_path, which):
  values = enhanced(tmp_path)
  path = tmp_path / "enhanced"
  dataset = pydicom.dcmread(path)
  places = dataset.PerFrameFunctionalGroupsSequence
  places[3].PlanePositionSequence = places[1].PlanePositionSequence
  dataset.save_as(path)
  with pytest.raises(errors.GeometryError, match="acquisitions") as caught:
    dicom.read_ct(tmp_path, acquisition=which)
  assert "enhanced: frames 2 and 4 lie" in str(caught.value)
  assert "export each" in str(caught.value)
  # The same image twice is told by its frames.
  pixels = values[[2, 0, 3, 0]]
  dataset.PixelData = pixels.tobytes()
  dataset.save_as(path)
  image = dicom.read_ct(tmp_path, spacing="keep")
  (note,) = [note for note in image.notes if note.code == "duplicate-slice"]
  assert note.text == "enhanced: frame 4 equals frame 2; left out"
