"""Where a command writes that has no run folder."""

import pathlib

from jaxseg import errors


def output(name: str) -> pathlib.Path:
  """The folder that --output names; it need not exist yet.

  Raises:
    ConfigError: A file is in its place, or above it.
  """
  folder = pathlib.Path(name)
  for one in (folder, *folder.parents):
    if one.exists() and not one.is_dir():
      raise errors.ConfigError(f"--output: {one} is a file; name a folder")
  return folder
