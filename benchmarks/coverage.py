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
  "failures", ["0", "0.08"], "Shares of failures, a table for each."
)
_GRID = thresholds.grid(401)
_WIDTH = 1.2  # Of the logits within a patient.
_FIXED = 140  # A threshold chosen elsewhere: 0.35.
_HALF = 200
KINDS = ("percentile", "expanded", "bca")


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
  """Pooled and mean Dice of each row of weights, `[2, row, T]`."""
  true, wrong = (
    np.cumsum(side[:, ::-1], 1)[:, ::-1][:, 1:].astype(float) for side in sides
  )
  inside = sides[0].sum(1).astype(float)
  pooled = (
    2
    * (weights @ true)
    / (weights @ (true + wrong) + (weights @ inside)[:, None])
  )
  each = 2 * true / (true + wrong + inside[:, None])
  return np.stack([pooled, weights @ each / weights.sum(1, keepdims=True)])


def statistics(first, second, weights):
  """Name -> values `[row]` of each row of weights."""
  found = {}
  curves, others = (curves_of(sides, weights) for sides in (first, second))
  for name, one, other in zip(
    ("pooled", "mean of patients"), curves, others, strict=True
  ):
    found |= {
      f"best threshold, {name}": _GRID[one.argmax(1)].astype(float),
      f"best Dice, {name}": one.max(1),
      f"Dice at a fixed threshold, {name}": one[:, _FIXED],
      f"gain over 0.5, {name}": one[:, _FIXED] - one[:, _HALF],
      f"difference of two models, {name}": one[:, _FIXED] - other[:, _FIXED],
    }
  return found


def weights_of(size, resamples, seed):
  """How often `thresholds.bootstrap` draws each patient."""
  index = np.random.default_rng(seed).integers(size, size=(resamples, size))
  flat = index + np.arange(resamples)[:, None] * size
  return np.bincount(flat.ravel(), minlength=resamples * size).reshape(
    resamples, size
  )


def interval(kind, estimate, samples, without, size):
  """Limits of 95 %.

  Args:
    kind: One of `KINDS`.
    estimate: Of the cohort.
    samples: Of its resamples.
    without: Of the cohort without each patient.
    size: Number of patients.
  """
  if kind != "bca":
    return thresholds.Bootstrap(
      estimate, samples, np.empty((1, size))
    ).interval(kind=kind)
  share = np.mean(samples < estimate) + np.mean(samples == estimate) / 2
  bias = special.ndtri(np.clip(share, 1e-3, 1 - 1e-3))
  left = without.mean() - without
  scale = 6 * (left**2).sum() ** 1.5
  skew = (left**3).sum() / scale if scale else 0.0
  z = bias + special.ndtri(np.array([0.025, 0.975]))
  return np.percentile(samples, 100 * special.ndtr(bias + z / (1 - skew * z)))


def compare(sides, made, size, resamples, seed):
  """Says if the library's own bootstrap differs."""
  counts = thresholds.Counts(_GRID, *sides)
  for name, aggregate in (
    ("pooled", "pooled"),
    ("mean of patients", "mean_case"),
  ):
    own = thresholds.bootstrap(
      counts, "optimum", aggregate=aggregate, resamples=resamples, seed=seed
    ).samples
    for k, what in enumerate(("best threshold", "best Dice")):
      far = np.abs(own[:, k] - made[f"{what}, {name}"]).max()
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
    for name, values in statistics(*many, np.ones((1, 100_000))).items()
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
          [
            np.ones(size),
            weights_of(size, _RESAMPLES.value, cohort),
            1 - np.eye(size),
          ]
        )
        made = statistics(first, second, weights)
        last = 1 + _RESAMPLES.value
        if not cohort and seed == seeds[0]:
          drawn = {name: values[1:last] for name, values in made.items()}
          compare(first, drawn, size, _RESAMPLES.value, cohort)
        for name, values in made.items():
          for kind in KINDS:
            low, high = interval(
              kind, values[0], values[1:last], values[last:], size
            )
            held.setdefault((name, kind, size, seed), []).append(
              (low > truth[name] + 1e-9, high < truth[name] - 1e-9)
            )
  print(f"{time.process_time() - began:.0f} CPU s\n")
  print("| interval | kind |", " | ".join(f"{n} patients" for n in sizes), "|")
  print("| --- | --- |", " | ".join(["---:"] * len(sizes)), "|")
  for name in truth:
    for kind in KINDS:
      said = []
      for size in sizes:
        cells = [np.array(held[name, kind, size, seed]) for seed in seeds]
        each = [100 * (1 - cell.any(1).mean()) for cell in cells]
        above, below = 100 * np.concatenate(cells).mean(0)
        said.append(
          f"{np.mean(each):.1f} ({min(each):.1f} to {max(each):.1f};"
          f" {above:.1f}, {below:.1f})"
        )
      print(f"| {name} | {kind} |", " | ".join(said), "|")


if __name__ == "__main__":
  app.run(main)
