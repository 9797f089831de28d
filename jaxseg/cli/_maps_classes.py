"""Which classes, labels and ignored labels the flags of maps name."""

from collections.abc import Sequence
from typing import Any

from jaxseg import errors


def several(text: str | None) -> str | int | tuple[str | int, ...] | None:
  """A label, or several numbers with commas between."""
  if text is None or not all(p.strip().isdecimal() for p in text.split(",")):
    return text
  numbers = tuple(int(part) for part in text.split(","))
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
    return [(index(given), several(label))]
  if given == "all":
    first = pairs[0]
    classes = formats.classes(first.probabilities, first.reference)
  else:
    names = [index(part.strip()) for part in given.split(",")]
    classes = [(name, name) for name in names]
  if label is None:
    return classes
  labels = [index(part.strip()) for part in label.split(",")]
  if len(labels) != len(classes):
    said = ", ".join(str(one) for one, _ in classes)
    raise errors.ConfigError(
      f"--label: {len(labels)} for {len(classes)} classes ({said}); give one"
      " label for each class, or leave it out where they are named alike"
    )
  return [(one, other) for (one, _), other in zip(classes, labels, strict=True)]


def said(classes: Sequence[tuple[Any, Any]]) -> str:
  """Which classes are counted, and against which labels, for the console."""
  if all(structure == label for structure, label in classes):
    names = ", ".join(str(structure) for structure, _ in classes)
    return f"{len(classes)} classes, and labels alike: {names}"
  return "\n".join(f"class {one}: label {label}" for one, label in classes)


def index(text: str | None) -> str | int | None:
  """A name, or the number that it is."""
  return int(text) if text is not None and text.isdecimal() else text
