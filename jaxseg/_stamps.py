"""What tells whether a file is the one that was read before.

Name, size and time are not enough: the maps of two models have the same names
and sizes, and an archive unpacks with times of whole seconds.
"""

import hashlib
import pathlib
from typing import Any

_WHOLE = 32 * 2**20  # Bytes of a file that is looked at from end to end.
_BLOCK = 64 * 2**10
_BLOCKS = 256  # Of a larger one, evenly spaced, with its end.


def of(path: pathlib.Path) -> list[Any]:
  """Name, size, time and a digest of the content; JSON gives them back as is.

  Without the folder, so that files may be moved, and other machines may have
  them elsewhere.

  Args:
    path: The file.

  Raises:
    OSError: It cannot be read.
  """
  about = path.stat()
  return [path.name, about.st_size, about.st_mtime_ns, _content(path)]


def _content(path: pathlib.Path) -> str:
  """A digest of all of a file, or of blocks throughout a large one."""
  with path.open("rb") as file:
    size = file.seek(0, 2)
    file.seek(0)
    if size <= _WHOLE:
      whole = hashlib.file_digest(file, "sha256")
    else:
      whole = hashlib.sha256()
      for k in range(_BLOCKS):
        file.seek((size - _BLOCK) * k // (_BLOCKS - 1))
        whole.update(file.read(_BLOCK))
  return whole.hexdigest()[:16]
