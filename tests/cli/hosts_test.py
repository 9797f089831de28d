"""Training in several processes: flags, one's numbers, and the end of one."""

import os
import pathlib
import shutil
import signal
import socket
import time
from unittest import mock

import numpy as np
import pytest

from jaxseg.cli import _hosts
from jaxseg.cli import _supervise
from tests import quick
from tests.cli import command
from tests.cli import shallow
from tests.distributed_test import free_port

STUDY = ("--structure=brain", "--base=4", "--batch=8", "--dropout=0.1")
# Each process compiles for itself; quickly, or all of them take minutes.
QUICKLY = " ".join(
  f"--{name}={str(value).lower()}" for name, value in quick.OPTIONS.items()
)
FOUR = ("--epochs=4", "--steps_per_epoch=4")
MODEL = pathlib.Path("runs/phantom/models/brain/bce/0")


@pytest.mark.parametrize(
  ("flags", "told"),
  [
    (("--processes=2",), "--coordinator, --process: missing beside"),
    (("--coordinator=a:1", "--processes=2", "--process=2"), "give 0 to 1"),
    (("--coordinator=a", "--processes=2", "--process=0"), "HOST:PORT"),
    (("--coordinator=a:0", "--processes=2", "--process=0"), "HOST:PORT"),
    (("--lost_timeout=0",), "--lost_timeout=0: give at least 1"),
    (
      (
        "--distributed=auto",
        "--coordinator=a:1",
        "--processes=2",
        "--process=0",
      ),
      "give either",
    ),
  ],
)
def test_flags_that_do_not_go_together(flags, told, tmp_path):
  line = command.refused("train", "--structure=brain", *flags, folder=tmp_path)
  assert told in line
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
  ("silent", "told"),
  [
    (" 2", "process 2 was"),
    (" 10, 2, 1", "processes 1, 2 and 10 were"),
    ("", "another process was"),
  ],
)
def test_who_was_lost_is_named(silent, told):
  ended = _supervise.Ended(
    -signal.SIGABRT,
    {"process": "0 of 16"},
    "distributed service detected fatal errors: some tasks (that crashed or"
    f" stopped sending heartbeats):{silent}",
  )
  code, text = _hosts._verdict(mock.Mock(lost_timeout=20), ended)
  assert code == 3
  assert text.startswith(f"process 0 of 16: {told} lost; the same command")


def test_who_fell_out_of_step_by_anothers_loss_goes_on_later(capfd):
  ended = _supervise.Ended(
    -signal.SIGABRT,
    {"process": "1 of 4"},
    "[Gloo] Rank 1 is connected to 3 peer ranks.\n"
    "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n"
    "  what(): [enforce fail at pair.cc] op.preamble.length <= op.nbytes. "
    "received data size doesn't match expected size. Is there a distributed "
    "collective mismatch in your code?\n",
  )
  code, text = _hosts._verdict(mock.Mock(), ended)
  assert code == 3 and capfd.readouterr().err == ""
  assert text.startswith("process 1 of 4: fell out of step with the others")
  other = ended._replace(text="[Gloo] Rank 1 is connected\nterminate called\n")
  code, text = _hosts._verdict(mock.Mock(), other)
  assert (code, text) == (1, "process 1 of 4: crashed (SIGABRT)")


def started(folder, processes, *flags):
  """All processes of a training."""
  address = f"127.0.0.1:{free_port()}"
  with mock.patch.dict(os.environ, XLA_FLAGS=QUICKLY):  # A device each.
    return [
      command.start(
        "train",
        *STUDY,
        *flags,
        f"--coordinator={address}",
        f"--processes={processes}",
        f"--process={number}",
        "--lost_timeout=20",
        folder=folder,
        by=shallow,
      )
      for number in range(processes)
    ]


def ends(processes):
  """(exit code, standard output, lines of errors) of each."""
  found = []
  for one in processes:
    out, err = one.communicate(timeout=600)
    found.append((one.returncode, out, err.splitlines()))
  return found


