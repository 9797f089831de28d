"""Files that are never half-written: a temporary name, then a rename."""

from collections.abc import Iterator
import contextlib
import hashlib
import json
import math
import os
import pathlib
import shutil
import tempfile
from typing import Any

from jaxseg import errors


def check_free(path: pathlib.Path, *, overwrite: bool) -> None:
  """Raises ExistingOutputError unless the path is free or replaceable."""
  if path.is_dir() or (path.exists() and not overwrite):
    raise errors.ExistingOutputError(
      f"{path}: already exists; give another path"
      + ("" if path.is_dir() else ", or set overwrite")
    )


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes UTF-8 text under a temporary name and renames it into place."""
  write_bytes(path, text.encode("utf-8"))


def write_bytes(path: pathlib.Path, content: bytes) -> None:
  """Writes bytes under a temporary name and renames them into place."""
  path.parent.mkdir(parents=True, exist_ok=True)
  handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
  try:
    with os.fdopen(handle, "wb") as file:
      file.write(content)
    os.chmod(name, 0o666 & ~_umask())  # mkstemp makes files private.
    os.replace(name, path)
  except BaseException:
    pathlib.Path(name).unlink(missing_ok=True)
    raise


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
  with tempfile.TemporaryDirectory(
    dir=path.parent, prefix=f".{path.name}."
  ) as folder:
    temporary = pathlib.Path(folder) / path.name
    yield temporary
    os.replace(temporary, path)


@contextlib.contextmanager
def new_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields a temporary folder that becomes `path` if the block succeeds."""
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = pathlib.Path(
    tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.")
  )
  try:
    yield temporary
    os.chmod(temporary, 0o777 & ~_umask())
    os.replace(temporary, path)
  except BaseException:
    shutil.rmtree(temporary, ignore_errors=True)
    raise


def _umask() -> int:
  mask = os.umask(0)
  os.umask(mask)
  return mask
