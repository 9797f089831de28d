"""The share of the validation slices that an epoch is judged by."""

import json

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import training
from jaxseg.training import _share
from tests import tiny

SHORT = {"epochs": 2, "steps_per_epoch": 1, "batch": 4}
NETWORK = {**tiny.NETWORK, "blocks": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("share") / "run")


class Told(training.Silent):
  def __init__(self):
    self.notes, self.rows = [], []

  def note(self, text):
    self.notes.append(text)

  def epoch(self, row):
    self.rows.append(row)


def train(run, folder, **changes):
  told = Told()
  config = tiny.config(network=NETWORK, **{**SHORT, **changes})
  (done,) = tiny.train(run, config, folder=folder, reporter=told)
  written = json.loads((done.folder / "config.json").read_text())["config"]
  return done, told, written


def test_long_epochs_are_judged_by_all(run, tmp_path):
  done, told, written = train(run, tmp_path, steps_per_epoch=20)
  assert "validation_share" not in written  # As before there was one.
  assert not [note for note in told.notes if "fixed share" in note]
  assert done.dice_best == max(row["dice_best"] for row in told.rows)


def test_short_epochs_are_judged_by_a_share_and_the_end_by_all(run, tmp_path):
  done, told, written = train(run, tmp_path / "share", epochs=1)
  known = sum(
    data.known_slices(run.store.patients[name], "brain").sum()
    for name in run.split.validation
  )
  share = written["validation_share"]
  # As many as cost 4 learnt slices, in whole percent upwards.
  assert 4 / (0.3 * known) <= share < 4 / (0.3 * known) + 0.01
  assert f"of {known} slices, a fixed share" in told.notes[1]
  every, _, before = train(
    run, tmp_path / "all", epochs=1, validation_share=1.0
  )
  assert done[1:] == every[1:]  # The same state, judged by all slices.
  (row,) = told.rows
  assert (row["dice_half"], row["dice_best"]) != done[3:5]
  # One begun before there were shares goes on, though it would now have one.
  assert "validation_share" not in before
  again, told, after = train(run, tmp_path / "all", epochs=1)
  assert again.skipped
  assert after == before
  assert told.notes == []


def test_it_is_the_same_when_it_goes_on(run, tmp_path):
  class Stop(training.Silent):
    def epoch(self, row):
      raise KeyboardInterrupt

  whole, _, _ = train(run, tmp_path / "whole")
  config = tiny.config(network=NETWORK, **SHORT)
  with pytest.raises(KeyboardInterrupt):
    tiny.train(run, config, folder=tmp_path / "cut", reporter=Stop())
  again, _, written = train(run, tmp_path / "cut")
  assert again[1:] == whole[1:]
  named = written["validation_share"]
  train(run, tmp_path / "cut", validation_share=named)  # It may be said.
  with pytest.raises(errors.ExistingOutputError, match="validation_share is"):
    train(run, tmp_path / "cut", validation_share=1.0)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_impossible_shares_are_refused(share):
  with pytest.raises(errors.ConfigError, match="validation_share"):
    tiny.config(validation_share=share)


def test_a_share_is_spread_evenly():
  held_out = data.Samples(np.arange(100, 200), np.arange(200, 1200))
  drawn = _share.drawn(held_out, 0.1)
  assert (np.diff(drawn) > 0).all()
  assert np.isin(drawn, held_out.positive).sum() == 10
  assert len(drawn) == 110
  gaps = np.diff(drawn[10:])
  assert gaps.min() == gaps.max() == 10
  few = data.Samples(np.array([7]), np.array([], np.int64))
  assert _share.drawn(few, 0.01).tolist() == [7]
  for share in (0.29, 0.57, 1.0):  # Exact in whole percent.
    assert len(_share.drawn(held_out, share)) == round(1100 * share)
