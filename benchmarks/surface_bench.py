r"""Surface metrics of real structures: values and time beside others.

    python -m benchmarks.surface_bench --sts=dicom/sts --openkbp=open-kbp

For every structure {HD95, ASSD, NSD at 2 mm} together, and the same at the 101
thresholds 0, 0.01 ... 1 of a map. Structures are real (contours of DICOM cases,
organs of OpenKBP) or the phantom's at 512 x 512 x 150; maps are made from them:
the distance to the border and smooth noise, some mm of it, through a sigmoid.
The prediction is the map at 0.5. All ways take turns in one process; one that
is 20 times as slow as the fastest is measured once, and no sweep is tried with
it. Others' sweeps are loops over every tenth threshold, and the time is scaled.
"""

import contextlib
import os
import pathlib
import time
import warnings

from absl import app
from absl import flags
import numpy as np
from scipy import ndimage
import SimpleITK as sitk

from jaxseg import cohorts
from jaxseg import metrics

_STS = flags.DEFINE_string("sts", None, "Folder of cases with references.")
_OPENKBP = flags.DEFINE_string("openkbp", None, "Folder of OpenKBP patients.")
_PHANTOM = flags.DEFINE_bool("phantom", True, "Whether to make the phantom.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns; the fastest counts.")
_LOOPS = flags.DEFINE_bool("loops", True, "Whether to measure sweeps as well.")
_ONLY = flags.DEFINE_list("only", None, "Others to measure; default: all.")
_SLOW = 20
_CUTS = np.arange(101, dtype=np.float32) / np.float32(100)
_TOLERANCE = 2.0


def ours(prediction, reference, spacing, surface="surfel"):
  found = metrics.surface_report(
    prediction, reference, spacing, tolerances=(_TOLERANCE,),
    percentiles=(95.0,), surface=surface,
  )  # fmt: skip
  return found["hausdorff_95"], found["assd"], found[f"nsd_{_TOLERANCE:g}"]


def our_voxels(prediction, reference, spacing):
  return ours(prediction, reference, spacing, "voxel")


def deepmind(prediction, reference, spacing):
  import surface_distance as peer

  found = peer.compute_surface_distances(reference, prediction, spacing)
  back, there = peer.compute_average_surface_distance(found)
  areas = found["surfel_areas_gt"].sum(), found["surfel_areas_pred"].sum()
  return (
    peer.compute_robust_hausdorff(found, 95),
    (back * areas[0] + there * areas[1]) / sum(areas),
    peer.compute_surface_dice_at_tolerance(found, _TOLERANCE),
  )


def monai(prediction, reference, spacing):
  from monai import metrics as peer
  import torch

  p, r = (torch.from_numpy(m)[None, None] for m in (prediction, reference))
  kind = {"include_background": True, "spacing": list(spacing)}
  return (
    float(peer.compute_hausdorff_distance(p, r, percentile=95, **kind)),
    float(peer.compute_average_surface_distance(p, r, symmetric=True, **kind)),
    float(peer.compute_surface_dice(p, r, [_TOLERANCE], **kind)),
  )


def metrics_reloaded(prediction, reference, spacing):
  from MetricsReloaded.metrics import pairwise_measures as peer

  found = peer.BinaryPairwiseMeasures(
    prediction, reference, pixdim=list(spacing),
    dict_args={"hd_perc": 95, "nsd": _TOLERANCE},
  )  # fmt: skip
  return (
    found.measured_hausdorff_distance_perc(),
    found.measured_average_distance(),
    found.normalised_surface_distance(),
  )


def medpy(prediction, reference, spacing):
  from medpy.metric import binary as peer

  return (
    peer.hd95(prediction, reference, spacing),
    peer.assd(prediction, reference, spacing),
    np.nan,
  )


def simpleitk(prediction, reference, spacing):
  """Distance maps of label contours, as its notebooks do it: padded."""
  images = []
  for mask in (prediction, reference):
    image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
    image.SetSpacing([float(s) for s in spacing[::-1]])
    images.append(image)
  borders = [sitk.LabelContour(image) for image in images]
  far = [
    np.abs(
      sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(
          border, squaredDistance=False, useImageSpacing=True
        )
      )
    )
    for border in borders
  ]
  there, back = (
    far[1 - k][sitk.GetArrayFromImage(borders[k]) > 0] for k in (0, 1)
  )
  both = np.concatenate([there, back])
  return (
    max(np.percentile(there, 95), np.percentile(back, 95)),
    both.mean(),
    (both <= _TOLERANCE).mean(),
  )


WAYS = {
  "jaxseg surfel": ours,
  "jaxseg voxel": our_voxels,
  "surface-distance": deepmind,
  "MONAI": monai,
  "MetricsReloaded": metrics_reloaded,
  "medpy (no NSD)": medpy,
  "SimpleITK": simpleitk,
}


def make_map(mask, spacing, draw):
  """Probabilities as a network might give them, around a reference."""
  reach = [int(15 / s) for s in spacing]
  box = tuple(
    slice(max(0, int(i.min()) - r), int(i.max()) + r + 1)
    for i, r in zip(np.nonzero(mask), reach, strict=True)
  )
  near = mask[box]
  depth = ndimage.distance_transform_edt(~near, sampling=spacing)
  depth -= ndimage.distance_transform_edt(near, sampling=spacing)
  noise = ndimage.gaussian_filter(
    draw.standard_normal(near.shape), [6 / s for s in spacing]
  )
  depth += 3 * noise / noise.std()
  result = np.zeros(mask.shape, np.float32)
  result[box] = 1 / (1 + np.exp(depth / 1.5))
  return result


