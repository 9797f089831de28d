r"""The same network trained in PyTorch on the same split: is Dice the same?

    python -m benchmarks.dice_bench --run=runs/phantom --structure=brain

Takes a finished model of a run folder and trains its twin in PyTorch with the
same slices in the same order, learning rates, loss, validation and choice of
checkpoint; only the random initial weights differ. Both are swept alike: the
threshold comes from the validation patients, Dice from the test patients.
"""

import pathlib
import time

from absl import app
from absl import flags
from absl import logging
import numpy as np
import torch

from benchmarks import torch_unet
from benchmarks import train_step_bench
from jaxseg import _files
from jaxseg import data
from jaxseg import study
from jaxseg import thresholds
from jaxseg import training

_RUN = flags.DEFINE_string("run", "runs/phantom", "Run folder.")
_STRUCTURE = flags.DEFINE_string("structure", "brain", "Structure to train.")
_OBJECTIVE = flags.DEFINE_string("objective", "bce", "Objective to train on.")
_SEED = flags.DEFINE_integer("torch_seed", 0, "Of PyTorch's initial weights.")


class Twin:
  """A PyTorch network that can be swept like a `jaxseg.Model`."""

  def __init__(self, config: training.Config):
    self.config = config
    self.structure = config.structure
    self.facts = {
      "objective": config.objective,
      "seed": config.seed,
      "negatives": config.negatives,
      "network": dict(config.network),
    }
    settings = {k: v for k, v in config.network.items() if k != "name"}
    self.network = torch_unet.TorchUNet(**settings)

  def inputs(self, images: np.ndarray) -> torch.Tensor:
    """Windowed slices, `[N, 1, H, W]`."""
    low, high = self.config.window_hu
    to = self.config.input_range
    hu = torch.from_numpy(images.astype(np.float32)).clamp(low, high)
    return ((hu - low) * ((to[1] - to[0]) / (high - low)) + to[0])[:, None]

  @torch.no_grad()
  def predict_prepared(self, images: np.ndarray) -> np.ndarray:
    """Probabilities of prepared slices, as `Model.predict_prepared`."""
    self.network.eval()
    parts = [
      self.network(self.inputs(images[k : k + 32])).sigmoid()[:, 0]
      for k in range(0, len(images), 32)
    ]
    self.network.train()
    return torch.cat(parts).numpy()


def train(run: data.Run, twin: Twin) -> None:
  """What `jaxseg.training` does, in PyTorch."""
  config = twin.config
  images, labels = run.store.images(), run.store.labels(config.structure)
  samples, held_out = (
    data.select(run.store, config.structure, part, labels)
    for part in (run.split.train, run.split.validation)
  )
  validation = np.sort(np.concatenate([held_out.positive, held_out.negative]))
  adam = torch.optim.Adam(twin.network.parameters())
  weight = training.OBJECTIVES[config.objective]
  best, kept, steps = -1.0, None, None
  for epoch in range(config.epochs):
    order = data.draw(
      samples, negatives=config.negatives, seed=config.seed, epoch=epoch
    )
    cut = data.batches(order, size=config.batch, limit=config.steps_per_epoch)
    steps = len(cut) if steps is None else steps
    for number, index in enumerate(cut):
      rate = training.learning_rate(
        config, epoch * steps + number, config.epochs * steps
      )
      for group in adam.param_groups:
        group["lr"] = rate
      y = torch.from_numpy(labels[index].astype(np.float32))[:, None]
      z = twin.network(twin.inputs(images[index]))
      loss = train_step_bench.bce_dice(z, y, weight)
      adam.zero_grad(set_to_none=True)
      loss.backward()
      adam.step()
    counts = thresholds.count_case(
      twin.predict_prepared(images[validation]),
      labels[validation] > 0,
      thresholds.grid(),
    )
    value = thresholds.optimum(counts).value
    print(f"torch: epoch {epoch}, validation Dice {value:.3f}", flush=True)
    if value > best:
      best = value
      state = twin.network.state_dict()
      kept = {k: v.clone() for k, v in state.items()}
  assert kept is not None
  twin.network.load_state_dict(kept)


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  folder = pathlib.Path(_RUN.value)
  paths = sorted(
    folder.glob(f"models/{_STRUCTURE.value}/{_OBJECTIVE.value}/*/summary.json")
  )
  if not paths:
    print(f"{folder}: no such model yet; run `make reproduce` first")
    return
  run, model = data.Run(folder), paths[0].parent
  ours = study.sweep_run(run, folders=[model])[0]
  torch.manual_seed(_SEED.value)
  config = training.Config.from_json(
    _files.read_json(model / "config.json")["config"]
  )
  twin, began = Twin(config), time.perf_counter()
  train(run, twin)
  seconds = time.perf_counter() - began
  theirs = study.sweep_model(run, twin)
  print(f"{config.structure}, {config.objective}; torch took {seconds:.0f} s")
  print("          threshold  test Dice  at 0.5  patients")
  rows = {}
  for name, result in (("jaxseg", ours), ("torch", theirs)):
    rows[name] = next(
      r
      for r in study.sweep_rows([result])
      if (r["scope"], r["aggregate"]) == ("known", "pooled")
    )
    row = rows[name]
    print(
      f"{name:8s} {row['threshold']:10.3f} {row['dice_test']:10.4f}"
      f" {row['dice_test_half']:7.4f} {row['test_patients']:9d}"
    )
  difference = rows["jaxseg"]["dice_test"] - rows["torch"]["dice_test"]
  print(f"jaxseg - torch: {difference:+.4f}")


if __name__ == "__main__":
  app.run(main)
