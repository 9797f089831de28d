"""Masks put aside until all structures of a scan are found."""

from collections.abc import Iterator, Mapping
import dataclasses
import zlib

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Packed:
  """A mask in less than a bit a voxel.

  Attributes:
    shape: Its shape.
    bits: Eight voxels a byte, compressed.
  """

  shape: tuple[int, ...]
  bits: bytes

  @staticmethod
  def of(mask: np.ndarray) -> "Packed":
    """Packs a bool mask."""
    return Packed(mask.shape, zlib.compress(np.packbits(mask).tobytes(), 1))

  def unpack(self) -> np.ndarray:
    """The bool mask."""
    count = int(np.prod(self.shape))
    bits = np.frombuffer(zlib.decompress(self.bits), np.uint8)
    return np.unpackbits(bits, count=count).reshape(self.shape).view(np.bool_)


class Unpacked(Mapping[str, np.ndarray]):
  """Packed masks, each unpacked when it is asked for."""

  def __init__(self, packed: Mapping[str, Packed]):
    self._packed = packed

  def __getitem__(self, name: str) -> np.ndarray:
    return self._packed[name].unpack()

  def __iter__(self) -> Iterator[str]:
    return iter(self._packed)

  def __len__(self) -> int:
    return len(self._packed)
