r"""How often the intervals of the study's claims hold the truth.

    python -m benchmarks.coverage_study
    python -m benchmarks.coverage_study --studies=50 --patients=20 --seeds=1

Seven organs, three seeds, two networks; 15 validation patients and 15 to 100
test patients whom all models share. Organs, seeds and patients each have an
effect of their own; the truth is that of all organs and seeds with patients
without end. Statistics are those of the claims C1, C2, C4 and C6, and the
sensitivity medians on the validation patients (on the test patients they are
C2's), resampled by the same code, and the correlation of ten organs with
Fisher's interval.
"""

import time

from absl import app
from absl import flags
import numpy as np
from scipy import special
from scipy import stats

from jaxseg import thresholds
from jaxseg.study import _draws  # What is measured here.

_STUDIES = flags.DEFINE_integer("studies", 300, "Studies of each size.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Seeds of each organ.")
_RESAMPLES = flags.DEFINE_integer("resamples", 400, "Resamples of each.")
_PATIENTS = flags.DEFINE_list(
  "patients", ["15", "30", "100"], "Test patients of a study."
)
_GRID = thresholds.grid(101)
_EDGES = special.logit(np.clip(_GRID.astype(np.float64), 1e-9, 1 - 1e-9))
_EDGES[0], _EDGES[-1] = -np.inf, np.inf
_WIDTH, _INSIDE, _OUTSIDE = 1.2, 0.7, 0.4  # Of voxels; of patients.
_VALIDATION, _ORGANS, _HALF = 15, 7, 50
# Of each network, how much its logits lie lower, and are drawn together.
_NETWORKS = {"with": (1.2, 0.7), "without": (0.0, 1.0)}
# On the patients who choose the threshold.
_IN_SAMPLE = [
  f"lost at ±0.05, validation patients, {name}" for name in _NETWORKS
]


def organs_of(draw, count, seeds):
  """Mean logits inside and out, `[organ, seed, network, 2]`."""
  own = np.stack(
    [draw.normal(1.0, 0.5, count), draw.normal(-3.2, 0.4, count)], -1
  )
  lower = np.array([low for low, _ in _NETWORKS.values()])
  of_seed = draw.normal(0, 0.3, (count, seeds, len(lower), 1))
  of_seed = of_seed + draw.normal(0, 0.15, (count, seeds, len(lower), 2))
  return own[:, None, None] + of_seed - lower[:, None]


def scale_of(network):
  return list(_NETWORKS.values())[network][1]


def truth_of(means, network):
  """Costs of one model, of patients without end."""
  tp, fp = (
    many * special.ndtr((mean - _EDGES) / (scale_of(network) * spread))
    for mean, spread, many in zip(
      means,
      (np.hypot(_WIDTH, _INSIDE), np.hypot(_WIDTH, _OUTSIDE)),
      (1, 6),
      strict=True,
    )
  )
  return costs(*(2 * tp / (tp + fp + 1) for _ in range(2)))


def costs(chosen, scored):
  """Lost at 0.5 and 0.05 away, `[..., 3]`, of curves `[..., T]`."""
  place = chosen.argmax(-1)[..., None]
  there = np.concatenate([np.full_like(place, _HALF), place - 5, place + 5], -1)
  best = np.take_along_axis(scored, place, -1)
  values = np.take_along_axis(scored, np.clip(there, 0, 100), -1)
  return np.where((there >= 0) & (there <= 100), (best - values) / best, np.nan)


def curves(means, network, effects, weights, sizes, draw):
  """Pooled Dice of each resample, of patients with these effects."""
  sides = []
  for k, many in enumerate((1, 6)):
    centre = means[k] + scale_of(network) * effects[k]
    spread = scale_of(network) * _WIDTH
    below = special.ndtr((_EDGES - centre[:, None]) / spread)
    share = np.diff(below, axis=1, prepend=0, append=1)
    sides.append(draw.multinomial(many * sizes, share).astype(np.float64))
  true, wrong = (np.cumsum(s[:, ::-1], 1)[:, ::-1][:, 1:] for s in sides)
  inside = sides[0].sum(1)
  return (
    2
    * (weights @ true)
    / (weights @ (true + wrong) + (weights @ inside)[:, None])
  )


