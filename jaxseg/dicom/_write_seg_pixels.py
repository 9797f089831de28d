"""The frames of a SEG, made of one structure at a time.

highdicom wants all structures in one array, and takes several times as much
again: 1.5 GB for ten of 150 x 512 x 512. Here each is packed before the next is
asked for, and highdicom gets one pixel a slice to describe.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _probabilities
from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset
from jaxseg.dicom import _image
from jaxseg.dicom import _roi_mask

HIGHEST = 255
Masks = Mapping[str, np.ndarray | volume.Volume | _roi_mask.RoiMask]


@dataclasses.dataclass(frozen=True, eq=False)
class Pixels:
  """What is written of masks, or of probability maps.

  Attributes:
    names: Under which they are written.
    fractional: Whether they are maps.
    shown: Bool `[slice, structure]`: which frames there are.
    overlap: Whether a voxel is in two masks.
    frames: (number of the structure from 1, slice) -> bits, or bytes of a map.
  """

  names: tuple[str, ...]
  fractional: bool
  shown: np.ndarray
  overlap: bool
  frames: Mapping[tuple[int, int], bytes]

  @property
  def used(self) -> np.ndarray:
    """Slices that have a frame; one, if all is empty, as a file must have."""
    used = np.flatnonzero(self.shown.any(axis=1))
    return used if len(used) else np.arange(1)

  @property
  def described(self) -> np.ndarray:
    """The same for highdicom, `[slice, 1, 1, structure]`."""
    kind = np.float32 if self.fractional else np.uint8
    return self.shown[self.used][:, None, None].astype(kind)

  def put(
    self, dataset: Dataset, rows: int, columns: int, slices: Sequence[int]
  ) -> None:
    """Puts the frames in the place of those that highdicom described.

    Args:
      dataset: What highdicom made.
      rows: Of a frame.
      columns: Of a frame.
      slices: Which slice each frame lies in; the order is highdicom's own.
    """
    size = rows * columns
    empty = bytes(size if self.fractional else -(-size // 8))
    parts, rest = [], np.zeros(0, np.uint8)
    (shared,) = dataset.SharedFunctionalGroupsSequence
    for group, k in zip(
      dataset.PerFrameFunctionalGroupsSequence, slices, strict=True
    ):
      of = group if "SegmentIdentificationSequence" in group else shared
      (said,) = of.SegmentIdentificationSequence
      frame = self.frames.get((said.ReferencedSegmentNumber, k), empty)
      if self.fractional or size % 8 == 0:
        parts.append(frame)
        continue
      bits = np.frombuffer(frame, np.uint8)  # It ends within a byte.
      bits = np.unpackbits(bits, count=size, bitorder="little")
      bits = np.concatenate([rest, bits])
      whole = len(bits) // 8 * 8
      parts.append(_packed(bits[:whole]))
      rest = bits[whole:]
    parts.append(_packed(rest))
    parts.append(bytes(sum(map(len, parts)) % 2))
    _dataset.put(dataset, Rows=rows, Columns=columns)
    dataset.PixelData = b"".join(parts)
    if not self.fractional:
      _dataset.put(dataset, SegmentsOverlap="YES" if self.overlap else "NO")


def _packed(bits: np.ndarray) -> bytes:
  return np.packbits(bits, bitorder="little").tobytes()


def gathered(
  masks: Masks, ct: _image.Image, path: pathlib.Path, own_names: bool
) -> Pixels:
  """Packs masks, each of which is asked for once.

  Raises:
    GeometryError: An array is not on the image's grid.
    DataError: A name cannot be written, or arrays are neither bool nor finite
      fractions in [0, 1].
  """
  names: list[str] = []
  kinds: set[Any] = set()
  shown: list[np.ndarray] = []
  frames: dict[tuple[int, int], bytes] = {}
  seen, overlap = None, False
  for name, array in arrays(masks, ct, own_names):
    if name in names:
      raise errors.DataError(
        f"structure {_text.shown(name)}: two structures are written under this"
        " name; rename one"
      )
    names.append(name)
    kinds.add(array.dtype)
    shown.append(np.any(array, axis=(1, 2)))
    own = None
    for k in np.flatnonzero(shown[-1]):
      own = array[k].ravel()
      frames[len(names), int(k)] = (
        _packed(own)
        if own.dtype == np.bool_
        else np.rint(own * HIGHEST).astype(np.uint8).tobytes()
      )
    if array.dtype == np.bool_:
      bits = np.packbits(array, axis=2)
      overlap = overlap or (seen is not None and bool((seen & bits).any()))
      seen = bits if seen is None else seen | bits
      del bits
    del array, own
  if not names:
    raise errors.DataError(
      f"{path}: there are no structures to write; give at least one"
    )
  if len(kinds) > 1:
    raise errors.DataError(
      f"{path}: masks and probability maps are mixed; write one file of each"
    )
  return Pixels(
    tuple(names),
    np.dtype(np.bool_) not in kinds,
    np.stack(shown, axis=1),
    overlap,
    frames,
  )


def arrays(
  masks: Masks, ct: _image.Image, own_names: bool
) -> Iterator[tuple[str, np.ndarray]]:
  """Names as they are written, and bool masks or float32 maps.

  Raises:
    GeometryError: As of `gathered`.
    DataError: As of `gathered`.
  """
  for key, given in masks.items():
    name, _ = _codes.named(key, own=own_names)
    said = f"structure {_text.shown(name)}"
    array = np.asarray(_dataset.array_of(given, ct, said))
    if array.shape != ct.shape:
      raise errors.GeometryError(
        f"{said}: shape {array.shape} is not the image's {ct.shape}; give an"
        " array on the image's grid"
      )
    yield name, array if array.dtype == np.bool_ else _fractions(array, said)
    del given, array  # Before there is the next.


def _fractions(array: np.ndarray, said: str) -> np.ndarray:
  """A probability map, float32 in steps of 1/255."""
  if not np.issubdtype(array.dtype, np.floating):
    raise errors.DataError(
      f"{said}: is {array.dtype}; give a bool mask or float probabilities"
    )
  wrong = ~_probabilities.within(array)
  if wrong.any():
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    raise errors.DataError(
      f"{said}: the value at {place} is {array[place]}, not a probability in"
      " [0, 1]; give probabilities, not logits"
    )
  steps = np.rint(array.astype(np.float32) * np.float32(HIGHEST))
  return steps / np.float32(HIGHEST)
