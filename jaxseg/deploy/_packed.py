"""Masks put aside until all structures of a scan are found."""

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
