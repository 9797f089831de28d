r"""One training step beside PyTorch's, same U-Net, same shapes, one process.

    python -m benchmarks.train_step_bench --rounds=9

The two take turns, and the order is reversed in every round; the ratio is the
median of the rounds' ratios, below 1 where jaxseg is faster. A step is
forward, backward and Adam of BCE + 2D Dice, int16 slices in, loss out. On a
CPU both have one thread and the time is the process's; where JAX has a GPU,
both run on it, for as many steps as --steps says between two looks at the loss.
"""

from collections.abc import Callable
import platform

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
from jaxseg import training

_STEPS = flags.DEFINE_integer("steps", 1, "Steps before the loss is read.")
_DTYPE = flags.DEFINE_enum(
  "dtype", "float32", ["float32", "bfloat16"], "What convolutions compute in."
)
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
    "brain",
    network={
      "name": "unet",
      "base": base,
      "norm": norm,
      "dtype": _DTYPE.value,
    },
  )
  functions = training.functions(config)
  images, labels = slices(size, batch)
  device = [jax.device_put(v) for v in (images, labels)]
  state = [functions.init(np.uint32(0), device[0])]

  def step() -> float:
    for _ in range(_STEPS.value):
      state[0], loss = functions.step(
        state[0], *device, np.float32(1e-3), np.float32(0.5)
      )
    return float(loss)

  return step


def torch_step(
  base: int, size: int, batch: int, norm: str
) -> Callable[[], float]:
  """A function that does the same in PyTorch, eager."""
  place = torch_device()
  network = torch_unet.TorchUNet(base, norm=norm).to(place)
  adam = torch.optim.Adam(network.parameters(), 1e-3)
  images, labels = (torch.from_numpy(v).to(place) for v in slices(size, batch))

  def step() -> float:
    for _ in range(_STEPS.value):
      x = images.float().clamp(-200, 400).add(200).mul(2 / 600).sub(1)[:, None]
      y = labels.float()[:, None]
      with torch.autocast(
        place, torch.bfloat16, enabled=_DTYPE.value == "bfloat16"
      ):
        logits = network(x)
      loss = bce_dice(logits.float(), y)
      adam.zero_grad(set_to_none=True)
      loss.backward()
      adam.step()
    return loss.item()

  return step


def torch_device() -> str:
  """Where PyTorch computes: on a GPU if JAX does."""
  return "cuda" if jax.default_backend() == "gpu" else "cpu"


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


def about(what: str) -> str:
  """What was compared on what, the first line of a benchmark."""
  return (
    f"{what}; jax {jax.__version__}, torch {torch.__version__}, Python"
    f" {platform.python_version()}, {jax.devices()[0].device_kind},"
    f" {torch.get_num_threads()} threads"
  )


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  cpu = jax.default_backend() == "cpu"
  print(about(f"{_DTYPE.value}, norm {_NORM.value}"))
  print("base:size:batch        jaxseg ms   torch ms   ratio (min-max)")
  for shape in _SHAPES.value:
    base, size, batch = (int(v) for v in shape.split(":"))
    steps = [
      make(base, size, batch, _NORM.value) for make in (jax_step, torch_step)
    ]
    seconds, found = side_by_side.ratios(steps, _ROUNDS.value, cpu=cpu)
    print(
      side_by_side.line(shape, seconds / _STEPS.value, found),
      flush=True,
    )


if __name__ == "__main__":
  app.run(main)
