"""What is being written: its name, its owner, its way to the disk.

What is to become `NAME` is first `.NAME.RANDOM.unfinished` beside it: a file,
or a folder with the thing itself and a file `owner`. The process that writes
it holds a lock on the file (`_flock`). So what can be locked was left behind
by a process that is dead, and may be swept up; what a live one writes may not.
"""

from collections.abc import Iterator
import concurrent.futures
import contextlib
import errno
import os
import pathlib
import re
import secrets
import shutil
import time

from jaxseg import _flock
from jaxseg import errors

_ENDING = ".unfinished"
_OWNER = "owner"
_TEMPORARY = re.compile(
  r"(?<![^/\s'\"(])\.(?P<name>[^/]+)\.[0-9a-f]{8}\.unfinished"
  r"(?:/(?P=name)(?=[/\s'\"):;,]|$))?"
)
# 255 bytes is what most file systems take for a name.
_LONGEST = 200
# A folder without an owner is just being made, or was left by an earlier
# version, of whose folders we know the age alone. Seconds.
_YOUNG_S = 3600.0
_OLD_S = 24 * 3600.0
# Disks sort out a few requests at once faster than one after the other.
_AT_ONCE = 16
# Folders in which this process has looked for what others left.
_swept: set[pathlib.Path] = set()


@contextlib.contextmanager
def file(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields an empty file beside a path, gone at the end if not renamed."""
  sweep_once(path)
  while True:
    temporary = _beside(path)
    handle = _claim(temporary)
    if handle is not None:
      break
  try:
    with _named_as_final():
      yield temporary
  finally:
    os.close(handle)
    temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields an empty folder beside a path, gone at the end."""
  sweep(path)
  while True:
    temporary = _beside(path)
    temporary.mkdir()
    handle = _claim(temporary / _OWNER)
    if handle is not None:
      break
  try:
    with _named_as_final():
      yield temporary
  finally:
    with contextlib.suppress(OSError):  # Others may have deleted it.
      for content in temporary.iterdir():
        if content.is_dir():
          shutil.rmtree(content, ignore_errors=True)
    # The owner last: if we die meanwhile, it is seen that we are dead.
    os.close(handle)
    shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _named_as_final() -> Iterator[None]:
  """Errors of a block name what they tell of as it would have been called."""
  try:
    yield
  except errors.JaxsegError as e:
    e.args = tuple(final(x) if isinstance(x, str) else x for x in e.args)
    raise


def final(name: str) -> str:
  """What paths in a text are to become that lead through what is unfinished."""
  return _TEMPORARY.sub(lambda found: found["name"], name)


def remove(path: pathlib.Path) -> None:
  """Deletes a folder that no one ever sees in part."""
  with folder(path) as aside:
    os.rename(path, aside / path.name)


def sweep(path: pathlib.Path) -> None:
  """Deletes what dead processes left unfinished in a path's folder.

  Of earlier versions, which named no owner, only folders for this very path
  that nothing has touched for a day.
  """
  old = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
  try:
    with os.scandir(path.parent) as entries:
      found = [entry.name for entry in entries if entry.name[0] == "."]
  except OSError:
    return
  for name in found:
    left = path.parent / name
    if name.endswith(_ENDING):
      _sweep_one(left)
    elif old.fullmatch(name) and left.is_dir() and _age(left) > _OLD_S:
      shutil.rmtree(left, ignore_errors=True)


def sweep_once(path: pathlib.Path) -> None:
  """The same, the first time that this process meets the path's folder."""
  if path.parent not in _swept:
    _swept.add(path.parent)
    sweep(path)


def flush(path: pathlib.Path) -> None:
  """Waits until a file, or a folder and all in it, is on the disk.

  Renaming says nothing of content: after a power cut, a file that was renamed
  but not flushed may be there and empty.

  Raises:
    OSError: The disk is full, or failed.
  """
  if not path.is_dir():
    _flush_one(path)
    return
  files, folders = [], []
  for place, _, names in os.walk(path):
    folders.append(pathlib.Path(place))
    files += [pathlib.Path(place, name) for name in names]
  if len(files) > 2:
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
      list(pool.map(_flush_one, files))
  else:
    for one in files:
      _flush_one(one)
  for one in reversed(folders):
    _flush_one(one)


def flush_folder(path: pathlib.Path) -> None:
  """Waits until a folder's names, not what they name, are on the disk."""
  _flush_one(path)


def _flush_one(path: pathlib.Path) -> None:
  try:
    handle = os.open(path, os.O_RDONLY)
  except PermissionError:  # Of a folder on Windows.
    return
  try:
    os.fsync(handle)
  except OSError as e:
    if e.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
      raise  # These say that the file system cannot: folders on some.
  finally:
    os.close(handle)


def _beside(path: pathlib.Path) -> pathlib.Path:
  name = path.name.encode()[:_LONGEST].decode(errors="ignore")
  return path.with_name(f".{name}.{secrets.token_hex(4)}{_ENDING}")


def _claim(path: pathlib.Path) -> int | None:
  """Makes and locks a file: its descriptor, or None if it was swept up.

  Between making and locking it looks as if its process was dead.
  """
  try:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
  except FileNotFoundError:
    if path.parent.parent.exists() and not path.parent.exists():
      return None
    raise
  if _flock.take(handle) is not False and path.exists():
    return handle
  os.close(handle)
  return None


def _sweep_one(left: pathlib.Path) -> None:
  """Deletes one file or folder if its owner is dead."""
  whole = left.is_dir()
  try:
    handle = os.open(left / _OWNER if whole else left, os.O_RDWR)
  except FileNotFoundError:
    dead = whole and _age(left) > _YOUNG_S
  except OSError:
    return
  else:
    dead = _flock.take(handle) is True
    os.close(handle)  # First, or NFS keeps the file under another name.
  if dead and whole:
    shutil.rmtree(left, ignore_errors=True)
  elif dead:
    left.unlink(missing_ok=True)


def _age(path: pathlib.Path) -> float:
  """Seconds since anything in a folder was written."""
  newest = 0.0
  for place, _, names in os.walk(path):
    for name in (".", *names):
      with contextlib.suppress(OSError):
        newest = max(newest, os.lstat(os.path.join(place, name)).st_mtime)
  return time.time() - newest
