"""A tiny run, prepared once; its counts by a stand-in, and by a model."""

import pytest

from jaxseg import study
from tests import tiny
from tests.quick_networks import networks  # noqa: F401 (A fixture.)
from tests.study import made


@pytest.fixture(scope="package")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("study") / "run")


@pytest.fixture(scope="package")
def results(run):
  return [
    study.sweep_model(run, made.Bright("brain"), digest="one"),
    study.sweep_model(run, made.Bright("spinal_cord"), digest="two"),
  ]


@pytest.fixture(scope="package")
def trained(run):
  """The run with a finished model, and its counts."""
  tiny.train(run, tiny.config("brain", epochs=1, steps_per_epoch=2))
  return run, study.sweep_run(run)
