"""The whole study, ended again and again, ends with an undisturbed one's bytes.

Each moment is the first file of a stage; every second one ends by SIGTERM.
"""

import re
import signal
import time

import pytest

from tests import quick_networks
from tests.cli import command

FLAGS = (*command.TINY, "--structures=brain", "--output=run")
MOMENTS = (
  ".run.*.unfinished",
  "run/store/manifest.json",
  "run/models/*/bce/0/config.json",
  "run/models/*/bce/0/checkpoints/last/*",
  "run/models/*/dice*/0/summary.json",
  "run/counts/*.npz",
  "run/tables/sensitivity.csv",
  "run/figures/overlay*",
  "run/report/index.html",
)


# Of the day on which a table was written.
_DATE = re.compile(rb"20\d\d-\d\d-\d\d")


def start(folder):
  return command.start("reproduce", *FLAGS, folder=folder, by=quick_networks)


def ended_at(folder, moments, number):
  """Runs to the first of the moments and sends a signal: exit code and errors.

  One that is gone before it is seen, such as a folder under its unfinished
  name, is followed by the next. None if the first was there before.
  """
  if any(folder.glob(moments[0])):
    return None
  ahead = [moment for moment in moments if not any(folder.glob(moment))]
  process = start(folder)
  deadline = time.monotonic() + 600
  while process.poll() is None:
    if any(any(folder.glob(moment)) for moment in ahead):
      break
    assert time.monotonic() < deadline
    time.sleep(0.002)
  process.send_signal(number)
  _, err = process.communicate(timeout=300)
  return process.returncode, err


def content(folder):
  """What an undisturbed run leaves for its reader, by name."""
  run = folder / "run"
  paths = [*run.glob("tables/*"), *run.glob("counts/*"), *run.glob("figures/*")]
  paths += run.glob("report/*")
  return {
    str(path.relative_to(run)): _DATE.sub(b"", path.read_bytes())
    for path in paths
    if path.is_file()
  }


@pytest.mark.slow
def test_a_study_ended_at_every_stage_has_the_same_tables(tmp_path):
  whole, cut = tmp_path / "whole", tmp_path / "cut"
  for folder in (whole, cut):
    folder.mkdir()
  process = start(whole)
  _, err = process.communicate(timeout=600)
  assert process.returncode == 0, err
  ended = {}
  for at, moment in enumerate(MOMENTS):
    number = (signal.SIGKILL, signal.SIGTERM)[len(ended) % 2]
    found = ended_at(cut, MOMENTS[at:], number)
    if found is None:
      continue
    code, err = found
    expected = -number if number == signal.SIGKILL else 3
    assert code in (expected, 0), (moment, err)
    assert code != 3 or err.splitlines()[-1].startswith("interrupted;"), err
    ended[moment] = code
  assert sum(code != 0 for code in ended.values()) >= 5, ended
  process = start(cut)
  _, err = process.communicate(timeout=600)
  assert process.returncode == 0, err
  expected, found = content(whole), content(cut)
  assert sorted(found) == sorted(expected)
  assert [name for name in found if found[name] != expected[name]] == []
  left = [path for path in cut.rglob(".*") if "unfinished" in path.name]
  assert not left
