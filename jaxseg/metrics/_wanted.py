"""Which surface metrics a report has, how they are called, what they are."""

from collections.abc import Sequence
import dataclasses
import math
import numbers

from jaxseg.metrics import _distribution
from jaxseg.metrics import _empty
from jaxseg.metrics import _surface


@dataclasses.dataclass(frozen=True)
class Wanted:
  """Which metrics a report has, and how they are called."""

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
    """Refuses what cannot be: ConfigError of names, ValueError of numbers."""
    _surface.check(surface)
    for name, values, most in (
      ("percentile", percentiles, 100.0),
      ("tolerance", tolerances, math.inf),
      ("worst_distance", [worst_distance], math.inf),
    ):
      for value in values:
        if not isinstance(value, numbers.Real) or not 0 <= value <= most:
          raise ValueError(
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
    """Keys of a report, in its order."""
    return list(self.of_empty(True, True))

  @property
  def percentile_names(self) -> list[str]:
    """What Hausdorff distances are called."""
    return [f"hausdorff_{p:g}" for p in self.percentiles]

  @property
  def tolerance_names(self) -> list[str]:
    """What shares are called."""
    return [f"nsd_{t:g}" for t in self.tolerances]

  def values(self, found: _distribution.Distances) -> dict[str, float]:
    """Of two masks that are not empty."""
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
    """Where a mask is empty, by the policy."""

    def chosen(row: _empty.Outcomes) -> float:
      if in_prediction:
        return row.hallucinated
      return row.missed if in_reference else row.both

    far, share = chosen(self.far), chosen(self.share)
    return {
      **{f"hausdorff_{p:g}": far for p in self.percentiles},
      "assd": far,
      "masd": far,
      # From no point there is no way; to no point it is endless.
      "mean_to_reference": math.nan if in_reference else far,
      "mean_to_prediction": math.nan if in_prediction else far,
      **{f"nsd_{t:g}": share for t in self.tolerances},
    }
