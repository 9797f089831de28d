"""Networks that compile quickly, and a run folder that was prepared once.

Commands have the network of tests/tiny.py: one step is compiled for all.
"""

import shutil

import pytest

from tests import tiny
from tests.cli import command
from tests.cli import shallow
from tests.quick_networks import networks  # noqa: F401 (A fixture.)


@pytest.fixture(scope="package", autouse=True)
def few_blocks():
  """Of all commands that train, in this process."""
  with shallow.networks(tiny.NETWORK["blocks"]):
    yield


@pytest.fixture(scope="session")
def prepared_once(made_once):
  """A folder with the run folder of a small phantom."""

  def prepare(folder):
    flags = (*command.PHANTOM, *command.PREPARED, "--workers=1")
    command.done("prepare", *flags, folder=folder)

  return made_once("phantom", prepare)


@pytest.fixture
def no_figures(monkeypatch):
  """Drawing takes most of an analysis's time, and is tested elsewhere."""

  def draw(_, content, **__):
    content.write(b"<svg/>")

  monkeypatch.setattr("matplotlib.figure.Figure.savefig", draw)


@pytest.fixture
def prepared(prepared_once, tmp_path):
  """A folder of this test's own with a copy of it, in runs/phantom."""
  shutil.copytree(prepared_once, tmp_path, dirs_exist_ok=True)
  return tmp_path
