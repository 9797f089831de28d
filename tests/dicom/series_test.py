"""What a folder holds besides DICOM."""

import zipfile

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors
from jaxseg.dicom import _series
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


def _merged_by_all_pairs(groups):
  kept = []
  for key in sorted(groups):
    for other in kept:
      own, its = key[-1], other[-1]
      if key[:-1] != other[:-1] or own[:2] != its[:2] or not own:
        continue
      near = np.abs(np.subtract(own[4:], its[4:])).max() <= 1
      if near and _series.same_spacing(own[2:4], its[2:4]):
        groups[other] += groups[key]
        break
    else:
      kept.append(key)
  return kept


def _keys(generator, series):
  """Keys of files, many of which differ by rounding alone."""
  for _ in range(60):
    common = ("P", f"1.{generator.integers(series)}", "1.2", False)
    if generator.random() < 0.1:
      yield (*common, "", ())
      continue
    rows = int(generator.integers(2, 4))
    mm = float(generator.choice([0.976, 0.9763, 0.9765, 1.25]))
    steps = generator.integers(0, 3, 6).tolist()
    yield (*common, f"9.{generator.integers(2)}", (rows, 4, mm, mm, *steps))


def test_series_are_merged_as_if_each_was_compared_with_each():
  generator = np.random.default_rng(0)
  for series in (1, 1, 2, 3, 30):
    groups = {key: [k] for k, key in enumerate(_keys(generator, series))}
    expected = {key: [*files] for key, files in groups.items()}
    kept = _merged_by_all_pairs(expected)
    assert _series._merged(groups) == kept
    assert len(kept) < len(groups) or series == 30
    assert groups == expected


def test_series_of_their_own_are_not_compared(monkeypatch):
  compared = []
  monkeypatch.setattr(
    _series.np, "subtract", lambda *a: compared.append(a) or np.zeros(6)
  )
  shape = (2, 4, 1.0, 1.0, *range(6))
  groups = {("P", f"1.{k}", "1.2", False, "9", shape): [k] for k in range(99)}
  assert len(_series._merged(groups)) == 99 and not compared
