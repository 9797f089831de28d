"""Files that a map's own file cannot be read without."""

import pathlib

from jaxseg.formats import _labels
from jaxseg.formats import _suffix

_VALUES = {
  ".mhd": (".raw", ".zraw"),
  ".nhdr": (".raw", ".raw.gz", ".gz", ".img"),
  ".npz": tuple(_suffix.IMAGES),  # nnU-Net's geometry.
}


def companions(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """Files beside one from which values, geometry or names may come.

  Args:
    path: The file.

  Returns:
    Those that there are: with other contents the file may mean something else.
  """
  name = _suffix.stem(path)
  beside = [
    path.parent / f"{name}{end}"
    for end in _VALUES.get(_suffix.suffix(path), ())
  ]
  named = [
    folder / file
    for folder in (path.absolute().parent, path.absolute().parent.parent)
    for file in _labels.FILES
  ]
  return tuple(one for one in (*beside, *named) if one.is_file())
