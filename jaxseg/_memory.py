"""Memory that the C library keeps though it was freed; of glibc alone."""

import ctypes
import functools
from typing import Any

# Of malloc.h: M_ARENA_MAX and M_MMAP_THRESHOLD.
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
# Pieces as large as this are given back as soon as they are freed. Left alone,
# glibc raises it to 32 MiB, and a network's buffers lie idle between batches.
_LARGE = 4 << 20


def spare() -> None:
  """Has threads share one heap instead of one for each.

  A map is computed by many threads, and large pieces are freed in each heap at
  another time, so that 100 MiB lie idle. To be called at a program's start.
  """
  tell = _of_glibc("mallopt")
  if tell is not None:
    tell(_ARENA_MAX, 1)
    tell(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
  """Gives freed memory back to the operating system."""
  trim = _of_glibc("malloc_trim")
  if trim is not None:
    trim(0)


@functools.cache
def _of_glibc(name: str) -> Any:
  try:
    return getattr(ctypes.CDLL(None), name)
  except (AttributeError, OSError, TypeError):  # Another C library.
    return None
