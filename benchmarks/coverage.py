r"""How often intervals hold the truth: simulated cohorts of known truth.

    python -m benchmarks.coverage
    python -m benchmarks.coverage --cohorts=100 --sizes=15 --failures=0

A patient's map has two clouds of logits, in the structure and out of it, whose
means move from patient to patient; a share of the patients are failures, whose
logits are 2 lower in the structure. The voxels fall between the thresholds at
random. The truth is that of 100,000 such patients. Of each size as many cohorts
are drawn for each of three seeds, and each kind of interval that jaxseg prints
is made of each cohort. Statistics of all resamples come from products of
matrices here; for the first cohort of each size they are compared with those of
`thresholds.bootstrap`.
"""

import time

from absl import app
from absl import flags
import numpy as np
from scipy import special

from jaxseg import thresholds

_COHORTS = flags.DEFINE_integer("cohorts", 350, "Cohorts of each seed.")
_RESAMPLES = flags.DEFINE_integer("resamples", 999, "Resamples of each.")
_SIZES = flags.DEFINE_list(
  "sizes", ["15", "30", "60", "100"], "Patients of a cohort."
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Random seeds.")
_FAILURES = flags.DEFINE_list(
  "failures", ["0", "0.08333"], "Shares of failures, a table for each."
)
_GRID = thresholds.grid(101)
_WIDTH = 1.2  # Of the logits within a patient.
_FIXED = 35  # A threshold chosen elsewhere: 0.35.
_HALF = 50
KINDS = ("percentile", "expanded", "studentized")


def counts_of(patients, draw, failures, *, inside=1.0, outside=-3.2):
  """Positive and negative counts `[patient, T + 1]`."""
  edges = special.logit(np.clip(_GRID.astype(np.float64), 1e-9, 1 - 1e-9))
  edges[0], edges[-1] = -np.inf, np.inf
  size = np.exp(draw.normal(np.log(800), 0.5, patients)).astype(int)
  failed = 2.0 * (draw.random(patients) < failures)
  sides = []
  for centre, many in (
    (draw.normal(inside, 0.7, patients) - failed, 1),
    (draw.normal(outside, 0.4, patients), 6),
  ):
    below = special.ndtr((edges - centre[:, None]) / _WIDTH)
    share = np.diff(below, axis=1, prepend=0, append=1)
    sides.append(draw.multinomial(many * size, share).astype(np.int64))
  return sides


def curves_of(sides, weights):
  """Pooled and mean Dice of each row of weights, `[2, row, T]`, and errors."""
  true, wrong = (
    np.cumsum(side[:, ::-1], 1)[:, ::-1][:, 1:].astype(float) for side in sides
  )
  inside = sides[0].sum(1).astype(float)
  size = true + wrong + inside[:, None]
  number = weights.sum(1, keepdims=True)
  dice, errors = [], []
  for above, below in (
    (2 * true, size),
    (2 * true / size, np.ones_like(size)),
  ):
    own = weights @ above / (weights @ below)
    residuals = weights @ above**2 - 2 * own * (weights @ (above * below))
    residuals = np.maximum(residuals + own**2 * (weights @ below**2), 0)
    share = residuals / (weights @ below) ** 2
    dice.append(own)
    errors.append(np.sqrt(share * number / np.maximum(number - 1, 1)))
  return np.stack(dice), np.stack(errors)


def statistics(first, second, weights):
  """Name -> values and errors, `[row]` each, of each row of weights."""
  found = {}
  (curves, errors), (others, _) = (
    curves_of(sides, weights) for sides in (first, second)
  )
  none = np.full(len(weights), np.nan)
  for name, one, other, error in zip(
    ("pooled", "mean of patients"), curves, others, errors, strict=True
  ):
    best = one.argmax(1)
    every = np.arange(len(best))
    found |= {
      f"best threshold, {name}": (_GRID[best].astype(float), none),
      f"best Dice, {name}": (one[every, best], error[every, best]),
      f"Dice at a fixed threshold, {name}": (one[:, _FIXED], error[:, _FIXED]),
      f"gain over 0.5, {name}": (one[:, _FIXED] - one[:, _HALF], none),
      f"difference of two models, {name}": (
        one[:, _FIXED] - other[:, _FIXED],
        none,
      ),
    }
  return found


def weights_of(size, resamples, seed):
  """How often `thresholds.bootstrap` draws each patient."""
  index = np.random.default_rng(seed).integers(size, size=(resamples, size))
  flat = index + np.arange(resamples)[:, None] * size
  return np.bincount(flat.ravel(), minlength=resamples * size).reshape(
    resamples, size
  )


def compare(sides, made, size, resamples, seed):
  """Says if the library's own bootstrap differs."""
  counts = thresholds.Counts(_GRID, *sides)
  for name, aggregate in (
    ("pooled", "pooled"),
    ("mean of patients", "mean_case"),
  ):
    own = thresholds.bootstrap(
      counts,
      "optimum",
      aggregate=aggregate,
      resamples=resamples,
      seed=seed,
      studentize=True,
    )
    values, errors = made[f"best Dice, {name}"]
    for what, one, other in (
      ("best threshold", own.samples[:, 0], made[f"best threshold, {name}"][0]),
      ("best Dice", own.samples[:, 1], values),
      ("its error", own.standard_errors[1:, 1], errors),
    ):
      far = np.abs(one - other).max()
      print(f"{size} patients: {what}, {name}: differs by at most {far:.1e}")


def main(_) -> None:
  for failures in _FAILURES.value:
    print(f"\nFailures: {failures} of the patients\n")
    table(float(failures))


def table(failures):
  """Prints the coverage of each interval in one population."""
  sizes = [int(n) for n in _SIZES.value]
  seeds = [int(n) for n in _SEEDS.value]
  draw = np.random.default_rng(12345)
  many = [
    counts_of(100_000, draw, failures),
    counts_of(100_000, draw, failures, inside=1.2),
  ]
  truth = {
    name: values[0]
    for name, (values, _) in statistics(*many, np.ones((1, 100_000))).items()
  }
  began = time.process_time()
  held = {}
  for size in sizes:
    for seed in seeds:
      draw = np.random.default_rng([seed, size])
      for cohort in range(_COHORTS.value):
        state = draw.bit_generator.state
        first = counts_of(size, draw, failures)
        draw.bit_generator.state = state  # The same patients, another model.
        second = counts_of(size, draw, failures, inside=1.2)
        weights = np.vstack(
          [np.ones(size), weights_of(size, _RESAMPLES.value, cohort)]
        )
        made = statistics(first, second, weights)
        if not cohort and seed == seeds[0]:
          drawn = {
            name: (values[1:], errors[1:])
            for name, (values, errors) in made.items()
          }
          compare(first, drawn, size, _RESAMPLES.value, cohort)
        for name, (values, errors) in made.items():
          found = thresholds.Bootstrap(
            values[0], values[1:], np.empty((1, size)), errors
          )
          for kind in KINDS:
            low, high = found.interval(kind=kind)
            held.setdefault((name, kind, size, seed), []).append(
              (
                low > truth[name] + 1e-9,
                high < truth[name] - 1e-9,
                high - low,
              )
            )
  print(f"{time.process_time() - began:.0f} CPU s\n")
  print("| interval | kind |", " | ".join(f"{n} patients" for n in sizes), "|")
  print("| --- | --- |", " | ".join(["---:"] * len(sizes)), "|")
  for name in truth:
    for kind in KINDS:
      said = []
      for size in sizes:
        cells = [np.array(held[name, kind, size, seed]) for seed in seeds]
        each = [100 * (1 - cell[:, :2].any(1).mean()) for cell in cells]
        above, below, width = np.concatenate(cells).mean(0)
        said.append(
          f"{np.mean(each):.1f} ({min(each):.1f} to {max(each):.1f};"
          f" {100 * above:.1f}, {100 * below:.1f}; {width:.3f})"
        )
      print(f"| {name} | {kind} |", " | ".join(said), "|")


if __name__ == "__main__":
  app.run(main)
