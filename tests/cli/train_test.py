"""`jaxseg train`: from patients to a model and its score."""

import json
import shutil

import pytest

from jaxseg import _loss_names
from jaxseg import data
from jaxseg import errors
from jaxseg import losses
from jaxseg import training
from jaxseg.cli import _training_flags
from tests.cli import command

TRAIN = ("train", "--structure=parotid_left", "--output=run")


@pytest.fixture(scope="module")
def trained(prepared_once, tmp_path_factory):
  """A folder with a phantom run of one model, and what training printed."""
  folder = tmp_path_factory.mktemp("trained")
  shutil.copytree(prepared_once / "runs" / "phantom", folder / "run")
  return folder, command.done(*TRAIN, *command.TINY, folder=folder)


def facts(folder, run="run"):
  return json.loads((folder / run / "run.json").read_text())


def config(folder, *place):
  path = folder.joinpath("run", "models", *place, "config.json")
  return json.loads(path.read_text())["config"]


def test_flags_name_what_the_registries_hold():
  assert _training_flags.OBJECTIVES == tuple(training.OBJECTIVES)
  assert _training_flags.FORMED == tuple(training.FORMED)
  assert _training_flags.STUDY == training.STUDY
  # What can be learnt by tests/training/objective_test.py tries.
  known = (*_training_flags.OBJECTIVES, *_training_flags.LOSSES)
  assert {*known} == {*losses.names()} - {*_loss_names.OF_CLASSES}


def test_it_reports_dice_on_unseen_patients(trained):
  folder, out = trained
  assert "test patients" in out
  model = folder / "run/models/parotid_left/bce/0"
  said = json.loads((model / "threshold.json").read_text())
  assert 0 <= said["threshold"] <= 1
  assert (model / "model.json").is_file()


def test_the_run_keeps_its_training_flags(trained):
  folder, _ = trained
  given = {"base": 4, "epochs": 1, "steps_per_epoch": 3, "batch": 8}
  assert facts(folder)["training_flags"] == given
  # Without the flags: those of the run, on all devices, of which there are two.
  # Another seed: the same split.
  split = (folder / "run" / "split.json").read_bytes()
  command.done(*TRAIN, "--seed=1", folder=folder)
  assert (folder / "run" / "split.json").read_bytes() == split
  first = config(folder, "parotid_left", "bce", "0")
  assert config(folder, "parotid_left", "bce", "1") == {**first, "seed": 1}


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    (("--base=8",), "base is 4, asked is 8"),
    (("--epochs=2", "--batch=4"), "batch is 8, asked is 4; epochs is 1, asked"),
    (("--dropout=0.5",), "dropout is 0.0, asked is 0.5"),
    (("--learning_rate=1",), "learning_rate is 0.003, asked is 1.0"),
  ],
)
def test_other_training_flags_are_refused(trained, flags, text):
  folder, _ = trained
  before = (folder / "run" / "run.json").read_bytes()
  line = command.refused(
    "train", "--structure=brain", "--output=run", *flags, folder=folder
  )
  assert text in line
  assert (folder / "run" / "run.json").read_bytes() == before
  assert not (folder / "run" / "models" / "brain").exists()


def test_an_unknown_recipe_of_a_run_names_its_file(trained, tmp_path):
  run = data.Run(trained[0] / "run")
  run.facts["recipe"] = "x"
  with pytest.raises(errors.DataError, match=r"run.json: recipe 'x' .*; res"):
    _training_flags._settings(run, {})


@pytest.mark.slow
def test_without_models_training_flags_do_not_bind(tmp_path):
  flags = (*command.PHANTOM, *command.PREPARED, "--output=run")
  command.done("prepare", *flags, folder=tmp_path)
  path = tmp_path / "run" / "run.json"
  path.write_text(
    json.dumps({**facts(tmp_path), "training_flags": {"base": 8}})
  )
  command.done(*TRAIN, *command.NETWORK, folder=tmp_path)
  assert facts(tmp_path)["training_flags"]["base"] == 4


