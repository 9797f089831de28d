"""Bounds that keep a hostile or broken file from eating the machine."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
  """Bounds of what is read; a file over one is refused with its name.

  Attributes:
    length: Voxels along any axis of a volume.
    volume_bytes: Bytes of one decoded volume, checked before it is allocated.
    inflated_ratio: A deflated file may grow by this factor, or to
      `inflated_bytes`, whichever is larger.
    inflated_bytes: See `inflated_ratio`.
    depth: Levels of nested sequences.
    contours: Contours of one structure set.
    points: Points of one structure set.
    crossings: Crossings of one ROI's contours with the columns of an image, on
      which the time to fill it depends; drawn ones have a million at most.
    seconds: Time to parse one file.
  """

  length: int = 4096
  volume_bytes: int = 4 * 2**30
  inflated_ratio: int = 8
  inflated_bytes: int = 512 * 2**20
  depth: int = 32
  contours: int = 1_000_000
  points: int = 100_000_000
  crossings: int = 1 << 26
  seconds: float = 10.0


DEFAULT = Limits()
