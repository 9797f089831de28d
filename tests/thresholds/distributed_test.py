"""Maps that are born on devices of several processes: the same integers."""

import os
import socket
import subprocess
import sys

import numpy as np

from jaxseg import thresholds
from tests.conftest import ROOT
from tests.conftest import xla_flags

# Each process holds its half of the map and never sees the other.
PROGRAM = """
import functools, os, sys
import jax
import numpy as np

jax.config.update("jax_cpu_collectives_implementation", "gloo")
rank = int(sys.argv[1])
jax.distributed.initialize(sys.argv[2], 2, rank)
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from jaxseg import thresholds

draw = np.random.default_rng(0)
p = draw.random((8, 50, 60), np.float32)[4 * rank : 4 * rank + 4]
y = draw.random((8, 50, 60))[4 * rank : 4 * rank + 4] < 0.3
mesh = Mesh(np.array(jax.devices()), ("devices",))
assert mesh.size == 2 and len(jax.local_devices()) == 1
split = NamedSharding(mesh, P("devices"))
here = functools.partial(jax.make_array_from_process_local_data, split)
cuts = thresholds.grid(1001)

@jax.jit
@functools.partial(
  jax.shard_map, mesh=mesh, in_specs=P("devices"), out_specs=P()
)
def total(p, y):
  return thresholds.count(p, y, cuts).psum("devices")

found = total(here(p), here(y))
np.savez(
  sys.argv[3] + f"/{rank}.npz",
  best=thresholds.optimum(found).threshold,
  **found.to_arrays(),
)
"""


def test_two_processes_count_as_one(tmp_path):
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{free.getsockname()[1]}"
  environment = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "XLA_FLAGS": xla_flags(1),
  }
  processes = [
    subprocess.Popen(
      [sys.executable, "-c", PROGRAM, str(rank), address, str(tmp_path)],
      env=environment,
      stderr=subprocess.PIPE,
      text=True,
    )
    for rank in range(2)
  ]
  for process in processes:
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
  draw = np.random.default_rng(0)
  p = draw.random((8, 50, 60), np.float32)
  y = draw.random((8, 50, 60)) < 0.3
  whole = thresholds.count_case(p, y, thresholds.grid(1001))
  for rank in range(2):
    with np.load(tmp_path / f"{rank}.npz") as found:
      np.testing.assert_array_equal(found["positive"], whole.positive)
      np.testing.assert_array_equal(found["negative"], whole.negative)
      assert found["best"] == thresholds.optimum(whole).threshold
