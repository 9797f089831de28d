"""One process trains a model, and a dead one holds nothing."""

import json
import os
import platform
import subprocess
import sys

import pytest

from jaxseg import _flock
from jaxseg import errors
from jaxseg.training import _lock
from tests import tiny
from tests.conftest import ROOT

# Without what the package imports, which takes seconds.
HOLDER = """
import importlib.util, pathlib, sys, time
spec = importlib.util.spec_from_file_location("_lock", sys.argv[2])
_lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(_lock)
with _lock.held(pathlib.Path(sys.argv[1])):
  print("ready", flush=True)
  time.sleep(600)
"""


def test_a_second_process_is_refused_until_the_first_is_dead(tmp_path):
  config = tiny.config(epochs=1, network={**tiny.NETWORK, "blocks": 1})
  run = tiny.prepare(tmp_path / "run")
  folder = tmp_path / "run" / "models" / "brain" / "bce" / "0"
  process = subprocess.Popen(
    [sys.executable, "-c", HOLDER, str(folder), _lock.__file__],
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    stdout=subprocess.PIPE,
  )
  try:
    assert process.stdout.readline() == b"ready\n"
    with pytest.raises(errors.InUseError) as caught:
      tiny.train(run, config)
    told = f"process {process.pid} on host {platform.node()}"
    assert told in str(caught.value) and str(folder) in str(caught.value)
  finally:
    process.kill()
    process.communicate()
  assert (folder / _lock.NAME).exists()  # It had no time to tidy up.
  with _lock.held(folder):
    pass
  assert not (folder / _lock.NAME).exists()


def test_it_is_held_within_one_process_too(tmp_path):
  with _lock.held(tmp_path):
    with pytest.raises(errors.InUseError, match=f"process {os.getpid()}"):
      with _lock.held(tmp_path):
        pass
  with _lock.held(tmp_path):
    pass


def test_where_there_are_no_locks_the_living_are_still_found(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(_flock, "take", lambda _: None)
  with _lock.held(tmp_path):
    pass
  other = {"process": os.getppid(), "host": platform.node()}
  (tmp_path / _lock.NAME).write_text(json.dumps(other))
  with pytest.raises(errors.InUseError, match=f"process {os.getppid()} on"):
    with _lock.held(tmp_path):
      pass
  dead = subprocess.Popen([sys.executable, "-c", ""])
  dead.wait()
  for left in ({**other, "process": dead.pid}, {**other, "host": "b"}, "[", []):
    text = left if left == "[" else json.dumps(left)
    (tmp_path / _lock.NAME).write_text(text)
    with _lock.held(tmp_path):
      pass
