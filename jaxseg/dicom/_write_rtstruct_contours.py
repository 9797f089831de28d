"""Checks the structures for an RTSTRUCT and encodes their contours."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import itertools
import re

import numpy as np

from jaxseg import _text
from jaxseg import contours
from jaxseg import errors
from jaxseg import structures as vocabulary
from jaxseg import volume
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset
from jaxseg.dicom import _decimals
from jaxseg.dicom import _image
from jaxseg.dicom import _roi_mask

HOLES = ("separate", "keyhole")
_ALGORITHMS = ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL", "")
# How far a point may lie off its slice, as a part of the slices' gap.
_OFF_GAP = 0.25
# The longest value of even length that VR DS can have in explicit encoding.
_LONGEST = 65534
_STRAIGHT_MM = 1e-5


Mask = np.ndarray | volume.Volume | _roi_mask.RoiMask


@dataclasses.dataclass(frozen=True, eq=False)
class RtStructure:
  """A structure to write, with more than its shape.

  Attributes:
    mask: Bool `[slice, row, column]` on the image's grid, or a volume, or else
    polygons: points float64 `[P, 3]` each, patient LPS, mm.
    color: sRGB, 0 to 255 each; None takes that of the vocabulary, or one of a
      fixed series.
    interpreted_type: RTROIInterpretedType, such as "ORGAN", "GTV" or
      "EXTERNAL"; None takes that of the vocabulary, or none.
    description: ROIGenerationDescription, at most 64 characters, such as model
      and threshold.
    generation_algorithm: "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL" or "".
    number: ROINumber, 0 or more; None takes the lowest from 1 on that no other
      structure has.
  """

  mask: Mask | None = None
  polygons: Sequence[np.ndarray] | None = None
  color: tuple[int, int, int] | None = None
  interpreted_type: str | None = None
  description: str = ""
  generation_algorithm: str = "AUTOMATIC"
  number: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
  """A structure ready to be encoded.

  Attributes:
    name: ROIName.
    color: ROIDisplayColor.
    interpreted_type: RTROIInterpretedType, may be "".
    description: ROIGenerationDescription, may be "".
    generation_algorithm: ROIGenerationAlgorithm, may be "".
    slices: Slice of each contour, ascending.
    contours: float64 `[P, 3]` each, LPS mm, not closed by a repeated point.
    known: The vocabulary's entry, None for another name.
    number: ROINumber.
  """

  name: str
  color: tuple[int, int, int]
  interpreted_type: str
  description: str
  generation_algorithm: str
  slices: list[int]
  contours: list[np.ndarray]
  known: vocabulary.Structure | None = None
  number: int = 1


Shape = Mask | Sequence[np.ndarray] | RtStructure


def drawn(
  structures: Mapping[str, Shape],
  image: _image.Image,
  *,
  holes: str,
  own_names: bool = False,
) -> list[Drawn]:
  """Checks structures and finds their contours.

  Args:
    structures: Name to mask, polygons or `RtStructure`.
    image: The series they are drawn on.
    holes: "separate" or "keyhole".
    own_names: Whether canonical names are written as they stand.

  Returns:
    One for each, in the same order.

  Raises:
    GeometryError: A mask or polygon does not lie on the image's grid.
    DataError: A name, text or polygon cannot be written.
  """
  names: dict[str, object] = {}
  numbers = _numbers(structures)
  result = []
  for place, (key, shape) in enumerate(structures.items()):
    name, known = _codes.named(key, own=own_names)
    if name in names:
      raise errors.DataError(
        f"structures {_text.shown(names[name])} and {_text.shown(key)} are both"
        f" written as {_text.shown(name)}; rename one"
      )
    names[name] = key
    given = shape if isinstance(shape, RtStructure) else _plain(shape, name)
    if (given.mask is None) == (given.polygons is None):
      raise errors.DataError(
        f"structure {_text.shown(name)}: give either a mask or polygons"
      )
    if given.mask is not None:
      said = f"structure {_text.shown(name)}"
      mask = _dataset.array_of(given.mask, image, said)
      pairs = list(_outlines(mask, image, name, holes))
    else:
      pairs = list(_placed(given.polygons or (), image, name))
    pairs.sort(key=lambda pair: pair[0])
    result.append(
      Drawn(
        name=name,
        color=_color(given, known, place, name),
        interpreted_type=_type(given, known, name),
        description=_codes.checked_text(
          given.description, 64, f"description of {_text.shown(name)}"
        ),
        generation_algorithm=_algorithm(given, name),
        slices=[index for index, _ in pairs],
        contours=[points for _, points in pairs],
        known=known,
        number=numbers[place],
      )
    )
  return result


def _numbers(structures: Mapping[str, Shape]) -> list[int]:
  """ROINumber of each structure."""
  given = {
    key: shape.number
    for key, shape in structures.items()
    if isinstance(shape, RtStructure) and shape.number is not None
  }
  taken: dict[int, str] = {}
  for key, number in given.items():
    # An IS has 32 bits.
    if not (type(number) is int and 0 <= number < 2**31):
      raise errors.DataError(
        f"structure {_text.shown(key)}: number is {number!r}; give a whole"
        " number from 0 on"
      )
    if number in taken:
      raise errors.DataError(
        f"structures {_text.shown(taken[number])} and {_text.shown(key)} both"
        f" have the number {number}; give each its own"
      )
    taken[number] = key
  free = (n for n in itertools.count(1) if n not in taken)
  return [given[key] if key in given else next(free) for key in structures]


def _plain(shape: Mask | Sequence[np.ndarray], name: str) -> RtStructure:
  """Takes an array as a mask, a sequence of arrays as polygons."""
  if isinstance(shape, volume.Volume | _roi_mask.RoiMask):
    return RtStructure(mask=shape)
  if hasattr(shape, "dtype"):
    return RtStructure(mask=np.asarray(shape))
  if not isinstance(shape, Sequence) or isinstance(shape, str):
    raise errors.DataError(
      f"structure {_text.shown(name)}: is of type {type(shape).__name__}; give"
      " a bool mask, a Volume, a list of polygons or an RtStructure"
    )
  return RtStructure(polygons=shape)


def _color(
  given: RtStructure,
  known: vocabulary.Structure | None,
  number: int,
  name: str,
) -> tuple[int, int, int]:
  if given.color is None:
    return _codes.color(known, number)
  return _codes.checked_color(given.color, name)


def _type(
  given: RtStructure, known: vocabulary.Structure | None, name: str
) -> str:
  if given.interpreted_type is None:
    if known is None:
      return ""
    # Targets are named for what they are: gtv, ptv_70.
    is_target = known.kind == "target"
    return known.name.split("_")[0].upper() if is_target else "ORGAN"
  if not re.fullmatch(r"[A-Z0-9_ ]{0,16}", given.interpreted_type):
    raise errors.DataError(
      f"structure {_text.shown(name)}: interpreted_type is"
      f" {_text.shown(given.interpreted_type)}; give one of DICOM's terms in"
      " capitals, such as ORGAN"
    )
  return given.interpreted_type


def _algorithm(given: RtStructure, name: str) -> str:
  if given.generation_algorithm not in _ALGORITHMS:
    raise errors.DataError(
      f"structure {_text.shown(name)}: generation_algorithm is"
      f" {_text.shown(given.generation_algorithm)}; give AUTOMATIC,"
      " SEMIAUTOMATIC, MANUAL or an empty string"
    )
  return given.generation_algorithm


def _outlines(
  mask: np.ndarray, image: _image.Image, name: str, holes: str
) -> Iterator[tuple[int, np.ndarray]]:
  """(slice, points LPS mm) of the contours around a mask."""
  array = np.asarray(mask)
  if array.shape != image.shape:
    raise errors.GeometryError(
      f"structure {_text.shown(name)}: the mask has shape {array.shape}, the"
      f" image {image.shape}; resample the mask to the image first"
    )
  if array.dtype != np.bool_:
    raise errors.DataError(
      f"structure {_text.shown(name)}: the mask is of dtype {array.dtype}; cut"
      " it at a threshold first and give bool"
    )
  if holes == "separate":
    for index, ring, _ in contours.trace_slices(array):
      yield index, image.grid.lps(index, ring)
    return
  by_slice: dict[int, list[np.ndarray]] = {}
  for index, ring, _ in contours.trace_slices(array):
    by_slice.setdefault(index, []).append(ring)
  for index, rings in by_slice.items():
    for outer, inner in contours.nest(rings):
      ring = contours.keyhole(outer, inner)
      yield index, image.grid.lps(index, ring)


def _placed(
  polygons: Sequence[np.ndarray], image: _image.Image, name: str
) -> Iterator[tuple[int, np.ndarray]]:
  """(slice, points LPS mm) of polygons that lie in the image's slices."""
  rings = [_points(one, k, name) for k, one in enumerate(polygons)]
  grid = image.grid
  middle, low, high = contours.levels(rings, grid.positions[0], grid.normal)
  slices = grid.nearest(middle)
  place = grid.distances[slices.clip(0)]
  off = np.maximum(abs(low - place), abs(high - place))
  allowed = min(contours.PLANAR_MM, _OFF_GAP * grid.gap)
  for index in np.flatnonzero((slices < 0) | (off > allowed))[:1]:
    raise errors.GeometryError(
      f"structure {_text.shown(name)}, polygon {index}: its points lie up to"
      f" {off[index]:.3g} mm off the nearest slice's plane; give polygons drawn"
      f" in the image's slices, at most {allowed:.3g} mm off"
    )
  yield from zip(slices.tolist(), rings, strict=True)


