"""Checkpoints: whole or refused in one line, and the one before is taken."""

import concurrent.futures
import contextlib
import json
import shutil
import subprocess
import sys

import chex
import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest

from jaxseg import errors
from jaxseg import model
from jaxseg import training
from jaxseg.training import _saving
from tests import tiny
from tests.conftest import ROOT

# Depth is not the point.
CONFIG = tiny.config(network={**tiny.NETWORK, "blocks": 1}, epochs=4)
STEPS = 6


class Told(training.Silent):
  """Keeps notes; stops as Ctrl-C would, at an epoch's end or a step."""

  def __init__(self, *, epochs=None, steps=None):
    self.epochs, self.steps, self.notes = epochs, steps, []

  def note(self, text):
    if not text.startswith(("Slices: ", "a step of")):
      self.notes.append(text)

  def step(self, loss, slices_per_s):
    if self.steps is not None:
      self.steps -= 1
      if self.steps < 0:
        raise KeyboardInterrupt

  def epoch(self, row):
    if row["epoch"] + 1 == self.epochs:
      raise KeyboardInterrupt


@pytest.fixture(scope="module", autouse=True)
def clock():
  """Nothing is saved by time, so that a busy machine saves the same."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(_saving.Clock, "due", lambda _: False)
    yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def whole(run):
  """An uninterrupted model."""
  return tiny.train(run, CONFIG)[0].folder


@pytest.fixture(scope="module")
def stopped(run, tmp_path_factory):
  """A run folder whose model was stopped within its third epoch."""
  folder = tmp_path_factory.mktemp("stopped")
  for told in (Told(epochs=2), Told(steps=0)):
    with pytest.raises(KeyboardInterrupt):
      tiny.train(run, CONFIG, folder=folder, reporter=told)
  return folder


@pytest.fixture
def cut(stopped, tmp_path):
  """A copy of it, to be damaged: (run folder, checkpoints of the model)."""
  shutil.copytree(stopped, tmp_path / "cut")
  place = training.model_folder(tmp_path / "cut", CONFIG) / "checkpoints"
  return tmp_path / "cut", place


def like():
  init = training.functions(CONFIG).init
  return init(np.uint32(0), np.zeros((8, 32, 32), np.int16))


def states(folder):
  with training.Checkpoints(folder) as checkpoints:
    return [
      jax.device_get(checkpoints.restore(slot, like())[0])
      for slot in ("last", "best")
    ]


def slots(place):
  return {
    slot: sorted(int(path.name) for path in (place / slot).iterdir())
    for slot in ("last", "best")
  }


def largest(folder):
  found = [p for p in folder.rglob("*") if p.is_file()]
  return max(found, key=lambda p: p.stat().st_size)


def flip(path, *, bit=3):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1 << bit
  path.write_bytes(content)


def flip_largest(folder):
  flip(largest(folder))


def cut_largest(folder):
  path = largest(folder)
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lose_digests(folder):
  (folder / "digests.json").unlink()


def lose_state(folder):
  shutil.rmtree(folder / "state")


def empty_all(folder):
  for path in folder.rglob("*"):
    if path.is_file():
      path.write_bytes(b"")


DAMAGES = (flip_largest, cut_largest, lose_digests, lose_state, empty_all)
# One check finds them all: where what is done about them is the point, two do.
SOME = [
  pytest.param(damage, marks=pytest.mark.slow)
  if damage not in (flip_largest, lose_state)
  else damage
  for damage in DAMAGES
]


def test_the_last_two_are_kept_and_one_in_the_end(stopped, whole):
  place = training.model_folder(stopped, CONFIG) / "checkpoints"
  assert slots(place)["last"] == [2 * STEPS, 2 * STEPS + 5]
  assert len(slots(place)["best"]) <= 2
  assert slots(whole / "checkpoints")["last"] == [4 * STEPS]
  assert len(slots(whole / "checkpoints")["best"]) == 1
  hidden = [p.name for p in place.rglob(".*")]
  assert hidden == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_a_damaged_one_is_taken_and_said(cut, damage):
  _, place = cut
  newest = place / "last" / str(2 * STEPS + 5)
  damage(newest)
  told = Told()
  with training.Checkpoints(place.parent) as checkpoints:
    found = checkpoints.resume(like(), told.note)
  assert (found.state.step, len(found.history)) == (2 * STEPS, 2)
  assert len(told.notes) == 1, told.notes
  assert f"{newest}: cannot be used (" in told.notes[0]
  assert "\n" not in told.notes[0] and "; going on from " in told.notes[0]
  assert not newest.exists()


def test_from_the_one_before_it_goes_on_to_the_same_bits(run, cut, whole):
  folder, place = cut
  flip_largest(place / "last" / str(2 * STEPS + 5))
  done = tiny.train(run, CONFIG, folder=folder)[0]
  chex.assert_trees_all_equal(states(done.folder), states(whole))


@pytest.mark.parametrize("damage", SOME)
def test_without_any_it_is_refused_in_one_line(run, cut, capfd, damage):
  folder, place = cut
  for path in place.glob("*/*"):
    damage(path)
  before = sorted(place.rglob("*"))
  with pytest.raises(errors.DataError, match="and none before it") as caught:
    tiny.train(run, CONFIG, folder=folder)
  assert "\n" not in str(caught.value)
  assert f"delete {place.parent} and train again" in str(caught.value)
  assert capfd.readouterr() == ("", "")
  assert sorted(place.rglob("*")) == before


def test_after_a_lost_last_the_best_is_of_this_history(run, cut, whole):
  folder, place = cut
  shutil.rmtree(place / "last")
  told = Told()
  done = tiny.train(run, CONFIG, folder=folder, reporter=told)[0]
  chex.assert_trees_all_equal(states(done.folder), states(whole))


@pytest.mark.slow
def test_killed_between_the_last_best_and_the_last(run, whole, tmp_path):
  copy = training.model_folder(tmp_path, CONFIG)
  shutil.copytree(whole, copy)
  (copy / "summary.json").unlink()
  (last,) = (copy / "checkpoints" / "last").iterdir()
  (best,) = (copy / "checkpoints" / "best").iterdir()
  shutil.rmtree(last)
  tiny.train(run, CONFIG, folder=tmp_path)
  assert best.exists()
  chex.assert_trees_all_equal(states(copy), states(whole))


@pytest.mark.slow
def test_a_best_that_is_not_of_this_history_does_not_stay(run, cut, whole):
  folder, place = cut
  shutil.rmtree(place / "last")
  for path in (place / "best").iterdir():  # As earlier versions wrote it.
    as_before(path)
  told = Told()
  done = tiny.train(run, CONFIG, folder=folder, reporter=told)[0]
  assert "no last checkpoint is left; beginning anew" in told.notes[0]
  chex.assert_trees_all_equal(states(done.folder), states(whole))


@pytest.mark.slow
def test_a_lost_best_is_made_again_from_before_it_or_refused(run, cut, whole):
  folder, place = cut
  best = sorted((place / "best").iterdir(), key=lambda p: int(p.name))
  flip_largest(best[-1])
  told = Told()
  if len(best) > 1:
    done = tiny.train(run, CONFIG, folder=folder, reporter=told)[0]
    assert told.notes
    chex.assert_trees_all_equal(states(done.folder), states(whole))
  else:
    with pytest.raises(errors.DataError, match="and none before it"):
      tiny.train(run, CONFIG, folder=folder, reporter=told)


def as_before(path):
  """Turns a checkpoint into one of an earlier version: no digests, history."""
  (path / "digests.json").unlink()
  extra = path / "extra" / "metadata"
  said = json.loads(extra.read_text())
  kept = (
    ("signature",)
    if path.parent.name == "best"
    else (
      "signature",
      "history",
    )
  )
  extra.write_text(json.dumps({name: said[name] for name in kept}))


@pytest.mark.parametrize(
  "ahead", [pytest.param(False, marks=pytest.mark.slow), True]
)
def test_those_of_earlier_versions_go_on_to_the_same_bits(
  run, whole, tmp_path, ahead
):
  """Ahead: killed after an epoch's best state and before its last."""
  folder = training.model_folder(tmp_path, CONFIG)
  kept = {}
  for slot, epochs in (("last", 2), ("best", 3))[: 1 + ahead]:
    with pytest.raises(KeyboardInterrupt):
      tiny.train(run, CONFIG, folder=tmp_path, reporter=Told(epochs=epochs))
    with training.Checkpoints(folder) as checkpoints:
      kept[slot] = checkpoints.restore(slot, like())
      kept["best"] = checkpoints.restore("best", like())
  shutil.rmtree(folder / "checkpoints")
  history = kept["last"][1]["history"]
  best = len(kept["best"][1]["history"]) - 1
  assert best == 1 + ahead
  options = ocp.CheckpointManagerOptions(
    max_to_keep=1, enable_async_checkpointing=False
  )
  for slot, epoch, extra in (
    ("best", best, {}),
    ("last", 1, {"history": history}),
  ):
    extra["signature"] = kept[slot][1]["signature"]
    place = folder / "checkpoints" / slot
    with ocp.CheckpointManager(place, options=options) as manager:
      manager.save(
        epoch,
        args=ocp.args.Composite(
          state=ocp.args.StandardSave(kept[slot][0]),
          extra=ocp.args.JsonSave(extra),
        ),
      )
  # As a process leaves it that was killed while it saved.
  shutil.copytree(place / "1", place / "2.orbax-checkpoint-tmp")
  model.load_model(folder)
  for told in (Told(steps=0), Told()):  # Stopped once more at the next step.
    with contextlib.suppress(KeyboardInterrupt):
      tiny.train(run, CONFIG, folder=tmp_path, reporter=told)
    assert told.notes == []
  assert slots(folder / "checkpoints")["last"] == [4 * STEPS]
  chex.assert_trees_all_equal(states(folder), states(whole))


