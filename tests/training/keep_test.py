"""The same numbers wherever slices are kept."""

import chex
import jax
import numpy as np
import pytest

from jaxseg import _devices
from jaxseg import data
from jaxseg import errors
from jaxseg import training
from jaxseg.data import _stack
from jaxseg.training import _keep
from jaxseg.training import _slices
from tests import old_store
from tests import tiny

CONFIG = tiny.config(epochs=1, network={**tiny.NETWORK, "blocks": 1})
SHARED = tiny.config("spinal_cord", epochs=1, network=CONFIG.network)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("keep") / "run")


class Told(training.Silent):
  def __init__(self):
    self.notes, self.rows = [], []

  def note(self, text):
    self.notes.append(text)

  def epoch(self, row):
    self.rows.append({k: v for k, v in row.items() if k != "slices_per_s"})


def trained(store, split, folder, keep, devices=1):
  """The metrics and the last state of a model, and what was told."""
  told = Told()
  done = training.train_family(
    store,
    split,
    folder,
    [CONFIG, SHARED],
    reporter=told,
    keep=keep,
    devices=devices,
  )
  like = training.functions(CONFIG).init(
    np.uint32(0), np.zeros((8, 32, 32), np.int16)
  )
  states = []
  for one in done:
    with training.Checkpoints(one.folder) as checkpoints:
      states.append(jax.device_get(checkpoints.restore("last", like)[0]))
  return told, states


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
  told, states = trained(
    run.store, run.split, tmp_path_factory.mktemp("whole"), None
  )
  assert "kept in memory" in told.notes[0]
  return told, states


@pytest.mark.parametrize(
  ("keep", "layout", "window"),
  [
    ("device", None, None),
    pytest.param("ram", None, None, marks=pytest.mark.slow),
    pytest.param("store", None, None, marks=pytest.mark.slow),
    ("store", 64, 40 * 32 * 32 * 3),  # Five batches at a time.
  ],
)
def test_the_same_bits_in_each_place(
  run, whole, tmp_path, monkeypatch, keep, layout, window
):
  # Parts of one file each, as of a large store.
  monkeypatch.setattr(_stack, "_PART_BYTES", 1)
  store = run.store
  if layout is not None:
    store = old_store.copy(store, tmp_path / "old", layout=layout)
    monkeypatch.setattr(_keep, "_WINDOW_BYTES", window)
  told, found = trained(store, run.split, tmp_path / "run", keep)
  assert "as --keep asks" in told.notes[0]
  assert told.rows == whole[0].rows
  chex.assert_trees_all_equal(found, whole[1])


@pytest.mark.slow
def test_the_same_bits_on_two_devices(run, tmp_path, monkeypatch):
  whole, states = trained(run.store, run.split, tmp_path / "0", None, devices=2)
  assert "by each of 2 devices" in whole.notes[0]
  monkeypatch.setattr(_stack, "_PART_BYTES", 1)
  for keep in ("device", "store"):
    folder = tmp_path / keep
    told, found = trained(run.store, run.split, folder, keep, devices=2)
    assert told.rows == whole.rows
    chex.assert_trees_all_equal(found, states)


def test_batches_keep_their_order(run, tmp_path, monkeypatch):
  images, labels = run.store.images(), run.store.labels("brain")
  old = old_store.copy(run.store, tmp_path / "old")
  draw = np.random.default_rng(0)
  for store, window in (
    (run.store, None),
    (old, 1),  # One batch at a time,
    (old, 3 * 4 * 32 * 32 * 3),  # three,
    (old, 2**30),  # and all.
  ):
    stacks = store.stack(), store.stack("brain")
    if window is not None:
      monkeypatch.setattr(_keep, "_WINDOW_BYTES", window)
    for steps in (0, 1, 3, 9):
      batches = draw.integers(0, len(images), (steps, 4)).astype(np.int32)
      found = list(_keep.windows(*stacks, batches))
      assert len(found) == steps
      for index, (image, label) in zip(batches, found, strict=True):
        np.testing.assert_array_equal(image, images[index])
        np.testing.assert_array_equal(label, labels[index])


def test_neighbours_are_the_same_wherever_slices_are_kept(run, tmp_path):
  images, labels = run.store.images(), run.store.labels("brain")
  batches = np.random.default_rng(0).permutation(len(images))[:12].reshape(3, 4)
  around = data.neighbours(run.store, batches.ravel(), 3).reshape(3, 4, 3)
  old = old_store.copy(run.store, tmp_path / "old")
  for number, parallel in ((1, "jit"), (2, "jit")):
    (devices,) = _devices.arrange(number, parallel=parallel)
    for store, keep in (
      (run.store, "device"),
      (run.store, "ram"),
      (old, "store"),
    ):
      kept = _keep.Kept(
        keep, _keep.load(store.stack(), keep, whole=devices.whole)
      )
      slices = _slices.Slices.read(store, run.split, "brain", kept, devices)
      found = list(slices.around(3).stream(batches.astype(np.int32)))
      for index, shown, batch in zip(batches, around, found, strict=True):
        np.testing.assert_array_equal(batch[0], images[shown])
        np.testing.assert_array_equal(batch[1], labels[index])


def test_damage_is_found_where_slices_are_read_late(run, tmp_path):
  store = old_store.copy(run.store, tmp_path / "s", layout=None)
  for file in (store.folder / "images").rglob("c/*/0/0"):
    content = bytearray(file.read_bytes())
    for place in range(0, len(content), 200):  # In each slice.
      content[place] ^= 16
    file.write_bytes(content)
  with pytest.raises(errors.DataError, match="images/c/"):
    training.train_family(
      data.Store(store.folder), run.split, tmp_path, [CONFIG], keep="store"
    )
