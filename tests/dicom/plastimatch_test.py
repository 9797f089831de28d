"""plastimatch, which shares no code with us, finds the same voxels."""

import shutil
import subprocess

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import dicom

PROGRAM = shutil.which("plastimatch")
pytestmark = pytest.mark.skipif(
  PROGRAM is None, reason="plastimatch (Debian package) is not installed"
)


def by_plastimatch(rtstruct, images, folder):
  """ROI name -> mask on plastimatch's grid, which is the series'."""
  subprocess.run(
    [
      str(PROGRAM), "convert", "--input", str(rtstruct), "--referenced-ct",
      str(images), "--output-prefix", str(folder), "--prefix-format", "nrrd",
    ],
    check=True,
    capture_output=True,
    timeout=120,
  )  # fmt: skip
  return {path.stem: sitk.ReadImage(path) for path in folder.glob("*.nrrd")}


CASES = (
  "STS_001_CT", "STS_006_MR_T1", "STS_013_CT", "STS_013_PET", "STS_036_CT",
  "STS_045_CT",
)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_real_contours(dicom_data, tmp_path, name):
  folder = dicom_data / "sts" / name
  image = dicom.read_ct(folder / "image")
  rtss = dicom.read_rtstruct(folder / "rtstruct.dcm")
  found = by_plastimatch(folder / "rtstruct.dcm", folder / "image", tmp_path)
  (other,) = found.values()
  np.testing.assert_allclose(other.GetOrigin(), image.affine[:3, 3], atol=1e-3)
  np.testing.assert_array_equal(
    sitk.GetArrayFromImage(other) > 0, rtss.mask(rtss.names[0], image).array
  )
