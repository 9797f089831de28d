"""The files that a folder, a pattern or a list means."""

from collections.abc import Iterable, Sequence
import glob
import os
import pathlib

from jaxseg import errors
from jaxseg.formats import _suffix

Given = str | os.PathLike | Sequence[str | os.PathLike]


def find(given: Given, what: str) -> tuple[pathlib.Path, ...]:
  """Files in the order of their paths, each once.

  Args:
    given: A file, a folder, a pattern with `*`, `?`, `[]` and recursive `**`,
      or a list of files. Of a folder or pattern, files of known kinds are
      taken: of a folder those in it, or, where it has none, those below it.
    what: "probabilities" or "reference", for messages.

  Raises:
    DataError: There is no such file.
  """
  if not isinstance(given, str | os.PathLike):
    paths = [pathlib.Path(one) for one in given]
    for path in paths:
      _suffix.kind(path)
    if not paths:
      raise errors.DataError(f"{what}: the list is empty; give files")
    return _once(paths)
  path = pathlib.Path(given)
  if path.is_file():
    _suffix.kind(path)
    return (path,)
  if path.is_dir():
    try:
      found = _known(path.iterdir()) or _known(path.rglob("*"))
    except OSError as e:
      raise _suffix.unreadable(path, e) from e
  else:
    found = _known(map(pathlib.Path, glob.glob(str(given), recursive=True)))
  if not found:
    raise errors.DataError(
      f"{what} {os.fspath(given)}: no file there ends in"
      f" {', '.join(_suffix.KNOWN)}; give a folder, a pattern or a list of"
      " files"
    )
  return found


def without_segmentations(
  paths: tuple[pathlib.Path, ...],
) -> tuple[pathlib.Path, ...]:
  """Leaves out what nnU-Net writes beside a map: its segmentation."""
  maps = {
    (path.parent, _suffix.stem(path))
    for path in paths
    if _suffix.suffix(path) == ".npz"
  }
  return tuple(
    path
    for path in paths
    if _suffix.suffix(path) not in _suffix.IMAGES
    or (path.parent, _suffix.stem(path)) not in maps
  )


def _known(paths: Iterable[pathlib.Path]) -> tuple[pathlib.Path, ...]:
  # Names with a dot in front are the system's, or half-written.
  return _once(
    path
    for path in paths
    if _suffix.stem(path)
    and _suffix.suffix(path)
    and not path.name.startswith(".")
    and path.is_file()
  )


def _once(paths: Iterable[pathlib.Path]) -> tuple[pathlib.Path, ...]:
  return tuple(sorted(set(paths)))
