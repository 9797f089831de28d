"""Where the voxels of a stack of slices lie, evenly spaced or not."""

import dataclasses
import functools

import numpy as np
from numpy import typing as npt

from jaxseg import errors

# DOMAIN: two slices are as far apart as others if within 1 % or 0.01 mm.
_RELATIVE, _ABSOLUTE_MM = 0.01, 0.01


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
  """Parallel slices of one size, each at a position of its own.

  Positions are in mm, patient LPS, float64. Slices ascend along `normal`.

  Attributes:
    positions: `[slice, 3]`, centre of voxel (row 0, column 0) of each slice.
    row_step: `[3]`, from a voxel to the one in the next row, mm.
    column_step: `[3]`, from a voxel to the one in the next column, mm.
    rows: Number of rows.
    columns: Number of columns.
    thickness: Extent of a slice along the normal, mm: the spacing where there
      is but one slice.
  """

  positions: np.ndarray
  row_step: np.ndarray
  column_step: np.ndarray
  rows: int
  columns: int
  thickness: float | None = None

  @property
  def shape(self) -> tuple[int, int, int]:
    """Lengths (slices, rows, columns)."""
    return len(self.positions), self.rows, self.columns

  @functools.cached_property
  def normal(self) -> np.ndarray:
    """Unit vector across the slices: column direction x row direction."""
    across = np.cross(self.column_step, self.row_step)
    return across / np.linalg.norm(across)

  @functools.cached_property
  def distances(self) -> np.ndarray:
    """`[slice]`, each slice's distance from the first along the normal, mm."""
    return (self.positions - self.positions[0]) @ self.normal

  @functools.cached_property
  def gap(self) -> float:
    """Median distance of neighbouring slices, mm; thickness of a single one.

    Of an even number the lower of the two in the middle, so that it is a
    distance which occurs: two slices, a gap and two more have no middle one.
    """
    if len(self.positions) > 1:
      apart = np.diff(self.distances)
      return float(np.percentile(apart, 50, method="lower"))
    if self.thickness:
      return float(self.thickness)
    raise errors.GeometryError(
      "a single slice without SliceThickness (0018,0050) has no spacing;"
      " give the whole series"
    )

  @property
  def tolerance(self) -> float:
    """By how much a position may differ from the even one, mm."""
    return max(_RELATIVE * self.gap, _ABSOLUTE_MM)

  @functools.cached_property
  def is_even(self) -> bool:
    """Whether all neighbouring slices are equally far apart."""
    apart = np.diff(self.distances)
    return bool((abs(apart - self.gap) <= self.tolerance).all())

  @functools.cached_property
  def affine(self) -> np.ndarray:
    """float64 `[4, 4]`: index (slice, row, column, 1) to LPS mm.

    Raises:
      GeometryError: The slices are not evenly spaced.
    """
    if not self.is_even:
      apart = np.diff(self.distances)
      raise errors.GeometryError(
        f"slices are {apart.min():.4g} to {apart.max():.4g} mm apart, which no"
        " affine describes; resample the image, or use its positions"
      )
    affine = np.eye(4)
    last = len(self.positions) - 1
    affine[:3, 0] = (
      (self.positions[last] - self.positions[0]) / last
      if last
      else self.gap * self.normal
    )
    affine[:3, 1], affine[:3, 2] = self.row_step, self.column_step
    affine[:3, 3] = self.positions[0]
    return affine

  @property
  def spacing(self) -> tuple[float, float, float]:
    """Distances of neighbours (across slices, rows, columns), mm."""
    return (
      self.gap,
      float(np.linalg.norm(self.row_step)),
      float(np.linalg.norm(self.column_step)),
    )

  def nearest(self, distances: np.ndarray) -> np.ndarray:
    """The slice each distance along the normal belongs to, -1 for none.

    A slice owns half of the way to each neighbour; the lower one owns the
    middle. Where slices are missing between two (more than 1.5 times the
    median apart), each owns half of the median only, as the outermost do.

    Args:
      distances: `[...]`, from the first slice along the normal, mm.

    Returns:
      int64 `[...]`.
    """
    at = np.asarray(distances, np.float64)
    middle = (self.distances[1:] + self.distances[:-1]) / 2
    # A hair's breadth in favour of the lower: decimals are finite.
    index = np.searchsorted(middle, at - 1e-6 * self.gap, side="left")
    off = at - self.distances[index]
    half = self._halves()[(off > 0).astype(np.int64), index]
    return np.where(abs(off) <= half + 1e-6 * self.gap, index, -1)

  def _halves(self) -> np.ndarray:
    """`[2, slice]`: how far a slice reaches down and up, mm."""
    apart = np.diff(self.distances)
    apart = np.where(apart > 1.5 * self.gap, self.gap, apart)
    first = apart[:1] if len(apart) else np.array([self.gap])
    last = apart[-1:] if len(apart) else np.array([self.gap])
    return np.stack(
      [np.concatenate([first, apart]), np.concatenate([apart, last])]
    ) / 2  # fmt: skip

  def in_plane(self, points: np.ndarray, index: int) -> np.ndarray:
    """Index coordinates (row, column) of points, seen along the normal.

    Args:
      points: float64 `[P, 3]`, LPS mm.
      index: The slice in whose plane they lie.

    Returns:
      float64 `[P, 2]`; whole numbers are voxel centres.
    """
    steps = np.stack([self.row_step, self.column_step], axis=1)
    return (points - self.positions[index]) @ np.linalg.pinv(steps).T

  def lps(self, index: int, in_plane: npt.ArrayLike) -> np.ndarray:
    """Points in mm, LPS, of index coordinates (row, column) of a slice."""
    steps = np.stack([self.row_step, self.column_step])
    return self.positions[index] + np.asarray(in_plane, np.float64) @ steps

  def same_as(self, other: "Grid", *, tolerance_mm: float = 0.01) -> bool:
    """Whether all voxels lie where the other grid's do."""
    if self.shape != other.shape:
      return False
    far = (self.rows - 1, self.columns - 1)
    return all(
      float(np.abs(self.lps(k, corner) - other.lps(k, corner)).max())
      <= tolerance_mm
      for k in {0, len(self.positions) - 1}
      for corner in ((0, 0), (far[0], 0), (0, far[1]), far)
    ) and bool((np.abs(self.positions - other.positions) <= tolerance_mm).all())
