"""A tiny run with tiny networks, for tests of what comes after training."""

from jaxseg import data
from jaxseg import training
from tests.cohort_double import Blobs

NETWORK = {"name": "unet", "base": 4, "blocks": 3}


def prepare(folder):
  return data.prepare_run(
    folder, Blobs(), data.PrepareConfig(size=(32, 32)), seed=3
  )


def config(structure="brain", **changes):
  settings = {
    "structure": structure,
    "network": NETWORK,
    "epochs": 3,
    "steps_per_epoch": 6,
    "batch": 8,
    "learning_rate": 0.01,
  }
  return training.Config(**{**settings, **changes})


def train(run, *configs, folder=None, devices=1, **how):
  # Of two devices that are none, each has its own overhead.
  return training.train_family(
    run.store,
    run.split,
    folder or run.folder,
    configs,
    devices=devices,
    **how,
  )
