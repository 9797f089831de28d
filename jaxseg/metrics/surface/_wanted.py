"""Names and assembly of the surface report."""

from collections.abc import Sequence
import dataclasses
import math
import numbers
from typing import Any

import jax
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _empty
from jaxseg import errors
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distances


@dataclasses.dataclass(frozen=True)
class Wanted:
  """The metrics of a report.

  Attributes:
    tolerances: Of the NSD, mm; at most one may be traced.
    percentiles: Of the Hausdorff distance.
    directed: Percentiles of the distance from prediction to reference alone.
    far: Values of a distance where a mask is empty.
    share: Values of the NSD where a mask is empty.
  """

  tolerances: tuple[Any, ...]
  percentiles: tuple[float, ...]
  directed: tuple[float, ...]
  far: _empty.Outcomes
  share: _empty.Outcomes

  @classmethod
  def checked(
    cls,
    tolerances: Sequence[Any],
    percentiles: Sequence[float],
    surface: str,
    empty: str,
    worst_distance: float,
    *,
    directed: Sequence[float] = (),
  ) -> "Wanted":
    """Checks the options of `surface_report`.

    Raises:
      ConfigError: One is invalid.
      TypeError: One is traced that must be known.
    """
    _definitions.check(surface)
    arrays.refuse_traced(
      "close over a number, or name it in jit's static_argnames",
      percentile=(percentiles, directed),
      worst_distance=worst_distance,
    )
    worst = _number("worst_distance", worst_distance, math.inf)
    return cls(
      tuple(_number("tolerance", t, math.inf) for t in tolerances),
      tuple(_number("percentile", p, 100.0) for p in percentiles),
      tuple(_number("percentile", p, 100.0) for p in directed),
      _empty.outcomes(empty, best=0.0, worst=worst),
      _empty.outcomes(empty, best=1.0, worst=0.0),
    )

  @property
  def names(self) -> list[str]:
    """Keys of a report, in order."""
    return list(self.of_empty(True, True))

  @property
  def percentile_names(self) -> list[str]:
    """Keys of the Hausdorff distances."""
    return [f"hausdorff_{p:g}" for p in self.percentiles]

  @property
  def directed_names(self) -> list[str]:
    """Keys of the directed Hausdorff distances."""
    return [f"to_reference_{p:g}" for p in self.directed]

  @property
  def tolerance_names(self) -> list[str]:
    """Keys of the NSD."""
    return [
      "nsd_traced" if checks.traced(t) else f"nsd_{t:g}"
      for t in self.tolerances
    ]

  def values(self, found: _distances.Distances) -> dict[str, float]:
    """The report of two masks, neither of them empty."""
    there, back = found.means
    return {
      **{f"hausdorff_{p:g}": found.hausdorff(p) for p in self.percentiles},
      **{
        f"to_reference_{p:g}": found.to_reference.percentile(p)
        for p in self.directed
      },
      "assd": found.average,
      "masd": (there + back) / 2,
      "mean_to_reference": there,
      "mean_to_prediction": back,
      **{f"nsd_{t:g}": found.within(t) for t in self.tolerances},
    }

  def of_empty(
    self, in_prediction: bool, in_reference: bool
  ) -> dict[str, float]:
    """The report where a mask is empty, by the policy."""
    far, share = (
      row.of(in_prediction, in_reference) for row in (self.far, self.share)
    )
    return {
      **dict.fromkeys(self.percentile_names + self.directed_names, far),
      "assd": far,
      "masd": far,
      # A mean over no points is undefined.
      "mean_to_reference": math.nan if in_reference else far,
      "mean_to_prediction": math.nan if in_prediction else far,
      **dict.fromkeys(self.tolerance_names, share),
    }


def _number(name: str, value: Any, most: float) -> Any:
  """A number within its bounds, as a Python float; a traced one as it is."""
  if checks.traced(value) and np.shape(value) == ():
    return value
  number: Any = value
  if isinstance(value, jax.Array | np.ndarray) and np.shape(value) == ():
    number = np.asarray(value)[()]
  real = isinstance(number, numbers.Real)
  if not real or not 0 <= number <= most:
    said = " ".join(str(value).split())
    raise errors.ConfigError(
      f"{name} {said} is not in [0, {most}]; give another"
    )
  return float(number)
