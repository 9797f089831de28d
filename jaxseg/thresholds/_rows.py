"""Counts as rows of a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg.thresholds import _counts
from jaxseg.thresholds import _curves

_CELLS = (
  "true_positive",
  "false_positive",
  "false_negative",
  "true_negative",
)


def rows(
  counts: _counts.Counts, metrics: Sequence[str]
) -> list[dict[str, Any]]:
  """A row for each case and threshold; arguments as of `Counts.rows`."""
  host = _counts.cases(counts)
  columns: dict[str, np.ndarray] = {
    name: getattr(host, name) for name in _CELLS
  }
  columns |= {name: _curves.curve(host, metric=name) for name in metrics}
  several = np.ndim(counts.positive) > 1
  return [
    {
      **({"case": case} if several else {}),
      # The shortest decimal of the same float32: 0.3, not 0.30000001.
      "threshold": float(str(threshold)),
      **{name: values[case, k].item() for name, values in columns.items()},
    }
    for case in range(len(host.positive))
    for k, threshold in enumerate(host.thresholds)
  ]
