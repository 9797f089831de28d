"""What four devices say, in a process that begins with four.

    XLA_FLAGS=--xla_force_host_platform_device_count=4 \
        python -m tests.devices_double FOLDER quick|slow

prints as JSON how far several devices are from one, by name.
"""

import json
import pathlib
import sys

import jax
import numpy as np

import jaxseg
from jaxseg import _devices
from jaxseg import models
from jaxseg import thresholds
from jaxseg import training
from tests import quick
from tests import tiny

# Compiled quickly, each with what it is run for.
models.compiler_options = models.init_options = lambda: quick.OPTIONS

BATCH, SIDE = 8, 16
DRAW = np.random.default_rng(0)
IMAGES = DRAW.integers(-300, 500, (BATCH, SIDE, SIDE)).astype(np.int16)
LABELS = (DRAW.random((BATCH, SIDE, SIDE)) < 0.3).astype(np.uint8)
REAL = np.arange(BATCH) < 5  # An uneven last batch of a validation.
UNET = {"name": "unet", "base": 4, "blocks": 2}
# Network and objective.
NETWORKS = {
  "group": (UNET, "bce_dice"),
  # By pmap each device draws its own.
  "dropout": ({**UNET, "dropout": 0.3}, "bce_dice"),
  "batch": ({**UNET, "norm": "batch"}, "dice_batch"),
  "own": (UNET, "tests.devices_double:whole_batch"),
  "bice2020": (
    {"name": "bice2020", "depth": 2, "f": 2, "dropout": 0.0},
    "bce",
  ),
}


def whole_batch(logits, labels):
  """A loss of the batch's own moments: no mean over slices."""
  p = jax.nn.sigmoid(logits)
  return (p.std() - labels.std()) ** 2 + ((p - labels) ** 2).max()


def one(network, objective, number, parallel):
  """Two steps and a count: (Adam's first moment after one step, losses,
  running averages, counts)."""
  config = training.Config(
    "brain", objective=objective, network=network, batch=BATCH
  )
  (devices,) = _devices.arrange(number, parallel=parallel)
  compiled = training.functions(config, devices)
  state = devices.whole(compiled.init(np.uint32(0), IMAGES))
  batch = devices.rows(IMAGES), devices.rows(LABELS)
  losses = []
  rate, weight = np.float32(1e-3), np.float32(0.5)
  for k in range(2):
    state, loss = compiled.step(state, *batch, rate, weight)
    losses.append(float(loss))
    if k == 0:
      moments = jax.device_get(state.opt_state.mu)
  # The first state: rounding must not move a voxel to the next interval.
  first = devices.whole(compiled.init(np.uint32(0), IMAGES))
  counts = compiled.count(
    first, *batch, devices.rows(REAL), thresholds.grid(1001)
  )
  found = jax.device_get((counts.positive, counts.negative))
  return moments, losses, jax.device_get(state.batch_stats), found


def gap(one, other):
  """The largest difference, beside the largest value."""
  gaps = jax.tree.map(
    lambda a, b: float(np.abs(np.subtract(a, b, dtype=np.float64)).max()),
    one,
    other,
  )
  most = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(one))
  return max(jax.tree.leaves(gaps)) / most


def compare(name, cases, **changes):
  network, objective = NETWORKS[name]
  network = {**network, **changes}
  alone = one(network, objective, 1, "jit")
  assert alone[3][0].sum() + alone[3][1].sum() == REAL.sum() * SIDE**2
  for number, parallel in cases:
    several = one(network, objective, number, parallel)
    yield (
      f"{name} {parallel} {number}",
      {
        "gradient": gap(alone[0], several[0]),
        "loss": gap(alone[1], several[1]),
        "averages": gap(alone[2], several[2]) if alone[2] else 0.0,
        "counts": sum(
          int(np.abs(a - b).sum())
          for a, b in zip(alone[3], several[3], strict=True)
        ),
      },
    )


class Stop(training.Silent):
  """Interrupts within the second epoch."""

  def __init__(self):
    self.left = 6

  def step(self, loss, slices_per_s):
    self.left -= 1
    if self.left == 0:
      raise KeyboardInterrupt


def trained(run, folder, *configs, **how):
  """The state of each model at its end."""
  done = training.train_family(run.store, run.split, folder, configs, **how)
  states = []
  for config, model in zip(configs, done, strict=True):
    like = training.functions(config).init(
      np.uint32(0), np.zeros((8, 32, 32), np.int16)
    )
    with training.Checkpoints(model.folder) as checkpoints:
      states.append(jax.device_get(checkpoints.restore("last", like)[0]))
  return states


def resumed(run, folder):
  """Four devices go on where one stopped, and one where four did."""
  config = tiny.config(network=UNET, epochs=2, steps_per_epoch=4)
  (whole,) = trained(run, folder / "whole", config, devices=1)
  for name, first, then in (("1 to 4", 1, 4), ("4 to 1", 4, 1)):
    where = folder / name
    try:
      trained(run, where, config, devices=first, reporter=Stop())
    except KeyboardInterrupt:
      (found,) = trained(run, where, config, devices=then)
      yield name, gap(whole.params, found.params)
  folder = training.model_folder(folder / "whole", config)
  images = run.store.image(run.split.test[0])
  several = jaxseg.load_model(folder).predict_prepared(images)
  _devices.local = lambda: _devices.Devices(tuple(jax.devices()[:1]))
  alone = jaxseg.load_model(folder).predict_prepared(images)
  yield "maps", gap(alone, several)


def family(run, folder):
  """Models of several lengths at once have the bits that they have alone."""
  configs = [
    tiny.config(
      structure,
      network=UNET,
      objective=objective,
      epochs=epochs,
      steps_per_epoch=3,
    )
    for structure, objective, epochs in (
      ("brain", "bce", 1),
      ("brain", "dice", 3),
      ("spinal_cord", "bce", 2),
    )
  ]
  alone = [
    trained(run, folder / f"alone {k}", config, devices=2)[0]
    for k, config in enumerate(configs)
  ]
  together = trained(
    run, folder / "together", *configs, devices=4, models_at_once=2
  )
  for k, pair in enumerate(zip(alone, together, strict=True)):
    yield f"model {k}", gap(*pair)


def main(folder, which):
  found = {}
  several = [(n, how) for how in ("jit", "pmap") for n in (2, 4)]
  if which == "quick":
    found.update(compare("dropout", [(4, "jit")], blocks=1))
    found.update(compare("batch", [(4, "pmap")], blocks=1))
  else:
    for name in NETWORKS:
      cases = several[:2] if name == "dropout" else several
      found.update(compare(name, cases))
    run = tiny.prepare(folder / "run")
    found.update(resumed(run, folder / "resumed"))
    found.update(family(run, folder / "family"))
  print(json.dumps(found))


if __name__ == "__main__":
  main(pathlib.Path(sys.argv[1]), sys.argv[2])