def test_a_damaged_one_of_an_earlier_version_is_one_line(run, cut, capfd):
  folder, place = cut
  for path in place.glob("*/*"):
    as_before(path)
    cut_largest(path)
  with pytest.raises(errors.DataError, match="cannot be used") as caught:
    tiny.train(run, CONFIG, folder=folder)
  assert "\n" not in str(caught.value)
  assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damage", SOME)
def test_a_finished_model_that_is_damaged_is_refused(
  run, whole, tmp_path, capfd, damage
):
  copy = training.model_folder(tmp_path, CONFIG)
  shutil.copytree(whole, copy)
  (best,) = (copy / "checkpoints" / "best").iterdir()
  damage(best)
  for load in (
    lambda: model.load_model(copy),
    lambda: tiny.train(run, CONFIG, folder=tmp_path),
  ):
    with pytest.raises(errors.DataError, match="cannot be restored") as caught:
      load()
    assert "\n" not in str(caught.value) and "delete" in str(caught.value)
  assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_every_flipped_bit_of_a_model_is_found(whole, tmp_path, every):
  copy = tmp_path / "model"
  shutil.copytree(whole, copy)
  (best,) = (copy / "checkpoints" / "best").iterdir()
  found = [p for p in best.rglob("*") if p.is_file() and p.stat().st_size]
  assert len(found) > 10
  for path in found[::every]:
    before = path.read_bytes()
    flip(path)
    with pytest.raises(errors.DataError, match="cannot be restored"):
      model.load_model(copy)
    path.write_bytes(before)
  facts = json.loads((copy / "model.json").read_text())
  facts["window_hu"][0] -= 1
  (copy / "model.json").write_text(json.dumps(facts))
  with pytest.raises(errors.DataError, match=r"model\.json is not what"):
    model.load_model(copy)