def test_bad_flags_and_input_are_one_line_and_2(trained, tmp_path):
  run = f"--output={trained[0] / 'run'}"
  brain = "--structure=brain"
  for flags, text in (
    ((), "structure"),
    (("--structure=spleen", run), "spleen"),
    (("--structure=larynx", run), "larynx: contoured on no patient"),
    (
      (brain, "--objective=fokal", run),
      "--objective: 'fokal' is unknown; did you mean focal? take one of all,",
    ),
    (
      (brain, "--objective=softmax_cross_entropy", run),
      "objective 'softmax_cross_entropy': logits of shape (2, 16, 16, 1) have",
    ),
    ((brain, "--colour=red"), "colour"),
    ((brain, "--keep=disk"), "keep"),
    ((brain, "--validation_share=0"), "validation_share is 0.0"),
    ((brain, "brain"), "unexpected argument"),
  ):
    assert text in command.refused("train", *flags, folder=tmp_path), flags
  assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_openkbp_from_csv_to_a_score(openkbp, tmp_path):
  out = command.done(
    "train",
    "--structure=Mandible",
    f"--input={openkbp}",
    *command.PREPARED,
    *command.NETWORK,
    folder=tmp_path,
  )
  assert "openkbp" in out
  run = tmp_path / "runs" / "openkbp"
  assert (run / "models/mandible/bce/0/threshold.json").is_file()


BICE2020 = (
  "--structure=brain",
  "--recipe=bice2020",
  "--dropout_at=image,stretch,rest",
  "--final_norm",
  "--patients=8",
  "--grid=64",
  "--epochs=1",
  "--steps_per_epoch=1",
  "--output=run",
)


@pytest.mark.slow
def test_the_studys_own_recipe_and_its_switches_arrive(tmp_path, monkeypatch):
  asked = []

  def stop(store, split, folder, configs, **_):
    asked.extend(configs)
    raise errors.DataError("far enough")

  monkeypatch.setattr(training, "train_family", stop)
  code, _, err = command.call("train", *BICE2020, folder=tmp_path)
  assert (code, err.splitlines()[-1]) == (2, "far enough")
  (found,) = asked
  assert found.network == {
    "name": "bice2020",
    "dropout_at": "image,stretch,rest",
    "final_norm": True,
  }
  assert found.negatives == 0.25
  assert facts(tmp_path)["recipe"] == "bice2020"


def test_a_part_of_the_family_and_its_devices_arrive(prepared, monkeypatch):
  asked = []

  def stop(store, split, folder, configs, *, reporter, **how):
    asked.extend([[config.objective for config in configs], how])
    raise errors.DataError("far enough")

  monkeypatch.setattr(training, "train_family", stop)
  how = {"devices": 2, "models_at_once": 2, "parallel": "pmap"}
  flags = [f"--{name}={value}" for name, value in how.items()]
  flags += ["--objective=all", "--shard=2/2"]
  train = ("train", "--structure=parotid_left", "--output=runs/phantom")
  code, _, err = command.call(*train, *command.NETWORK, *flags, folder=prepared)
  assert (code, err.splitlines()[-1]) == (2, "far enough")
  assert asked[0] == ["dice_batch"] and asked[1].items() >= how.items()
  assert "devices" not in facts(prepared, "runs/phantom")["training_flags"]
  # The part that holds nothing is no fault of a job array.
  out = command.done(*train, "--shard=4/4", folder=prepared)
  assert "no models" in out


@pytest.mark.slow
def test_the_studys_own_recipe_trains(tmp_path):
  command.done("train", *BICE2020, folder=tmp_path)
  kept = config(tmp_path, "brain", "bce", "0")
  assert kept["network"] == {
    "name": "bice2020",
    "dropout_at": "image,stretch,rest",
    "final_norm": True,
  }
  assert kept["negatives"] == 0.25
  assert facts(tmp_path)["recipe"] == "bice2020"


@pytest.mark.parametrize(
  "flag",
  [
    "--dropout=2",
    "--learning_rate=-1",
    "--batch=0",
    "--seed=-1",
    "--devices=99",
    "--models_at_once=0",
    "--shard=3/2",
    "--checkpoint_minutes=0",
    "--checkpoint_minutes=nan",
  ],
)
def test_settings_that_cannot_work_are_refused_before_preparing(flag, tmp_path):
  flags = ("--structure=brain", *command.TINY, flag)
  command.refused("train", *flags, folder=tmp_path)
  assert not list(tmp_path.iterdir())


def test_a_batch_that_all_devices_cannot_share_is_refused(tmp_path):
  flags = ("--structure=brain", *command.PHANTOM, "--batch=7")  # Two devices.
  line = command.refused("train", *flags, folder=tmp_path)
  assert "--devices=1" in line
  assert not list(tmp_path.iterdir())
