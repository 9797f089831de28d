"""A series of images as one volume, and what contours on it must refer to."""

import dataclasses
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume as volumes


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Image(volumes.Volume):
  """A CT, MR or PET series: a volume, and the objects it was read from.

  Attributes:
    array: Values after rescale, `[slice, row, column]`; int16 where all fit
      (CT in HU), else float32.
    grid: Where the voxels lie.
    source: Folder of the first file.
    modality: "CT", "MR", "PT", ...
    study_uid: StudyInstanceUID.
    series_uid: SeriesInstanceUID.
    frame_of_reference_uid: FrameOfReferenceUID, "" where absent.
    sop_class_uid: SOPClassUID of the images.
    instances: SOPInstanceUID of each slice, "" where there is none.
    frames: Frame number of each slice from 1, None for one file a slice.
    paths: File of each slice.
    header: The first slice's data set without pixels: patient and study.
    unscanned: Bool `[slice, row, column]` where the scanner measured nothing
      (padding), or None where it measured everywhere.
    interpolated: Slices that no file holds, ascending: made by a resample.
    notes: What was unusual and how it was read.
  """

  grid: volumes.Grid
  modality: str
  study_uid: str
  series_uid: str
  frame_of_reference_uid: str
  sop_class_uid: str
  instances: tuple[str, ...]
  frames: tuple[int, ...] | None
  paths: tuple[pathlib.Path, ...]
  header: Dataset
  unscanned: np.ndarray | None = None
  interpolated: tuple[int, ...] = ()
  notes: tuple[_text.Note, ...] = ()

  def hounsfield(self) -> volumes.Volume:
    """The volume in Hounsfield units: int16, clipped, whatever was stored.

    Raises:
      DataError: The image is not a CT.
    """
    if self.modality != "CT":
      raise errors.DataError(
        f"{self.paths[0].parent}: modality {_text.shown(self.modality)} has no"
        " Hounsfield units; give a CT series"
      )
    values = self.array
    if values.dtype != np.int16:
      limit = np.iinfo(np.int16)
      values = np.rint(np.clip(values, limit.min, limit.max)).astype(np.int16)
    return volumes.Volume(values, self.grid, self.source)


def _pitch(grid: volumes.Grid) -> tuple[float, float]:
  """The new spacing, mm, and how near to a new slice an old one is that one.

  Slices at whole multiples of the median lie there; if positions are rounded
  or jitter, the mean keeps their number; else it is the median.
  """
  last = len(grid.positions) - 1
  mean = float(grid.distances[last] / last)
  off = abs(grid.distances - mean * np.arange(last + 1)).max()
  widest = np.diff(grid.distances).max()
  # Rounded to whole mm, slices 1.25 mm apart look as if some were missing.
  stated = grid.thickness or 0.0
  is_stated = abs(mean - stated) <= 0.01 * stated
  if is_stated and off < mean / 2 and widest <= 1.7 * mean:
    return mean, volumes.SAME_MM
  steps = np.diff(grid.distances) / grid.gap
  if (abs(steps - np.rint(steps)) * grid.gap <= grid.tolerance).all():
    return grid.gap, volumes.SAME_MM
  lattice = grid.lattice
  if lattice.fits:
    return lattice.pitch, max(volumes.SAME_MM, 1.001 * lattice.off)
  if off < mean / 2 and widest <= 1.5 * mean:
    return mean, volumes.SAME_MM
  return grid.gap, volumes.SAME_MM


def resampled(image: Image) -> Image:
  """Interpolates linearly along the slices, at their median spacing.

  Args:
    image: With uneven slices.

  Returns:
    Evenly spaced slices from the first one on, as many as there are unless
    some are missing or the spacing changes. Where a slice falls on an
    original one it is that one; the others have no instance ("") to refer to.
    Those in a gap of more than 1.5 times the median are marked as unscanned.
  """
  old = image.grid
  pitch, exactly = _pitch(old)
  count = int(np.floor(old.distances[-1] / pitch + 1e-6)) + 1
  new_at = np.arange(count) * pitch
  line = old.positions[-1] - old.positions[0]
  grid = volumes.Grid(
    positions=old.positions[0] + (new_at / old.distances[-1])[:, None] * line,
    row_step=old.row_step,
    column_step=old.column_step,
    rows=old.rows,
    columns=old.columns,
    thickness=old.thickness,
  )
  below = np.searchsorted(old.distances, new_at, side="right") - 1
  below = below.clip(0, len(old.distances) - 2)
  apart = old.distances[below + 1] - old.distances[below]
  share = ((new_at - old.distances[below]) / apart).clip(0, 1)
  nearest = np.where(share < 0.5, below, below + 1)
  exact = abs(new_at - old.distances[nearest]) <= exactly
  array = np.empty(grid.shape, image.array.dtype)
  unscanned = np.zeros(grid.shape, np.bool_)
  for k, i in enumerate(below):
    if image.unscanned is not None:
      unscanned[k] = image.unscanned[i] | image.unscanned[i + 1]
    if exact[k]:
      array[k] = image.array[nearest[k]]
      continue
    mixed = (1 - share[k]) * image.array[i] + share[k] * image.array[i + 1]
    array[k] = np.rint(mixed) if array.dtype.kind == "i" else mixed
    # Across a gap nothing was measured, only interpolated.
    if apart[k] > 1.5 * pitch:
      unscanned[k] = True
  note = _text.Note(
    "resampled",
    f"{old.shape[0]} uneven slices interpolated to {count}, {pitch:.4g} mm"
    " apart",
  )
  frames = image.frames
  return dataclasses.replace(
    image,
    array=array,
    grid=grid,
    instances=tuple(
      image.instances[n] if same else ""
      for n, same in zip(nearest, exact, strict=True)
    ),
    frames=None if frames is None else tuple(frames[n] for n in nearest),
    paths=tuple(image.paths[n] for n in nearest),
    unscanned=unscanned if unscanned.any() else None,
    interpolated=tuple(np.flatnonzero(~exact).tolist()),
    notes=(*image.notes, note),
  )


def image_on(grid: volumes.Grid) -> Image:
  """An image without values, for contours whose image is not there.

  Args:
    grid: Where its voxels lie, such as those of a mask in NIfTI; axial.

  Returns:
    The same voxels as DICOM has them: rows to posterior, columns to the left,
    slices to the head. It belongs to no series, so only positions decide what
    contours on it are.

  Raises:
    GeometryError: The grid is oblique.
  """
  bare = np.broadcast_to(np.zeros((), np.bool_), grid.shape)
  turned = volumes.axial(volumes.Volume(bare, grid)).placed
  affine, shape = turned.affine.copy(), turned.shape
  if (turned.normal @ affine[:3, 0]) < 0:
    affine[:3, 3] += (shape[0] - 1) * affine[:3, 0]
    affine[:3, 0] *= -1
  return Image(
    array=np.broadcast_to(np.zeros((), np.int16), shape),
    grid=volumes.Grid.from_affine(shape, affine),
    source=None,
    modality="",
    study_uid="",
    series_uid="",
    frame_of_reference_uid="",
    sop_class_uid="",
    instances=tuple(f"none.{k}" for k in range(shape[0])),
    frames=None,
    paths=(pathlib.Path(),) * shape[0],
    header=Dataset(),
    notes=(
      _text.Note(
        "no-image", "the image is not there; only positions were used"
      ),
    ),
  )
