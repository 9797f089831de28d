"""How good a state is on the validation patients."""

from jaxseg import thresholds
from jaxseg.training import _compiled
from jaxseg.training import _config
from jaxseg.training import _slices
from jaxseg.training import _step


def validate(
  config: _config.Config,
  slices: _slices.Slices,
  compiled: _compiled.Functions,
  state: _step.State,
) -> dict[str, float]:
  """Pooled Dice of the validation slices at 0.5 and at the best cut."""
  grid, size = thresholds.grid(1001), config.batch
  parts = []
  for begin in range(0, len(slices.validation), size):
    index, real = _slices.pad_batch(
      slices.validation[begin : begin + size], size
    )
    where = slices.devices.rows(real)
    parts.append(compiled.count(state, *slices.take(index), where, grid))
  total = thresholds.Counts.stack(parts).sum(0)
  best = thresholds.optimum(total)
  return {
    "dice_half": float(thresholds.curve(total)[len(grid) // 2]),
    "dice_best": best.value,
    "threshold": best.threshold,
  }
