"""Locks that the operating system takes back when their process ends.

However it ends: by itself, by SIGKILL, with the machine. On one machine, in
its containers too, and across machines on file systems that share their locks
(NFS, Lustre with `-o flock`, GPFS). A file alone, with a process number in it,
would not do: numbers are used again, and another machine's say nothing.
"""

try:
  import fcntl
except ImportError:  # Windows.
  fcntl = None  # type: ignore[assignment]


def take(handle: int) -> bool | None:
  """Locks an open file, without waiting.

  Args:
    handle: Descriptor of a file that is open for writing; the lock is held
      until it is closed.

  Returns:
    True if the lock is ours now, False if another has it, None where the file
    system has no locks.
  """
  if fcntl is None:
    return None
  try:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    return False
  except OSError:
    return None
  return True
