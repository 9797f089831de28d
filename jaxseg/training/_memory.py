"""How much memory is free: of the device, and of the host it stands in.

A machine's free memory is not what a process may take: a container or a job of
SLURM has a limit of its own, its cgroup's, and the kernel kills what goes
beyond. The least of all limits counts.
"""

from collections.abc import Iterator
import os
import pathlib
import sys
from typing import Any

import jax

# Version 1 of cgroups says "no limit" by a number near 2^63.
_NO_LIMIT = 2**60
_ROOT = pathlib.Path("/")


def device_free(device: jax.Device | None = None) -> int | None:
  """Bytes free on a device; None where it has no memory of its own, or is mute.

  Args:
    device: None is the first one of this process.
  """
  device = device or jax.local_devices()[0]
  found: dict[str, Any] | None = device.memory_stats()
  if device.platform == "cpu" or not found or "bytes_limit" not in found:
    return None
  return max(0, int(found["bytes_limit"]) - int(found.get("bytes_in_use", 0)))


def host_free(root: pathlib.Path = _ROOT) -> int | None:
  """Bytes that this process may still take; None where nothing says so.

  Args:
    root: Where /proc and /sys lie; tests have their own.
  """
  limits = [*_of_machine(root), *_of_cgroups(root), *_of_process(root)]
  return max(0, min(limits)) if limits else None


def _of_machine(root: pathlib.Path) -> Iterator[int]:
  """Memory that the kernel could give without swapping."""
  found = _table(root / "proc/meminfo").get("MemAvailable")
  if found is not None:
    yield found * 1024
  elif root == _ROOT and hasattr(os, "sysconf"):
    # Not Linux: what is free is not said, half of all is a fair guess.
    try:
      yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError):
      return


def _of_cgroups(root: pathlib.Path) -> Iterator[int]:
  """What is left of each limit of this process's cgroup and those above it.

  Files that are cached there count as used, but are dropped when memory is
  wanted.
  """
  for line in _lines(root / "proc/self/cgroup"):
    _, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if controllers == "":
      base, names = root / "sys/fs/cgroup", _UNIFIED
    elif "memory" in controllers.split(","):
      base, names = root / "sys/fs/cgroup/memory", _SEPARATE
    else:
      continue
    maximum, current, cached = names
    folder = base / path.strip("/")
    # In a container the path may be the host's: then only the top is seen.
    for place in (folder, *folder.parents):
      if not place.is_relative_to(base):
        break
      limit, used = (_number(place / name) for name in (maximum, current))
      if limit is None or used is None or limit >= _NO_LIMIT:
        continue
      table = _table(place / "memory.stat")
      yield limit - used + sum(table.get(name, 0) for name in cached)


# Files that hold limit and use, and what of memory.stat can be dropped.
_UNIFIED = ("memory.max", "memory.current", ("inactive_file", "active_file"))
_SEPARATE = (
  "memory.limit_in_bytes",
  "memory.usage_in_bytes",
  ("total_inactive_file", "total_active_file"),
)


def _of_process(root: pathlib.Path) -> Iterator[int]:
  """What is left of `ulimit -v`."""
  if sys.platform == "win32":
    return
  import resource  # Not on Windows.

  limit, _ = resource.getrlimit(resource.RLIMIT_AS)
  used = _table(root / "proc/self/status").get("VmSize")
  if limit != resource.RLIM_INFINITY and used is not None:
    yield limit - used * 1024


def _lines(path: pathlib.Path) -> list[str]:
  try:
    return path.read_text().splitlines()
  except (OSError, ValueError):
    return []


def _number(path: pathlib.Path) -> int | None:
  """What a file of one number says; None for "max", or none."""
  for line in _lines(path):
    return int(line) if line.strip().isdecimal() else None
  return None


def _table(path: pathlib.Path) -> dict[str, int]:
  """Lines such as "MemAvailable:  1234 kB" or "active_file 5678"."""
  found = {}
  for line in _lines(path):
    name, *rest = line.replace(":", " ").split() or [""]
    if rest and rest[0].isdecimal():
      found[name] = int(rest[0])
  return found
