"""Options of training together: each pair starts, resumes, and loads."""

import itertools

import numpy as np
import pytest

import jaxseg
from jaxseg import data
from jaxseg import training
from tests import tiny

OPTIONS = {
  "norm": ("group", "batch", "none"),
  "objective": ("bce", "dice_batch", "lovasz_hinge"),
  "dtype": ("float32", "bfloat16"),
  "dropout": (0.0, 0.1),
  "slices": (1, 3),
  "deep_supervision": (0, 1),
  "remat": (False, True),
  "augment": ("none", "all"),
  "clip_norm": (None, 1.0),
  "ema": (0.0, 0.9),
  "devices": (1, 2),
}
NETWORK = ("norm", "dtype", "dropout", "slices", "deep_supervision", "remat")


def covering():
  """Few rows with every pair: each row takes as many new ones as it can."""
  levels = [range(len(values)) for values in OPTIONS.values()]
  left = {
    ((i, a), (j, b))
    for i, j in itertools.combinations(range(len(levels)), 2)
    for a in levels[i]
    for b in levels[j]
  }
  rows = []
  while left:
    row = dict(min(left))
    for k in [k for k in range(len(levels)) if k not in row]:
      gains = [
        sum(tuple(sorted(((k, value), one))) in left for one in row.items())
        for value in levels[k]
      ]
      row[k] = gains.index(max(gains))
    rows.append([row[k] for k in range(len(levels))])
    left -= set(itertools.combinations(enumerate(rows[-1]), 2))
  return [
    {
      name: values[at]
      for (name, values), at in zip(OPTIONS.items(), row, strict=True)
    }
    for row in rows
  ]


ROWS = covering()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("combinations") / "run")


class Stop(training.Silent):
  """Interrupts a training as Ctrl-C would, after some steps."""

  def __init__(self, after):
    self.left = after

  def step(self, loss, slices_per_s):
    self.left -= 1
    if self.left == 0:
      raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(ROWS)))
def test_each_pair_resumes_to_the_same_bits_and_loads(run, tmp_path, number):
  row = dict(ROWS[number])
  devices = row.pop("devices")
  config = tiny.config(
    network={**tiny.NETWORK, **{name: row.pop(name) for name in NETWORK}},
    augment=training.parse_augment([row.pop("augment")]),
    epochs=2,
    steps_per_epoch=3,
    **row,
  )
  how = {"devices": devices}
  (whole,) = tiny.train(run, config, folder=tmp_path / "whole", **how)
  cut = {**how, "folder": tmp_path / "cut"}
  with pytest.raises(KeyboardInterrupt):
    tiny.train(run, config, **cut, reporter=Stop(1 + number % 5))
  (resumed,) = tiny.train(run, config, **cut)
  model, again = map(jaxseg.load_model, (whole.folder, resumed.folder))
  assert model.facts["digest"] == again.facts["digest"]
  # A loaded model has the maps that were validated.
  both = marked = 0
  for name in run.split.validation:
    patient = run.store.patients[name]
    known = data.known_slices(patient, "brain")
    place = slice(patient.start, patient.stop)
    mask = run.store.labels("brain")[place][known] > 0
    maps = model.predict_prepared(run.store.image(name))[known]
    found = maps >= np.float32(whole.threshold)
    both += int((found & mask).sum())
    marked += int(found.sum() + mask.sum())
  assert 2 * both / max(marked, 1) == pytest.approx(whole.dice_best, abs=2e-3)


def test_every_pair_is_tried():
  seen = set()
  for row in ROWS:
    seen |= set(itertools.combinations(sorted(row.items(), key=str), 2))
  wanted = sum(
    len(a) * len(b) for a, b in itertools.combinations(OPTIONS.values(), 2)
  )
  assert len(seen) == wanted
