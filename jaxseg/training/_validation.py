"""How good a state is on the validation patients."""

from collections.abc import Callable

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
  after: Callable[[], None] = lambda: None,
) -> dict[str, float]:
  """Pooled Dice of the validation slices at 0.5 and at the best cut.

  Args:
    config: Training.
    slices: Those that are validated on among them.
    compiled: Functions of the training.
    state: After some step.
    after: Called after each batch.
  """
  grid = thresholds.grid(1001)
  batches, real = _slices.padded(slices.validation, config.batch)
  parts = []
  for batch, where in zip(slices.stream(batches), real, strict=True):
    where = slices.devices.rows(where)
    parts.append(compiled.count(state, *batch, where, grid))
    after()
  total = thresholds.Counts.stack(parts).sum(0)
  best = thresholds.optimum(total)
  return {
    "dice_half": float(thresholds.curve(total)[len(grid) // 2]),
    "dice_best": best.value,
    "threshold": best.threshold,
  }
