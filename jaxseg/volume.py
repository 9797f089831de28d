"""Arrays in patient space: a grid says where the voxels lie.

Only this module decides about places: whether two grids are the same, how axes
are reordered, what is cropped, padded or resampled.
Positions are float64 mm in patient LPS: x grows to the patient's left, y to
posterior, z to superior.
"""

from collections.abc import Sequence
import dataclasses
import functools
import itertools
import pathlib
from typing import Any

import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _extras
from jaxseg import errors

# Positions within this distance are the same: files hold decimals.
SAME_MM = 0.01
# Neighbouring slices are evenly spaced if within 1 % or that.
_RELATIVE = 0.01
# Positions rounded to 0.1 mm lie so far off an even line at most: half of that
# in three directions, for a slice and for the ends of the line. But it must be
# clear which slice is which.
JITTER_MM = 0.18
_JITTER_GAP, _JITTER_MOST = 0.03, 0.25
# Two grids are one if their corners are this near, in voxels, plus that.
_CORNER_VOXELS = 1e-3
# Axes that drift apart are those of one image if steps differ by less of them.
_STEPS = 2e-3
# Their lengths, which a skew leaves alone, agree as float32 does.
_LENGTHS = 1e-5
# Voxels are copied to another grid if their centres are this near, in voxels.
_COPY_VOXELS = 0.02
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
  """Parallel slices of one size, each at a position of its own.

  `Grid.from_affine` makes one of evenly spaced slices. Of a DICOM stack the
  slices ascend along `normal`; of other files they run as they are stored.

  Attributes:
    positions: float64 `[slice, 3]`, centre of each slice's voxel (row 0,
      column 0), LPS mm.
    row_step: `[3]`, from a voxel to the one in the next row, mm.
    column_step: `[3]`, from a voxel to the one in the next column, mm.
    rows: Number of rows.
    columns: Number of columns.
    thickness: Extent of a slice along the normal, mm: the spacing where there
      is but one slice.
    rounded: Whether positions may be rounded, to 0.1 mm: then slices that lie
      off an even line by no more than that are evenly spaced.
  """

  positions: np.ndarray
  row_step: np.ndarray
  column_step: np.ndarray
  rows: int
  columns: int
  thickness: float | None = None
  rounded: bool = False

  @staticmethod
  def from_affine(shape: Sequence[int], affine: npt.ArrayLike) -> "Grid":
    """A grid of evenly spaced slices.

    Args:
      shape: Lengths (slices, rows, columns).
      affine: `[4, 4]`, maps the homogeneous index (slice, row, column, 1) of
        a voxel's centre to (x, y, z, 1) in mm, LPS.

    Raises:
      GeometryError: The shape has not three lengths, or the affine is not
        finite, no map of places, or singular.
    """
    matrix = arrays.affine(affine)
    if len(shape) != 3 or any(length < 0 for length in shape):
      raise errors.GeometryError(
        f"array has shape {tuple(shape)}; a volume is [slice, row, column]"
      )
    axes = matrix[:3, :3]
    count = np.arange(shape[0])[:, np.newaxis]
    grid = Grid(
      matrix[:3, 3] + count * axes[:, 0],
      axes[:, 1].copy(),
      axes[:, 2].copy(),
      int(shape[1]),
      int(shape[2]),
      float(np.linalg.norm(axes[:, 0])),
    )
    # Kept as given: computed again it could differ in the last bits.
    grid.__dict__["affine"] = matrix
    grid.__dict__["is_even"] = True
    return grid

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

    Of an even number of distances it is the lower one in the middle, so that
    the result is a distance that occurs. Where positions were rounded, so that
    none of them is right, it is the mean.
    """
    if len(self.positions) > 1:
      return self.lattice.pitch if self.jitter else self._median_gap
    if self.thickness:
      return float(self.thickness)
    raise errors.GeometryError(
      "a single slice without SliceThickness (0018,0050) has no spacing;"
      " give the whole series"
    )

  @functools.cached_property
  def _median_gap(self) -> float:
    apart = np.abs(np.diff(self.distances))
    return float(np.percentile(apart, 50, method="lower"))

  @property
  def tolerance(self) -> float:
    """How far a slice may lie from its evenly spaced position, mm."""
    return max(_RELATIVE * self.gap, SAME_MM)

  @functools.cached_property
  def is_even(self) -> bool:
    """Whether all neighbouring slices are equally far apart.

    They are if each distance is; of rounded positions, if each lies near its
    place on an even line.
    """
    return self._is_strict or self.jitter > 0

  @functools.cached_property
  def _is_strict(self) -> bool:
    if len(self.positions) < 2:
      return True
    apart, gap = np.diff(self.distances), self._median_gap
    return bool((abs(apart - gap) <= max(_RELATIVE * gap, SAME_MM)).all())

  @functools.cached_property
  def jitter(self) -> float:
    """How far rounded positions lie off an even line, mm; 0 if they do not.

    Also 0 if they lie so far off that they are not evenly spaced.
    """
    if not self.rounded or self._is_strict:
      return 0.0
    whole = self.lattice.index[-1] == len(self.positions) - 1
    return self.lattice.off if whole and self.lattice.fits else 0.0

  @functools.cached_property
  def lattice(self) -> "Lattice":
    """The evenly spaced places, some perhaps without a slice, that fit best.

    Raises:
      GeometryError: There is but one slice.
    """
    if len(self.positions) < 2:
      raise errors.GeometryError("a single slice has no spacing; give more")
    apart, gap = np.diff(self.distances), self._median_gap
    near = apart[abs(apart - gap) <= _JITTER_MOST * gap]
    steps = np.rint(apart / (near.mean() if len(near) else gap)).clip(1)
    index = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
    pitch = float(self.distances[-1] / index[-1])
    off = float(abs(self.distances - index * pitch).max())
    return Lattice(index, pitch, off)

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
    """Distances of neighbours (across slices, rows, columns), mm.

    Of an even grid these are the lengths of the affine's columns, so across
    slices that are shifted against each other, as by a tilted gantry, the way
    from centre to centre; of an uneven one the median gap.
    """
    if self.is_even:
      lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
      return tuple(float(length) for length in lengths)  # type: ignore
    return (
      self.gap,
      float(np.linalg.norm(self.row_step)),
      float(np.linalg.norm(self.column_step)),
    )

  @property
  def voxel_ml(self) -> float:
    """Volume of a voxel, mL; of uneven slices by the median gap."""
    area = np.linalg.norm(np.cross(self.column_step, self.row_step))
    if not self.is_even:
      return self.gap * float(area) / 1000
    return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000

  def nearest(self, distances: np.ndarray) -> np.ndarray:
    """The slice each distance along the normal belongs to, -1 for none.

    A slice reaches half the way to each neighbour; the middle belongs to the
    lower one. Where slices are missing (neighbours more than 1.5 times the
    median apart), a slice reaches only half the median, as the outermost do.

    Args:
      distances: `[...]`, from the first slice along the normal, mm; slices
        ascend along the normal.

    Returns:
      int64 `[...]`.
    """
    at = np.asarray(distances, np.float64)
    middle = (self.distances[1:] + self.distances[:-1]) / 2
    # Slightly in favour of the lower slice, as decimals are rounded.
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
    down, up = np.concatenate([first, apart]), np.concatenate([apart, last])
    return np.stack([down, up]) / 2

  def lps(self, index: int, in_plane: npt.ArrayLike) -> np.ndarray:
    """Points in mm, LPS, of index coordinates (row, column) of a slice."""
    steps = np.stack([self.row_step, self.column_step])
    return self.positions[index] + np.asarray(in_plane, np.float64) @ steps

  def coincides(self, other: "Grid") -> bool:
    """Whether every voxel lies where the other grid's does."""
    if self.shape != other.shape:
      return False
    if self.is_even and other.is_even:
      return _corners_meet(self.shape, self.affine, other.affine)
    ends = [(0, 0), (self.rows - 1, 0), (0, self.columns - 1)]
    return all(
      np.abs(self.lps(k, end) - other.lps(k, end)).max() <= SAME_MM
      for k in range(self.shape[0])
      for end in ends
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
  """Evenly spaced places along the normal.

  Attributes:
    index: int64 `[slice]`, the place of each slice, from 0.
    pitch: Distance of neighbouring places, mm.
    off: How far a slice lies off its place at most, mm.
  """

  index: np.ndarray
  pitch: float
  off: float

  @property
  def fits(self) -> bool:
    """Whether the slices lie off no farther than decimals are rounded."""
    allowed = max(JITTER_MM, _JITTER_GAP * self.pitch)
    return self.off <= min(allowed, _JITTER_MOST * self.pitch)


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
  """An array `[slice, row, column]` and where it lies in the patient.

  Attributes:
    array: Values, `[slice, row, column]`; a masked array is a TypeError.
    grid: Where the voxels lie, of the array's shape; None where a file has
      no geometry.
    source: The file it was read from, for messages; None if it was computed.
  """

  array: np.ndarray
  grid: Grid | None
  source: pathlib.Path | None = None

  def __post_init__(self):
    arrays.refuse_masked(array=self.array)
    if self.array.ndim != 3 or not self.array.size:
      raise errors.GeometryError(
        f"{_from(self.source)}array has shape {self.array.shape}; a volume is"
        " [slice, row, column] with voxels"
      )
    if self.grid is not None and self.grid.shape != self.array.shape:
      raise errors.GeometryError(
        f"{_from(self.source)}array has shape {self.array.shape}, its grid"
        f" {self.grid.shape}; resample it first"
      )

  @staticmethod
  def from_affine(
    array: np.ndarray,
    affine: npt.ArrayLike | None,
    *,
    source: pathlib.Path | None = None,
  ) -> "Volume":
    """A volume of evenly spaced slices, see `Grid.from_affine`.

    An affine of None says that the file has no geometry.
    """
    if affine is None:
      return Volume(array, None, source)
    try:
      grid = Grid.from_affine(array.shape, affine)
    except errors.GeometryError as e:
      raise errors.GeometryError(f"{_from(source)}{e}") from e
    return Volume(array, grid, source)

  @property
  def shape(self) -> tuple[int, int, int]:
    """Lengths (slices, rows, columns)."""
    return self.array.shape

  @property
  def placed(self) -> Grid:
    """The grid.

    Raises:
      GeometryError: The file has no geometry.
    """
    if self.grid is None:
      raise errors.GeometryError(
        f"{_from(self.source)}holds no geometry; give a format that does, such"
        " as NIfTI"
      )
    return self.grid

  @property
  def affine(self) -> np.ndarray:
    """float64 `[4, 4]`: index (slice, row, column, 1) to LPS mm."""
    return self.placed.affine

  @property
  def spacing(self) -> tuple[float, float, float]:
    """Distance of neighbouring centres along (slice, row, column), mm."""
    return self.placed.spacing

  def with_array(self, array: np.ndarray) -> "Volume":
    """Other values of the same shape in the same place."""
    return Volume(array, self.grid)


def reorder(volume: Volume, grid: Grid, *, drift: float = 0.0) -> Volume | None:
  """Brings a volume's axes into another grid's order; no value changes.

  Args:
    volume: Values; its slices are evenly spaced.
    grid: The same voxels, with axes that may be exchanged or run the other
      way, as when one file is stored from the head and another from the feet.
    drift: How far corners may lie apart, in voxels, where one of them meets:
      axes of one file may be a little off orthogonal, and those of another,
      made from it, not.

  Returns:
    The values on `grid`; None if its voxels are others.
  """
  if volume.placed.coincides(grid):
    return Volume(volume.array, grid, volume.source)
  if not (volume.placed.is_even and grid.is_even):
    return None
  affine = volume.affine
  for axes in itertools.permutations(range(3)):
    for signs in itertools.product((1, -1), repeat=3):
      shape = tuple(volume.shape[axis] for axis in axes)
      if shape != grid.shape:
        continue
      placed = affine.copy()
      placed[:3, :3] = affine[:3, axes] * signs
      ends = np.where(np.array(signs) < 0, np.array(shape) - 1, 0)
      placed[:3, 3] = affine[:3, 3] + affine[:3, axes] @ ends
      if _corners_meet(shape, placed, grid.affine, drift):
        turned = tuple(slice(None, None, sign) for sign in signs)
        moved = volume.array.transpose(axes)[turned]
        return Volume(moved, grid, volume.source)
  return None


def axial(volume: Volume) -> Volume:
  """A volume with slices across z, rows to +y and columns to +x (LPS).

  Args:
    volume: Values; its slices may run either way.

  Returns:
    The same voxels; the very same volume if its axes are so already.

  Raises:
    GeometryError: It has no geometry, or its axes are oblique.
  """
  grid = volume.placed
  axes = np.stack(  # [array axis, LPS axis]
    [grid.normal, grid.row_step, grid.column_step]
  )
  if grid.is_even:
    axes = grid.affine[:3, :3].T
  main = np.abs(axes).argmax(axis=1)
  order = [int(np.flatnonzero(main == k)[0]) for k in (2, 1, 0) if k in main]
  signs = np.sign(axes[np.arange(3), main])
  if order == [0, 1, 2] and signs[1] > 0 and signs[2] > 0:
    return volume
  if len(order) < 3 or not grid.is_even:
    raise errors.GeometryError(
      "volume: axes are oblique, or slices uneven and not axial; resample it"
      " on an axial grid"
    )
  signs = np.where(main == 2, 1, signs)  # Slices may run either way.
  shape = np.array(grid.shape)
  affine = grid.affine.copy()
  ends = np.where(signs < 0, shape - 1, 0)
  affine[:3, 3] += affine[:3, :3] @ ends
  affine[:3, :3] = (affine[:3, :3] * signs)[:, order]
  target = Grid.from_affine([int(n) for n in shape[order]], affine)
  moved = reorder(volume, target)
  if moved is None:
    raise errors.GeometryError(
      "volume: its axes cannot be turned; resample it on an axial grid"
    )
  return dataclasses.replace(moved, array=np.ascontiguousarray(moved.array))


def copy(array: np.ndarray, source: Grid, target: Grid) -> np.ndarray | None:
  """Copies the voxels whose centres coincide with those of another grid.

  The grids may be shifted by whole voxels, cropped, and have axes that are
  exchanged or run the other way.

  Args:
    array: `[slice, row, column]` on the source grid.
    source: Where it lies.
    target: Where it shall lie.

  Returns:
    The same dtype on the target grid, 0 where the source has no voxel; None
    if centres do not coincide.
  """
  if source.is_even and target.is_even:
    copied = _copy_lattice(array, source, target)
    if copied is not None:
      return copied
  return _copy_slices(array, source, target)


def paste(
  array: np.ndarray, size: Sequence[int], at: Sequence[int], fill: Any
) -> np.ndarray:
  """Crops and pads the last axes by whole voxels.

  Args:
    array: `[..., *axes]`, as many axes as `size` has lengths.
    size: The new lengths.
    at: New index of the array's index 0 along each axis; may be negative.
    fill: Value where the array has none.

  Returns:
    The same dtype, `[..., *size]`.
  """
  kept = array.ndim - len(size)
  result = np.full((*array.shape[:kept], *size), fill, array.dtype)
  source, target = [slice(None)] * kept, [slice(None)] * kept
  for length, room, offset in zip(array.shape[kept:], size, at, strict=True):
    first, last = max(0, offset), min(room, offset + length)
    if first >= last:
      return result
    target.append(slice(first, last))
    source.append(slice(first - offset, last - offset))
  result[tuple(target)] = array[tuple(source)]
  return result


def resample(volume: Volume, grid: Grid, *, fill: float = 0.0) -> Volume:
  """Interpolates a volume on another grid.

  Args:
    volume: Values. Numbers are interpolated linearly, in float32; masks take
      the nearest voxel.
    grid: The other grid.
    fill: Value outside of the volume; of masks it is False.

  Returns:
    float32, or bool for a mask, on the other grid. Points up to half a voxel
    beyond the outermost centres take the border's value.

  Raises:
    GeometryError: The slices of a grid are not evenly spaced.
  """
  if volume.array.dtype == np.bool_:
    from scipy import ndimage  # Slow to import, as SimpleITK is.

    to_source = np.linalg.inv(volume.affine) @ grid.affine
    near = ndimage.affine_transform(
      volume.array.view(np.uint8),
      to_source[:3, :3],
      to_source[:3, 3],
      output_shape=grid.shape,
      order=0,
      mode="grid-constant",
      cval=0,
    )
    return Volume(near.astype(np.bool_), grid, volume.source)
  sitk = _extras.load("SimpleITK", extra="io")
  source = sitk.GetImageFromArray(volume.array.astype(np.float32))
  origin, spacing, direction = _sitk_geometry(volume.affine)
  source.SetOrigin(origin)
  source.SetSpacing(spacing)
  source.SetDirection(direction)
  origin, spacing, direction = _sitk_geometry(grid.affine)
  resampler = sitk.ResampleImageFilter()
  resampler.SetSize([int(length) for length in grid.shape[::-1]])
  resampler.SetOutputOrigin(origin)
  resampler.SetOutputSpacing(spacing)
  resampler.SetOutputDirection(direction)
  resampler.SetInterpolator(sitk.sitkLinear)
  resampler.SetDefaultPixelValue(float(fill))
  array = sitk.GetArrayFromImage(resampler.Execute(source))
  return Volume(array, grid, volume.source)


def _from(source: pathlib.Path | None) -> str:
  return "" if source is None else f"{source}: "


def _corners_meet(
  shape: Sequence[int],
  affine: np.ndarray,
  other: np.ndarray,
  drift: float = 0.0,
) -> bool:
  """Whether the corners' centres of two grids of one shape are near."""
  corners = _CORNERS * (np.array(shape) - 1)
  apart = corners @ (affine - other)[:3, :3].T + (affine - other)[:3, 3]
  lengths = np.linalg.norm(other[:3, :3], axis=0)
  far = np.linalg.norm(apart, axis=1)
  near = _CORNER_VOXELS * lengths.min() + SAME_MM
  steps = np.linalg.norm((affine - other)[:3, :3], axis=0)
  # Another spacing is another grid, however little it differs.
  longer = abs(np.linalg.norm(affine[:3, :3], axis=0) - lengths)
  skewed = (steps <= _STEPS * lengths) & (longer <= _LENGTHS * lengths)
  if far.min() <= near and skewed.all():
    near = max(near, drift * lengths.min())
  return bool(far.max() <= near)


def _copy_slices(
  array: np.ndarray, source: Grid, target: Grid
) -> np.ndarray | None:
  steps = (source.row_step, source.column_step)
  others = (target.row_step, target.column_step)
  if source.shape[1:] != target.shape[1:] or not np.allclose(
    steps, others, rtol=0, atol=1e-4
  ):
    return None
  result = np.zeros(target.shape, array.dtype)
  taken = set()
  for index in np.flatnonzero(array.any(axis=(1, 2))).tolist():
    apart = np.linalg.norm(target.positions - source.positions[index], axis=1)
    place = int(apart.argmin())
    # Two slices of a finer grid may lie by one of the target's.
    near = max(_COPY_VOXELS * target.gap, target.jitter + source.jitter)
    if apart[place] > near or place in taken:
      return None
    taken.add(place)
    result[place] = array[index]
  return result


def _copy_lattice(
  array: np.ndarray, source: Grid, target: Grid
) -> np.ndarray | None:
  # Target index of source index i: turn @ i + shift.
  to_target = np.linalg.inv(target.affine) @ source.affine
  if len(source.positions) == 1:
    # Where a single slice's neighbours would lie is not known: its normal is
    # not the way from slice to slice of a target that is sheared.
    step = int(np.abs(to_target[:3, 1:3]).max(axis=1).argmin())
    to_target[:3, 0] = np.sign(to_target[step, 0]) * np.eye(3)[step]
  turn, shift = np.rint(to_target[:3, :3]), to_target[:3, 3]
  once = np.abs(turn)
  if not ((once.sum(0) == 1).all() and (once.sum(1) == 1).all()):
    return None
  far = np.array(source.shape) - 1
  drift = np.abs(to_target[:3, :3] - turn) @ far
  off = np.abs(shift - np.rint(shift))
  # A slice of rounded position is where it should be, not where it is said.
  allowed = np.full(3, 2 * _COPY_VOXELS)
  allowed[0] += (source.jitter + target.jitter) / target.gap
  if (drift + off > allowed).any():
    return None
  axes = once.argmax(axis=1)  # Source axis that runs along each target axis.
  signs = turn[np.arange(3), axes].astype(np.int64)
  moved = array.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
  lengths = np.array(moved.shape)
  at = np.rint(shift).astype(np.int64) - np.where(signs < 0, lengths - 1, 0)
  return paste(moved, target.shape, at.tolist(), 0)


def _sitk_geometry(
  affine: np.ndarray,
) -> tuple[list[float], list[float], list[float]]:
  """Origin, spacing and direction in SimpleITK's order: column first."""
  axes = affine[:3, :3][:, ::-1]  # Columns of the matrix: column, row, slice.
  spacing = np.linalg.norm(axes, axis=0)
  return (
    affine[:3, 3].tolist(),
    spacing.tolist(),
    (axes / spacing).ravel().tolist(),
  )