def _points(polygon: np.ndarray, index: int, name: str) -> np.ndarray:
  """Checked points of one polygon, without the first one repeated last."""
  where = f"structure {_text.shown(name)}, polygon {index}"
  try:
    points = np.asarray(polygon, np.float64)
  except (TypeError, ValueError) as e:
    raise errors.DataError(f"{where}: not numbers; give points [P, 3]") from e
  if points.ndim != 2 or points.shape[1] != 3:
    raise errors.DataError(
      f"{where}: has shape {points.shape}; give points [P, 3]"
    )
  if not np.isfinite(points).all():
    raise errors.DataError(
      f"{where}: a coordinate is not finite; leave the polygon out"
    )
  if len(points) > 1 and (points[0] == points[-1]).all():
    points = points[:-1]
  if not contours.has_area(points):
    raise errors.DataError(
      f"{where}: has fewer than 3 distinct points and no area; leave it out"
    )
  return points


@dataclasses.dataclass(frozen=True)
class Encoded:
  """A contour as it will be written.

  Attributes:
    index: Its slice.
    count: NumberOfContourPoints.
    text: ContourData.
  """

  index: int
  count: int
  text: str

  @property
  def is_long(self) -> bool:
    """Whether explicit VR cannot hold it as decimal strings."""
    return len(self.text) > _LONGEST


