"""Scans without references are found, named and refused one by one."""

import shutil

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors


@pytest.fixture
def place(deployed, tmp_path):
  """Two patients in one folder; the first has two series."""
  source = sorted((deployed / "files" / "phantom_000" / "ct").iterdir())[:5]
  folder = tmp_path / "in"
  for patient, series in (("A/../x", 1), ("A/../x", 2), ("b", 3)):
    own = folder / str(series)
    own.mkdir(parents=True)
    for k, path in enumerate(source[: 3 + series % 2]):
      dataset = pydicom.dcmread(path)
      dataset.PatientID, dataset.PatientName = patient, patient
      dataset.StudyInstanceUID += ".9" if patient == "b" else ""
      dataset.FrameOfReferenceUID += ".9" if patient == "b" else ""
      dataset.SeriesInstanceUID += f".{series}"
      dataset.SOPInstanceUID += f".{series}"
      dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
      dataset.save_as(own / f"{k}.dcm")
  return folder


def test_several_series_are_refused_or_chosen(place):
  first, other = cohorts.find_scans(place).found
  assert (first.name, other.name) == ("a-x", "b")
  assert "has 2 CT series: " in first.refused and "--series" in first.refused
  with pytest.raises(errors.DataError, match="has 2 CT series"):
    first.read()
  assert other.read().shape[0] == 4
  every = cohorts.find_scans(place, series="all").found
  assert [one.name for one in every] == ["a-x", "a-x-2", "b"]
  assert not any(one.refused for one in every)
  largest, _ = cohorts.find_scans(place, series="largest").found
  assert largest.read().shape[0] == 4
  (one,) = cohorts.find_scans(place, series=every[1].series.series_uid).found
  assert one.series == every[1].series
  with pytest.raises(errors.DataError, match=r"no CT series '1\.2'"):
    cohorts.find_scans(place, series="1.2")


def test_a_series_of_two_patients_is_refused(place):
  """An anonymisation that went wrong leaves two halves of a scan."""
  paths = sorted((place / "3").iterdir())
  for path in paths[2:]:
    dataset = pydicom.dcmread(path)
    dataset.PatientID = "c"
    dataset.save_as(path)
  found = cohorts.find_scans(place, series="all")
  assert [one.name for one in found.found] == ["a-x", "a-x-2", "b", "c"]
  *others, first, second = found.found
  assert not any(one.refused for one in others)
  assert first.refused.startswith(
    "2 files of its series are of this patient, and 2 beside them of 'c':"
    " '0.dcm' and '2.dcm'; give all of a scan one PatientID"
  )
  assert "of 'b': '2.dcm' and '0.dcm'" in second.refused
  assert found.notes == ()
  # In folders of their own they may be copies of one under two names.
  (place / "4").mkdir()
  for path in paths[2:]:
    path.rename(place / "4" / path.name)
  found = cohorts.find_scans(place, series="all")
  assert not any(one.refused for one in found.found)
  assert "is of 'b' and of 'c', each in folders of its own" in found.notes[0]


def test_another_modality_is_refused(place):
  first, _ = cohorts.find_scans(place, modality="MR").found
  assert first.refused == "has no MR series, but CT; the model reads MR"


def test_a_broken_slice_refuses_its_patient_alone(place):
  path = place / "3" / "1.dcm"
  path.write_bytes(path.read_bytes()[:600])
  _, other = cohorts.find_scans(place).found
  with pytest.raises(errors.DataError):
    other.read()
  assert isinstance(cohorts.find_scans(place, series="all").found[0].read(),
                    dicom.Image)  # fmt: skip


def test_the_digest_is_of_the_files(place):
  _, other = cohorts.find_scans(place).found
  before = other.digest()
  assert before == cohorts.find_scans(place).found[1].digest()
  path = place / "3" / "1.dcm"
  content = bytearray(path.read_bytes())
  content[-1] ^= 1
  path.write_bytes(content)
  assert other.digest() != before


def test_the_digest_is_of_values_in_a_file_of_their_own(tmp_path):
  image = sitk.GetImageFromArray(np.zeros((4, 5, 6), np.int16))
  sitk.WriteImage(image, tmp_path / "a.mhd")
  (one,) = cohorts.find_scans(tmp_path).found
  before = one.digest()
  (tmp_path / "a.raw").write_bytes(b"\1" * (4 * 5 * 6 * 2))
  assert one.digest() != before


def test_image_files_have_names_of_their_own(tmp_path):
  image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.eye(4))
  for name in ("p 1_0000.nii.gz", "sub/p 1.nii", "p-1.nii.gz", ".hidden.nii"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    nibabel.save(image, tmp_path / name)
  found = cohorts.find_scans(tmp_path).found
  assert [one.name for one in found] == ["p-1", "p-1-2", "sub-p-1"]
  assert found[0].read().shape == (6, 5, 4)
  (one,) = cohorts.find_scans(tmp_path / "sub" / "p 1.nii").found
  assert one.name == "p-1"


def test_what_holds_no_scan_is_one_line(deployed, tmp_path):
  with pytest.raises(errors.DataError, match="no such file or folder"):
    cohorts.find_scans(tmp_path / "nowhere")
  with pytest.raises(errors.DataError, match="holds no scan"):
    cohorts.find_scans(tmp_path)
  with pytest.raises(errors.ConfigError, match="repair: 'x' is unknown"):
    cohorts.find_scans(tmp_path, repair=["x"])
  with pytest.raises(errors.ConfigError, match="repair: contours is of contou"):
    cohorts.find_scans(tmp_path, repair=["contours"])
  shutil.copy(deployed / "files" / "phantom_000" / "rtstruct.dcm", tmp_path)
  (one,) = cohorts.find_scans(tmp_path).found
  assert one.refused == "has no CT series; the model reads CT"
