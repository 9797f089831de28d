"""What tests of surfaces share: brute force, maps, other tools' masks."""

import functools
import itertools
import json
import math

import numpy as np
from scipy import ndimage

from jaxseg import metrics
from jaxseg.metrics.surface import _definitions

FAMILIES = ("surfel", "voxel")
_areas = functools.cache(_definitions.surfel_areas)


def brute_points(mask, spacing, surface):
  """Points in mm and weights, by looking around each voxel or corner."""
  padded = np.pad(mask, 1)
  if surface == "voxel":
    inner = padded.copy()
    for axis, step in itertools.product(range(mask.ndim), (-1, 1)):
      inner &= np.roll(padded, step, axis)
    points = np.argwhere(padded & ~inner) * spacing
    return points, np.ones(len(points))
  around = np.lib.stride_tricks.sliding_window_view(padded, (2,) * mask.ndim)
  around = around.reshape(*around.shape[: mask.ndim], -1)
  codes = around @ (1 << np.arange(around.shape[-1]))[::-1]
  there = around.any(-1) & ~around.all(-1)
  return np.argwhere(there) * spacing, _areas(tuple(spacing))[codes[there]]


def brute_force(a, b, spacing, surface):
  """The report from all pairs of points."""
  spacing = np.asarray(spacing, float)
  (p, v), (q, w) = (brute_points(m, spacing, surface) for m in (a, b))
  apart = np.sqrt(((p[:, None] - q[None]) ** 2).sum(-1))
  there, back = apart.min(1), apart.min(0)

  means = (there @ v) / v.sum(), (back @ w) / w.sum()
  near = 1.0 + 1e-12  # Distances come from scaled places here.
  return {
    "hausdorff_100": max(there.max(), back.max()),
    "assd": (there @ v + back @ w) / (v.sum() + w.sum()),
    "masd": sum(means) / 2,
    "mean_to_reference": means[0],
    "mean_to_prediction": means[1],
    **{
      f"nsd_{t:g}": (v[there <= t * near].sum() + w[back <= t * near].sum())
      / (v.sum() + w.sum())
      for t in (1, 2, 3)
    },
  }


def smooth(shape, seed):
  """A map with a soft border, and a mask that is not the map's own."""
  generator = np.random.default_rng(seed)
  fields = [
    ndimage.gaussian_filter(generator.standard_normal(shape), 2.0)
    for _ in range(2)
  ]
  p, other = (1 / (1 + np.exp(-8 * f / f.std())) for f in fields)
  return p.astype(np.float32), (0.7 * p + 0.3 * other) > 0.6


def assert_sweep_agrees(p, reference, spacing, cuts, **kwargs):
  """The sweep's values beside a report of every cut."""
  found = metrics.surface_sweep(p, reference, spacing, cuts, **kwargs)
  for index, cut in enumerate(np.asarray(cuts, np.float32)):
    one = metrics.surface_report(p >= cut, reference, spacing, **kwargs)
    assert one.keys() == found.keys()
    for name, value in one.items():
      np.testing.assert_allclose(
        found[name][index], value, rtol=1e-12, err_msg=f"{name} at {cut}"
      )
  return found


def golden_cases(golden):
  cases = json.loads((golden / "surface_values.json").read_text())["cases"]
  with np.load(golden / "surface_masks.npz") as masks:
    for name, case in cases.items():
      shape = case["shape"]
      reference, prediction = (
        np.unpackbits(masks[f"{name}__{kind}"], count=math.prod(shape))
        .reshape(shape)
        .astype(np.bool_)
        for kind in ("gt", "pred")
      )
      yield name, case, prediction, reference
