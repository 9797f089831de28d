"""Networks whose functions compile quickly, for tests that take few steps.

A step of five blocks takes XLA 11 CPU seconds to compile, and 2 like this; it
runs at a third of the speed. A conftest.py imports `networks` for its folder, a
single file takes the fixture `quick_networks`. A process of its own has them,
and no more blocks than tests/cli/conftest.py gives commands, by

    python -m tests.quick_networks train --structure=brain ...

As users compile them: tests/training/compiled_test.py, and the slow tests that
start the commands themselves.
"""

import contextlib
import functools
from unittest import mock

import pytest

from jaxseg import cli
from jaxseg import models
from jaxseg.models import _fast
from jaxseg.models import _forward
from jaxseg.training import _compiled
from tests import quick

NAMES = ("compiler_options", "init_options")
_FAST = {name: getattr(_fast, name) for name in NAMES}
OF_USERS = {
  name: lambda of_users=of_users: {**quick.OF_USERS, **of_users()}
  for name, of_users in _FAST.items()
}
# What keeps compiled functions. Tests have their own, which outlive a context:
# the next file of tests traces and compiles nothing anew.
_KEPT = (
  (_forward, "_compiled"),
  (_compiled, "_compiled"),
  (_compiled, "_compiled_init"),
  (_compiled, "_compiled_count"),
  (_compiled, "_compiled_step"),
)
_OF_USERS = tuple(getattr(place, name) for place, name in _KEPT)
_QUICK = tuple(functools.cache(own.__wrapped__) for own in _OF_USERS)


@contextlib.contextmanager
def options_are(options):
  """Those functions that say how networks are compiled, by name."""
  with contextlib.ExitStack() as patches:
    for place in (models, _fast):
      for name in NAMES:
        patches.enter_context(mock.patch.object(place, name, options[name]))
    yield


@contextlib.contextmanager
def _compiled_by(options, kept):
  """Options, by name, and what is kept of functions compiled with them."""
  with contextlib.ExitStack() as patches:
    patches.enter_context(options_are(options))
    for (place, name), cached in zip(_KEPT, kept, strict=True):
      patches.enter_context(mock.patch.object(place, name, cached))
    yield


def compiled_quickly():
  """All networks are, within; those of users are kept apart from them."""
  return _compiled_by(dict.fromkeys(NAMES, lambda: quick.OPTIONS), _QUICK)


def compiled_as_users():
  """All networks are, within: as processes compile that are jaxseg's own."""
  return _compiled_by(OF_USERS, _OF_USERS)


@pytest.fixture(scope="package", autouse=True)
def networks():
  """Those of a whole folder of tests."""
  with compiled_quickly():
    yield


if __name__ == "__main__":
  from tests import tiny
  from tests.cli import shallow

  with compiled_quickly(), shallow.networks(tiny.NETWORK["blocks"]):
    cli.console()
