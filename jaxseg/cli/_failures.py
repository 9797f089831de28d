"""What the operating system refuses, in one line: disk, rights, memory."""

from collections.abc import Iterator
import errno
import os
import pathlib
import re
import secrets

from jaxseg import _unfinished

_SAME = "the same command goes on from here"
# Error of the operating system -> what to do about it.
_REMEDIES = {
  errno.EACCES: "change its rights, or name another place",
  errno.EAGAIN: "raise the limit (ulimit -u), or take fewer --workers",
  errno.EBUSY: "end what uses it, or name another place",
  errno.EDQUOT: f"free some of your quota there; {_SAME}",
  errno.EFBIG: f"raise the limit of a file's size (ulimit -f); {_SAME}",
  errno.EIO: f"the disk or its connection has failed; once mended, {_SAME}",
  errno.EISDIR: "a folder is where a file belongs; move it, or name another",
  errno.ELOOP: "its symbolic links lead in a circle; name another place",
  errno.EMFILE: "raise the limit of open files (ulimit -n)",
  errno.ENAMETOOLONG: "give a shorter name",
  errno.ENFILE: "the machine has no more open files; end other processes",
  errno.ENODEV: "name another place",
  errno.ENOMEM: "give the machine more memory, or take fewer --workers",
  errno.ENOSPC: f"free space there, or name another --output; {_SAME}",
  errno.ENOTCONN: f"the disk's connection has failed; once mended, {_SAME}",
  errno.ENOTEMPTY: "something was written there meanwhile; run it once more",
  errno.ENXIO: "name another place",
  errno.EPERM: "change its rights, or name another place",
  errno.EROFS: "it can only be read; name another --output",
  errno.ESTALE: f"the disk's connection has failed; once mended, {_SAME}",
  errno.ETIMEDOUT: f"the disk's connection has failed; once mended, {_SAME}",
  errno.ETXTBSY: "end what uses it, or name another place",
}
# So TensorStore writes an error of the operating system.
_OF_SYSTEM = re.compile(r"(?:OS error |os_error_code='|\[Errno )(\d+)")
_FILE = re.compile(r'(?:file|directory|path|writing|reading):? "([^"]+)"')
_BYTES = re.compile(
  r"[Oo]ut of memory (?:while trying to allocate|allocating) ([\d.]+ ?\w*)"
)
# So the loader of shared libraries says that there is no room for one.
_NO_ROOM = re.compile(
  r"failed to map segment|[Cc]annot allocate memory|bad_alloc|[Pp]aging file"
  r"|error while initializing the extension"
)
_SMALLER = (
  "take a smaller --batch, smaller slices (--size) or a smaller network"
  " (--base) in training, fewer --workers elsewhere"
)


def said(error: BaseException) -> str | None:
  """What the user is told of an error in one line; None if it is ours.

  Args:
    error: What ended a command.
  """
  for one in _chain(error):
    if isinstance(one, MemoryError):
      return _memory(str(one))
    if isinstance(one, ImportError) and _NO_ROOM.search(str(one)):
      return _memory(f"a library could not be loaded ({one.name or one})")
    if isinstance(one, OSError):
      told = _of_system(one)
      if told:
        return told
      continue
    text = " ".join(str(one).split())
    if "RESOURCE_EXHAUSTED" in text and "emory" in text:
      return _memory(text)
    if isinstance(one, RuntimeError) and "can't start new thread" in text:
      return f"no more threads can be started; {_REMEDIES[errno.EAGAIN]}"
    found = _OF_SYSTEM.search(text)
    if found:
      number, files = int(found[1]), _FILE.findall(text)
      told = _of_system(
        OSError(number, os.strerror(number), files[-1] if files else None)
      )
      if told:
        return told
  return None


def _chain(error: BaseException) -> Iterator[BaseException]:
  """An error, and what led to it."""
  seen: set[int] = set()
  following: BaseException | None = error
  while following is not None and id(following) not in seen:
    seen.add(id(following))
    yield following
    following = following.__cause__ or following.__context__


