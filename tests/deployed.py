"""A run on the phantom's files, and its export: what a new patient meets.

Its networks are drawn, not trained: what becomes of their maps is asked, and
not how good they are.
"""

import dataclasses

import numpy as np

import jaxseg
from jaxseg import _sealed
from jaxseg import _weights
from jaxseg import cohorts
from jaxseg import data
from jaxseg import deploy
from jaxseg import models
from jaxseg import study
from jaxseg import thresholds
from tests import quick
from tests import tiny

SEEDS = (0, 1)
# Few voxels, and of another number along each axis.
PHANTOM = cohorts.Phantom(patients=3, size=64, slice_mm=10.0)
NAMES = ("phantom_000", "phantom_001", "phantom_002")


def make(folder):
  """Writes FOLDER/files, FOLDER/run and FOLDER/bundle."""
  files = cohorts.write_phantom(folder / "files", PHANTOM)
  found = cohorts.DicomFolder(files)
  prepare = data.PrepareConfig(
    size=(32, 32), spacing=8.0, structures=("brain", "oral_cavity")
  )
  split = data.Split(*((name,) for name in NAMES))
  run = data.prepare_run(folder / "run", found, prepare, split=split)
  for seed in SEEDS:
    write_model(run, "oral_cavity", seed)
  write_model(run, "brain", 0)
  deploy.export(
    [run.folder],
    folder / "bundle",
    settings=study.Settings(resamples=20),
    clean=True,
  )


def write_model(run, structure, seed):
  """A model as a training leaves it, with drawn weights and a threshold."""
  folder = run.folder / "models" / structure / "bce" / str(seed)
  store = run.store
  facts = {
    "format": "jaxseg.model/1",
    "version": jaxseg.__version__,
    "structure": structure,
    "objective": "bce",
    "seed": seed,
    "negatives": 1.0,
    "network": tiny.NETWORK,
    "window_hu": [-200.0, 400.0],
    "input_range": [-1.0, 1.0],
    "prepare": dataclasses.asdict(store.prepared),
    "size": list(store.prepared.size),
    "cohort": store.cohort,
    "modality": store.modality,
    "synthetic": store.synthetic,
    "store": store.content_hash,
  }
  _sealed.write(folder / "model.json", facts)
  facts = _sealed.read(folder / "model.json", again="")
  network = models.create(**tiny.NETWORK)
  drawn = quick.variables(network, np.zeros((1, 32, 32, 1), np.float32))
  # Each seed and structure has weights of its own.
  generator = np.random.default_rng([seed, len(structure)])
  drawn = {
    name: _turned(generator, tree) if name == "params" else tree
    for name, tree in drawn.items()
  }
  _weights.save(folder / "checkpoints" / "best", drawn, facts)
  for name in ("config.json", "summary.json"):
    _sealed.write(folder / name, {"config": {}})
  maps = jaxseg.load_model(folder).predict_prepared(store.image(NAMES[1]))
  cut = float(np.float32(np.quantile(maps, 0.97)))
  thresholds.ChosenThreshold(
    cut,
    criterion="dice",
    value=0.5,
    patients=1,
    interval=(float(np.quantile(maps, 0.95)), float(np.quantile(maps, 0.99))),
    level=0.95,
    structure=structure,
    details={"cohort": store.cohort, "dice_test": 0.25, "dice_validation": 0.5},
  ).write(folder / "threshold.json")


def _turned(generator, tree):
  if isinstance(tree, dict):
    return {name: _turned(generator, value) for name, value in tree.items()}
  signs = generator.choice([-1, 1], tree.shape[-1:]).astype(tree.dtype)
  return tree * signs if tree.ndim == 4 else tree
