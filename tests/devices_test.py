"""Several devices have the numbers of one."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from jaxseg import _devices
from jaxseg import errors
from tests.conftest import ROOT
from tests.conftest import xla_flags

PROGRAM = (sys.executable, "-W", "error", "-m", "tests.devices_double")


def four_devices(folder, which):
  """What `devices_double` prints, on four devices: name -> gaps."""
  done = subprocess.run(
    [*PROGRAM, str(folder), which],
    cwd=ROOT,
    env={**os.environ, "XLA_FLAGS": xla_flags(4)},
    stdout=subprocess.PIPE,
    text=True,
    check=True,
  )
  return json.loads(done.stdout)


def check(found):
  """float32 rounding, and no more."""
  for name, gaps in found.items():
    assert gaps["gradient"] < 2e-5, name
    # The second step's: processors differ in how they round the first.
    assert gaps["loss"] < 1e-5, name
    assert gaps["averages"] < 1e-4, name
    assert gaps["counts"] == 0, name


def test_four_devices_have_the_numbers_of_one(tmp_path):
  found = four_devices(tmp_path, "quick")
  assert list(found) == ["dropout jit 4", "batch pmap 4"]
  check(found)


@pytest.mark.slow
def test_any_number_of_devices_trains_resumes_and_predicts_alike(tmp_path):
  found = four_devices(tmp_path, "slow")
  steps = {name: gaps for name, gaps in found.items() if isinstance(gaps, dict)}
  assert len(steps) == 18
  check(steps)
  assert found["1 to 4"] < 1e-3
  assert found["4 to 1"] < 1e-3
  assert found["maps"] < 1e-5
  assert [found[f"model {k}"] for k in range(3)] == [0, 0, 0]


def test_devices_are_shared_out_in_rows():
  there = jax.devices()
  assert len(there) == 2, "see conftest.py"
  (both,) = _devices.arrange()
  assert both.devices == tuple(there)
  assert not both.alone
  first, second = _devices.arrange(2, at_once=2)
  assert (first.devices, second.devices) == ((there[0],), (there[1],))
  assert first.alone


def test_arrays_lie_where_they_are_wanted():
  (both,) = _devices.arrange(2)
  rows = both.rows(np.arange(6, dtype=np.float32))
  assert [s.data.tolist() for s in rows.addressable_shards] == [
    [0, 1, 2],
    [3, 4, 5],
  ]
  whole = both.whole({"a": np.arange(3)})["a"]
  assert [s.data.tolist() for s in whole.addressable_shards] == [[0, 1, 2]] * 2
  _, second = _devices.arrange(2, at_once=2)
  assert second.rows(np.ones(3)).devices() == {jax.devices()[1]}


@pytest.mark.parametrize(
  ("asked", "text"),
  [
    ({"number": 3}, "--devices=3: JAX finds 2 (cpu); give 1 to 2"),
    ({"number": 0}, "--devices=0: JAX finds 2"),
    (
      {"number": 1, "at_once": 2},
      "--models_at_once=2: cannot share 1 device evenly",
    ),
    ({"at_once": 0}, "2 devices evenly; give 1 or 2"),
    ({"parallel": "vmap"}, "parallel 'vmap' is unknown; take jit or pmap"),
  ],
)
def test_devices_that_are_not_there_are_refused(asked, text):
  with pytest.raises(errors.ConfigError) as e:
    _devices.arrange(**asked)
  assert text in str(e.value)


@pytest.mark.parametrize(
  ("batch", "number", "at_once", "text"),
  [
    (6, 4, 1, "--devices=1, 2 or 3, or --batch=4 or 8"),
    (3, 4, 2, "--devices=2 or 6, or --batch=4"),
    (1, 2, 1, "--devices=1, or --batch=2"),
  ],
)
def test_an_uneven_batch_is_refused_with_what_works(
  batch, number, at_once, text
):
  devices = _devices.Devices(tuple(range(number)))
  with pytest.raises(errors.ConfigError) as e:
    _devices.check_batch(batch, devices, at_once=at_once)
  assert text in str(e.value)
  _devices.check_batch(8 * number, devices)
