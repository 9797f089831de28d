"""All files of a tree, and those that are none but are called like slices."""

from collections.abc import Iterable, Iterator, Sequence
import os
import pathlib
import re

from jaxseg import errors


def files(root: pathlib.Path) -> Iterator[pathlib.Path]:
  """All files below a folder, sorted; no folder is entered twice."""
  seen = set()
  for place, folders, files in os.walk(root, followlinks=True):
    real = os.path.realpath(place)
    if real in seen:
      folders.clear()
      continue
    seen.add(real)
    folders[:] = sorted(f for f in folders if not f.startswith("."))
    yield from (
      path
      for path in (pathlib.Path(place, name) for name in sorted(files))
      # No pipe, which blocks.
      if path.is_file() or (path.is_symlink() and not path.exists())
    )


def strangers(
  others: Sequence[pathlib.Path], known: Iterable[pathlib.Path]
) -> tuple[list[tuple[pathlib.Path, errors.JaxsegError]], list[pathlib.Path]]:
  """Tells files that may be damaged slices from those that never were any.

  Args:
    others: Files that are no DICOM, and links to nothing.
    known: Those that are.

  Returns:
    Files that are called as known ones beside them are, with other numbers, and
    what is wrong with each; and the rest, without the links.
  """
  like = {_shape(path) for path in known}
  strange: list[tuple[pathlib.Path, errors.JaxsegError]] = []
  rest = []
  for path in others:
    there = path.exists()
    if _shape(path) in like:
      fact = "no DICOM file" if there else "a link to nothing"
      strange.append((path, _stranger(path, fact)))
    elif there:
      rest.append(path)
  return strange, rest


def _stranger(path: pathlib.Path, fact: str) -> errors.DataError:
  """Says of a file that it may be a slice, by its name."""
  return errors.DataError(
    f"{path}: is {fact}, and is called as those beside it are; copy it again,"
    " or remove it if it is none of them"
  )


def _shape(path: pathlib.Path) -> tuple[pathlib.Path, str]:
  """A file's folder and name, whatever its numbers: slices share it."""
  return path.parent, re.sub(r"[0-9]+", "0", path.name)
