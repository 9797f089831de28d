"""Training: repeatable to the bit, resumable, and it learns."""

import csv
import json
import signal

import chex
import jax
import numpy as np
import pytest

import jaxseg
from jaxseg import _devices
from jaxseg import data
from jaxseg import errors
from jaxseg import training
from tests import tiny

COLUMNS = ("epoch", "step", "loss", "dice_half", "dice_best", "threshold")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("training") / "run")


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
  """A run folder with a finished model, and what came of it."""
  folder = tmp_path_factory.mktemp("finished")
  return folder, tiny.train(run, tiny.config(epochs=2), folder=folder)[0]


def metrics(folder):
  with open(folder / "metrics.csv", newline="") as file:
    return [{k: row[k] for k in COLUMNS} for row in csv.DictReader(file)]


def state(folder, slot, config):
  init = training.functions(config).init
  like = init(np.uint32(0), np.zeros((8, 32, 32), np.int16))
  with training.Checkpoints(folder) as checkpoints:
    found = checkpoints.restore(slot, like)
  assert found is not None
  return jax.device_get(found[0])


class Stop(training.Silent):
  """Interrupts a training as Ctrl-C would, after some steps."""

  def __init__(self, after):
    self.left = after

  def step(self, loss, slices_per_s):
    self.left -= 1
    if self.left == 0:
      raise KeyboardInterrupt


@pytest.mark.parametrize(
  ("norm", "devices"),
  [("batch", 1), pytest.param("group", 2, marks=pytest.mark.slow)],
)
def test_same_seed_same_bits_and_resumed_equals_uninterrupted(
  run, tmp_path, norm, devices
):
  network = {**tiny.NETWORK, "blocks": 1, "norm": norm, "dropout": 0.1}
  config = tiny.config(network=network)
  whole = {"folder": tmp_path / "whole", "devices": devices}
  (whole,) = tiny.train(run, config, **whole)
  cut = {"folder": tmp_path / "cut", "devices": devices}
  for after in (1, 6, 2):  # Within each epoch, and before a validation.
    with pytest.raises(KeyboardInterrupt):
      tiny.train(run, config, **cut, reporter=Stop(after))
  (resumed,) = tiny.train(run, config, **cut)
  assert metrics(resumed.folder) == metrics(whole.folder)
  for slot in ("last", "best"):
    chex.assert_trees_all_equal(
      state(resumed.folder, slot, config), state(whole.folder, slot, config)
    )


def test_an_interrupt_while_the_last_state_is_saved(
  run, finished, tmp_path, monkeypatch
):
  config, save = tiny.config(epochs=2), training.Checkpoints.save
  slots = []

  def interrupted(self, slot, *args):
    slots.append(slot)
    if slots.count("last") == config.epochs:
      signal.raise_signal(signal.SIGINT)
    save(self, slot, *args)

  monkeypatch.setattr(training.Checkpoints, "save", interrupted)
  with pytest.raises(KeyboardInterrupt):  # It used to go on to the end.
    tiny.train(run, config, folder=tmp_path)
  folder = training.model_folder(tmp_path, config)
  assert not (folder / "summary.json").exists()
  monkeypatch.undo()
  (resumed,) = tiny.train(run, config, folder=tmp_path)
  assert metrics(resumed.folder) == metrics(finished[1].folder)


