"""One process at a time trains a model.

    MODEL/.lock    {"process": ..., "host": ..., "since": ...}

The lock is the operating system's (`_flock`), so a dead process holds none,
however it died; what the file says is for people.
"""

from collections.abc import Iterator
import contextlib
import datetime
import json
import os
import pathlib
import platform

from jaxseg import _flock
from jaxseg import errors

NAME = ".lock"


@contextlib.contextmanager
def held(folder: pathlib.Path) -> Iterator[None]:
  """Holds a model's lock while the block runs.

  Where the file system has no locks, a process of this machine that is alive
  is still found; of another machine nothing can be said.

  Raises:
    InUseError: Another process trains this model.
  """
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / NAME
  handle = _taken(path)
  try:
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(_ours()).encode(), 0)
    yield
  finally:
    path.unlink(missing_ok=True)  # Still ours: whoever waits looks again.
    os.close(handle)


def _taken(path: pathlib.Path) -> int:
  """Opens and locks the file that has this name, and not a deleted one."""
  while True:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    mine = _flock.take(handle)
    other = _read(handle)
    if mine is False or (mine is None and _alive(other)):
      os.close(handle)
      raise errors.InUseError(
        f"{path.parent}: {_told(other)} is training this model; wait until it"
        " has ended, or end it"
      )
    with contextlib.suppress(FileNotFoundError):
      if os.path.samestat(os.fstat(handle), path.stat()):
        return handle
    os.close(handle)


def _ours() -> dict[str, object]:
  now = datetime.datetime.now(datetime.UTC)
  return {
    "process": os.getpid(),
    "host": platform.node(),
    "since": now.isoformat(timespec="seconds"),
  }


def _read(handle: int) -> dict[str, object]:
  try:
    found = json.loads(os.pread(handle, 4096, 0))
  except (OSError, ValueError):
    return {}
  return found if isinstance(found, dict) else {}


def _told(other: dict[str, object]) -> str:
  if "process" not in other:  # It has just begun.
    return "another process"
  since = f" (since {other['since']})" if "since" in other else ""
  return f"process {other['process']} on host {other.get('host')}{since}"


def _alive(other: dict[str, object]) -> bool:
  process = other.get("process")
  if other.get("host") != platform.node() or not isinstance(process, int):
    return False
  try:
    os.kill(process, 0)
  except ProcessLookupError:
    return False
  except OSError:
    return True
  return process != os.getpid()
