"""Commands whose networks have few blocks, for there is no flag for that.

A process of its own has networks of one block by

    python -m tests.cli.shallow train --structure=brain ...

Nothing of JAX is imported before the command itself imports it.
"""

import contextlib
from unittest import mock

from jaxseg import cli
from jaxseg.cli import _training_flags

_settings = _training_flags._settings


@contextlib.contextmanager
def networks(blocks=1):
  """All that commands train in this process, within."""

  def shallow(*arguments):
    settings = _settings(*arguments)
    network = dict(settings["network"])
    if network["name"] == "unet":  # Others are as they are.
      network["blocks"] = blocks
    return {**settings, "network": network}

  with mock.patch.object(_training_flags, "_settings", shallow):
    yield


if __name__ == "__main__":
  with networks():
    cli.console()