def test_weights_that_are_no_numbers_are_not_loaded(whole, tmp_path):
  copy = tmp_path / "model"
  shutil.copytree(whole, copy)
  _, state = states(copy)
  broken = state.replace(
    params=jax.tree.map(lambda p: p * np.nan, state.params)
  )
  with training.Checkpoints(copy) as checkpoints:
    checkpoints.save("best", 99, broken, {"history": []})
  with pytest.raises(errors.DataError, match="weights are not finite"):
    model.load_model(copy)


def test_threads_that_save_at_once_do_not_disturb_each_other(tmp_path):
  many = {str(k): np.zeros(10, np.float32) for k in range(20)}
  state = training.State(np.zeros(()), many, {}, {}, np.zeros(2, np.uint32))

  def saves(folder):
    with training.Checkpoints(folder) as checkpoints:
      for steps in range(4):
        checkpoints.save("last", steps, state, {"history": []})

  with concurrent.futures.ThreadPoolExecutor(3) as pool:
    list(pool.map(saves, [tmp_path / str(k) for k in range(3)]))


FULL = """
import pathlib, resource, signal, sys
from jaxseg import training
import jax.numpy as jnp
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
state = training.State(jnp.zeros(()), jnp.zeros(50_000), {}, {}, jnp.zeros(2))
with training.Checkpoints(pathlib.Path(sys.argv[1])) as checkpoints:
  try:
    checkpoints.save("last", 1, state, {"history": []})
  except OSError as e:
    print(e)
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [100_000, 400_000])
def test_a_disk_without_room_is_one_error(tmp_path, size):
  found = subprocess.run(
    [sys.executable, "-c", FULL, str(tmp_path / "model"), str(size)],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert found.stdout.startswith("[Errno 27] File too large"), found.stderr
  assert found.stderr == ""
  assert not list((tmp_path / "model" / "checkpoints" / "last").iterdir())
