"""A training killed again and again ends with an undisturbed one's bits."""

import random
import signal
import subprocess

import pytest

from jaxseg import model
from tests.cli import command

FLAGS = (
  "--structure=brain",
  *command.PHANTOM,
  *command.PREPARED,
  "--base=4",
  "--batch=8",
  "--epochs=4",
  "--steps_per_epoch=400",
  "--output=run",
)
PLACE = ("run", "models", "brain", "bce", "0")


def saved(folder):
  """Steps of the newest checkpoint."""
  found = folder.joinpath(*PLACE, "checkpoints", "last").glob("[0-9]*")
  return max((int(path.name) for path in found), default=0)


def table(folder):
  rows = command.rows(folder.joinpath(*PLACE, "metrics.csv"))
  return [{**row, "slices_per_s": ""} for row in rows]


def undisturbed(folder):
  """Trains by a process of its own, compiled as those that are killed."""
  process = command.start("train", *FLAGS, folder=folder)
  _, err = process.communicate(timeout=600)
  assert process.returncode == 0, err


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_that_was_saved(tmp_path):
  whole, cut = tmp_path / "whole", tmp_path / "cut"
  for folder in (whole, cut):
    folder.mkdir()
  undisturbed(whole)
  draw = random.Random(0)
  for _ in range(60):
    before = saved(cut)
    process = command.start("train", *FLAGS, folder=cut)
    try:
      _, err = process.communicate(timeout=draw.uniform(2, 15))
    except subprocess.TimeoutExpired:
      number = draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
      process.send_signal(number)
      _, err = process.communicate(timeout=60)
      if number != signal.SIGKILL:
        assert process.returncode in (0, 3), err
      if process.returncode == 3:
        assert err.splitlines()[-1].startswith("interrupted;"), err
      assert saved(cut) >= before
    if process.returncode == 0:
      break
  else:
    undisturbed(cut)
  assert table(cut) == table(whole)
  for slot in ("best", "last"):
    digests = [
      model.load_model(folder.joinpath(*PLACE), slot=slot).facts["digest"]
      for folder in (whole, cut)
    ]
    assert digests[0] == digests[1]
  assert not list(cut.rglob(".*.unfinished"))
