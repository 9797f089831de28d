"""Flags of what may make better models."""

import json

import pytest

from jaxseg import errors
from jaxseg import training
from jaxseg.cli import _better_flags
from tests import tiny
from tests.cli import command

TRAIN = ("train", "--structure=parotid_left", "--output=run", *command.TINY)
ON = (
  *("--augment=shift,rotation:5", "--clip_norm=1", "--ema=0.9"),
  *("--slices=3", "--deep_supervision=1", "--tta=2"),
)


def test_flags_name_the_augmentations_there_are():
  assert _better_flags.KINDS == tuple(training.AUGMENTATIONS)


def test_options_arrive_and_bind_the_run(prepared, monkeypatch):
  asked = []

  def stop(store, split, folder, configs, **how):
    asked.extend(configs)
    (folder / "models/a/b/0").mkdir(parents=True, exist_ok=True)
    (folder / "models/a/b/0/config.json").write_text("{}")
    raise errors.DataError("far enough")

  monkeypatch.setattr(training, "train_family", stop)
  train = ("train", "--structure=parotid_left", *command.NETWORK)
  assert command.call(*train, *ON, folder=prepared)[0] == 2
  (found,) = asked
  assert found.augment == {"shift": 0.05, "rotation": 5.0}
  assert (found.clip_norm, found.ema) == (1.0, 0.9)
  network = {"slices": 3, "deep_supervision": 1}
  assert found.network == {**tiny.NETWORK, **network}
  kept = json.loads((prepared / "runs/phantom/run.json").read_text())
  assert kept["training_flags"]["augment"] == ["shift", "rotation:5"]
  assert kept["training_flags"]["tta"] == 2  # All its models are swept alike.
  again = ("train", "--structure=brain")
  assert command.call(*again, folder=prepared)[0] == 2
  assert asked[1].options == found.options
  for flag, text in (
    ("--augment=shift", "augment is {'shift': 0.05, 'rotation': 5.0}, asked"),
    ("--ema=0.5", "ema is 0.9, asked is 0.5"),
    ("--slices=5", "slices is 3, asked is 5"),
    ("--tta=3", "jaxseg sweep --tta=3 sweeps all of them so"),
    ("--tta=1", "swept with --tta=2, asked is 1"),
  ):
    assert text in command.refused(*again, flag, folder=prepared)


@pytest.mark.parametrize(
  ("flag", "text"),
  [
    ("--augment=flip", "--augment: 'flip' is unknown; take all, none, or"),
    ("--augment=shift:9", "--augment: shift is 9.0; give"),
    ("--augment=", "--augment: empty"),
    ("--clip_norm=0", "--clip_norm is 0.0"),
    ("--ema=1", "--ema is 1.0"),
    ("--slices=2", "--slices is 2"),
    ("--deep_supervision=9", "--deep_supervision is 9"),
    ("--recipe=bice2020", "--base: the recipe's network, bice2020, has none"),
    ("--tta=10", "--tta is 10"),
  ],
)
def test_what_cannot_work_is_refused_before_preparing(flag, text, tmp_path):
  assert text in command.refused(*TRAIN, flag, folder=tmp_path)
  assert not list(tmp_path.iterdir())


def test_views_are_of_a_runs_models(tmp_path):
  maps = ("--probabilities=maps", "--reference=labels", "--tta=3")
  assert "--tta: only for" in command.refused("sweep", *maps, folder=tmp_path)
