"""Which classes, labels and ignored labels the flags of maps name."""

from collections.abc import Sequence
import pathlib
import re
from typing import Any, TYPE_CHECKING

from jaxseg import errors

if TYPE_CHECKING:
  from jaxseg import study
  from jaxseg import thresholds


_FILE = "threshold.json"
_COUNTS = "counts.npz"
# In a threshold's details, the folders of all classes of its sweep.
_TOGETHER = "swept_together"


def several(
  text: str | None, signs: str = ",+"
) -> str | int | tuple[str | int, ...] | None:
  """A label, or several numbers with a sign between that are one structure."""
  parts = re.split(f"[{signs}]", text or "")
  if not all(part.strip().isdecimal() for part in parts):
    return text
  numbers = tuple(int(part) for part in parts)
  return numbers if len(numbers) > 1 else numbers[0]


def ignored(text: str | None) -> tuple[str | int, ...] | None:
  """Labels that do not count: None is for dataset.json to say."""
  if text is None:
    return None
  parts = [part.strip() for part in text.split(",")]
  if parts == ["none"]:
    return ()
  return tuple(int(part) if part.isdecimal() else part for part in parts)


def classes(
  given: str | None, label: str | None, pairs: Sequence[Any]
) -> list[tuple[Any, Any]]:
  """Each class asked for, with its label."""
  from jaxseg import formats

  if given is None or ("," not in given and given != "all"):
    name = None if given is None else index(given)
    return [(name, several(label))]
  first = pairs[0]
  if given == "all":
    classes = formats.classes(first.probabilities, first.reference)
  else:
    classes = [(name, _label(name, first)) for name in names(given, "--class")]
  if label is None:
    return classes
  labels = [several(part, "+") for part in _parts(label, "--label")]
  if len(labels) != len(classes):
    said = ", ".join(str(one) for one, _ in classes)
    number = f"{len(classes)} classes ({said})"
    raise errors.ConfigError(
      f"--label: {len(labels)} for"
      f" {number if len(classes) > 1 else 'maps of one class'}; give one label"
      " for each class, or leave it out where they are named alike"
    )
  return [(one, other) for (one, _), other in zip(classes, labels, strict=True)]


def _label(name: str | int | None, pair: Any) -> Any:
  """The label of a class: of the same name, or what dataset.json says."""
  from jaxseg import formats

  if not isinstance(name, int):
    return name
  return formats.label_of(pair.probabilities, name, pair.reference)


def names(text: str | None, flag: str) -> list[str | int]:
  """Names and numbers with commas between."""
  return [] if text is None else [index(one) for one in _parts(text, flag)]


def _parts(text: str, flag: str) -> list[str]:
  """What stands between commas."""
  parts = [part.strip() for part in text.split(",")]
  if not all(parts):
    raise errors.ConfigError(
      f"{flag}: {text!r} has nothing between two commas or at an end; leave the"
      " comma out"
    )
  return parts


def said(classes: Sequence[tuple[Any, Any]]) -> str:
  """Which classes are counted, and against which labels, for the console."""
  if all(structure == label for structure, label in classes):
    names = ", ".join(str(structure) for structure, _ in classes)
    return f"{len(classes)} classes, and labels alike: {names}"
  lines = []
  for structure, label in classes:
    together = isinstance(label, tuple)
    text = "+".join(map(str, label)) if together else str(label)
    lines.append(f"class {structure}: label {text}")
  return "\n".join(lines)


def index(text: str) -> str | int:
  """A name, or the number that it is."""
  return int(text) if text.isdecimal() else text


def with_structure(
  found: Sequence["study.CohortCounts"],
) -> "list[study.CohortCounts]":
  """Classes that some reference shows; the others have no best threshold."""
  kept = []
  for one in found:
    if next(iter(one.scopes.values())).positive.any():
      kept.append(one)
    else:
      two = one.class_columns
      print(
        f"left out: class {two['class']}: no reference has label {two['label']}"
      )
  if not kept:
    raise errors.DataError(
      f"no reference has the label of any of the {len(found)} classes; count"
      " again with labels that they have (--label)"
    )
  return kept


def folders(
  folder: pathlib.Path, found: Sequence["study.CohortCounts"]
) -> list[pathlib.Path]:
  """Where the threshold of each class goes; of a single one `folder`."""
  from jaxseg import study

  if len(found) == 1:
    return [folder]
  pairs = [(c.facts.get("structure"), c.facts.get("label")) for c in found]
  return [folder / "classes" / name for name in study.class_folders(pairs)]


def forget(
  folder: pathlib.Path, places: Sequence[pathlib.Path]
) -> dict[str, list[str]]:
  """Deletes thresholds and counts of earlier sweeps, of one class or several.

  Also thresholds that are about to be written: a sweep that is killed meanwhile
  must not leave some of its own among some of another's.

  Args:
    folder: The output of sweeps.
    places: Where this one's thresholds go.

  Returns:
    What each of these keeps, by which `chosen` knows that all are there.
  """
  for path in [folder / _FILE, *sorted(folder.glob(f"classes/*/{_FILE}"))]:
    path.unlink(missing_ok=True)
  for path in [folder / _COUNTS, *sorted(folder.glob(f"classes/*/{_COUNTS}"))]:
    if path.parent not in places:
      path.unlink(missing_ok=True)
      if path.parent != folder and not any(path.parent.iterdir()):
        path.parent.rmdir()
  if len(places) == 1:
    return {}
  return {_TOGETHER: [place.name for place in places]}


def chosen(
  place: pathlib.Path, every: bool
) -> list[tuple[pathlib.Path, "thresholds.ChosenThreshold"]]:
  """The thresholds that the last sweep into a folder chose.

  Args:
    place: The folder, or the file of one.
    every: Whether all classes of the sweep are wanted.

  Returns:
    File, or folder, and threshold of each class.

  Raises:
    DataError: It is not known which these are, or one is missing.
  """
  from jaxseg import thresholds

  paths = sorted(place.glob(f"classes/*/{_FILE}"))
  one = (place / _FILE).is_file()
  if one and paths:
    raise errors.DataError(
      f"{place}: holds {_FILE} and {paths[0].relative_to(place)}, of two"
      " sweeps; give the file that is meant, or sweep again"
    )
  read = thresholds.ChosenThreshold.read
  found = [(path, read(path)) for path in paths or [place]]
  names = {path.parent.name for path in paths}
  for _, single in found if paths and every else ():
    lacking = sorted(set(single.details.get(_TOGETHER, ())) - names)
    if lacking:
      raise errors.DataError(
        f"{place}: the sweep that wrote it has not ended, there is no threshold"
        f" of {', '.join(lacking)}; start it again, or name others (--class)"
      )
  return found
