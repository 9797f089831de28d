"""Files that are never half-written: a temporary name, a flush, a rename."""

from collections.abc import Iterator
import contextlib
import errno
import hashlib
import json
import math
import os
import pathlib
from typing import Any

from jaxseg import _unfinished
from jaxseg import errors


def check_free(path: pathlib.Path, *, overwrite: bool) -> None:
  """Raises ExistingOutputError unless the path is free or replaceable."""
  if path.is_dir() or (path.exists() and not overwrite):
    raise errors.ExistingOutputError(
      f"{path}: already exists; give another path"
      + ("" if path.is_dir() else ", or set overwrite")
    )


def is_there(path: pathlib.Path) -> bool:
  """Whether anything has a name, be it a file that cannot be read.

  Where a file is optional, one that is damaged is told by whoever reads it.
  """
  return os.path.lexists(path)


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes UTF-8 text under a temporary name and renames it into place."""
  write_bytes(path, text.encode("utf-8"))


def write_bytes(path: pathlib.Path, content: bytes) -> None:
  """Writes bytes under a temporary name and renames them into place."""
  path.parent.mkdir(parents=True, exist_ok=True)
  with _unfinished.file(path) as temporary:
    temporary.write_bytes(content)
    _put(temporary, path)


def write_json(path: pathlib.Path, content: Any) -> None:
  """Writes JSON, indented, ending in a newline."""
  write_text(path, json.dumps(content, indent=2, allow_nan=True) + "\n")


def finite(content: Any) -> Any:
  """JSON-able content with None for numbers that JSON cannot express."""
  if isinstance(content, dict):
    return {name: finite(value) for name, value in content.items()}
  if isinstance(content, list | tuple):
    return [finite(value) for value in content]
  if isinstance(content, float) and not math.isfinite(content):
    return None
  return content


def read_json(path: pathlib.Path) -> Any:
  """Reads JSON.

  Raises:
    DataError: The file is missing or not JSON.
  """
  try:
    return json.loads(path.read_text("utf-8"))
  except FileNotFoundError as e:
    raise errors.DataError(
      f"{path}: no such file; run the step that writes it first"
    ) from e
  except (OSError, ValueError, RecursionError) as e:
    raise errors.DataError(
      f"{path}: cannot be read as JSON ({e}); make it again, or restore it"
    ) from e


def as_json(content: Any) -> Any:
  """Content as JSON gives it back: lists for tuples, strings for keys."""
  return json.loads(json.dumps(content))


def digest(content: Any) -> str:
  """SHA-256 of JSON-able content, the first 16 hexadecimal digits."""
  text = json.dumps(content, sort_keys=True, separators=(",", ":"))
  return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def first_difference(found: Any, wanted: Any) -> str:
  """A few words on what differs between two JSON-able settings."""
  if isinstance(found, dict) and isinstance(wanted, dict):
    for name in {**found, **wanted}:
      if found.get(name) != wanted.get(name):
        return f"{name} is {found.get(name)}, asked is {wanted.get(name)}"
  return f"{found}, asked is {wanted}"


@contextlib.contextmanager
def new_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields a temporary path that becomes `path` if the block succeeds.

  It ends as `path` does, for writers that go by the ending.
  """
  path.parent.mkdir(parents=True, exist_ok=True)
  with _unfinished.folder(path) as temporary:
    yield temporary / path.name
    _put(temporary / path.name, path)


@contextlib.contextmanager
def new_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields a temporary folder that becomes `path` if the block succeeds.

  Raises:
    ExistingOutputError: Something came into its place meanwhile.
  """
  path.parent.mkdir(parents=True, exist_ok=True)
  with _unfinished.folder(path) as temporary:
    (temporary / path.name).mkdir()
    yield temporary / path.name
    _put(temporary / path.name, path)


def sweep_once(path: pathlib.Path) -> None:
  """Deletes what dead processes left beside a folder that is there whole.

  One that died after the renaming, before it had cleaned up; who writes beside
  a path sweeps there in any case.
  """
  _unfinished.sweep_once(path)


def remove_folder(path: pathlib.Path) -> None:
  """Deletes a folder so that it is there whole or not at all."""
  _unfinished.remove(path)


def _put(temporary: pathlib.Path, path: pathlib.Path) -> None:
  """Renames into place what is on the disk, and flushes the new name."""
  _unfinished.flush(temporary)
  try:
    os.replace(temporary, path)
  except OSError as e:
    if e.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
      raise
    raise errors.ExistingOutputError(
      f"{path}: appeared while it was being written, as if by another process;"
      " start the same command again to go on with what is there"
    ) from e
  _unfinished.flush_folder(path.parent)
