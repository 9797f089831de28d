"""What a folder holds besides DICOM."""

import zipfile

import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors
from tests.cli import command
from tests.dicom.ct_double import ct_series


class TestArchives:
  @pytest.fixture
  def folder(self, tmp_path):
    ct_series(tmp_path / "ct")
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "patient 1.zip", "w") as archive:
      for path in sorted((tmp_path / "ct").iterdir()):
        archive.write(path, path.name)
    return packed

  def test_they_are_named(self, folder):
    for read in (dicom.read_ct, dicom.read_rtstruct, dicom.read_seg):
      with pytest.raises(errors.DataError, match=r"unpack.*patient 1\.zip"):
        read(folder)
    for read in (dicom.read_rtstruct, dicom.read_seg):
      with pytest.raises(errors.DataError, match=r"archive \(\.zip\); unpack"):
        read(folder / "patient 1.zip")
    with pytest.raises(errors.DataError, match=r"unpack patient 1\.zip"):
      dicom.read_ct(folder / "patient 1.zip")
    with pytest.raises(errors.DataError, match=r"unpack patient 1\.zip"):
      cohorts.DicomFolder(folder)
    assert dicom.find_series(folder).to_unpack == "; unpack patient 1.zip"

  def test_the_console_names_them(self, folder, tmp_path):
    line = command.refused("inspect", "packed", folder=tmp_path)
    assert "unpack patient 1.zip" in line

  def test_other_files_are_not(self, tmp_path):
    for name in ("image.nii.gz", "notes.txt", "maps.npz"):
      (tmp_path / name).write_bytes(b"PK\x03\x04")
    assert dicom.find_series(tmp_path).to_unpack == ""


@pytest.mark.parametrize("content", [b"", b"[]", None], ids=str)
def test_what_is_called_as_a_slice_is_one(tmp_path, content):
  paths = ct_series(tmp_path)
  (tmp_path / "notes.dcm").write_bytes(b"no DICOM")
  assert not dicom.find_series(tmp_path).broken
  last = paths[-1]
  last.unlink()
  if content is None:
    last.symlink_to("nowhere")
  else:
    last.write_bytes(content)
  found = dicom.find_series(tmp_path)
  ((path, reason),) = found.broken
  assert path == last and last.name in str(reason)
  assert [path.name for path in found.claiming] == ["notes.dcm"]
  with pytest.raises(errors.JaxsegError, match=last.name):
    dicom.read_ct(tmp_path)