def child(process):
  """The one that the given process looks after."""
  tasks = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
  return int(tasks.read_text().split()[0])


def metrics(folder):
  return [
    {name: row[name] for name in row if name != "slices_per_s"}
    for row in command.rows(folder / MODEL / "metrics.csv")
  ]


def finished(folder, processes, *flags):
  """Trains to the end: lines of metrics.csv."""
  for number, (code, out, err) in enumerate(
    ends(started(folder, processes, *flags))
  ):
    assert code == 0, err
    # The console speaks once.
    assert ("Model:" in out) == (number == 0)
    assert number == 0 or not err
  return metrics(folder)


@pytest.mark.slow
def test_two_processes_have_the_numbers_of_one_and_go_on_for_it(
  prepared_once, tmp_path
):
  flags = ("--epochs=2", "--steps_per_epoch=4")
  alone, both = tmp_path / "alone", tmp_path / "both"
  for folder in (alone, both):
    shutil.copytree(prepared_once, folder)
  with shallow.networks():
    command.done("train", *STUDY, *flags, folder=alone)
  found = finished(both, 2, *flags)
  for one, two in zip(metrics(alone), found, strict=True):
    for name in one:
      np.testing.assert_allclose(
        float(two[name]), float(one[name]), rtol=2e-4, atol=2e-3
      )
  # What several wrote, one reads.
  line = command.done("sweep", "--output=runs/phantom", folder=both)
  assert "brain" in line


@pytest.fixture(scope="module")
def whole(prepared_once, tmp_path_factory):
  """What four processes end with that nobody disturbs."""
  folder = tmp_path_factory.mktemp("whole")
  shutil.copytree(prepared_once, folder, dirs_exist_ok=True)
  return finished(folder, 4, *FOUR)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 3])
def test_one_of_four_is_killed_and_the_same_command_goes_on(
  whole, prepared_once, tmp_path, victim
):
  cut = tmp_path / "cut"
  shutil.copytree(prepared_once, cut)
  four = started(cut, 4, *FOUR)
  deadline = time.monotonic() + 300
  while not (cut / MODEL / "metrics.csv").exists():
    assert time.monotonic() < deadline
    time.sleep(0.05)
  os.kill(child(four[victim]), signal.SIGKILL)
  killed = time.monotonic()
  for number, (code, _, err) in enumerate(ends(four)):
    assert code == 3, err
    assert "Traceback" not in "\n".join(err)
    assert "the same command" in err[-1]
    assert f"process {number} of 4" in err[-1]
    assert number == 0 or len(err) == 1
  assert time.monotonic() - killed < 60
  assert finished(cut, 4, *FOUR) == whole


@pytest.mark.slow
def test_who_does_not_meet_the_others_says_so(tmp_path):
  one = command.start(
    "train",
    *STUDY,
    f"--coordinator=127.0.0.1:{free_port()}",
    "--processes=2",
    "--process=1",
    "--start_timeout=3",
    folder=tmp_path,
  )
  ((code, _, err),) = ends([one])
  assert (code, len(err)) == (2, 1), err
  assert "not all of 2 processes met there within 3 s" in err[0]


@pytest.mark.slow
def test_a_taken_port_and_a_refusal_are_told_by_all(prepared):
  with socket.socket() as taken:
    taken.bind(("", 0))
    taken.listen()
    one = command.start(
      "train",
      *STUDY,
      f"--coordinator=127.0.0.1:{taken.getsockname()[1]}",
      "--processes=2",
      "--process=0",
      folder=prepared,
    )
    ((code, _, err),) = ends([one])
  assert (code, len(err)) == (2, 1), err
  assert "cannot be used" in err[0]
  found = ends(started(prepared, 2, "--batch=7", "--epochs=1"))
  for code, _, err in found:
    assert code == 2
    assert "cannot be spread evenly over" in err[-1]
