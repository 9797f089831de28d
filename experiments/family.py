"""The models' flags among absl's global ones; see `jaxseg.cli._family`."""

from collections.abc import Sequence

from experiments import cli
from jaxseg import data
from jaxseg import training
from jaxseg.cli import _family

_family.define(cli.FLAGS)
cli.adopt(__name__)

available = _family.available


def named(asked: Sequence[str]) -> tuple[str, ...]:
  """Canonical names of what a flag asks for; checked before any work."""
  return _family.named(cli.FLAGS, asked)


def configs(
  run: data.Run, names: Sequence[str], *, default: Sequence[str]
) -> list[training.Config]:
  """A training per structure and objective."""
  return _family.configs(cli.FLAGS, run, names, default=default)