@pytest.mark.slow
def test_with_every_option_it_resumes_and_the_model_is_the_validated_one(
  run, tmp_path
):
  network = {"base": 2, "blocks": 3, "dropout": 0.1, "norm": "none"}
  network |= {"name": "unet", "slices": 3, "deep_supervision": 1}
  config = tiny.config(
    network=network,
    epochs=2,
    steps_per_epoch=2,
    ema=0.9,
    clip_norm=0.5,
    augment=training.parse_augment(["all"]),
  )
  whole = tiny.train(run, config, folder=tmp_path / "whole")[0]
  with pytest.raises(KeyboardInterrupt):
    tiny.train(run, config, folder=tmp_path / "cut", reporter=Stop(3))
  resumed = tiny.train(run, config, folder=tmp_path / "cut")[0]
  assert metrics(resumed.folder) == metrics(whole.folder)
  chex.assert_trees_all_equal(
    state(resumed.folder, "last", config), state(whole.folder, "last", config)
  )
  written = json.loads((whole.folder / "config.json").read_text())["config"]
  assert training.Config.from_json(written) == config
  # Dice of the maps of the saved model is that of the validation.
  model = jaxseg.load_model(whole.folder)
  cut = np.float32(whole.threshold)
  found = both = 0
  for name in run.split.validation:
    patient = run.store.patients[name]
    known = data.known_slices(patient, "brain")
    mask = run.store.labels("brain")[patient.start : patient.stop][known] > 0
    maps = model.predict_prepared(run.store.image(name))[known] >= cut
    both, found = both + (maps & mask).sum(), found + maps.sum() + mask.sum()
  assert 2 * both / found == pytest.approx(whole.dice_best, abs=1e-3)


@pytest.mark.slow
def test_models_at_once_have_the_bits_that_they_have_alone(run, tmp_path):
  network = {**tiny.NETWORK, "blocks": 1, "dropout": 0.1}
  configs = [
    tiny.config(structure, network=network, epochs=epochs, seed=seed)
    for structure, seed, epochs in (
      ("brain", 0, 1),
      ("brain", 1, 3),
      ("spinal_cord", 0, 2),
    )
  ]
  alone = tiny.train(run, *configs, folder=tmp_path / "alone")
  both = {"folder": tmp_path / "both", "devices": 2, "models_at_once": 2}
  with pytest.raises(KeyboardInterrupt):
    tiny.train(run, *configs, **both, reporter=Stop(13))
  together = tiny.train(run, *configs, **both)
  for config, one, other in zip(configs, alone, together, strict=True):
    assert metrics(other.folder) == metrics(one.folder)
    chex.assert_trees_all_equal(
      state(other.folder, "last", config), state(one.folder, "last", config)
    )
  # Where it began says nothing of where it goes on.
  config = tiny.config("brain", network=network, seed=2)
  with pytest.raises(KeyboardInterrupt):
    tiny.train(run, config, folder=tmp_path, devices=2, reporter=Stop(14))
  tiny.train(run, config, folder=tmp_path)
  assert len(metrics(training.model_folder(tmp_path, config))) == 3


def test_devices_that_cannot_share_a_batch_are_refused(run, tmp_path):
  config = tiny.config(batch=7)
  with pytest.raises(errors.ConfigError, match="--devices=1, or --batch=6 or"):
    tiny.train(run, config, folder=tmp_path, devices=None)
  assert not list(tmp_path.iterdir())
  one = training.functions(config)
  (device,) = _devices.arrange(1, parallel="pmap")
  assert training.functions(config, device) == one


@pytest.mark.parametrize(
  "objective",
  [
    "bce_dice",  # The other two are its ends, by the same compiled step.
    *(pytest.param(o, marks=pytest.mark.slow) for o in ("bce", "dice")),
  ],
)
def test_it_learns_each_objective(run, tmp_path, objective):
  config = tiny.config(objective=objective, epochs=5, steps_per_epoch=12)
  (done,) = tiny.train(run, config, folder=tmp_path)
  assert done.dice_best > 0.6, done  # Untrained it is below 0.2.
  assert done.dice_best >= done.dice_half


def test_finished_models_are_skipped(run, finished):
  folder, first = finished
  stamp = (first.folder / "metrics.csv").stat().st_mtime_ns
  again = tiny.train(run, tiny.config(epochs=2), folder=folder)[0]
  assert (first.skipped, again.skipped) == (False, True)
  assert again._replace(skipped=False) == first
  assert (first.folder / "metrics.csv").stat().st_mtime_ns == stamp


