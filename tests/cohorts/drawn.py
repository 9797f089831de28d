"""Small patients with contours, written as DICOM or as masks."""

import functools

import numpy as np

from jaxseg import dicom
from jaxseg import formats
from jaxseg import volume

SHAPE = (6, 16, 14)
AFFINE = np.array(
  [[0, 0, 1.5, -10], [0, 1.25, 0, -8], [3, 0, 0, 20], [0, 0, 0, 1.0]]
)
GRID = volume.Grid.from_affine(SHAPE, AFFINE)


def box(z, y, x):
  """A mask of a box, from ranges of indices."""
  mask = np.zeros(SHAPE, np.bool_)
  mask[slice(*z), slice(*y), slice(*x)] = True
  return mask


CORD = box((1, 5), (7, 10), (6, 9))
LEFT = box((2, 4), (3, 7), (9, 13))
GTV = box((2, 5), (2, 6), (2, 6)) & ~box((3, 4), (3, 5), (3, 5))
MASKS = {"SpinalCord": CORD, "Parotid_L": LEFT, "GTV-1 <b>": GTV}


def ct(folder, patient="P1", grid=GRID):
  """A CT, read."""
  values = np.full(grid.shape, 40, np.int16)
  image = volume.Volume(values, grid)
  dicom.write_ct(folder, image, patient_id=patient, seed=patient)
  return dicom.read_ct(folder)


def patient(folder, name="P1", masks=MASKS, *, seg=False, apart=None):
  """A folder of CT and contours; contours elsewhere if `apart` is given."""
  image = ct(folder / name / "ct", name)
  write = dicom.write_seg if seg else dicom.write_rtstruct
  write((apart or folder / name) / f"{name}-drawn.dcm", masks, image)
  return image


def files(folder, masks, grid=GRID):
  """A file of each mask."""
  for name, mask in masks.items():
    formats.write_mask(folder / name, volume.Volume(mask, grid))


def labels(stem, *masks, grid=GRID):
  """A label map: 1 is the first."""
  array = functools.reduce(
    lambda made, one: np.where(one[1], np.uint8(one[0]), made),
    enumerate(masks, start=1),
    np.zeros(grid.shape, np.uint8),
  )
  return formats.write_image(stem, volume.Volume(array, grid))
