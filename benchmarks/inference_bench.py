r"""Prediction of a batch of slices beside PyTorch's, same U-Net, one process.

    python -m benchmarks.inference_bench --rounds=9

int16 slices in, probabilities out. The two take turns as in `train_step_bench`,
which see; the ratio is below 1 where jaxseg is faster.
"""

from collections.abc import Callable

from absl import app
from absl import flags
from absl import logging

from benchmarks import side_by_side

if __name__ == "__main__":
  side_by_side.pin()

import jax
import numpy as np
import torch

from benchmarks import torch_unet
from benchmarks import train_step_bench
from jaxseg import training


def jax_maps(base: int, size: int, batch: int) -> Callable[[], object]:
  """A function that predicts a batch as jaxseg does."""
  config = training.Config("brain", network={"name": "unet", "base": base})
  images = jax.device_put(train_step_bench.slices(size, batch)[0])
  variables = training.functions(config).init(np.uint32(0), images).variables
  predict = config.forward.predict
  return lambda: predict(variables, images).block_until_ready()


def torch_maps(base: int, size: int, batch: int) -> Callable[[], object]:
  """A function that does the same in PyTorch, eager."""
  place = train_step_bench.torch_device()
  network = torch_unet.TorchUNet(base, norm="group").eval().to(place)
  images = torch.from_numpy(train_step_bench.slices(size, batch)[0]).to(place)

  def predict() -> object:
    with torch.inference_mode():
      x = images.float().clamp(-200, 400).add(200).mul(2 / 600).sub(1)[:, None]
      maps = network(x).sigmoid()
      if place == "cuda":
        torch.cuda.synchronize()
      return maps

  return predict


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  cpu = jax.default_backend() == "cpu"
  print(train_step_bench.about("probabilities, float32, group norm"))
  print("base:size:batch        jaxseg ms   torch ms   ratio (min-max)")
  for shape in flags.FLAGS.shapes:
    sizes = [int(v) for v in shape.split(":")]
    programs = [make(*sizes) for make in (jax_maps, torch_maps)]
    seconds, found = side_by_side.ratios(programs, flags.FLAGS.rounds, cpu=cpu)
    print(side_by_side.line(shape, seconds, found), flush=True)


if __name__ == "__main__":
  app.run(main)
