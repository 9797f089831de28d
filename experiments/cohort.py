"""The cohort's flags among absl's global ones; see `jaxseg.cli._cohort`."""

import pathlib
from typing import Any

from absl import flags

from experiments import cli
from jaxseg import data
from jaxseg.cli import _cohort
from jaxseg.cli import _family

_cohort.define(cli.FLAGS)
_family.define_seed(cli.FLAGS)
cli.adopt(__name__)

OUTPUT: Any = flags.FLAGS["output"]
SEED: Any = flags.FLAGS["seed"]


def output_folder() -> pathlib.Path:
  """The run folder that the flags name."""
  return _cohort.output_folder(cli.FLAGS)


def prepared() -> data.Run:
  """Prepares the run folder, or opens it if that was done before."""
  return _cohort.prepared(cli.FLAGS)
