import subprocess
import sys

import pytest

from jaxseg import _memory

LINUX = pytest.mark.skipif(
  sys.platform != "linux", reason="it is glibc that keeps it"
)
START = """
import numpy as np
from jaxseg import _memory
_memory.spare()
def mib():
  lines = open("/proc/self/status")
  return [int(l.split()[1]) / 1024 for l in lines if l.startswith("VmRSS")][0]
"""


def freed(script):
  """MiB that a script prints at its end."""
  found = subprocess.run(
    [sys.executable, "-c", START + script],
    capture_output=True,
    text=True,
    check=True,
  )
  return float(found.stdout)


@LINUX
def test_what_was_freed_is_given_back():
  script = """
held = [np.ones(10_000) for _ in range(1000)]  # 76 MiB of small pieces.
last = np.ones(10_000)  # Keeps the end of the heap where it is.
full = mib()
del held
_memory.give_back()
print(full - mib())
"""
  assert freed(script) > 60


@LINUX
def test_large_pieces_are_given_back_at_once():
  """As a network's buffers are, batch for batch."""
  script = """
for _ in range(2):  # What is freed once, glibc would keep from then on.
  held = [np.ones(1 << 20) for _ in range(8)]  # 8 MiB each.
  last = np.ones(10_000)  # Keeps the end of the heap where it is.
  full = mib()
  del held
print(full - mib())
"""
  assert freed(script) > 60


def test_another_c_library_is_left_alone(monkeypatch):
  monkeypatch.setattr(_memory, "_of_glibc", lambda _: None)
  _memory.spare()
  _memory.give_back()
