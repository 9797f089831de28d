"""The seam: the same results here, on more cores, on a cluster that fails."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats
from jaxseg import parallel
from jaxseg import study
from tests.conftest import ROOT


def square(x):
  return x * x, os.getpid()


def slow_square(item):
  x, folder = item
  pathlib.Path(folder, f"{os.getpid()}").touch()
  time.sleep(0.15)
  return x * x


def fails_at_three(x):
  if x == 3:
    raise errors.DataError("three is malformed")
  return x


@pytest.mark.parametrize("workers", [1, 2])
def test_results_and_their_places(workers):
  found = dict(parallel.run(square, range(10), workers=workers))
  assert {k: v[0] for k, v in found.items()} == {k: k * k for k in range(10)}
  processes = {pid for _, pid in found.values()}
  assert (os.getpid() in processes) == (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_arrive_as_they_are(workers):
  with pytest.raises(errors.DataError, match="three is malformed"):
    list(parallel.run(fails_at_three, range(20), workers=workers))


def test_no_items():
  assert list(parallel.run(square, [])) == []


def test_wrong_options():
  with pytest.raises(errors.ConfigError, match="0 workers"):
    list(parallel.run(square, [1], workers=0))


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_wrong_shards(part):
  with pytest.raises(errors.ConfigError, match="shard"):
    parallel.shard([1, 2, 3], part)


def test_shards_are_disjoint_and_all():
  for number in (1, 3, 7, 20):
    parts = [parallel.shard(range(10), f"{k + 1}/{number}")
             for k in range(number)]  # fmt: skip
    assert sorted(x for part in parts for x in part) == list(range(10))


@pytest.fixture
def cluster(tmp_path):
  """Address of a scheduler, and its two workers, as own processes."""
  pytest.importorskip("distributed", reason="dask.distributed is not installed")
  environment = {**os.environ, "PYTHONPATH": str(ROOT)}
  file = tmp_path / "scheduler.json"

  def start(*words):
    return subprocess.Popen(
      [sys.executable, "-m", *words],
      cwd=tmp_path,
      env=environment,
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )

  own = ["--scheduler-file", str(file), "--no-dashboard"]
  processes = [
    start(
      "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
      *own,
    )
  ]  # fmt: skip
  processes += [
    start(
      "distributed.cli.dask_worker", *own, "--nthreads", "1", "--no-nanny",
      "--memory-limit", "0",
    )
    for _ in range(2)
  ]  # fmt: skip
  deadline = time.monotonic() + 60
  while not file.exists() or not file.stat().st_size:
    assert time.monotonic() < deadline
    time.sleep(0.1)
  import distributed

  with distributed.Client(scheduler_file=str(file), timeout=30) as client:
    client.wait_for_workers(2, timeout=60)
    address = client.scheduler.address
  try:
    yield address, processes[1:]
  finally:
    # A worker that has lost its scheduler waits for another: workers first.
    for process in processes[::-1]:
      process.terminate()
      try:
        process.wait(5)
      except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cluster_that_loses_a_worker(cluster, tmp_path):
  address, workers = cluster
  seen = tmp_path / "seen"
  seen.mkdir()
  items = [(x, str(seen)) for x in range(30)]
  found = {}
  for index, result in parallel.run(slow_square, items, scheduler=address):
    found[index] = result
    if len(found) == 4:
      workers[0].send_signal(signal.SIGKILL)
  assert found == {k: k * k for k in range(30)}
  assert len(list(seen.iterdir())) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_sweep_on_a_cluster_that_loses_a_worker(
  cluster, tmp_path, monkeypatch
):
  address, workers = cluster
  draw = np.random.default_rng(0)
  here = tmp_path / "here"  # The workers run elsewhere.
  for folder in ("p", "r"):
    (here / folder).mkdir(parents=True)
  for k in range(40):
    p = draw.random((3, 20, 20), np.float32)
    np.save(here / "p" / f"c{k}.npy", p)
    np.save(here / "r" / f"c{k}.npy", draw.random(p.shape) < p)
  monkeypatch.chdir(here)
  pairs = formats.pair("p", "r").pairs

  def on_case(name, done, total):
    if done == 5:
      workers[0].send_signal(signal.SIGKILL)

  found = study.count_maps(
    pairs, tmp_path / "c", options=study.MapOptions(), scheduler=address,
    on_case=on_case,
  )  # fmt: skip
  own = study.count_maps(
    pairs, tmp_path / "d", options=study.MapOptions(), workers=1
  )
  assert workers[0].wait(5) == -signal.SIGKILL
  assert found.names == own.names
  for name in ("thresholds", "positive", "negative"):
    np.testing.assert_array_equal(
      getattr(found.counts, name), getattr(own.counts, name)
    )


def die(_):
  os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed():
  with pytest.raises(errors.DataError, match="of 2 processes was lost"):
    list(parallel.run(die, range(4), workers=2))


def count_and_fail(folder):
  with open(pathlib.Path(folder, "calls"), "a") as file:
    file.write("x")
  raise errors.DataError("three is malformed")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_errors_on_a_cluster_are_not_tried_again(cluster, tmp_path):
  address, _ = cluster
  with pytest.raises(errors.DataError, match="three is malformed"):
    list(parallel.run(count_and_fail, [str(tmp_path)], scheduler=address))
  assert (tmp_path / "calls").read_text() == "x"  # Not tried again.


def test_no_cluster():
  pytest.importorskip("distributed", reason="dask.distributed is not installed")
  with pytest.raises(errors.ConfigError, match="cannot be reached"):
    list(parallel.run(square, [1], scheduler="tcp://127.0.0.1:9"))