def study(patients, seed, resamples):
  """Claim -> values `[resample + 1]`."""
  draw = np.random.default_rng([seed, patients])
  means = organs_of(draw, _ORGANS, _SEEDS.value)
  parts = []
  for count in (_VALIDATION, patients):
    index = np.vstack(
      [np.arange(count), draw.integers(count, size=(resamples, count))]
    )
    flat = index + np.arange(len(index))[:, None] * count
    times = np.bincount(flat.ravel(), minlength=len(index) * count)
    effects = (
      draw.normal(0, _INSIDE, (_ORGANS, count)),
      draw.normal(0, _OUTSIDE, (_ORGANS, count)),
    )
    sizes = np.exp(draw.normal(np.log(800), 0.5, (_ORGANS, count))).astype(int)
    parts.append((times.reshape(len(index), count), effects, sizes))
  models, chosen_on = {}, {}
  for organ, one, network in np.ndindex(_ORGANS, _SEEDS.value, len(_NETWORKS)):
    both = [
      curves(
        means[organ, one, network],
        network,
        [effect[organ] for effect in effects],
        weights,
        sizes[organ],
        draw,
      )
      for weights, effects, sizes in parts
    ]
    models[f"o{organ}", one, network] = costs(*both)
    chosen_on[f"o{organ}", one, network] = costs(both[0], both[0])
  none = np.empty((1, 0))
  draws = _draws.Draws({}, {"test": none}, seed)
  own, other = (
    {key[:2]: v for key, v in models.items() if key[2] == k} for k in (0, 1)
  )
  in_sample = [
    {key[:2]: v[:, 1:] for key, v in chosen_on.items() if key[2] == k}
    for k in (0, 1)
  ]
  shifts = [{k: v[:, 1:] for k, v in one.items()} for one in (own, other)]
  return {
    "C1: lost at 0.5, median": draws.nested(
      {k: v[:, 0] for k, v in own.items()}
    ),
    "C2: lost at ±0.05, median": draws.nested(shifts[0]),
    # The flat network's over the steep one's, as of the training objectives.
    "C4: ratio of two medians": draws.over_organs(shifts[1])
    / draws.over_organs(shifts[0]),
    "the same, patients and seeds drawn too": draws.nested(shifts[1])
    / draws.nested(shifts[0]),
    _IN_SAMPLE[0]: draws.nested(in_sample[0]),
    _IN_SAMPLE[1]: draws.nested(in_sample[1]),
    "C6: median of differences": draws.nested(
      {k: own[k][:, 1:] - other[k][:, 1:] for k in own}
    ),
    "mean over organs of the difference at 0.5": draws.nested(
      {k: own[k][:, 0] - other[k][:, 0] for k in own}, "mean"
    ),
  }


def truths():
  means = organs_of(np.random.default_rng(1), 4000, 3)
  flat = np.array(
    [
      [truth_of(one[k], k) for k in range(len(_NETWORKS))]
      for organ in means
      for one in organ
    ]
  )  # [model, network, 3]
  own, other = flat[:, 0], flat[:, 1]
  below = np.nanmedian(other[:, 1:])
  return {
    "C1: lost at 0.5, median": np.nanmedian(own[:, 0]),
    "C2: lost at ±0.05, median": np.nanmedian(own[:, 1:]),
    "C4: ratio of two medians": below / np.nanmedian(own[:, 1:]),
    "the same, patients and seeds drawn too": below / np.nanmedian(own[:, 1:]),
    _IN_SAMPLE[0]: np.nanmedian(own[:, 1:]),
    _IN_SAMPLE[1]: below,
    "C6: median of differences": np.nanmedian((own - other)[:, 1:]),
    "mean over organs of the difference at 0.5": np.nanmean(
      (own - other)[:, 0]
    ),
  }


def main(_) -> None:
  truth = truths()
  began = time.process_time()
  held = {}
  sizes = [int(n) for n in _PATIENTS.value]
  for size in sizes:
    for seed in range(_STUDIES.value):
      for name, values in study(size, seed, _RESAMPLES.value).items():
        models = list(np.ndindex(_ORGANS, _SEEDS.value))
        few = _draws.of_mean(models) if name.startswith("mean") else {}
        few |= {"units": _ORGANS} if name.startswith("C4") else {}
        low, high = _draws.interval(values, **few)
        held.setdefault((name, size), []).append(
          (low > truth[name], high < truth[name])
        )
  print(f"{time.process_time() - began:.0f} CPU s\n")
  print("| interval | truth |", " | ".join(f"{n} patients" for n in sizes), "|")
  print("| --- | ---: |", " | ".join(["---:"] * len(sizes)), "|")
  for name, value in truth.items():
    said = []
    for size in sizes:
      above, below = 100 * np.mean(held[name, size], axis=0)
      said.append(f"{100 - above - below:.1f} ({above:.1f}, {below:.1f})")
    print(f"| {name} | {value:.4f} |", " | ".join(said), "|")
  draw = np.random.default_rng(0)
  for organs in (7, 10):
    inside = 0
    for _ in range(4000):
      x = draw.normal(size=organs)
      y = 0.6 * x + 0.8 * draw.normal(size=organs)
      low, high = stats.pearsonr(x, y).confidence_interval(0.95)
      inside += low <= 0.6 <= high
    print(f"\nPearson's r of {organs} organs, Fisher's z: {inside / 40:.1f}")


if __name__ == "__main__":
  app.run(main)
