"""A process that looks after another one, and says in one line how it ended.

Where another process of a training is lost, JAX ends this one in the middle of
C++ code: no Python can catch that, and it leaves a page of addresses. So the
work is done by a child, which is forked before JAX is imported, and its parent
keeps what C++ writes for itself. Python's own output goes where it always does.
"""

from collections.abc import Callable
import os
import signal
import sys
import threading
from typing import NamedTuple, NoReturn, TextIO

from jaxseg import _interrupts

# What the child tells its parent, among what C++ writes there.
_MARK = "\njaxseg child: "
_KEPT = 2**16  # Bytes of it that are kept.
_FORWARDED = (signal.SIGINT, signal.SIGTERM)


class Ended(NamedTuple):
  """How the child ended.

  Attributes:
    code: The exit code that it told, or had; minus a signal's number if it
      told none and was ended by that.
    told: What it told by `tell`, the last by each name.
    text: The end of what C++ wrote.
  """

  code: int
  told: dict[str, str]
  text: str


def possible() -> bool:
  """Whether this system can fork."""
  return hasattr(os, "fork")


def supervise(work: Callable[[], int]) -> Ended:
  """Calls a function in a child and waits for its end.

  Signals go on to the child. If this process is killed, the child ends, too.

  Args:
    work: Gives the exit code.
  """
  chatter, into = os.pipe()
  alive, hold = os.pipe()
  for stream in (sys.stdout, sys.stderr):
    if stream is not None:
      stream.flush()
  child = os.fork()
  if child == 0:
    os.close(chatter)
    os.close(hold)
    _be_child(work, into, alive)
  os.close(into)
  os.close(alive)
  kept = bytearray()
  reader = threading.Thread(target=_read, args=(chatter, kept), daemon=True)
  before = {
    number: signal.signal(number, lambda n, _: _forward(child, n))
    for number in _FORWARDED
  }
  try:
    reader.start()
    _, status = os.waitpid(child, 0)
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
  reader.join(1.0)  # A grandchild may hold the other end.
  os.close(hold)
  text, *parts = kept.decode("utf-8", "replace").split(_MARK)
  told = {}
  for part in parts:
    line, _, rest = part.partition("\n")
    name, _, value = line.partition("=")
    told[name] = value
    text += rest
  code = os.waitstatus_to_exitcode(status)
  return Ended(int(told.get("code", code)), told, text)


def tell(name: str, value: object) -> None:
  """Tells the parent something, in the child."""
  os.write(1, f"{_MARK}{name}={value}\n".encode())


def _be_child(work: Callable[[], int], into: int, alive: int) -> NoReturn:
  """Never returns, so that nothing of the parent's is done twice."""
  code = 1
  try:
    # The terminal's Ctrl-C reaches the parent alone, which hands it on.
    os.setpgid(0, 0)
    sys.stdout = _apart(sys.stdout, 1, into)
    sys.stderr = _apart(sys.stderr, 2, into)
    threading.Thread(
      target=_end_with_parent, args=(alive,), daemon=True
    ).start()
    code = work()
  except KeyboardInterrupt:  # Before it could take care of that itself.
    code = 3
    sys.stderr.write(f"{_interrupts.INTERRUPTED}\n")
  finally:
    for stream in (sys.stdout, sys.stderr):
      try:
        stream.flush()
      except (OSError, ValueError, KeyboardInterrupt):
        pass
    os._exit(code)


def _apart(stream: TextIO, number: int, into: int) -> TextIO:
  """Python's stream on a copy of its file; C++ keeps the number."""
  try:
    copy = os.dup(number)
  except OSError:  # It is closed.
    copy = os.open(os.devnull, os.O_WRONLY)
  os.dup2(into, number)
  return open(
    copy,
    "w",
    buffering=1,
    encoding=getattr(stream, "encoding", None) or "utf-8",
    errors=getattr(stream, "errors", None) or "replace",
  )


def _end_with_parent(alive: int) -> None:
  os.read(alive, 1)  # Ends when nobody holds the other end.
  os._exit(3)


def _forward(child: int, number: int) -> None:
  try:
    os.kill(child, number)
  except ProcessLookupError:
    pass


def _read(chatter: int, kept: bytearray) -> None:
  while part := os.read(chatter, 4096):
    kept += part
    if len(kept) > _KEPT:
      del kept[: len(kept) - _KEPT]
