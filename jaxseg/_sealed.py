"""JSON objects of ours: checked for damage and for what they must hold.

A sealed file carries a digest of its other entries, so that a bit that flipped
in it is found. Files without one, such as older ones, are read as they are.
"""

from collections.abc import Mapping
import math
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import errors

_DIGEST = "digest"
_LAYOUT = b'{\n  "'
_KINDS = {
  bool: "true or false",
  dict: "an object",
  float: "a number",
  int: "a whole number",
  list: "a list",
  str: "text",
  type(None): "null",
}
Kind = type | tuple[type, ...]


def write(path: pathlib.Path, content: Mapping[str, Any]) -> None:
  """Writes a JSON object with its digest, in one step."""
  whole = _files.as_json({k: v for k, v in content.items() if k != _DIGEST})
  _files.write_json(path, {**whole, _DIGEST: _files.digest(whole)})


def read(
  path: pathlib.Path,
  kinds: Mapping[str, Kind] | None = None,
  *,
  again: str,
) -> dict[str, Any]:
  """Reads a JSON object.

  Args:
    path: The file.
    kinds: Entries that it must have -> what they are; a whole number is a
      float as well, and true is no number.
    again: What to do if it is damaged, such as "prepare the cohort again".

  Returns:
    Its entries without the digest.

  Raises:
    DataError: It is missing, no JSON object, lacks an entry, or was changed
      since it was written.
  """
  content = _files.read_json(path)
  check(path, content, kinds or {}, again=again)
  return opened(path, content, again=again)


def opened(
  path: pathlib.Path, content: dict[str, Any], *, again: str
) -> dict[str, Any]:
  """What was read of a file, without the digest.

  The digest binds as long as the file has the layout that `write` gave it: a
  program that wrote it anew, in a layout of its own, has meant it.

  Args:
    path: The file.
    content: Its content.
    again: As of `read`.

  Raises:
    DataError: The digest is of another content.
  """
  rest = {name: value for name, value in content.items() if name != _DIGEST}
  said = content.get(_DIGEST)
  if said is None or said == _files.digest(rest):
    return rest
  if path.read_bytes().startswith(_LAYOUT):
    raise errors.DataError(
      f"{path}: is damaged, it differs from what was written (its digest does"
      f" not fit); {again}; if the change is yours, remove the entry"
      f' "{_DIGEST}"'
    )
  return rest


def check(
  path: pathlib.Path,
  content: Any,
  kinds: Mapping[str, Kind],
  *,
  again: str,
  inside: str = "",
) -> None:
  """Refuses an object that lacks an entry or has one of another kind.

  Args:
    path: The file, for the message.
    content: What should be an object.
    kinds: As of `read`.
    again: As of `read`.
    inside: Where in the file the object stands, such as "cohort".

  Raises:
    DataError: It names the entry.
  """
  if not isinstance(content, dict):
    what = f"entry {inside} is" if inside else "holds"
    raise errors.DataError(
      f"{path}: {what} {_kind(content)} where an object with entries belongs;"
      f" {again}"
    )
  for name, kind in kinds.items():
    full = f"{inside}.{name}" if inside else name
    if name not in content:
      raise errors.DataError(f"{path}: entry {full} is missing; {again}")
    if not _is(content[name], kind):
      raise errors.DataError(
        f"{path}: entry {full} is {_kind(content[name])}, which is malformed;"
        f" {again}"
      )


def _is(value: Any, kind: Kind) -> bool:
  kinds = kind if isinstance(kind, tuple) else (kind,)
  if isinstance(value, bool):
    return bool in kinds
  if float in kinds and isinstance(value, int):
    return True
  finite = not isinstance(value, float) or math.isfinite(value)
  return finite and isinstance(value, kinds)


def _kind(value: Any) -> str:
  if isinstance(value, float) and not math.isfinite(value):
    return f"{value}"
  if isinstance(value, dict | list) and not value:
    return "{}" if isinstance(value, dict) else "[]"
  return _KINDS.get(type(value), type(value).__name__)
