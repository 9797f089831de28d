r"""A new scan and ten structures: jaxseg beside a MONAI pipeline.

    python -m benchmarks.predict_bench

A made-up CT of 150 x 512 x 512 voxels becomes ten masks on its own grid, as
NIfTI. Both have ten of the same 2D U-Net (its twin in PyTorch), on 3 mm pixels
of 96 x 96. jaxseg centres that window on the body; MONAI's pipeline is the
usual one: Spacing, SliceInferer with overlap 0.25, Spacing back, cut, save.
Each runs in a process of its own, on all cores, one after the other, round by
round; said are seconds of the clock and of the processor, and the largest
resident memory. What is compiled is kept between rounds, so the first round of
jaxseg compiles, and is said apart.
"""

import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags
from absl import logging
import numpy as np

_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds beside the first.")
_SLICES = flags.DEFINE_integer("slices", 150, "Slices of the scan.")
_SIZE = flags.DEFINE_integer("size", 512, "Rows and columns of the scan.")
_STRUCTURES = flags.DEFINE_integer("structures", 10, "Number of structures.")
_BASE = flags.DEFINE_integer("base", 16, "Channels of the finest level.")
_PROGRAM = flags.DEFINE_string("program", "", "Of a child: which it is.")
_FOLDER = flags.DEFINE_string("folder", "", "Of a child: where files are.")
_WINDOW, _MM = 96, 3.0
_HU = (-200.0, 400.0)


def make(folder: pathlib.Path) -> None:
  """Writes FOLDER/scan.nii.gz and FOLDER/bundle."""
  import nibabel

  from jaxseg import _sealed
  from jaxseg import _weights
  from jaxseg import data
  from jaxseg import models
  from jaxseg import structures
  from jaxseg import thresholds

  z, y, x = np.ogrid[: _SLICES.value, : _SIZE.value, : _SIZE.value]
  del z
  middle, radius = _SIZE.value / 2, 0.2 * _SIZE.value
  away = np.hypot(y - middle, x - middle)
  flat = np.where(away < radius, 40, -1000) + np.where(
    abs(away - 0.8 * radius) < 6, 700, 0
  )
  draw = np.random.default_rng(0)
  shape = (_SLICES.value, _SIZE.value, _SIZE.value)
  hu = (flat[0] + draw.normal(0, 20, shape)).astype(np.int16)
  affine = np.diag([-0.98, -0.98, 2.0, 1.0])
  image = nibabel.Nifti1Image(hu.transpose(2, 1, 0), affine)
  nibabel.save(image, folder / "scan.nii.gz")
  import jax

  network = {"name": "unet", "base": _BASE.value}
  prepare = data.PrepareConfig(size=(_WINDOW, _WINDOW), spacing=_MM)
  module = models.create(**network)
  said = {}
  for k, name in enumerate(structures.names()[: _STRUCTURES.value]):
    place = f"models/{name}/bce/0"
    facts = {
      "format": "jaxseg.model/1",
      "structure": name,
      "objective": "bce",
      "seed": k,
      "negatives": 1.0,
      "network": network,
      "window_hu": list(_HU),
      "input_range": [-1.0, 1.0],
      "prepare": dataclasses.asdict(prepare),
      "size": [_WINDOW, _WINDOW],
    }
    _sealed.write(folder / "bundle" / place / "model.json", facts)
    facts = _sealed.read(folder / "bundle" / place / "model.json", again="")
    given = np.zeros((1, _WINDOW, _WINDOW, 1), np.float32)
    drawn = jax.tree.map(
      lambda leaf: draw.normal(0, 0.05, leaf.shape).astype(leaf.dtype),
      jax.eval_shape(module.init, jax.random.key(k), given),
    )
    _weights.save(
      folder / "bundle" / place / "checkpoints" / "best",
      dict(drawn),
      facts,
    )
    cut = f"models/{name}/threshold.json"
    # Networks that nobody trained find little or much; no mask is empty.
    thresholds.ChosenThreshold(0.5, "dice", 0.5, 1).write(
      folder / "bundle" / cut
    )
    said[name] = {"members": [place], "threshold": cut, "training": {}}
  content = {"format": "jaxseg.bundle/1", "version": "0", "structures": said}
  _sealed.write(folder / "bundle" / "model.json", content)