def encoded(roi: Drawn) -> list[Encoded]:
  """The contours of a structure, long ones without points on straight lines."""
  result = []
  for index, points in zip(roi.slices, roi.contours, strict=True):
    one = Encoded(index, len(points), _decimals.joined(points))
    if one.is_long:
      fewer = without_straight(points)
      one = Encoded(index, len(fewer), _decimals.joined(fewer))
    result.append(one)
  return result


def without_straight(points: np.ndarray) -> np.ndarray:
  """A closed polygon without its points on straight lines.

  Args:
    points: float64 `[P, 3]`, mm.

  Returns:
    `[Q, 3]`, Q <= P; no point that is left out lies more than 1e-5 mm off the
    line between those kept.
  """
  fresh = (points != np.roll(points, 1, axis=0)).any(axis=1)
  points = points[fresh] if fresh.any() else points
  before = points - np.roll(points, 1, axis=0)
  after = np.roll(points, -1, axis=0) - points
  goes_on = (before * after).sum(axis=1) > 0
  bend = np.linalg.norm(np.cross(before, after), axis=1)
  chord = np.linalg.norm(before + after, axis=1)
  corners = np.flatnonzero(~(goes_on & (bend <= _STRAIGHT_MM * chord)))
  if len(corners) < 3:
    return points
  # Many small bends may add up: then the line between two corners is not
  # straight, and all of its points are kept.
  line = np.searchsorted(corners, np.arange(len(points)), side="right") - 1
  start = points[corners]
  along = np.roll(start, -1, axis=0) - start
  length = np.linalg.norm(along, axis=1)
  off = np.linalg.norm(np.cross(points - start[line], along[line]), axis=1)
  bent = np.zeros(len(corners), np.bool_)
  np.logical_or.at(bent, line, off > _STRAIGHT_MM * length[line])
  kept = bent[line]
  kept[corners] = True
  return points[kept]
