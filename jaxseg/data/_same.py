"""Whether a store was prepared from a cohort: by what both contain.

Each patient's files are remembered as make does it, by name, size and time of
the last change: that costs no reading. A patient whose files differ by that,
because they were copied, or a contour was changed, is loaded and compared.
"""

from collections.abc import Callable, Mapping
import contextlib
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _sealed
from jaxseg import errors
from jaxseg.cohorts import Cohort
from jaxseg.data import _placement
from jaxseg.data import _store

# What another version may have rounded otherwise; other patients, or other
# contours of these, differ by far more.
_HU = 2
_MM = 1e-3
_SHARE = 0.001
# Compared of a cohort that does not tell its files, such as a made-up one.
_SOME = 3
_NAME = "inputs.json"
_OLDER = {"beyond": "unknown"}  # Where run.json does not say.
# How a setting is called in messages, where not by its own name.
_CALLED = {
  ("cohort", "name"): "cohort",
  ("split", "seed"): "split_seed",
  ("split", "fractions"): "split fractions",
}


def stamps(cohort: Cohort) -> dict[str, str]:
  """Patient -> name, size and time of each of its files, as a digest.

  Empty of a cohort that does not tell its files; a patient whose files cannot
  be looked at has none.
  """
  files: Callable[[str], Any] | None = getattr(cohort, "files", None)
  found: dict[str, str] = {}
  if files is None:
    return found
  for name in cohort.patients():
    with contextlib.suppress(OSError):
      about = [(path.name, path.stat()) for path in files(name)]
      found[name] = _files.digest(
        sorted([one, on.st_size, on.st_mtime_ns] for one, on in about)
      )
  return found


def write(folder: pathlib.Path, found: Mapping[str, str]) -> None:
  """Keeps the stamps beside a run's store, if there are any."""
  if found:
    _sealed.write(folder / _NAME, {"patients": dict(found)})


def _read(folder: pathlib.Path) -> dict[str, str]:
  """The stamps of a run; none if they are damaged or of an older version."""
  path = folder / _NAME
  try:
    kept = _sealed.read(path, {"patients": dict}, again="delete it")
  except errors.DataError:
    return {}  # All patients are compared, and it is written again.
  return dict(kept["patients"])


def difference(
  folder: pathlib.Path,
  store: _store.Store,
  cohort: Cohort,
  on_patient: Callable[[str, int, int], None] | None = None,
) -> str:
  """Compares a cohort, as its files are now, with the store of a run.

  Whatever their folder is called: by names, contours and prepared slices.

  Args:
    folder: Run folder; remembers what was compared.
    store: Its prepared cohort.
    cohort: As its files are now.
    on_patient: Called after each patient that is loaded, with (name, done,
      all).

  Returns:
    What differs, in a few words; "" if nothing does.
  """
  names = tuple(store.patients)
  extra = set(cohort.patients()) - set(names) - set(store.left_out)
  lacking = set(names) - set(cohort.patients())
  if extra or lacking:
    which = sorted(extra or lacking)[0]
    return f"patient {which} is {'new' if extra else 'missing'}"
  now, before = stamps(cohort), _read(folder)
  asked = [n for n in names if n not in now or now[n] != before.get(n)]
  if not now:
    places = np.linspace(0, len(names) - 1, min(_SOME, len(names)))
    asked = [names[int(k)] for k in places.round()]
  for done, name in enumerate(asked, start=1):
    if not _is_patient(store, cohort, name):
      return f"patient {name} differs"
    if on_patient:
      on_patient(name, done, len(asked))
  if now != before:
    with contextlib.suppress(OSError):  # It is only slower next time.
      write(folder, now)
  return ""


def _is_patient(store: _store.Store, cohort: Cohort, name: str) -> bool:
  entry = store.patients[name]
  try:
    case = cohort.load(name)
    placement, image = _placement.prepare_image(case.image, store.prepared)
  except errors.JaxsegError:
    return False
  if not np.allclose(case.image.affine, entry.affine, rtol=0, atol=_MM):
    return False
  # What its files say of slices, which scores and training leave out.
  unknown = {s: tuple(case.unknown.get(s, ())) for s in entry.contoured}
  if unknown != {s: entry.unknown.get(s, ()) for s in entry.contoured}:
    return False
  if tuple(case.unscanned) != entry.unscanned:
    return False
  if placement.shape != entry.placement.shape:
    return False
  if not np.allclose(placement.origin, entry.placement.origin, atol=0.01):
    return False
  own = store.image(name)
  if image.shape != own.shape or np.abs(image.astype(int) - own).max() > _HU:
    return False
  for structure in store.structures:
    reference = store.reference(name, structure)
    mask = case.masks.get(structure, np.zeros_like(reference))
    differ = np.count_nonzero(mask != reference)
    if differ > _SHARE * np.count_nonzero(reference):
      return False
  return True


def without_name(facts: dict[str, Any]) -> dict[str, Any]:
  """What a cohort says of itself, but for the name of its folder."""
  return {name: value for name, value in facts.items() if name != "source"}


def differences(
  found: Mapping[str, Any], asked: Mapping[str, Any]
) -> list[str]:
  """Settings that are not as asked: "size is [64, 64], asked is [96, 96]".

  Args:
    found: The facts of run.json.
    asked: Some of them; of a mapping only the keys that are given count.
  """
  told = []
  for part, wanted in _files.as_json(dict(asked)).items():
    kept: Any = found.get(part)
    if part == "split" and ("given" in wanted) != ("given" in kept):
      told.append(
        "split was drawn, asked is one of a file"
        if "given" in wanted
        else "split is one of a file, asked is a drawn one"
      )
      continue
    if not isinstance(wanted, dict):
      kept, wanted = {part: kept}, {part: wanted}
    for name, value in wanted.items():
      has = kept.get(name, _OLDER.get(name))
      if has != value:
        called = _CALLED.get((part, name), name)
        told.append(f"{called} is {has}, asked is {value}")
  return told
