"""What was predicted before: kept if it is the same, or written anew."""

from collections.abc import Mapping, Sequence
import contextlib
import pathlib
from typing import Any

import jaxseg
from jaxseg import _digests
from jaxseg import _files
from jaxseg import _replaced
from jaxseg import _sealed
from jaxseg import errors
from jaxseg import Model

RESULT = "result.json"
_WHAT = "a result of predict"


def settings_of(
  models: Mapping[str, Model],
  kinds: Sequence[str],
  *,
  reading: Mapping[str, Any],
  threshold: float | None,
  interval: bool,
  clean: str,
  per_case: str = "off",
) -> dict[str, Any]:
  """What decides a result beside the scan's files."""
  return {
    "version": jaxseg.__version__,
    "reading": dict(reading),
    "structures": {
      name: {
        "model": model.facts["digest"],
        "tta": model.tta,
        "threshold": threshold
        if threshold is not None or model.threshold is None
        else model.threshold.threshold,
      }
      for name, model in models.items()
    },
    "write": sorted(kinds),
    "interval": interval,
    "clean": clean,
    "per_case": per_case,
  }


def done(
  folder: pathlib.Path, digest: str | None, settings: Mapping[str, Any]
) -> dict[str, Any] | None:
  """What was written for a scan, if it was.

  Args:
    folder: The scan's.
    digest: Of its files; None is not compared.
    settings: As asked for now.

  Raises:
    ExistingOutputError: It was written with other settings, from other files,
      was changed since, or is something else.
    DataError: result.json is damaged.
  """
  if not folder.exists():
    return None
  path = folder / RESULT
  if not path.is_file():
    raise errors.ExistingOutputError(
      f"{folder}: exists and is not {_WHAT}; name another --output"
    )
  kinds: dict[str, Any] = {"settings": dict, "image": dict, "structures": dict}
  again = f"delete {folder} and predict again"
  content = _sealed.read(path, kinds, again=again)
  wanted = _files.as_json(_files.finite(dict(settings)))
  found = dict(content["settings"])
  if _reads_alike(found.get("reading"), wanted["reading"]):
    found["reading"] = wanted["reading"]
  if found != wanted:
    differs = _files.first_difference(found, wanted)
    raise errors.ExistingOutputError(
      f"{folder}: was predicted with other settings ({differs}); name another"
      " --output, or --overwrite"
    )
  if digest is not None and content["image"].get("digest") != digest:
    raise errors.ExistingOutputError(
      f"{folder}: was predicted from other files; name another --output, or"
      " --overwrite"
    )
  changed = None
  if digest is not None:
    changed = _digests.difference(folder, content.get("files") or {})
  if changed:
    raise errors.ExistingOutputError(
      f"{folder}: {changed}; name another --output, or --overwrite to predict"
      " again"
    )
  return content


def _reads_alike(before: Any, now: Mapping[str, Any]) -> bool:
  """Whether a scan that was read so would be read alike now.

  A repair or choice that is asked for now alone was not needed: the scan would
  have been refused.
  """
  if not before or not now:
    return before == now
  acquisition = before.get("acquisition", "refuse")
  return set(before["repair"]) <= set(now["repair"]) and acquisition in (
    "refuse",
    now.get("acquisition", "refuse"),
  )


def check_replaceable(folder: pathlib.Path) -> None:
  """Refuses a folder that holds what predict did not write.

  Raises:
    ExistingOutputError: It does.
  """
  _replaced.check(folder, mark=RESULT, what=_WHAT)


def replaced(
  folder: pathlib.Path,
) -> contextlib.AbstractContextManager[pathlib.Path]:
  """As `_replaced.folder`, of a scan's."""
  return _replaced.folder(folder, mark=RESULT, what=_WHAT)
