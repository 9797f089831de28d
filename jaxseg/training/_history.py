"""The epochs of a training so far, each a line of metrics.csv."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]


def best(history: Sequence[Row]) -> int:
  """The epoch of the highest validation Dice at its best threshold; or -1."""
  values = [row["dice_best"] for row in history]
  return int(np.argmax(values)) if values else -1
