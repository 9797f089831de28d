r"""One training step beside PyTorch's, same U-Net, same shapes, one process.

    python -m benchmarks.train_step_bench --rounds=9

The two take turns, and the order is reversed in every round; the ratio is the
median of the rounds' ratios, below 1 where jaxseg is faster. A step is
forward, backward and Adam of BCE + 2D Dice, int16 slices in, loss out.
"""

from collections.abc import Callable
import platform
import time

from absl import app
from absl import flags
from absl import logging
import jax
import numpy as np
import torch

from benchmarks import torch_unet
from jaxseg import training

_ROUNDS = flags.DEFINE_integer("rounds", 9, "Rounds after the warm-up.")
_SHAPES = flags.DEFINE_list(
  "shapes",
  ["16:96:16", "8:64:16", "32:256:4"],
  "What to time, a list of base:size:batch.",
)
_NORM = flags.DEFINE_string("norm", "group", "Norm of both networks.")


def jax_step(
  base: int, size: int, batch: int, norm: str
) -> Callable[[], float]:
  """A function that does one step of jaxseg's training."""
  config = training.Config(
    "brain", network={"name": "unet", "base": base, "norm": norm}
  )
  functions = training.functions(config)
  images, labels = slices(size, batch)
  device = [jax.device_put(v) for v in (images, labels)]
  state = [functions.init(np.uint32(0), device[0])]

  def step() -> float:
    state[0], loss = functions.step(
      state[0], *device, np.float32(1e-3), np.float32(0.5)
    )
    return float(loss)

  return step


def torch_step(
  base: int, size: int, batch: int, norm: str
) -> Callable[[], float]:
  """A function that does the same in PyTorch, eager."""
  network = torch_unet.TorchUNet(base, norm=norm)
  adam = torch.optim.Adam(network.parameters(), 1e-3)
  images, labels = (torch.from_numpy(v) for v in slices(size, batch))

  def step() -> float:
    x = images.float().clamp(-200, 400).add(200).mul(2 / 600).sub(1)[:, None]
    y = labels.float()[:, None]
    loss = bce_dice(network(x), y)
    adam.zero_grad(set_to_none=True)
    loss.backward()
    adam.step()
    return loss.item()

  return step


def bce_dice(
  z: torch.Tensor, y: torch.Tensor, weight: float = 0.5
) -> torch.Tensor:
  """`jaxseg.losses.bce_dice` in PyTorch."""
  entropy = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
  p = z.sigmoid()
  both, all_ = (p * y).sum((2, 3)), p.sum((2, 3)) + y.sum((2, 3))
  dice = (1 - (2 * both + 1) / (all_ + 1)).mean()
  return weight * entropy + (1 - weight) * dice


def slices(size: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
  """Noise and a disc of it that is to be found."""
  draw = np.random.default_rng(0)
  images = draw.normal(0, 200, (batch, size, size)).astype(np.int16)
  y, x = np.mgrid[:size, :size] - size / 2
  labels = np.broadcast_to(y**2 + x**2 < (size / 6) ** 2, images.shape)
  return images + 100 * labels.astype(np.int16), labels.astype(np.uint8)


def time_once(step: Callable[[], float]) -> float:
  began = time.perf_counter()
  step()
  return time.perf_counter() - began


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  print(
    f"jax {jax.__version__}, torch {torch.__version__},"
    f" Python {platform.python_version()}, {jax.devices()[0].platform},"
    f" {torch.get_num_threads()} threads, norm {_NORM.value}"
  )
  print("base  size  batch   jaxseg ms  torch ms   ratio (min-max)")
  for shape in _SHAPES.value:
    base, size, batch = (int(v) for v in shape.split(":"))
    steps = [
      make(base, size, batch, _NORM.value) for make in (jax_step, torch_step)
    ]
    for step in steps * 2:
      step()
    times = []
    for number in range(_ROUNDS.value):
      order = (0, 1) if number % 2 else (1, 0)
      found = {k: time_once(steps[k]) for k in order}
      times.append((found[0], found[1]))
    ours, theirs = np.median(times, 0) * 1000
    ratios = [a / b for a, b in times]
    print(
      f"{base:4d} {size:5d} {batch:6d} {ours:11.0f} {theirs:9.0f}"
      f"   {np.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    )


if __name__ == "__main__":
  app.run(main)
