"""A series of images as one volume, with what its contours must refer to."""

from collections.abc import Mapping
import dataclasses
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume as volumes


@dataclasses.dataclass(frozen=True, eq=False)
class Image:
  """A CT, MR or PET series.

  Attributes:
    array: Values after rescale, `[slice, row, column]`; int16 where all fit
      (CT in HU), else float32.
    grid: Where the voxels lie.
    modality: "CT", "MR", "PT", ...
    study_uid: StudyInstanceUID.
    series_uid: SeriesInstanceUID.
    frame_of_reference_uid: FrameOfReferenceUID, "" where absent.
    sop_class_uid: SOPClassUID of the images.
    instances: SOPInstanceUID of each slice.
    frames: Frame number of each slice from 1, None for one file a slice.
    paths: File of each slice.
    header: The first slice's data set without pixels: patient and study.
    unscanned: Bool `[slice, row, column]` where the scanner measured nothing
      (padding), or None where it measured everywhere.
    notes: What was odd and how it was read.
  """

  array: np.ndarray
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
  notes: tuple[_text.Note, ...] = ()

  @property
  def shape(self) -> tuple[int, int, int]:
    """Lengths (slices, rows, columns)."""
    return self.grid.shape

  @property
  def affine(self) -> np.ndarray:
    """float64 `[4, 4]`: index (slice, row, column, 1) to LPS mm.

    Raises:
      GeometryError: The slices are not evenly spaced.
    """
    return self.grid.affine

  @property
  def spacing(self) -> tuple[float, float, float]:
    """Distances of neighbours (across slices, rows, columns), mm."""
    return self.grid.spacing

  @property
  def volume(self) -> volumes.Volume:
    """Array and affine."""
    return volumes.Volume(self.array, self.grid)

  def hounsfield(self) -> volumes.Volume:
    """The volume in Hounsfield units, int16 (clipped) whatever was stored.

    Raises:
      DataError: The image is not a CT.
    """
    if self.modality != "CT":
      raise errors.DataError(
        f"{self.paths[0].parent}: modality {_text.shown(self.modality)} has no"
        " Hounsfield units; give a CT series"
      )
    if self.array.dtype == np.int16:
      return self.volume
    limit = np.iinfo(np.int16)
    whole = np.rint(np.clip(self.array, limit.min, limit.max))
    return volumes.Volume(whole.astype(np.int16), self.grid)

  def slice_of(self) -> Mapping[tuple[str, int], int]:
    """(SOPInstanceUID, frame number or 1) -> slice index."""
    frames = self.frames or (1,) * len(self.instances)
    keys = zip(self.instances, frames, strict=True)
    return {key: index for index, key in enumerate(keys)}
