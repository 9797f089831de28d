"""What RTSTRUCT and SEG take over from their image, or refuse it for."""

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series

WRITERS = (dicom.write_rtstruct, dicom.write_seg)


def written(write, image, path):
  mask = np.zeros(image.shape, np.bool_)
  mask[1:3, 4:9, 5:12] = True
  write(path, {"a": mask}, image, overwrite=True)
  return path


class TestReferences:
  """Each scanned slice has a UID of its own, or nothing can refer to it."""

  @pytest.mark.parametrize("write", WRITERS)
  @pytest.mark.parametrize("spacing", ["even", "resample"])
  def test_a_slice_without_a_uid(self, tmp_path, write, spacing):
    def change(dataset, index):
      if index == 3:
        del dataset.SOPInstanceUID
      return spacing == "even" or index != 2

    paths = ct_series(tmp_path / "ct", change=change)
    image = dicom.read_ct(tmp_path / "ct", spacing=spacing)
    assert image.interpolated == (() if spacing == "even" else (2,))
    nameless = paths[3 if spacing == "even" else 2].name
    with pytest.raises(errors.DataError, match="SOPInstanceUID") as caught:
      written(write, image, tmp_path / "out.dcm")
    assert f"{nameless}: " in str(caught.value)
    assert not (tmp_path / "out.dcm").exists()

  @pytest.mark.parametrize("write", WRITERS)
  def test_two_slices_of_one_uid(self, tmp_path, write):
    def change(dataset, index):
      if index in (1, 4):
        dataset.SOPInstanceUID = "1.2.3.77"

    paths = ct_series(tmp_path / "ct", change=change)
    image = dicom.read_ct(tmp_path / "ct")
    with pytest.raises(errors.DataError, match="SOPInstanceUID") as caught:
      written(write, image, tmp_path / "out.dcm")
    assert paths[1].name in str(caught.value)
    assert paths[4].name in str(caught.value)

  @pytest.mark.parametrize("write", WRITERS)
  def test_interpolated_slices_need_none(self, tmp_path, write):
    ct_series(tmp_path / "ct", change=lambda _, index: index != 2)
    image = dicom.read_ct(tmp_path / "ct", spacing="resample")
    assert image.interpolated == (2,) and image.instances[2] == ""
    assert written(write, image, tmp_path / "out.dcm").exists()
