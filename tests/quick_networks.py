"""Networks whose functions compile quickly, for tests that take few steps.

A step of five blocks takes XLA 11 CPU seconds to compile, and 2 like this; it
runs at a third of the speed. A conftest.py imports `networks` for its folder, a
single file takes the fixture `quick_networks`, a process of its own has them by

    python -m tests.quick_networks train --structure=brain ...

As users compile them: tests/training/compiled_test.py, and the slow tests that
start the commands themselves.
"""

import contextlib
import sys
from unittest import mock

import pytest

from jaxseg import cli
from jaxseg import models
from jaxseg.models import _fast
from jaxseg.models import _forward
from jaxseg.training import _compiled
from tests import quick

NAMES = ("compiler_options", "init_options")
OF_USERS = {name: getattr(_fast, name) for name in NAMES}
_CACHED = (
  _forward._compiled,
  _compiled._compiled,
  _compiled._compiled_init,
  _compiled._compiled_count,
  _compiled._compiled_step,
)


@contextlib.contextmanager
def options_are(options):
  """Those functions that say how networks are compiled, by name."""
  with contextlib.ExitStack() as patches:
    for place in (models, _fast):
      for name in NAMES:
        patches.enter_context(mock.patch.object(place, name, options[name]))
    yield


@contextlib.contextmanager
def compiled_quickly():
  """All networks are, within; what was compiled otherwise is forgotten."""
  with options_are(dict.fromkeys(NAMES, lambda: quick.OPTIONS)):
    _forget()
    yield
  _forget()


def _forget():
  for function in _CACHED:
    function.cache_clear()


@pytest.fixture(scope="package", autouse=True)
def networks():
  """Those of a whole folder of tests."""
  with compiled_quickly():
    yield


if __name__ == "__main__":
  with compiled_quickly():
    sys.exit(cli.main(sys.argv[1:]))
