"""Names and assembly of the surface report."""

from collections.abc import Sequence
import dataclasses
import math
import numbers

from jaxseg import _empty
from jaxseg import errors
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distances


@dataclasses.dataclass(frozen=True)
class Wanted:
  """The metrics of a report.

  Attributes:
    tolerances: Of the NSD, mm.
    percentiles: Of the Hausdorff distance.
    far: Values of a distance where a mask is empty.
    share: Values of the NSD where a mask is empty.
  """

  tolerances: tuple[float, ...]
  percentiles: tuple[float, ...]
  far: _empty.Outcomes
  share: _empty.Outcomes

  @classmethod
  def checked(
    cls,
    tolerances: Sequence[float],
    percentiles: Sequence[float],
    surface: str,
    empty: str,
    worst_distance: float,
  ) -> "Wanted":
    """Checks the options of `surface_report`; ConfigError if one is invalid."""
    _definitions.check(surface)
    for name, values, most in (
      ("percentile", percentiles, 100.0),
      ("tolerance", tolerances, math.inf),
      ("worst_distance", [worst_distance], math.inf),
    ):
      for value in values:
        if not isinstance(value, numbers.Real) or not 0 <= value <= most:
          raise errors.ConfigError(
            f"{name} {value} is not in [0, {most}]; give another"
          )
    return cls(
      tuple(float(t) for t in tolerances),
      tuple(float(p) for p in percentiles),
      _empty.outcomes(empty, best=0.0, worst=worst_distance),
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
  def tolerance_names(self) -> list[str]:
    """Keys of the NSD."""
    return [f"nsd_{t:g}" for t in self.tolerances]

  def values(self, found: _distances.Distances) -> dict[str, float]:
    """The report of two masks, neither of them empty."""
    there, back = found.means
    return {
      **{f"hausdorff_{p:g}": found.hausdorff(p) for p in self.percentiles},
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
      **{f"hausdorff_{p:g}": far for p in self.percentiles},
      "assd": far,
      "masd": far,
      # A mean over no points is undefined.
      "mean_to_reference": math.nan if in_reference else far,
      "mean_to_prediction": math.nan if in_prediction else far,
      **{f"nsd_{t:g}": share for t in self.tolerances},
    }
