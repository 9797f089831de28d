"""Numbers that are none stop a training, and the slices are named."""

import json

import jax
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import training
from jaxseg.training import _epoch
from jaxseg.training import _saving
from tests import tiny

NETWORK = {**tiny.NETWORK, "blocks": 1}


@pytest.fixture(scope="module", autouse=True)
def clock():
  """Nothing is saved by time, so that a busy machine saves the same."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(_saving.Clock, "due", lambda _: False)
    yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("run") / "run")


def broken(monkeypatch, *, at, what):
  """Makes one step, counted from 0, give a loss or parameters that are none."""
  functions = training.functions
  calls = []

  def step(real, state, *rest):
    state, loss = real(state, *rest)
    calls.append(1)
    if len(calls) - 1 == at and what == "loss":
      loss = loss * np.nan
    elif len(calls) - 1 == at:
      nan = jax.tree.map(lambda p: p * np.nan, state.params)
      state = state.replace(params=nan)
    return state, loss

  def changed(config):
    import dataclasses
    import functools

    found = functions(config)
    return dataclasses.replace(found, step=functools.partial(step, found.step))

  monkeypatch.setattr("jaxseg.training._compiled.functions", changed)
  return calls


def slices_of(run, config, step):
  """Patients and slices of a step, found by another way than the loop's."""
  from jaxseg import data

  store, split = run.store, run.split
  labels = store.labels(config.structure)
  samples = data.select(store, config.structure, split.train, labels)
  order = data.draw(samples, negatives=1.0, seed=0, epoch=step // 6)
  batch = data.batches(order, size=8, limit=6)[step % 6]
  names = np.concatenate([[n] * p.slices for n, p in store.patients.items()])
  numbers = np.concatenate(
    [np.arange(p.slices) for p in store.patients.values()]
  )
  return {(names[b], int(numbers[b])) for b in batch}


@pytest.mark.parametrize(
  ("at", "what", "steps_done"),
  [
    (6, "loss", 6 + _epoch._AHEAD + 1),  # Found with no wait in between.
    pytest.param(17, "loss", 18, marks=pytest.mark.slow),  # The very last one.
    (17, "parameters", 18),
    # The last of an epoch.
    pytest.param(11, "parameters", 12, marks=pytest.mark.slow),
  ],
)
def test_it_stops_and_names_the_batch(
  run, tmp_path, monkeypatch, at, what, steps_done
):
  config = tiny.config(network=NETWORK)
  calls = broken(monkeypatch, at=at, what=what)
  with pytest.raises(errors.ConfigError, match="--learning_rate") as caught:
    tiny.train(run, config, folder=tmp_path)
  assert len(calls) == steps_done
  text = str(caught.value)
  assert f"after step {at} in epoch {at // 6}" in text and "\n" not in text
  folder = training.model_folder(tmp_path, config)
  assert str(folder / "diverged.json") in text
  said = json.loads((folder / "diverged.json").read_text())
  named = {(o["patient"], s) for o in said["slices"] for s in o["slices"]}
  assert named == slices_of(run, config, at)
  assert all(patient in text for patient, _ in named)
  assert (said["step"], said["epoch"]) == (at, at // 6)
  assert not (folder / "summary.json").exists()
  # What was kept is from before it, and the same command goes on from there.
  monkeypatch.undo()
  with training.Checkpoints(folder) as checkpoints:
    like = training.functions(config).init(
      np.uint32(0), np.zeros((8, 32, 32), np.int16)
    )
    kept = checkpoints.resume(like, print)
  assert len(kept.history) == at // 6
  assert all(np.isfinite(x).all() for x in jax.tree.leaves(kept.state.params))
  assert tiny.train(run, config, folder=tmp_path)[0].epochs == 3
  assert not (folder / "diverged.json").exists()


def test_an_interrupted_training_saves_no_broken_state(
  run, tmp_path, monkeypatch
):
  config = tiny.config(network=NETWORK)
  broken(monkeypatch, at=3, what="parameters")

  class Stop(training.Silent):
    def step(self, loss, slices_per_s):
      raise KeyboardInterrupt

  with pytest.raises(errors.ConfigError, match=r"(loss is nan|not finite)"):
    tiny.train(run, config, folder=tmp_path, reporter=Stop())
  folder = training.model_folder(tmp_path, config)
  assert not list(folder.glob("checkpoints/*/*"))
