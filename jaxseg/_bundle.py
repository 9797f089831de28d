"""A bundle: models of one or several structures in a folder that stands alone.

    BUNDLE/model.json                    what it is, sealed
    BUNDLE/MODEL_CARD.md                 the same for people
    BUNDLE/models/STRUCTURE/threshold.json
    BUNDLE/models/STRUCTURE/OBJECTIVE/SEED/  model.json, checkpoints/best/1

Paths in model.json are relative, so the folder may be moved and renamed.
"""

from collections.abc import Mapping
import dataclasses
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _sealed
from jaxseg import errors

FORMAT = "jaxseg.bundle/1"
_AGAIN = "restore it from a copy, or export the models again"
_ENTRIES = {"version": str, "structures": dict}
_STRUCTURE: dict[str, _sealed.Kind] = {
  "members": list,
  "threshold": (str, type(None)),
}


@dataclasses.dataclass(frozen=True)
class Entry:
  """A structure's part of a bundle.

  Attributes:
    structure: Canonical name.
    members: Folders of its models; of several the mean map is taken.
    threshold: Its threshold.json; None if none was chosen.
    about: What model.json says of it: "members", "threshold", "training" (what
      its images were like), "postprocess", "choice", "scores".
  """

  structure: str
  members: tuple[pathlib.Path, ...]
  threshold: pathlib.Path | None
  about: Mapping[str, Any]


def is_bundle(folder: pathlib.Path) -> bool:
  """Whether a folder says that it is a bundle."""
  path = folder / "model.json"
  if not path.is_file():
    return False
  content = _files.read_json(path)
  found = content.get("format") if isinstance(content, dict) else None
  return str(found).startswith(FORMAT.partition("/")[0])


def read(folder: pathlib.Path) -> dict[str, Entry]:
  """The structures of a bundle.

  Raises:
    DataError: It is no bundle, damaged, or of another version.
  """
  path = folder / "model.json"
  content = facts(folder)
  found = {}
  for name, about in content["structures"].items():
    inside = f"structures.{name}"
    _sealed.check(path, about, _STRUCTURE, again=_AGAIN, inside=inside)
    members = tuple(_within(path, one) for one in about["members"])
    cut = about["threshold"]
    if not members:
      raise errors.DataError(f"{path}: {name} has no model; {_AGAIN}")
    found[name] = Entry(
      name, members, None if cut is None else _within(path, cut), about
    )
  if not found:
    raise errors.DataError(f"{path}: names no structure; {_AGAIN}")
  return found


def facts(folder: pathlib.Path) -> dict[str, Any]:
  """What a bundle's model.json says.

  Raises:
    DataError: It is no bundle, damaged, or of another version.
  """
  path = folder / "model.json"
  content = _files.read_json(path)
  found = content.get("format") if isinstance(content, dict) else None
  if found != FORMAT:
    raise errors.DataError(
      f"{path}: of format {found}, this version reads {FORMAT}; {_AGAIN}"
    )
  content = _sealed.opened(path, content, again=_AGAIN)
  _sealed.check(path, content, _ENTRIES, again=_AGAIN)
  return content


def damaged(error: errors.DataError) -> errors.DataError:
  """What a model within a bundle is lacking, with a bundle's remedy.

  Those who have the bundle have no run to train or sweep again.
  """
  return errors.DataError(f"{str(error).partition('; ')[0]}; {_AGAIN}")


def _within(path: pathlib.Path, relative: Any) -> pathlib.Path:
  """A path of the bundle, which never leads out of it."""
  parts = pathlib.PurePosixPath(str(relative)).parts
  if not parts or parts[0] == "/" or ".." in parts:
    raise errors.DataError(
      f"{path}: {str(relative)[:80]!r} is no place within it; {_AGAIN}"
    )
  return path.parent.joinpath(*parts)
