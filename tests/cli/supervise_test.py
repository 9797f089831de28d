"""The process that looks after another one says how it ended."""

import json
import os
import subprocess
import sys

from jaxseg import _interrupts
from tests.conftest import ROOT

# Without JAX in the process, as where it is used.
_WORK = """
import ctypes, json, os, signal, sys, time
from jaxseg.cli import _supervise

def told():
  print("said by Python")
  os.write(2, b"said by C++")
  _supervise.tell("process", "1 of 2")
  return 3

def answered():  # The code counts that was told, however it ends then.
  _supervise.tell("code", 2)
  os.kill(os.getpid(), signal.SIGKILL)

def aborted():
  os.write(2, b"a page of addresses")
  ctypes.CDLL(None).abort()

def stopped():
  signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
  os.kill(os.getppid(), signal.SIGTERM)
  time.sleep(60)

def interrupted():  # Between the fork and what it would have caught it in.
  os.kill(os.getpid(), signal.SIGINT)
  time.sleep(60)

def orphan():
  print(os.getpid(), flush=True)
  os.kill(os.getppid(), signal.SIGKILL)
  time.sleep(600)

for work in (told, answered, aborted, stopped, interrupted):
  ended = _supervise.supervise(work)
  print(json.dumps([ended.code, ended.told, ended.text.strip()]))
sys.stdout.flush()
_supervise.supervise(orphan)
"""


def test_ends_are_told_apart_and_python_speaks_for_itself():
  found = subprocess.run(
    [sys.executable, "-W", "error", "-c", _WORK],
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    capture_output=True,
    text=True,
    timeout=120,
    check=False,
  )
  assert found.returncode == -9, found.stderr  # Killed by its last child.
  assert found.stderr == f"{_interrupts.INTERRUPTED}\n"  # By the last of them.
  first, *rest, orphan = found.stdout.splitlines()
  assert first == "said by Python"
  assert [json.loads(line) for line in rest] == [
    [3, {"process": "1 of 2"}, "said by C++"],
    [2, {"code": "2"}, ""],
    [-6, {}, "a page of addresses"],
    [5, {}, ""],
    [3, {}, ""],
  ]
  # `run` waits until nobody holds its output: the orphan ended by itself.
  assert orphan.isdecimal()
