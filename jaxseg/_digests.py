"""Digests of a folder's files, written with them and checked before use.

    FOLDER/digests.json    {"format": ..., "sha256": {relative path: digest}}

A flipped bit, a cut and a missing file are told before any decoder sees them.
"""

import hashlib
import json
import pathlib

from jaxseg import _files

NAME = "digests.json"
_FORMAT = "jaxseg.digests/1"


def write(folder: pathlib.Path) -> None:
  """Writes the digests of all files below a folder."""
  paths = sorted(p for p in folder.rglob("*") if p.is_file())
  names = {p.relative_to(folder).as_posix(): _sha256(p) for p in paths}
  _files.write_json(folder / NAME, {"format": _FORMAT, "sha256": names})


def damage(folder: pathlib.Path, *, required: bool = False) -> str | None:
  """What is not as it was written, in a few words; None if all is.

  Args:
    folder: What `write` was called on.
    required: A folder without digests, of an earlier version, is damaged too.
  """
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
  for name, wanted in digests.items():
    try:
      if _sha256(folder / name) != wanted:
        return f"{name} is not what was written"
    except FileNotFoundError:
      return f"{name} is missing"
    except (OSError, ValueError) as e:
      return f"{name} cannot be read ({_reason(e)})"
  return None


def _sha256(path: pathlib.Path) -> str:
  with path.open("rb") as file:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
  return getattr(error, "strerror", None) or type(error).__name__
