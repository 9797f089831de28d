"""The frames of a SEG: their pixels, and where each of them lies."""

import dataclasses
import pathlib
import zlib

import numpy as np
from pydicom import encaps
from pydicom import uid as uids
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _header
from jaxseg.dicom import _limits
from jaxseg.dicom import _pixels

_DEFLATED_FRAMES = uids.UID("1.2.840.10008.1.2.8.1")  # Newer than pydicom's.
_SAME_MM = 0.01
_SAME_DIRECTION = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
  """All frames, as compactly as they were stored.

  Attributes:
    form: Layout of the pixels.
    values: Integers `[frame, row, column]`; of a binary segmentation the
      packed bits of all frames in one stream, uint8.
  """

  form: _pixels.Format
  values: np.ndarray

  def __getitem__(self, index: int) -> np.ndarray:
    """One frame, `[row, column]`."""
    if self.form.bits != 1:
      return self.values[index]
    size = self.form.rows * self.form.columns
    first, last = index * size, (index + 1) * size
    # A frame need not start on a byte.
    some = self.values[first // 8 : -(-last // 8)]
    bits = np.unpackbits(some, bitorder="little")[first % 8 :][:size]
    return bits.reshape(self.form.rows, self.form.columns)


def read_frames(
  dataset: Dataset, path: pathlib.Path, limits: _limits.Limits, kind: str
) -> Frames:
  """Pixels of a segmentation of a kind (SegmentationType)."""
  form = _pixels.layout(
    dataset,
    path,
    limits,
    allowed_bits=(1,) if kind == "BINARY" else (8, 16),
    palette=kind == "LABELMAP",
  )
  if form.syntax == _DEFLATED_FRAMES:
    return Frames(form, _inflated(dataset, form, path))
  if form.bits != 1:
    return Frames(form, _pixels.decode(dataset, form, path))
  data = _header.value(dataset, "PixelData", path)
  size = form.frames * form.rows * form.columns
  _pixels.check_syntax(form.syntax, path)
  if form.syntax.is_encapsulated:
    bits = _pixels.decode(dataset, form, path) > 0
    unpacked = dataclasses.replace(form, bits=8, stored=8)
    return Frames(unpacked, bits.view(np.uint8))
  if not isinstance(data, bytes) or len(data) * 8 < size:
    raise errors.TruncatedError(
      f"{path}: PixelData (7FE0,0010) has {len(data or b'')} bytes,"
      f" {-(-size // 8)} are needed; the file is cut off, copy it again"
    )
  if _pixels.in_big_words(dataset, form):
    data = _pixels.swapped(data)
  return Frames(form, np.frombuffer(data, np.uint8))


def _inflated(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> np.ndarray:
  """Frames that were deflated one by one."""
  bits = form.rows * form.columns * form.bits
  parts = []
  try:
    data = _header.value(dataset, "PixelData", path) or b""
    for frame in encaps.generate_frames(data, number_of_frames=form.frames):
      inflate = zlib.decompressobj(-zlib.MAX_WBITS)
      parts.append(inflate.decompress(frame, -(-bits // 8)))
  except Exception as e:  # Whatever zlib and pydicom make of broken data.
    raise errors.DataError(
      f"{path}: deflated frames cannot be read ({type(e).__name__}); export"
      " the segmentation uncompressed"
    ) from e
  if len(parts) != form.frames or any(len(p) * 8 < bits for p in parts):
    raise errors.TruncatedError(
      f"{path}: deflated frames are missing or short; copy the file again"
    )
  if form.bits == 1:
    each = [
      np.unpackbits(np.frombuffer(p, np.uint8), count=bits, bitorder="little")
      for p in parts
    ]
    return np.packbits(np.concatenate(each), bitorder="little")
  dtype = np.dtype(f"<u{form.bits // 8}")
  return np.frombuffer(b"".join(parts), dtype).reshape(
    form.frames, form.rows, form.columns
  )


@dataclasses.dataclass(frozen=True, eq=False)
class Places:
  """Where the frames lie.

  Attributes:
    grid: Grid of all slices, those without a frame included.
    slices: int64 `[frame]`, slice of each.
    segments: int64 `[frame]`, segment number of each; 0 in a label map.
    notes: What was odd.
  """

  grid: volume.Grid
  slices: np.ndarray
  segments: np.ndarray
  notes: tuple[_text.Note, ...]


def read_places(
  dataset: Dataset,
  path: pathlib.Path,
  form: _pixels.Format,
  limits: _limits.Limits,
  *,
  label_map: bool,
) -> Places:
  """Finds the place of each frame; their order in the file says nothing.

  Raises:
    DataError: It is a segmentation of a slide or flat image, or an attribute
      is missing.
    GeometryError: Frames are not parallel, or shifted against each other.
  """
  shared = _header.items(dataset, "SharedFunctionalGroupsSequence", path)[:1]
  each = _header.items(dataset, "PerFrameFunctionalGroupsSequence", path)
  _check_volume(dataset, path, [*shared, *each[:1]])
  if len(each) != form.frames:
    raise errors.DataError(
      f"{path}: {_header.named('PerFrameFunctionalGroupsSequence')} has"
      f" {len(each)} items for {form.frames} frames; re-export it"
    )
  sources = [[one, *shared] for one in each]

  def need(frame: int, group: str, keyword: str, count: int) -> np.ndarray:
    found = _find(sources[frame], group, keyword, count, path)
    if found is None:
      raise errors.DataError(
        f"{path}: frame {frame + 1} has no {_header.named(keyword)}, so it has"
        " no place; re-export the segmentation"
      )
    return found

  count = range(form.frames)
  positions = np.stack(
    [need(k, "PlanePositionSequence", "ImagePositionPatient", 3) for k in count]
  )
  directions = np.stack(
    [
      need(k, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
      for k in count
    ]
  )
  spacings = np.stack(
    [need(k, "PixelMeasuresSequence", "PixelSpacing", 2) for k in count]
  )
  if (
    np.ptp(directions, axis=0).max() > _SAME_DIRECTION
    or np.ptp(spacings, axis=0).max() > 1e-6
  ):
    raise errors.GeometryError(
      f"{path}: frames differ in orientation or pixel spacing, so they are no"
      " volume; export one segmentation for each"
    )
  _check_direction(directions[0], spacings[0], path)
  segments = np.zeros(form.frames, np.int64)
  if not label_map:
    group = "SegmentIdentificationSequence"
    segments = np.array(
      [need(k, group, "ReferencedSegmentNumber", 1)[0] for k in count], np.int64
    )
  measures = [
    _find(sources[0], "PixelMeasuresSequence", name, 1, path)
    for name in ("SpacingBetweenSlices", "SliceThickness")
  ]
  between, thick = (None if m is None else float(m[0]) for m in measures)
  grid, slices, notes = _stack(
    positions, directions[0], spacings[0], form, between, thick, path, limits
  )
  return Places(grid, slices, segments, tuple(notes))


def _find(
  places: list[Dataset],
  group: str,
  keyword: str,
  count: int,
  path: pathlib.Path,
) -> np.ndarray | None:
  """Numbers of a functional group; per frame goes before shared."""
  for place in places:
    for item in _header.items(place, group, path)[:1]:
      found = _header.numbers(item, keyword, path, count)
      if found is not None:
        return found
  return None


def _check_volume(
  dataset: Dataset, path: pathlib.Path, groups: list[Dataset]
) -> None:
  """Refuses what is no anatomical volume, by its name."""
  tiled = _header.text(dataset, "DimensionOrganizationType", path)
  slide = any("PlanePositionSlideSequence" in group for group in groups)
  if slide or tiled.startswith("TILED") or "TotalPixelMatrixRows" in dataset:
    raise errors.DataError(
      f"{path}: is a segmentation of a slide image in tiles, not of a volume;"
      " give one of CT, MR or PET images"
    )
  if not any("PlanePositionSequence" in group for group in groups):
    raise errors.DataError(
      f"{path}: is a segmentation of flat images without a place in the"
      " patient, not of a volume; give one of CT, MR or PET images"
    )


def _check_direction(
  direction: np.ndarray, spacing: np.ndarray, path: pathlib.Path
) -> None:
  first, second = direction[:3], direction[3:]
  lengths = np.linalg.norm(first), np.linalg.norm(second)
  if (
    max(abs(n - 1) for n in lengths) > 1e-3
    or abs(first @ second) > 1e-3
    or spacing.min() <= 0
  ):
    raise errors.GeometryError(
      f"{path}: ImageOrientationPatient (0020,0037) {direction.tolist()} or"
      f" PixelSpacing (0028,0030) {spacing.tolist()} cannot be; re-export the"
      " segmentation"
    )


def _stack(
  positions: np.ndarray,
  direction: np.ndarray,
  spacing: np.ndarray,
  form: _pixels.Format,
  between: float | None,
  thick: float | None,
  path: pathlib.Path,
  limits: _limits.Limits,
) -> tuple[volume.Grid, np.ndarray, list[_text.Note]]:
  """Grid and the slice of each frame."""
  notes: list[_text.Note] = []
  normal = np.cross(direction[:3], direction[3:])
  along = positions @ normal
  order = np.argsort(along, kind="stable")
  new = np.diff(along[order], prepend=-np.inf) > _SAME_MM
  rank = np.empty(len(along), np.int64)
  rank[order] = np.cumsum(new) - 1
  places = positions[order][new]
  levels = along[order][new]
  _check_line(places, levels, normal, path, notes)
  steps = np.diff(levels)
  gap = between or thick
  if len(steps):
    gap = _gap(steps, between)
    if between is not None and gap != between:
      notes.append(
        _text.Note(
          "spacing-attribute",
          f"SpacingBetweenSlices says {between:g} mm, positions"
          f" {gap or float(steps.min()):.4g} mm; positions decide",
        )
      )
  slices = rank
  if len(steps) and gap:
    index = np.rint((levels - levels[0]) / gap).astype(np.int64)
    if index[-1] >= limits.length:
      raise errors.LimitError(
        f"{path}: frames span {index[-1] + 1} slices, above the bound 'length'"
        f" ({limits.length}); raise it if you trust the file"
      )
    _check_size(int(index[-1]) + 1, form, path, limits)
    step = (places[-1] - places[0]) / index[-1]
    places = places[0] + np.arange(index[-1] + 1)[:, None] * step
    slices = index[rank]
  elif len(steps):
    notes.append(
      _text.Note(
        "uneven",
        f"slices are {steps.min():.4g} to {steps.max():.4g} mm apart; each"
        " keeps its place",
      )
    )
  grid = volume.Grid(
    positions=places,
    row_step=spacing[0] * direction[3:],
    column_step=spacing[1] * direction[:3],
    rows=form.rows,
    columns=form.columns,
    thickness=gap,
  )
  return grid, slices, notes


def _check_size(
  slices: int, form: _pixels.Format, path: pathlib.Path, limits: _limits.Limits
) -> None:
  """Refuses a grid too large for one segment's array: few frames, far apart."""
  # Masks are bytes; fractions, of 8 bits in the file, become float32.
  size = slices * form.rows * form.columns * (1 if form.bits == 1 else 4)
  if size > limits.volume_bytes:
    raise errors.LimitError(
      f"{path}: {slices} x {form.rows} x {form.columns} voxels between the"
      f" outermost frames are above the bound 'volume_bytes'"
      f" ({limits.volume_bytes}); raise it if you trust the file"
    )


def _check_line(
  places: np.ndarray,
  levels: np.ndarray,
  normal: np.ndarray,
  path: pathlib.Path,
  notes: list[_text.Note],
) -> None:
  """Slices must be in line; one aslant, as of a tilted gantry, is noted."""
  rise = levels - levels[0]
  sideways = places - places[0] - rise[:, None] * normal
  allowed = max(_SAME_MM, 1e-3 * rise[-1])
  if np.linalg.norm(sideways, axis=1).max() <= allowed:
    return
  aslant = sideways - (rise / rise[-1])[:, None] * sideways[-1]
  if np.linalg.norm(aslant, axis=1).max() > _SAME_MM:
    raise errors.GeometryError(
      f"{path}: frames are shifted against each other; export the segmentation"
      " on a grid at right angles"
    )
  degrees = np.degrees(np.arctan2(np.linalg.norm(sideways[-1]), rise[-1]))
  notes.append(
    _text.Note(
      "tilt", f"slices are sheared by {degrees:.2f} degrees, as the affine says"
    )
  )


def _gap(steps: np.ndarray, between: float | None) -> float | None:
  """The distance of which all steps are multiples, None if there is none."""
  for gap in (between, float(steps.min())):
    if not gap or gap <= _SAME_MM:
      continue
    whole = np.rint(steps / gap)
    off = abs(steps - whole * gap)
    # Of a gap that is tiny itself every step would be a multiple.
    allowed = min(max(0.01 * gap, _SAME_MM), gap / 10)
    if (whole >= 1).all() and (off <= allowed).all():
      return gap
  return None
