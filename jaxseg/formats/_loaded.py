"""What a reader hands over before anyone asks whether it is map or mask."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
  """Values of one channel.

  Attributes:
    array: `[slice, row, column]`, dtype as stored.
    affine: float64 `[4, 4]`, LPS mm; None where the file holds no geometry.
    left: The structure asked for, if it has not served to choose a channel.
  """

  array: np.ndarray
  affine: np.ndarray | None
  left: str | int | None
