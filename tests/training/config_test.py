"""Configurations and recipes."""

import json

import pytest

from jaxseg import errors
from jaxseg import training
from jaxseg.training import _config


def test_json_and_back():
  config = training.Config("brain", objective="dice", window_hu=(-100.0, 300.0))
  text = json.dumps(config.to_json())
  assert training.Config.from_json(json.loads(text)) == config


def test_options_that_are_off_are_left_out():
  off = training.Config("brain").to_json()
  assert not {"augment", "clip_norm", "ema"} & set(off)
  assert training.Config.from_json(off) == training.Config("brain")
  on = {"augment": {"shift": 0.1}, "clip_norm": 1.0, "ema": 0.99}
  config = training.Config("brain", **on)
  assert {name: config.to_json()[name] for name in on} == on
  assert training.Config.from_json(config.to_json()) == config
  assert training.functions(config).step is not None


def test_a_config_of_another_version_is_refused():
  content = training.Config("brain").to_json()
  said = "field 'momentum' is missing or unknown; .* another version"
  with pytest.raises(errors.DataError, match=said):
    training.Config.from_json({**content, "momentum": 0.9})
  del content["window_hu"]
  with pytest.raises(errors.DataError, match="window_hu"):
    training.Config.from_json(content)


@pytest.mark.parametrize(
  "changes",
  [
    {"objective": "fokal"},
    {"schedule": "step"},
    {"batch": 0},
    {"epochs": 0},
    {"patience": 0},
    {"learning_rate": 0.0},
    {"learning_rate": float("nan")},
    {"steps_per_epoch": 0},
    {"seed": -1},
    {"learning_rate": float("inf")},
    {"negatives": -0.1},
    {"negatives": float("nan")},
    {"negatives": float("inf")},
    {"window_hu": (100.0, 100.0)},
    {"augment": {"flip": 1.0}},
    {"augment": {"shift": -0.1}},
    {"clip_norm": 0.0},
    {"clip_norm": float("inf")},
    {"ema": 1.0},
    {"ema": float("nan")},
  ],
  ids=str,
)
def test_impossible_settings_are_refused(changes):
  with pytest.raises(errors.ConfigError):
    training.Config("brain", **changes)


def test_the_learning_rate_rises_and_falls():
  config = training.Config("brain", learning_rate=1.0)
  rates = [_config.learning_rate(config, k, 100) for k in range(100)]
  assert max(rates) == 1.0
  assert 0 < rates[0] < rates[4] == max(rates)
  assert rates[4:] == sorted(rates[4:], reverse=True)
  assert 0 <= rates[-1] < 0.01
  constant = training.Config("brain", schedule="constant", learning_rate=0.5)
  assert _config.learning_rate(constant, 77, 100) == 0.5


def test_recipes_make_configurations():
  for name in training.RECIPES:
    settings = training.recipe(name).training
    config = training.Config("brain", **settings)
    assert training.functions(config).step is not None
  with pytest.raises(errors.ConfigError, match="jaxseg, quick, bice2020"):
    training.recipe("nnunet")


def test_the_studys_own_crop_is_300_pixels_of_512():
  begin, end = training.recipe("bice2020").prepare.crop
  assert (round(begin * 512), round(end * 512)) == (105, 405)