def of_jaxseg(folder: pathlib.Path, output: pathlib.Path) -> None:
  """What `jaxseg predict` does."""
  from jaxseg import cli

  code = cli.main(
    [
      "predict",
      f"--model={folder / 'bundle'}",
      f"--input={folder / 'scan.nii.gz'}",
      f"--output={output}",
      "--write=nifti",
    ]
  )
  if code:
    raise SystemExit(code)


def of_monai(folder: pathlib.Path, output: pathlib.Path) -> None:
  """The usual pipeline: resample, slide, resample back, cut, save."""
  from monai import inferers
  from monai import transforms
  import nibabel
  import torch

  from benchmarks import torch_unet

  low, high = _HU
  load = transforms.Compose(
    [
      transforms.LoadImage(image_only=True, ensure_channel_first=True),
      transforms.Spacing(pixdim=(_MM, _MM, -1), mode="bilinear"),
      transforms.ScaleIntensityRange(low, high, -1.0, 1.0, clip=True),
    ]
  )
  image = load(folder / "scan.nii.gz")
  whole = nibabel.load(folder / "scan.nii.gz")
  slide = inferers.SliceInferer(
    roi_size=(_WINDOW, _WINDOW), sw_batch_size=32, overlap=0.25, spatial_dim=2
  )
  output.mkdir(parents=True)
  networks = []
  for _ in range(_STRUCTURES.value):
    networks.append(torch_unet.TorchUNet(base=_BASE.value).eval())
  with torch.no_grad():
    for k, network in enumerate(networks):
      maps = slide(image[None], network)[0].sigmoid()
      back = torch.nn.functional.interpolate(
        maps[None], size=whole.shape, mode="trilinear", align_corners=True
      )[0, 0]
      mask = (back >= 0.01).numpy().astype(np.uint8)
      made = nibabel.Nifti1Image(mask, whole.affine)
      nibabel.save(made, output / f"{k}.nii.gz")


def measured(program: str, folder: pathlib.Path, number: int) -> dict:
  """Seconds and memory of one run in a process of its own."""
  output = folder / f"{program}-{number}"
  flags_ = [
    f"--{f.name}={f.value}" for f in (_SLICES, _SIZE, _STRUCTURES, _BASE)
  ]
  began = time.perf_counter()
  subprocess.run(
    [sys.executable, "-m", "benchmarks.predict_bench", f"--program={program}",
     f"--folder={folder}", *flags_, f"--rounds={number}"],
    check=True, stdout=subprocess.DEVNULL,
    env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
         "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"},
  )  # fmt: skip
  seconds = time.perf_counter() - began
  told = json.loads((folder / f"{program}-{number}.json").read_text())
  return {**told, "wall_s": seconds, "files": len(list(output.rglob("*.gz")))}


def child(program: str, folder: pathlib.Path, number: int) -> None:
  """Runs one program and tells what it took."""
  output = folder / f"{program}-{number}"
  {"jaxseg": of_jaxseg, "monai": of_monai}[program](folder, output)
  used = resource.getrusage(resource.RUSAGE_SELF)
  told = {
    "cpu_s": used.ru_utime + used.ru_stime,
    "peak_mib": used.ru_maxrss / 1024,
  }
  (folder / f"{program}-{number}.json").write_text(json.dumps(told))


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  if _PROGRAM.value:
    child(_PROGRAM.value, pathlib.Path(_FOLDER.value), _ROUNDS.value)
    return
  with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    make(folder)
    print("program   round   wall s    cpu s   peak MiB   masks")
    for number in range(_ROUNDS.value + 1):
      for program in ("jaxseg", "monai"):
        row = measured(program, folder, number)
        name = "first" if not number else str(number)
        print(
          f"{program:9s} {name:>5s} {row['wall_s']:8.1f} {row['cpu_s']:8.1f}"
          f" {row['peak_mib']:10.0f} {row['files']:7d}",
          flush=True,
        )


if __name__ == "__main__":
  app.run(main)
