"""Several processes: what one decides all know, what one refuses all refuse."""

import os
import socket
import subprocess
import sys

from jaxseg import _distributed
from tests.conftest import ROOT
from tests.conftest import xla_flags

_WORK = """
import sys
import jax
import numpy as np
from jaxseg import _devices, _distributed as d, errors
me, address = int(sys.argv[1]), sys.argv[2]
d.join(address, processes=2, process=me, start_timeout=60, lost_timeout=30)
assert (d.processes(), d.process()) == (2, me)
assert d.first("who", lambda: {"process": d.process()}) == {"process": 0}
assert d.each("number", d.process) == [0, 1]
assert d.own("abc") == (["a", "c"], ["b"])[me]
tree = {"a": np.full((2, 3), me + 1.5, np.float32), "b": np.int32(me + 7)}
found = d.broadcast(tree)
assert (found["a"] == 1.5).all() and found["a"].dtype == np.float32
assert found["b"] == 7 and found["b"].shape == ()
(devices,) = _devices.arrange()
assert (len(devices), devices.here) == (2, 1)
rows = np.arange(8.0).reshape(4, 2)
own = devices.own(4)
assert own.tolist() == [[0, 1], [2, 3]][me]
(whole,) = devices.from_own((rows[own],), 4)
assert whole.shape == (4, 2)
assert (whole.addressable_data(0) == rows[own]).all()
assert float(jax.jit(lambda x: (x * x).sum())(whole)) == (rows * rows).sum()
for how in ({"parallel": "pmap"}, {"number": 1}, {"at_once": 2}):
  try:
    _devices.arrange(**how)
    raise SystemExit("not refused")
  except errors.ConfigError as e:
    assert "2 processes" in str(e), e
def refuse():
  if d.process() == 1:
    raise errors.DataError("store: damaged; prepare it again")
for together in (d.each, d.first):
  try:
    together("opening", refuse if together is d.each else lambda: 1 / 0 if me
             else (_ for _ in ()).throw(errors.ConfigError("batch: odd")))
    raise SystemExit("not refused")
  except errors.JaxsegError as e:
    print(me, type(e).__name__, e)
d.leave()
"""


def test_alone_it_calls_what_it_is_given():
  assert _distributed.processes() == 1
  assert _distributed.process() == 0
  assert _distributed.first("one", lambda: 1) == 1
  assert _distributed.each("one", lambda: 1) == [1]
  assert _distributed.own(["a", "b"]) == ["a", "b"]
  tree = {"a": 1}
  assert _distributed.broadcast(tree) is tree
  assert _distributed.lost(ValueError("Gloo: connection closed")) is None
  _distributed.together("here")
  _distributed.ended("so", 2)
  _distributed.leave()


def test_two_processes_decide_and_refuse_together():
  address = f"127.0.0.1:{free_port()}"
  both = [
    subprocess.Popen(
      [sys.executable, "-W", "error", "-c", _WORK, str(me), address],
      env={**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": xla_flags(1)},
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    for me in (0, 1)
  ]
  told = []
  for one in both:
    out, err = one.communicate(timeout=300)
    assert one.returncode == 0, err
    told.append([line for line in out.splitlines() if "Gloo" not in line])
  assert told == [
    [
      "0 DataError process 1 of 2: store: damaged; prepare it again",
      "0 ConfigError batch: odd",
    ],
    [
      "1 DataError store: damaged; prepare it again",
      "1 ConfigError process 0 of 2: batch: odd",
    ],
  ]


def free_port():
  """A port that nobody holds just now."""
  with socket.socket() as found:
    found.bind(("", 0))
    return found.getsockname()[1]
