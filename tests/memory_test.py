import subprocess
import sys

import pytest

from jaxseg import _memory


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc that keeps it")
def test_what_was_freed_is_given_back():
  script = """
import numpy as np
from jaxseg import _memory
_memory.spare()
def mib():
  lines = open("/proc/self/status")
  return [int(l.split()[1]) / 1024 for l in lines if l.startswith("VmRSS")][0]
held = [np.ones(10_000) for _ in range(1000)]  # 76 MiB of small pieces.
last = np.ones(10_000)  # Keeps the end of the heap where it is.
full = mib()
del held
_memory.give_back()
print(full - mib())
"""
  found = subprocess.run(
    [sys.executable, "-c", script], capture_output=True, text=True, check=True
  )
  assert float(found.stdout) > 60


def test_another_c_library_is_left_alone(monkeypatch):
  monkeypatch.setattr(_memory, "_of_glibc", lambda _: None)
  _memory.spare()
  _memory.give_back()
