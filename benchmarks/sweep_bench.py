r"""Dice at 1001 thresholds: time and memory beside others.

    python -m benchmarks.sweep_bench
    python -m benchmarks.sweep_bench --voxels=2000000 --structures=2

Ten structures of 26 million voxels, one after the other; each way in a process
of its own, which makes the maps and times the counting alone. Ways that would
take hours do a part of the work, and the part is said: their time is scaled.
Integers are compared with those of jaxseg wherever a way counts by its rule.
"""

import json
import resource
import subprocess
import sys
import time
import warnings

from absl import app
from absl import flags
import numpy as np

from jaxseg import thresholds

_VOXELS = flags.DEFINE_integer("voxels", 26_000_000, "Voxels of a map.")
_STRUCTURES = flags.DEFINE_integer("structures", 10, "Number of maps.")
_MAP = flags.DEFINE_enum(
  "map",
  "network",
  ["network", "uniform"],
  "Values: a network's, most of them near 0, or equally often any.",
)
_WAY = flags.DEFINE_string("way", None, "Internal: one way, in this process.")
_GRID = thresholds.grid(1001)
_DRAWN = 4  # Maps that differ; a further structure is one of them again.


def make(structure, voxels):
  """Sigmoids of a network: most far below 0.001, a soft border."""
  draw = np.random.default_rng(structure % _DRAWN)
  if _MAP.value == "uniform":
    return draw.random(voxels, np.float32), draw.random(voxels) < 0.3
  logits = draw.standard_normal(voxels, np.float32) * np.float32(1.5)
  inside = slice(voxels // 3, voxels // 3 + voxels // 40)
  border = slice(inside.start - voxels // 100, inside.stop + voxels // 100)
  logits -= np.float32(10)
  logits[border] += np.float32(8)
  logits[inside] += np.float32(5)
  np.negative(logits, out=logits)
  np.exp(logits, out=logits)
  logits += 1
  np.reciprocal(logits, out=logits)
  y = np.zeros(voxels, np.bool_)
  y[inside] = True
  return logits, y


def scores(tp, positives, fp):
  return 2 * tp / np.maximum(tp + positives + fp, 1)


def floor(p, y):
  """One NumPy pass that only counts p >= 0.5 in and out of the reference."""
  above = p >= np.float32(0.5)
  return np.count_nonzero(above & y), np.count_nonzero(above & ~y)


def jaxseg_host(p, y):
  return thresholds.count_case(p, y, _GRID)


def jaxseg_jit(p, y):
  import jax

  found = thresholds.count(jax.device_put(p), jax.device_put(y), _GRID)
  return thresholds.Counts(
    _GRID, np.asarray(found.positive), np.asarray(found.negative)
  )


def numpy_table(p, y):
  """The best NumPy form: bin by arithmetic, mend by a table, bincount."""
  found = np.zeros(2004, np.int64)
  for k in range(0, len(p), 1 << 16):
    part, inside = p[k : k + (1 << 16)], y[k : k + (1 << 16)]
    q = (part * np.float32(1000)).astype(np.int32)
    q -= part < _GRID[q]
    upper = np.minimum(q + 1, 1000)
    q += (part >= _GRID[upper]) & (q < 1000)
    found += np.bincount(q + 1 + 1002 * inside, minlength=2004)
  return thresholds.Counts(_GRID, found[1002:], found[:1002])


def numpy_histogram(p, y):
  edges = np.append(_GRID, np.float32(2))
  inside = np.histogram(p[y], edges)[0]
  return inside, np.histogram(p, edges)[0] - inside


def numpy_loop(p, y, part=5):
  for t in _GRID[:: 1000 // (part - 1)]:
    above = p >= t
    np.count_nonzero(above & y)
    np.count_nonzero(above)
  return part


def monai_loop(p, y, part=3):
  import monai
  import torch

  metric = monai.metrics.DiceMetric()
  q, z = torch.from_numpy(p)[None, None], torch.from_numpy(y)[None, None]
  for t in _GRID[:: 1000 // (part - 1)]:
    metric(q >= float(t), z)
  metric.aggregate()
  return part


def torchmetrics_binned(p, y):
  import torch
  from torchmetrics.functional import classification

  cuts = torch.from_numpy(_GRID)
  return classification.binary_precision_recall_curve(
    torch.from_numpy(p), torch.from_numpy(y).int(), thresholds=cuts
  )


def scikit_learn(p, y):
  from sklearn import metrics

  return metrics.precision_recall_curve(y, p)


# Way -> (function, structures that are done, reason).
WAYS = {
  "numpy, one pass p >= 0.5": (floor, None),
  "jaxseg count_case": (jaxseg_host, None),
  "jaxseg count, jit": (jaxseg_jit, None),
  "numpy, bin by arithmetic": (numpy_table, None),
  "numpy.histogram twice": (numpy_histogram, 2),
  "numpy, loop over thresholds": (numpy_loop, 1),
  "MONAI DiceMetric, loop": (monai_loop, 1),
  "torchmetrics binned curve": (torchmetrics_binned, 1),
  "scikit-learn curve": (scikit_learn, 1),
}


def measure(way):
  """Prints seconds for all structures and peak memory of one way."""
  function, most = WAYS[way]
  number = min(_STRUCTURES.value, most or _STRUCTURES.value)
  small = make(0, 1 << 20)
  function(*small)  # Imports and compiles.
  total, scale, differing = 0.0, 1.0, None
  for structure in range(number):
    p, y = make(structure, _VOXELS.value)
    if way == "jaxseg count, jit" and structure == 0:
      function(p, y)  # Compiles for this shape.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    found = function(p, y)
    total += time.perf_counter() - begin
    if isinstance(found, int):
      scale = len(_GRID) / found
    if isinstance(found, thresholds.Counts) and structure == 0:
      direct = thresholds.count_case(p, y, _GRID)
      differing = int(np.abs(direct.positive - found.positive).sum())
      differing += int(np.abs(direct.negative - found.negative).sum())
  after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  print(json.dumps({
    "seconds": total * scale * _STRUCTURES.value / number,
    "structures": number,
    "thresholds": round(len(_GRID) / scale),
    "extra_mb": (after - before) / 1024,
    "differing": differing,
  }))  # fmt: skip


def main(_) -> None:
  warnings.simplefilter("ignore")
  if _WAY.value:
    measure(_WAY.value)
    return
  rows = {}
  for way in WAYS:
    words = [
      sys.executable, "-m", "benchmarks.sweep_bench", f"--way={way}",
      f"--voxels={_VOXELS.value}", f"--structures={_STRUCTURES.value}",
      f"--map={_MAP.value}",
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
      print(f"{way}: failed: {done.stderr.strip().splitlines()[-1][:120]}")
      continue
    rows[way] = json.loads(done.stdout.splitlines()[-1])
  own = rows["jaxseg count_case"]["seconds"]
  number, voxels = _STRUCTURES.value, _VOXELS.value
  print(f"\n{number} structures of {voxels} voxels, {_MAP.value}\n")
  print(
    "| way | seconds | ratio to jaxseg | peak MB beyond the map | measured on"
    " | counts that differ |"
  )
  print("| --- | ---: | ---: | ---: | --- | ---: |")
  for way, row in rows.items():
    measured = f"{row['structures']} structures, {row['thresholds']} thresholds"
    differing = "" if row["differing"] is None else row["differing"]
    print(
      f"| {way} | {row['seconds']:.2f} | {row['seconds'] / own:.1f} |"
      f" {row['extra_mb']:.0f} | {measured} | {differing} |"
    )


if __name__ == "__main__":
  app.run(main)