def test_structures_share_the_step_and_objectives_the_labels(
  run, tmp_path, monkeypatch
):
  read = []
  parts = data.Stack.parts

  def counted(stack):
    read.append(stack.path.name)
    return parts(stack)

  monkeypatch.setattr(data.Stack, "parts", counted)
  configs = [
    tiny.config(structure, objective=objective, epochs=1, steps_per_epoch=1)
    for structure in ("brain", "spinal_cord")
    for objective in ("bce", "dice")
  ]
  step = training.functions(configs[0]).step
  before = step._cache_size()
  tiny.train(run, *configs, folder=tmp_path)
  assert read == ["images", "labels", "labels"]
  assert all(training.functions(c).step is step for c in configs)
  assert step._cache_size() <= max(before, 1)


def test_a_part_without_the_structure_is_refused_before_any_work(run, tmp_path):
  without = tuple(
    p for p in run.split.train if p not in run.store.contoured("spinal_cord")
  )
  split = data.Split(without, run.split.validation, run.split.test)
  with pytest.raises(errors.StructureNotFoundError, match="the train part"):
    training.train_family(
      run.store, split, tmp_path, [tiny.config(), tiny.config("spinal_cord")]
    )
  assert not list(tmp_path.iterdir())


def test_another_configuration_is_refused_before_any_work(run, finished):
  folder, _ = finished
  new = tiny.config("spinal_cord", epochs=1)
  with pytest.raises(errors.ExistingOutputError, match="epochs is 2, asked is"):
    tiny.train(run, new, tiny.config(epochs=1), folder=folder)
  assert not list(folder.glob("models/spinal_cord/*/*/metrics.csv"))


def test_it_stops_when_nothing_improves(run, tmp_path):
  # A step of no length: validation stays as it is in the first epoch.
  config = tiny.config(
    epochs=9, patience=2, learning_rate=1e-30, schedule="constant"
  )
  done = tiny.train(run, config, folder=tmp_path)[0]
  assert (done.epochs, done.best_epoch) == (3, 0)


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_it_with_a_remedy(run, tmp_path):
  config = tiny.config(learning_rate=1e38, schedule="constant", epochs=2)
  with pytest.raises(errors.ConfigError, match="lower the learning rate"):
    tiny.train(run, config, folder=tmp_path)


def test_a_network_that_cannot_take_the_slices_says_so(run, tmp_path):
  config = tiny.config(network={"name": "unet", "base": 4, "blocks": 7})
  with pytest.raises(errors.ConfigError, match="divisible by 64"):
    tiny.train(run, config, folder=tmp_path)
  strange = tiny.config(network={"name": "bice2020", "norm": "group"})
  with pytest.raises(errors.ConfigError, match="norm"):
    tiny.train(run, strange, folder=tmp_path)
  # Neither left a folder that would stand in the way of a right one.
  assert not list(tmp_path.iterdir())


def test_what_is_left_on_disk(run, finished):
  folder, done = finished
  assert done.folder == folder / "models" / "brain" / "bce" / "0"
  written = json.loads((done.folder / "config.json").read_text())
  assert training.Config.from_json(written["config"]) == tiny.config(epochs=2)
  assert written["store"] == run.store.content_hash
  model = json.loads((done.folder / "model.json").read_text())
  assert model["network"] == tiny.NETWORK
  assert model["prepare"]["size"] == model["size"] == [32, 32]
  assert len(metrics(done.folder)) == 2
  environment = json.loads((done.folder / "environment.json").read_text())
  assert environment["versions"]["jax"] == jax.__version__
  assert environment["threads"] >= 1
  assert list((done.folder / "events").glob("events.out.tfevents.*"))


def test_a_damaged_checkpoint_is_named(run, tmp_path):
  config = tiny.config(epochs=2)
  with pytest.raises(KeyboardInterrupt):
    tiny.train(run, config, folder=tmp_path, reporter=Stop(8))
  other = tiny.config(epochs=2, network={**tiny.NETWORK, "blocks": 1})
  folder = training.model_folder(tmp_path, config)
  content = json.loads((folder / "config.json").read_text())
  content["config"] = other.to_json()
  (folder / "config.json").write_text(json.dumps(content))
  with pytest.raises(errors.DataError, match="cannot be restored"):
    tiny.train(run, other, folder=tmp_path)
