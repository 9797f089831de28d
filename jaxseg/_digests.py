"""Digests of a checkpoint's files, written with them and checked before use.

    CHECKPOINT/digests.json      {"format": ..., "sha256": {path: digest}}
    CHECKPOINT/extra/metadata    says that there are digests, and of which model

A flipped bit, a cut and a missing file are told before any decoder sees them.
Checkpoints of earlier versions have no digests, and say nothing of any.
"""

from collections.abc import Collection, Mapping
import hashlib
import json
import pathlib
from typing import Any

from jaxseg import _files

NAME = "digests.json"
_FORMAT = "jaxseg.digests/1"


# What of model.json decides the maps; the rest is for people.
_DECIDES = (
  "structure",
  "network",
  "window_hu",
  "input_range",
  "prepare",
  "size",
)


def promise(model: Mapping[str, Any] | None) -> dict[str, Any]:
  """What a checkpoint's `extra` is to say.

  Args:
    model: Content of the model.json that it belongs to, if there is one.
  """
  return {"digests": True, "model": None if model is None else _of(model)}


def write(folder: pathlib.Path) -> None:
  """Writes the digests of all files below a folder."""
  content = {"format": _FORMAT, "sha256": of_files(folder)}
  _files.write_json(folder / NAME, content)


def of_files(folder: pathlib.Path) -> dict[str, str]:
  """Path -> SHA-256 of each file below a folder."""
  paths = sorted(p for p in folder.rglob("*") if p.is_file())
  return {p.relative_to(folder).as_posix(): _sha256(p) for p in paths}


def difference(folder: pathlib.Path, digests: Mapping[str, str]) -> str | None:
  """Which file is not as it was, in a few words; None if all are.

  Args:
    folder: The folder.
    digests: What `of_files` gave.
  """
  for name, wanted in digests.items():
    try:
      if _sha256(folder / name) != wanted:
        return f"{name} is not what was written"
    except FileNotFoundError:
      return f"{name} is missing"
    except (OSError, ValueError) as e:
      return f"{name} cannot be read ({_reason(e)})"
  return None


def foreign(folder: pathlib.Path, names: Collection[str]) -> str | None:
  """The first file below a folder that is not listed; None if all are.

  Hidden files, such as desktops leave everywhere, do not count.

  Args:
    folder: The folder.
    names: Paths as `of_files` has them.
  """
  for path in sorted(folder.rglob("*")):
    name = path.relative_to(folder).as_posix()
    if path.name[0] != "." and not path.is_dir() and name not in names:
      return name
  return None


def extra(folder: pathlib.Path) -> dict[str, Any]:
  """What was saved beside a state; nothing if that cannot be read."""
  try:
    found = json.loads((folder / "extra" / "metadata").read_text("utf-8"))
  except (OSError, ValueError, RecursionError):
    return {}
  return found if isinstance(found, dict) else {}


def damage(
  folder: pathlib.Path, *, model: Mapping[str, Any] | None = None
) -> str | None:
  """What is not as it was written, in a few words; None if all is.

  Args:
    folder: A checkpoint.
    model: Content of model.json, to be compared, too.
  """
  said = extra(folder)
  found = _damage(folder, required="digests" in said)
  if found is None and model is not None and said.get("model") is not None:
    if said["model"] != _of(model):
      return "model.json is not what was written with it"
  return found


def _of(model: Mapping[str, Any]) -> str:
  return _files.digest([model.get(name) for name in _DECIDES])


def _damage(folder: pathlib.Path, *, required: bool) -> str | None:
  try:
    text = (folder / NAME).read_text("utf-8")
  except FileNotFoundError:
    return f"{NAME} is missing" if required else None
  except (OSError, ValueError) as e:
    return f"{NAME} cannot be read ({_reason(e)})"
  try:
    content = json.loads(text)
    digests = dict(content["sha256"])
    if content["format"] != _FORMAT or not digests:
      return f"{NAME} is of another format"
  except (ValueError, TypeError, KeyError, RecursionError):
    return f"{NAME} is damaged"
  return difference(folder, digests)


def _sha256(path: pathlib.Path) -> str:
  with path.open("rb") as file:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
  return getattr(error, "strerror", None) or type(error).__name__
