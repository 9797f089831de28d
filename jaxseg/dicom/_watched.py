"""A file that is not read for ever, and tells if it ended too early."""

import pathlib
import time
from typing import Any

from jaxseg import errors
from jaxseg.dicom import _limits


class Deadline:
  """The time within which a file must be parsed.

  Args:
    path: For the message.
    limits: Has the bound.
  """

  def __init__(self, path: pathlib.Path, limits: _limits.Limits):
    self._path, self._seconds = path, limits.seconds
    self._end = time.monotonic() + limits.seconds

  def check(self) -> None:
    """Raises LimitError if it is over."""
    if time.monotonic() > self._end:
      raise errors.LimitError(
        f"{self._path}: takes more than {self._seconds:g} s to parse; re-export"
        " it, or raise the bound 'seconds'"
      )


class Watched:
  """A file that is not read after a deadline, and tells if it ended early.

  pydicom takes the end of a file for the end of whatever it was reading. At a
  proper end it asks once for a further element, and gets nothing.
  """

  def __init__(self, file: Any, path: pathlib.Path, deadline: Deadline):
    self._file, self._deadline = file, deadline
    self._ends = 0
    self._part = False
    self.name = str(path)

  @property
  def is_cut(self) -> bool:
    """Whether the end came within an element, or within a sequence."""
    return self._part or self._ends > 1

  def read(self, size: int = -1) -> bytes:
    self._deadline.check()
    data = self._file.read(size)
    if len(data) < size:
      self._ends += not data
      self._part |= any(data)  # Some files are padded with zeros.
    return data

  def seek(self, *where: int) -> int:
    return self._file.seek(*where)

  def tell(self) -> int:
    return self._file.tell()

  def close(self) -> None:
    self._file.close()
