"""Every file of a run damaged, and a command on it.

Each damage meets one command, each entry of a file one value; all meet all with
JAXSEG_FUZZ=1, which takes an hour.
"""

import os
import random
import shutil
from unittest import mock

import pytest

from jaxseg.report import _style
from tests.cli import command
from tests.cli import damage

MODEL = "models/brain/bce/0"
FILES = (
  "run.json",
  "split.json",
  "store/manifest.json",
  "store/images/zarr.json",
  "store/images/c/0/0/0",
  "store/labels/zarr.json",
  "store/labels/c/0/0/0/0",
  "store/references/00000/zarr.json",
  "store/references/00000/c/0/0/0/0",
  f"{MODEL}/config.json",
  f"{MODEL}/model.json",
  f"{MODEL}/summary.json",
  f"{MODEL}/threshold.json",
  f"{MODEL}/metrics.csv",
  f"{MODEL}/environment.json",
  "counts/brain-bce-0.npz",
)
COMMANDS = (
  ("prepare",),
  ("train", "--structure=brain"),
  ("sweep", "--resamples=20"),
  ("sensitivity",),
  ("prominence",),
  ("objectives",),
)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
  """A run with its tables as these commands write them; no figure is drawn."""
  run = tmp_path_factory.mktemp("damage") / "healthy"
  flags = ("--structures=brain,parotid_left", f"--output={run}")
  flags += ("--objective=bce,dice,bce_dice", "--replace_stuck=0")
  command.done("reproduce", *flags, *command.TINY, folder=run.parent)
  with mock.patch.object(
    _style, "save", lambda _, stem: [stem.with_suffix(".svg")]
  ):
    for name, *more in COMMANDS[2:]:
      command.done(name, *more, f"--output={run}", folder=run.parent)
    yield run


@pytest.mark.slow
@pytest.mark.parametrize("place", FILES)
def test_no_damage_is_silent_or_a_traceback(healthy, tmp_path, place):
  run = tmp_path / "run"
  shutil.copytree(healthy, run)
  every = "JAXSEG_FUZZ" in os.environ
  cases = damage.whole(flips=8 if every else 2)
  if place.endswith(".json") and "zarr" not in place:
    cases |= damage.entries(healthy / place, values=None if every else 1)
  draw, wrong = random.Random(place), []
  calls = list(COMMANDS)
  for at, (name, harm) in enumerate(cases.items()):
    if at % len(COMMANDS) == 0:  # Each has its turn, in another order.
      draw.shuffle(calls)
    for call in COMMANDS if every else [calls[at % len(COMMANDS)]]:
      word, text = damage.outcome(healthy, run, place, harm, *call)
      if word not in ("same", "said", "refused"):
        wrong.append((name, call[0], word, text[-400:]))
  assert not wrong
