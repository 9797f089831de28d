"""Commands as tests call them: in this process, or as one of their own."""

import contextlib
import csv
import io
import os
import subprocess
import sys
from unittest import mock

from jaxseg import cli
from tests.conftest import ROOT

# Small patients, and few steps of a small network.
PHANTOM = ("--patients=8", "--grid=48")
PREPARED = ("--size=32", "--spacing=8")
STEPS = ("--base=4", "--batch=8")
NETWORK = (*STEPS, "--epochs=1", "--steps_per_epoch=3", "--devices=1")
TINY = (*PHANTOM, *PREPARED, *NETWORK)


def call(name, *flags, folder):
  """Runs a command in a folder: (exit code, standard output, errors)."""
  out, err = io.StringIO(), io.StringIO()
  with (
    contextlib.chdir(folder),
    mock.patch.dict(os.environ, COLUMNS="100"),
    contextlib.redirect_stdout(out),
    contextlib.redirect_stderr(err),
  ):
    code = cli.main([name, *flags])
  return code, out.getvalue(), err.getvalue()


def done(name, *flags, folder):
  """What a command prints that succeeds."""
  code, out, err = call(name, *flags, folder=folder)
  assert code == 0, err
  return out


def refused(name, *flags, folder):
  """The one line of a command that refuses; checks that it is just that."""
  code, _, err = call(name, *flags, folder=folder)
  assert code == 2, err
  lines = err.strip().splitlines()
  assert len(lines) == 1, err
  return lines[0]


def start(name, *flags, folder, by=None):
  """Starts a process of its own, by a module of the tests if one is named."""
  program = [f"experiments.{name}"] if by is None else [by.__name__, name]
  return subprocess.Popen(
    [sys.executable, "-W", "error", "-m", *program, *flags],
    cwd=folder,
    env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def rows(path):
  """A table's rows."""
  with open(path, newline="") as file:
    return list(csv.DictReader(file))
