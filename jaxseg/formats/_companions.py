"""Files that a map's own file cannot be read without."""

from collections.abc import Callable
import pathlib

from jaxseg.formats import _labels
from jaxseg.formats import _meta
from jaxseg.formats import _nrrd
from jaxseg.formats import _suffix

_DETACHED: dict[str, Callable[[pathlib.Path], tuple[pathlib.Path, ...]]] = {
  ".mhd": _meta.detached,
  ".mha": _meta.detached,
  ".nhdr": _nrrd.detached,
  ".nrrd": _nrrd.detached,
}


def companions(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """Files beside one from which values, geometry or names may come.

  Args:
    path: The file.

  Returns:
    Those that there are: with other contents the file may mean something else.

  Raises:
    DataError: Its header cannot be read, or names a file that is not there.
  """
  kind = _suffix.suffix(path)
  beside: list[pathlib.Path] = []
  if kind in _DETACHED:
    beside += _DETACHED[kind](path)
  if kind == ".npz":  # nnU-Net's geometry.
    name = _suffix.stem(path)
    beside += (path.parent / f"{name}{end}" for end in _suffix.IMAGES)
    # Whose values may be in a file of their own.
    beside += (
      values
      for image in beside.copy()
      if image.is_file()
      for values in _DETACHED.get(_suffix.suffix(image), _nothing)(image)
    )
  named = [
    folder / file
    for folder in (path.absolute().parent, path.absolute().parent.parent)
    for file in _labels.FILES
  ]
  return tuple(one for one in (*beside, *named) if one.is_file())


def _nothing(_: pathlib.Path) -> tuple[pathlib.Path, ...]:
  return ()