def _of_system(error: OSError) -> str | None:
  number, name = error.errno, error.filename2 or error.filename
  name = name or _place(error)
  if isinstance(name, str | bytes):
    name = _unfinished.final(os.fsdecode(name))
  where = f"{name}: " if isinstance(name, str) else ""
  if isinstance(name, str) and number in (errno.EEXIST, errno.ENOTDIR):
    path = pathlib.Path(name)
    for above in (*reversed(path.parents), path):
      if os.path.lexists(above) and not above.is_dir():
        return (
          f"{above}: is a file where a folder belongs; move it, or name another"
          " --output"
        )
  if number in (errno.EEXIST, errno.ENOTDIR):
    return f"{where}{error.strerror}; move it, or name another --output"
  if number == errno.ENOENT:
    if not isinstance(name, str):
      return "the working folder is gone; change into another"
    return _vanished(pathlib.Path(name))
  if number is None and "requested and" in str(error):  # NumPy's `tofile`.
    told = "no space is left there, or a limit of a file's size (ulimit -f)"
    return f"{where}written in part only ({error}); {told}; {_SAME}"
  if number not in _REMEDIES:
    return None
  return f"{where}{error.strerror}; {_REMEDIES[number]}"


def _vanished(path: pathlib.Path) -> str | None:
  """What is said of a file whose folder is not there; None if that is.

  Commands make the folders that they write into.
  """
  gone = None
  for above in path.parents:
    if os.path.lexists(above):
      break
    gone = above
  if gone is None:
    if _takes_new(path.parent):
      return None
    return f"{path}: nothing can be made there; name another place"
  return (
    f"{gone}: is gone, as if it was moved or deleted meanwhile; start the same"
    " command again"
  )


def _takes_new(folder: pathlib.Path) -> bool:
  """Whether a folder can hold new files; /proc says that there are none."""
  probe = folder / f".{secrets.token_hex(8)}"
  try:
    probe.mkdir()
    probe.rmdir()
  except FileNotFoundError:
    return not folder.is_dir()
  except OSError:
    pass
  return True


def _place(error: OSError) -> str | None:
  """What was written: of that a failed write itself says nothing.

  The innermost of our functions knows, by its name for it.
  """
  found, trace = None, error.__traceback__
  while trace is not None:
    about = trace.tb_frame
    if about.f_globals.get("__name__", "").startswith("jaxseg."):
      own = (about.f_locals.get(name) for name in ("path", "folder"))
      found = next((p for p in own if isinstance(p, pathlib.Path)), found)
    trace = trace.tb_next
  return None if found is None else str(found)


def _memory(text: str) -> str:
  """Out of memory: how much was wanted, and how much there is.

  There may be no memory left to find that out.
  """
  found = _BYTES.search(text)
  wanted = f"{_readable(found[1])} more were wanted" if found else text
  wanted = re.sub(r"^.*?RESOURCE_EXHAUSTED: ?", "", wanted)[:200].rstrip(". ")
  there = [part for part in (wanted, _used(), _machine()) if part]
  return f"out of memory: {'; '.join(there)}; {_SMALLER}"


def _readable(size: str) -> str:
  """Bytes as GiB; what has another unit stays as it is."""
  number = size.removesuffix("bytes").strip()
  return _gib(int(number)) if number.isdecimal() else size


def _gib(size: float) -> str:
  return f"{size / 2**30:.3g} GiB"


def _used() -> str:
  try:
    import resource
  except ImportError:  # Windows.
    return ""
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
  limit = resource.getrlimit(resource.RLIMIT_AS)[0]
  of = "" if limit == resource.RLIM_INFINITY else f" of {_gib(limit)} allowed"
  return f"this process has used up to {_gib(peak)}{of}"


def _machine() -> str:
  """What the machine has, where it tells."""
  try:
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    total, free = kib["MemTotal"], kib["MemAvailable"]
  except (OSError, ValueError, KeyError, IndexError, MemoryError):
    return ""
  return (
    f"the machine has {_gib(total * 1024)}, {_gib(free * 1024)} of them free"
  )
