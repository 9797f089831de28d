"""What goes wrong beside the work: in threads and callbacks of libraries.

They print at length what they cannot hand to anybody. A full disk alone makes
dozens of such traces, and the one line that helps is not to be found.
"""

from collections.abc import Callable, Iterator
import contextlib
import logging
import sys
import threading
from typing import Any

from jaxseg.cli import _failures

# Of a callback that comes after its loop, which an error has ended.
_LATE = "Event loop is closed"


def is_news(record: logging.LogRecord) -> bool:
  """Whether a library logs what the command's last line will not say."""
  error = record.exc_info[1] if record.exc_info else None
  return error is None or _failures.said(error) is None


def end_quietly() -> None:
  """Drops what libraries fail in at exit for the cause that was just told."""
  before = sys.unraisablehook

  def hook(about: Any) -> None:
    error = about.exc_value
    if error is None or _failures.said(error) is None:
      before(about)

  sys.unraisablehook = hook


@contextlib.contextmanager
def collected() -> Iterator[None]:
  """Keeps what threads and callbacks would print while the block runs.

  If the block fails, that is what is told of, and the rest, mostly of the same
  cause, is dropped unless it is a fault of ours. If it does not, they are told.

  Raises:
    OSError: The block has ended well, and a thread has not.
  """
  hooks = (
    (threading, "excepthook"),
    (sys, "excepthook"),
    (sys, "unraisablehook"),
  )
  kept: list[BaseException] = []
  before = [getattr(module, name) for module, name in hooks]

  def keep(
    otherwise: Callable[..., None], exception: BaseException | None, *about: Any
  ) -> None:
    told = exception is not None and _failures.said(exception) is not None
    if exception is not None and (told or _LATE in str(exception)):
      kept.append(exception)
    else:
      otherwise(*about)

  threading.excepthook = lambda a: keep(before[0], a.exc_value, a)
  sys.excepthook = lambda kind, e, trace: keep(before[1], e, kind, e, trace)
  sys.unraisablehook = lambda a: keep(before[2], a.exc_value, a)
  try:
    yield
    for one in kept:
      if _LATE not in str(one):
        raise one
  finally:
    for (module, name), hook in zip(hooks, before, strict=True):
      setattr(module, name, hook)
