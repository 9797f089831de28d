"""A map or mask as read from a file: its values and where they lie."""

import dataclasses
import pathlib

import numpy as np

from jaxseg import errors


@dataclasses.dataclass(frozen=True, eq=False)
class Map:
  """A probability map or a mask.

  Attributes:
    array: `[slice, row, column]`. Probabilities: float16, float32 or float64
      as stored, or uint8 meaning u / 255. Mask: bool.
    affine: float64 `[4, 4]`, index (slice, row, column, 1) to LPS mm as in
      `jaxseg.volume`; None where the file holds no geometry.
    path: The file.
  """

  array: np.ndarray
  affine: np.ndarray | None
  path: pathlib.Path

  def __post_init__(self):
    if self.array.ndim != 3 or not self.array.size:
      raise errors.DataError(
        f"{self.path}: shape {self.array.shape} is no volume [slice, row,"
        " column] with voxels; save it as one"
      )
    if self.affine is None:
      return
    affine = np.asarray(self.affine, np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
      raise errors.GeometryError(
        f"{self.path}: spacing, origin or direction is not finite; write the"
        " file again with its geometry"
      )
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not lengths.all() or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
      raise errors.GeometryError(
        f"{self.path}: axes {affine[:3, :3].tolist()} are singular; write the"
        " file again with its geometry"
      )
    object.__setattr__(self, "affine", affine)
