"""The seam: the same results here, on more cores, on a cluster that fails."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from jaxseg import _interrupts
from jaxseg import errors
from jaxseg import formats
from jaxseg import parallel
from tests import cluster as clusters
from tests import parallel_double
from tests.conftest import ROOT


@pytest.mark.parametrize("workers", [1, 2])
def test_results_and_their_places(workers):
  work = parallel.run(parallel_double.square, range(10), workers=workers)
  found = dict(work)
  assert {k: v[0] for k, v in found.items()} == {k: k * k for k in range(10)}
  processes = {pid for _, pid in found.values()}
  assert (os.getpid() in processes) == (workers == 1)


def test_results_in_their_order_and_few_under_way(tmp_path):
  items = [(x, str(tmp_path), 3) for x in range(9)]
  work = parallel.run(
    parallel_double.first_is_last, items, workers=2, ordered=True
  )
  assert next(work) == (0, 0)
  # While the first was waited for, no more than four were under way or kept.
  time.sleep(0.2)
  assert {path.name for path in tmp_path.iterdir()} == {"0", "1", "2", "3"}
  assert list(work) == [(k, k * k) for k in range(1, 9)]


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_arrive_as_they_are(workers):
  work = parallel.run(parallel_double.fail_at_three, range(20), workers=workers)
  with pytest.raises(errors.DataError, match="three is malformed"):
    list(work)


def test_no_items():
  assert list(parallel.run(parallel_double.square, [])) == []


def test_wrong_options():
  with pytest.raises(errors.ConfigError, match="0 workers"):
    list(parallel.run(parallel_double.square, [1], workers=0))


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_wrong_shards(part):
  with pytest.raises(errors.ConfigError, match="shard"):
    parallel.shard([1, 2, 3], part)


def test_shards_are_disjoint_and_complete():
  for number in (1, 3, 7, 20):
    parts = [
      parallel.shard(range(10), f"{k + 1}/{number}") for k in range(number)
    ]
    assert sorted(x for part in parts for x in part) == list(range(10))


def test_a_process_that_is_killed():
  with pytest.raises(errors.DataError, match="of 2 processes was lost") as e:
    list(parallel.run(parallel_double.die, range(4), workers=2))
  assert re.search(r"took [\d.]+ GiB, the machine has [\d.]+ GiB", str(e.value))
  assert "(--workers=1)" in str(e.value)


def test_a_process_that_is_killed_within_a_result():
  items = [(k, True) for k in range(6)]
  with pytest.raises(errors.DataError, match="of 2 processes was lost"):
    list(parallel.run(parallel_double.half_a_result, items, workers=2))


def test_an_interrupt_within_a_result():
  items = [(1, False), (0, False), *[(k, False) for k in range(2, 6)]]
  work = parallel.run(parallel_double.half_a_result, items, workers=2)
  next(work)
  time.sleep(0.5)  # The other has begun to answer.
  work.close()  # As Ctrl-C does; it used to wait for ever.
  assert not multiprocessing.active_children()


@pytest.mark.parametrize("ordered", [False, True])
def test_an_interrupt_while_processes_start(ordered):
  items = [bytes(2**20)] * 8  # More than a pipe holds: one is half written.
  work = parallel.run(
    parallel_double.for_ever, items, workers=2, ordered=ordered
  )
  main = threading.get_ident()
  threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
  with pytest.raises(KeyboardInterrupt):
    next(work)  # The pool's own thread used to die, and one to stay.
  assert not multiprocessing.active_children()
  names = [thread.name for thread in threading.enumerate()]
  assert "QueueFeederThread" not in names


def test_an_interrupt_before_a_process_is_in_the_list(monkeypatch):
  start = multiprocessing.context.SpawnProcess.start

  def interrupted(self):
    start(self)
    signal.raise_signal(signal.SIGINT)

  monkeypatch.setattr(
    multiprocessing.context.SpawnProcess, "start", interrupted
  )
  items = [bytes(2**20)] * 8
  work = parallel.run(parallel_double.for_ever, items, workers=2)
  with pytest.raises(KeyboardInterrupt):
    next(work)
  assert not multiprocessing.active_children()


def test_processes_end_with_the_one_that_is_killed():
  program = (
    "import sys, time; from jaxseg import parallel;"
    "work = parallel.run(time.sleep, [0, 0, 600, 600, 600], workers=2);"
    "print(next(work), next(work), flush=True); next(work)"
  )
  with subprocess.Popen(
    [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
  ) as process:
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=20)  # While they live, the pipe stays open.


@pytest.mark.parametrize("seconds", [0.15, 0.4])
def test_an_interrupt_of_all_processes_of_a_terminal(seconds):
  program = (
    "import os, signal, threading, time\n"
    "from jaxseg import _interrupts, parallel\n"
    "def work():\n"
    f"  late = threading.Timer({seconds}, os.killpg, (0, signal.SIGINT))\n"
    "  late.start()\n"
    "  list(parallel.run(time.sleep, [60] * 4, workers=2))\n"
    "_interrupts.run(work)\n"
  )
  process = subprocess.Popen(
    [sys.executable, "-c", program],
    cwd=ROOT,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
    start_new_session=True,
  )
  _, err = process.communicate(timeout=60)
  # Those that still imported used to print tracebacks.
  assert (process.returncode, err) == (3, f"{_interrupts.INTERRUPTED}\n")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
  pytest.importorskip("distributed", reason="dask.distributed is not installed")
  started = clusters.Cluster(tmp_path_factory.mktemp("cluster"))
  yield started
  started.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_errors_on_a_cluster_are_not_tried_again(cluster, tmp_path):
  address, _ = cluster.with_workers(1)
  work = parallel.run(
    parallel_double.count_and_fail, [str(tmp_path)], scheduler=address
  )
  with pytest.raises(errors.DataError, match="three is malformed"):
    list(work)
  assert (tmp_path / "calls").read_text() == "x"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cluster_that_loses_a_worker(cluster, tmp_path):
  address, workers = cluster.with_workers(2)
  items = [(x, str(tmp_path)) for x in range(30)]
  found = {}
  for index, result in parallel.run(
    parallel_double.square_beside_another, items, scheduler=address
  ):
    found[index] = result
    if len(found) == 4:  # Both have begun, and much is left to do.
      workers[0].send_signal(signal.SIGKILL)
  assert found == {k: k * k for k in range(30)}
  assert workers[0].wait(5) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_sweep_on_a_cluster_that_loses_a_worker(
  cluster, tmp_path, monkeypatch
):
  from jaxseg import study

  address, workers = cluster.with_workers(2)
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
    pairs,
    tmp_path / "c",
    options=study.MapOptions(),
    scheduler=address,
    on_case=on_case,
  )
  own = study.count_maps(
    pairs, tmp_path / "d", options=study.MapOptions(), workers=1
  )
  assert workers[0].wait(5) == -signal.SIGKILL
  assert found.names == own.names
  for name in ("thresholds", "positive", "negative"):
    np.testing.assert_array_equal(
      getattr(found.scopes["volume"], name), getattr(own.scopes["volume"], name)
    )


@pytest.mark.parametrize(
  "address",
  [
    "nowhere://127.0.0.1:9",
    pytest.param("tcp://127.0.0.1:9", marks=pytest.mark.slow),  # Ten seconds.
  ],
)
def test_no_cluster(address):
  pytest.importorskip("distributed", reason="dask.distributed is not installed")
  with pytest.raises(errors.ConfigError, match="cannot be reached"):
    list(parallel.run(parallel_double.square, [1], scheduler=address))


def test_a_few_quick_items_start_no_process():
  work = parallel.run(
    parallel_double.square, range(50), workers=2, here_first=True
  )
  assert {pid for _, (_, pid) in work} == {os.getpid()}


def test_slow_items_go_to_processes_after_the_first(monkeypatch):
  monkeypatch.setattr(parallel, "_START_S", 1e-9)
  work = parallel.run(
    parallel_double.square, range(6), workers=2, here_first=True
  )
  found = dict(work)
  assert {k: v[0] for k, v in found.items()} == {k: k * k for k in range(6)}
  places = [found[k][1] == os.getpid() for k in range(6)]
  assert places == [True] + [False] * 5


def test_what_is_wrong_with_all_items_starts_no_process(monkeypatch):
  monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", None)
  items = [3, 3, 3]
  work = parallel.run(
    parallel_double.fail_at_three, items, workers=2, here_first=True
  )
  with pytest.raises(errors.DataError, match="three is malformed"):
    list(work)
