"""`evaluate` and `convert`, killed at random moments, end as undisturbed."""

import random
import signal
import subprocess

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg import volume
from tests.cli import command
from tests.cohorts import drawn

NAMES = ("P1", "P2", "P3", "P4", "P5", "P6")
# As many voxels as take a moment to be scored.
GRID = volume.Grid.from_affine((24, 96, 84), drawn.AFFINE)


def grown(mask, by=0):
  """A mask of drawn.SHAPE with as many voxels for each as the grid has."""
  own = np.kron(mask, np.ones((4, 6, 6), np.bool_))
  return np.roll(own, by, axis=2)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
  folder = tmp_path_factory.mktemp("contours")
  for name in NAMES:
    image = drawn.ct(folder / "in" / name / "ct", name, GRID)
    masks = {n: grown(m) for n, m in drawn.MASKS.items()}
    dicom.write_rtstruct(folder / "in" / name / "rt.dcm", masks, image)
    others = {n: grown(m, 2) for n, m in drawn.MASKS.items()}
    drawn.files(folder / "masks" / name, others, GRID)
  return folder


def killed_and_whole(name, flags, folder):
  """Files of a command that was killed again and again, and of one that not."""
  flags = (*flags, "--workers=2")
  process = command.start(name, *flags, "--output=out", folder=folder)
  _, err = process.communicate(timeout=300)
  assert process.returncode == 0, err
  (folder / "out").rename(folder / "whole")
  draw = random.Random(0)
  for _ in range(12):
    process = command.start(name, *flags, "--output=out", folder=folder)
    try:
      _, err = process.communicate(timeout=draw.uniform(1, 8))
    except subprocess.TimeoutExpired:
      number = draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
      process.send_signal(number)
      _, err = process.communicate(timeout=60)
    # Python that is interrupted before it has begun any program ends with 1.
    early = process.returncode == 1 and "init_import_site" in err
    assert early or process.returncode in (0, 3, -9, -15, -2), err
  process = command.start(name, *flags, "--output=out", folder=folder)
  _, err = process.communicate(timeout=300)
  assert process.returncode == 0, err
  return files(folder / "out"), files(folder / "whole")


def files(folder):
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in folder.rglob("*")
    if path.is_file()
  }


@pytest.mark.slow
def test_an_evaluation_ends_with_the_same_bytes(place):
  flags = ("--prediction=masks", "--reference=in")
  killed, whole = killed_and_whole("evaluate", flags, place)
  assert killed == whole and len(whole) > 10


@pytest.mark.slow
def test_a_conversion_ends_with_the_same_bytes(place, tmp_path):
  (tmp_path / "in").symlink_to(place / "in")
  killed, whole = killed_and_whole("convert", ("--input=in",), tmp_path)
  assert killed == whole and len(whole) > 4 * len(NAMES)
  # The way back has UIDs of its own; its masks are the same.
  (tmp_path / "whole").rename(tmp_path / "nifti")
  (tmp_path / "out").rename(tmp_path / "before")
  flags = ("--input=nifti", "--image=in")
  killed, whole = killed_and_whole("convert", flags, tmp_path)
  assert killed.keys() == whole.keys()
  for name in NAMES:
    image = dicom.read_ct(place / "in" / name / "ct")
    for folder in ("out", "whole"):
      path = tmp_path / folder / name.lower() / "rtstruct.dcm"
      for roi, mask in drawn.MASKS.items():
        found = dicom.read_rtstruct(path).mask(roi, image).array
        np.testing.assert_array_equal(found, grown(mask))
