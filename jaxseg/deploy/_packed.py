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
    bits: Eight voxels of a row a byte, compressed.
  """

  shape: tuple[int, ...]
  bits: bytes

  @staticmethod
  def of(mask: np.ndarray) -> "Packed":
    """Packs a bool mask."""
    return Packed.of_bits(np.packbits(mask, axis=-1), mask.shape[-1])

  @staticmethod
  def of_bits(bits: np.ndarray, columns: int) -> "Packed":
    """A mask whose rows are packed already, as `np.packbits` does.

    Args:
      bits: uint8 `[..., byte]`.
      columns: Length of its rows.
    """
    return Packed((*bits.shape[:-1], columns), zlib.compress(bits.tobytes(), 1))

  def slices(self) -> Iterator[np.ndarray]:
    """Its slices, each a bool mask by itself."""
    for one in self._rows():
      yield _unpacked(one, self.shape[-1])

  def unpack(self) -> np.ndarray:
    """The bool mask."""
    return _unpacked(self._rows(), self.shape[-1])

  def _rows(self) -> np.ndarray:
    bits = np.frombuffer(zlib.decompress(self.bits), np.uint8)
    return bits.reshape(*self.shape[:-1], -(-self.shape[-1] // 8))


def _unpacked(bits: np.ndarray, columns: int) -> np.ndarray:
  return np.unpackbits(bits, axis=-1, count=columns).view(np.bool_)


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
