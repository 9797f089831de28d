"""Losses by name and by import path."""

import pytest

from jaxseg import errors
from jaxseg import losses


def test_names():
  known = losses.names()
  assert list(known) == sorted(known)
  assert {"bce", "bce_dice", "dice", "focal", "lovasz_hinge"} <= set(known)
  assert losses.get("bce") is losses.binary_cross_entropy
  for name in losses.names():
    assert callable(losses.get(name))
  # Of distances, so none of those that can be an objective as they are.
  assert losses.get("boundary") is losses.boundary
  assert "boundary" not in known


def test_a_function_of_ones_own(tmp_path, monkeypatch):
  (tmp_path / "own_losses.py").write_text("def zero(z, t): return 0 * z\n")
  monkeypatch.syspath_prepend(tmp_path)
  assert losses.get("own_losses:zero").__name__ == "zero"
  assert losses.get("jaxseg.losses:dice") is losses.dice


@pytest.mark.parametrize(
  ("name", "fact"),
  [
    ("dise", "is unknown"),
    ("", "is unknown"),
    (None, "is unknown"),
    ("no.such.module:f", "cannot be imported"),
    ("jaxseg.losses:no", "has no attribute 'no'"),
    (":f", "cannot be imported"),
    ("..losses:f", "cannot be imported"),
    ("jaxseg.losses:__all__", "is a list, not a function"),
  ],
)
def test_other_names_are_refused_with_those_there_are(name, fact):
  with pytest.raises(errors.ConfigError, match=fact) as caught:
    losses.get(name)
  text = str(caught.value)
  assert repr(name) in text and "\n" not in text
  assert "bce, bce_dice, binary_cross_entropy, combo, dice" in text


def test_a_module_that_fails_is_the_settings_fault(tmp_path, monkeypatch):
  (tmp_path / "broken_losses.py").write_text("raise KeyError('a\\n\\nb')\n")
  monkeypatch.syspath_prepend(tmp_path)
  with pytest.raises(errors.ConfigError, match="KeyError") as caught:
    losses.get("broken_losses:f")
  assert "\n" not in str(caught.value)
  assert isinstance(caught.value.__cause__, KeyError)
