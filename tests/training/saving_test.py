"""Saving by the clock: soon at first, then rarely, and to the same bits."""

import itertools

import chex
import jax
import numpy as np
import pytest

from jaxseg import training
from jaxseg.training import _saving
from tests import tiny


class Time:
  """A clock that the test moves."""

  now = 100.0

  def monotonic(self):
    return self.now


def saves(monkeypatch, *, minutes, seconds, cost=0.0, step=0.1):
  """When it saves, in seconds since the first step."""
  clock = Time()
  monkeypatch.setattr(_saving, "time", clock)
  found, saving = [], _saving.Clock(minutes)
  while clock.now < 100 + seconds:
    if saving.due():
      clock.now += cost
      found.append(clock.now - 100)
      saving.saved(cost)
    clock.now += step
  return found


def test_it_saves_soon_and_then_more_rarely(monkeypatch):
  found = saves(monkeypatch, minutes=1, seconds=400)
  np.testing.assert_allclose(found[:7], [1, 3, 7, 15, 31, 63, 123], atol=1.0)
  np.testing.assert_allclose(np.diff(found[6:]), 60, atol=0.2)


def test_a_slow_disk_is_not_asked_too_often(monkeypatch):
  found = saves(monkeypatch, minutes=5, seconds=2000, cost=3.0)
  assert found[0] < 5
  assert 3.0 * len(found) < 0.06 * 2000
  assert max(np.diff(found)) < 305


def test_short_times_are_kept(monkeypatch):
  found = saves(monkeypatch, minutes=0.5 / 60, seconds=20)
  np.testing.assert_allclose(np.diff(found), 0.5, atol=0.11)


class Killed(training.Silent):
  """Ends a training as SIGKILL does: nothing more is saved."""

  def __init__(self, monkeypatch, after):
    self.monkeypatch, self.left = monkeypatch, after

  def step(self, loss, slices_per_s):
    self.left -= 1
    if self.left == 0:
      self.monkeypatch.setattr(training.Checkpoints, "save", lambda *_: None)
      raise KeyboardInterrupt


def test_after_kills_within_epochs_the_bits_are_the_same(tmp_path, monkeypatch):
  network = {**tiny.NETWORK, "blocks": 1, "norm": "batch", "dropout": 0.1}
  config = tiny.config(network=network)
  run = tiny.prepare(tmp_path / "run")
  whole = tiny.train(run, config)[0].folder
  steps = []
  for after in (1, 3):
    with monkeypatch.context() as patch:
      # At each second step, as if each took half a second.
      calls = itertools.count()
      patch.setattr(
        _saving.Clock, "due", lambda _, calls=calls: next(calls) % 2
      )
      with pytest.raises(KeyboardInterrupt):
        tiny.train(
          run, config, folder=tmp_path / "cut", reporter=Killed(patch, after)
        )
    last = (tmp_path / "cut").glob("models/*/*/*/checkpoints/last/*")
    steps.append(sorted(int(path.name) for path in last))
  assert steps == [[2, 4], [8, 10]]
  cut = tiny.train(run, config, folder=tmp_path / "cut")[0].folder
  like = training.functions(config).init(
    np.uint32(0), np.zeros((8, 32, 32), np.int16)
  )
  found = []
  for folder in (whole, cut):
    with training.Checkpoints(folder) as checkpoints:
      found.append(
        [
          jax.device_get(checkpoints.restore(slot, like)[0])
          for slot in ("last", "best")
        ]
      )
  chex.assert_trees_all_equal(*found)
