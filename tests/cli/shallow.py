"""Commands whose networks have one block, for processes of their own.

    python -m tests.cli.shallow train --structure=brain ...

Nothing of JAX is imported before the command itself imports it.
"""

import contextlib
import sys
from unittest import mock

from jaxseg import cli
from jaxseg.cli import _training_flags

_settings = _training_flags._settings


def _shallow(*arguments):
  settings = _settings(*arguments)
  return {**settings, "network": {**settings["network"], "blocks": 1}}


@contextlib.contextmanager
def networks():
  """All that commands train in this process, within."""
  with mock.patch.object(_training_flags, "_settings", _shallow):
    yield


if __name__ == "__main__":
  with networks():
    sys.exit(cli.main(sys.argv[1:]))
