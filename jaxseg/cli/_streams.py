"""Standard streams that outlast their readers."""

from collections.abc import Iterator
import contextlib
import errno
import os
import sys
from typing import Any

# Of these the reader has gone: of a pipe, or of a terminal that was closed.
_GONE = (errno.EPIPE, errno.EIO)


class Lasting:
  """A stream whose reader may leave: what it no longer hears is dropped.

  The work goes on, as if nobody had listened from the beginning: `| head`
  shall not stop a training, nor leave half of the tables.
  """

  def __init__(self, stream: Any, name: str):
    """Wraps a stream.

    Args:
      stream: Its text stream.
      name: What it is called in messages.
    """
    self._stream, self._name = stream, name

  def write(self, text: str) -> int:
    """Writes, unless nobody reads any more."""
    with self._told():
      self._stream.write(text)
    return len(text)

  def writelines(self, lines: Any) -> None:
    """Writes lines, unless nobody reads any more."""
    with self._told():
      self._stream.writelines(lines)

  def flush(self) -> None:
    """Flushes, unless nobody reads any more."""
    with self._told():
      self._stream.flush()

  def silence(self) -> None:
    """From now on everything is dropped."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
      nowhere = os.open(os.devnull, os.O_WRONLY)
      os.dup2(nowhere, self._stream.fileno())
      os.close(nowhere)

  @contextlib.contextmanager
  def _told(self) -> Iterator[None]:
    try:
      yield
    except OSError as e:
      self.silence()  # Python tries once more at its end.
      if e.errno not in _GONE:
        raise OSError(e.errno, e.strerror, self._name) from e

  def __getattr__(self, name: str) -> Any:
    return getattr(self._stream, name)


@contextlib.contextmanager
def lasting() -> Iterator[None]:
  """Both output streams outlast their readers while the block runs."""
  before = sys.stdout, sys.stderr
  sys.stdout = Lasting(sys.stdout, "standard output")
  sys.stderr = Lasting(sys.stderr, "standard error")
  try:
    yield
  finally:
    sys.stdout, sys.stderr = before


def open_closed() -> None:
  """Opens standard streams that the caller has closed, on nothing.

  Otherwise the first file that is opened takes their place, and what some
  library prints ends up in it.
  """
  for number, name in enumerate(("stdin", "stdout", "stderr")):
    try:
      os.fstat(number)
    except OSError:
      os.open(os.devnull, os.O_RDWR)  # The lowest free number is this one.
    if getattr(sys, name) is None:
      mode = "w" if number else "r"
      stream = open(number, mode, encoding="utf-8", closefd=False)
      setattr(sys, name, stream)


def plain() -> None:
  """Prints what the terminal's encoding lacks as a question mark."""
  for stream in (sys.stdout, sys.stderr):
    if getattr(stream, "errors", None) == "strict":
      stream.reconfigure(errors="replace")  # type: ignore[union-attr]