def structures():
  """(name, mask, spacing) of all that is measured."""
  for case in sorted(pathlib.Path(_STS.value).iterdir()) if _STS.value else []:
    image = sitk.ReadImage(str(case / "reference_mask.nii.gz"))
    yield case.name, sitk.GetArrayFromImage(image) > 0, image.GetSpacing()[::-1]
  made = []
  if _OPENKBP.value:
    made.append(("OpenKBP ", cohorts.OpenKBP(_OPENKBP.value)))
  if _PHANTOM.value:
    span = cohorts.Phantom(slice_mm=1.0).load("phantom_000").image.array.shape
    made.append(("phantom ", cohorts.Phantom(size=512, slice_mm=span[0] / 150)))
  for prefix, cohort in made:
    case = cohort.load(cohort.patients()[0])
    for name, mask in case.masks.items():
      yield prefix + name, mask, case.image.spacing


def timed(call):
  begin = time.perf_counter()
  with warnings.catch_warnings(), quiet():
    warnings.simplefilter("ignore")
    result = call()
  return time.perf_counter() - begin, result


@contextlib.contextmanager
def quiet():
  with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    yield


def take_turns(calls, rounds):
  """Fastest seconds and last result of each; None where it fails."""
  best = dict.fromkeys(calls, np.inf)
  results = dict.fromkeys(calls)
  for turn in range(rounds):
    for name, call in calls.items():
      if turn and best[name] > _SLOW * min(best.values()):
        continue
      try:
        seconds, results[name] = timed(call)
      except (LookupError, ValueError, RuntimeError) as e:
        print(f"<!-- {name}: {type(e).__name__}: {str(e)[:80]} -->")
        continue
      best[name] = min(best[name], seconds)
  return best, results


def warm_up():
  """Lets every way import what it needs; says which are not installed."""
  mask = np.zeros((8, 8, 8), bool)
  mask[2:5, 2:5, 2:5] = True
  missing = []
  for name, way in list(WAYS.items()):
    try:
      timed(lambda way=way: way(mask, mask, (1.0, 1.0, 1.0)))
    except ImportError:
      missing.append(name)
      del WAYS[name]
  if missing:
    print(f"Not installed: {', '.join(missing)}\n")


def report(p, mask, spacing):
  """Cells of the table, results, and the ways that are fast enough to loop."""
  q = p >= np.float32(0.5)
  calls = {
    name: (lambda way=way: way(q, mask, spacing)) for name, way in WAYS.items()
  }
  best, results = take_turns(calls, _ROUNDS.value)
  cells = []
  for name in WAYS:
    if results[name] is None:
      cells.append("-")
    elif name == "jaxseg surfel":
      cells.append(f"{1e3 * best[name]:.1f} ms")
    else:
      cells.append(f"{best[name] / best['jaxseg surfel']:.1f}")
  fast = [n for n in WAYS if best[n] <= _SLOW * min(best.values())]
  return cells, results, fast


def loops(p, mask, spacing, fast):
  """Ours for the whole sweep, others at every tenth threshold, scaled."""
  some = _CUTS[::10]

  def sweep(surface):
    return metrics.surface_sweep(
      p, mask, spacing, _CUTS, tolerances=(_TOLERANCE,), percentiles=(95.0,),
      surface=surface,
    )  # fmt: skip

  def over(way):
    for cut in some:
      q = p >= cut
      if q.any():
        way(q, mask, spacing)

  own, _ = take_turns(
    {kind: (lambda kind=kind: sweep(kind)) for kind in ("surfel", "voxel")},
    _ROUNDS.value,
  )
  others, _ = take_turns(
    {
      name: (lambda way=WAYS[name]: over(way)) for name in fast
      if not name.startswith("jaxseg")
    },
    1,
  )  # fmt: skip
  base = own["surfel"]
  cells = [f"{1e3 * base:.0f} ms", f"{own['voxel'] / base:.1f}"]
  for name in list(WAYS)[2:]:
    scaled = others.get(name, np.inf) * len(_CUTS) / len(some) / base
    cells.append(f"{scaled:.0f}" if np.isfinite(scaled) else "-")
  return cells


def main(_) -> None:
  for name in list(WAYS):
    if _ONLY.value and not name.startswith(("jaxseg", *_ONLY.value)):
      del WAYS[name]
  warm_up()
  draw = np.random.default_rng(0)
  head = "| structure | voxels | " + " | ".join(WAYS) + " |"
  rule = "| --- | ---: |" + " ---: |" * len(WAYS)
  swept, values = [], []
  print(
    f"{{HD95, ASSD, NSD}} once: time of jaxseg, others' as multiples\n\n{head}"
  )
  print(rule)
  for name, mask, spacing in structures():
    p = make_map(mask, spacing, draw)
    cells, found, fast = report(p, mask, spacing)
    row = f"| {name} | {int(mask.sum())} | "
    print(row + " | ".join(cells) + " |", flush=True)
    said = [
      "-" if f is None else " / ".join(f"{v:.3f}" for v in f)
      for f in found.values()
    ]
    values.append(row + " | ".join(said) + " |")
    if _LOOPS.value:
      swept.append(row + " | ".join(loops(p, mask, spacing, fast)) + " |")
  print(f"\nHD95 / ASSD / NSD as each prints them\n\n{head}\n{rule}")
  print("\n".join(values))
  if swept:
    print(f"\n101 thresholds\n\n{head}\n{rule}")
    print("\n".join(swept))


if __name__ == "__main__":
  app.run(main)
