"""Networks that compile quickly, and a run folder that was prepared once."""

import shutil

import pytest

from tests.cli import command
from tests.quick_networks import networks  # noqa: F401 (A fixture.)


@pytest.fixture(scope="session")
def prepared_once(made_once):
  """A folder with the run folder of a small phantom."""

  def prepare(folder):
    flags = (*command.PHANTOM, *command.PREPARED, "--workers=1")
    command.done("prepare", *flags, folder=folder)

  return made_once("phantom", prepare)


@pytest.fixture
def prepared(prepared_once, tmp_path):
  """A folder of this test's own with a copy of it, in runs/phantom."""
  shutil.copytree(prepared_once, tmp_path, dirs_exist_ok=True)
  return tmp_path
