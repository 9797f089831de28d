"""A cluster of dask.distributed, in processes of this machine."""

import os
import subprocess
import sys
import time

from tests.conftest import ROOT


class Cluster:
  """A scheduler and workers, as processes of their own."""

  def __init__(self, folder):
    self._folder = folder
    self._file = folder / "scheduler.json"
    self._start(
      "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
    )
    deadline = time.monotonic() + 60
    while not self._file.exists() or not self._file.stat().st_size:
      assert time.monotonic() < deadline
      time.sleep(0.1)
    self.workers = []
    self.address = None

  def _start(self, module, *words):
    process = subprocess.Popen(
      [
        *(sys.executable, "-m", f"distributed.cli.{module}", *words),
        *("--scheduler-file", str(self._file)),
      ],
      cwd=self._folder,
      env={**os.environ, "PYTHONPATH": str(ROOT)},
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )
    self._processes = [*getattr(self, "_processes", []), process]
    return process

  def with_workers(self, number):
    """Address of the scheduler, and so many workers that live."""
    import distributed

    self.workers = [one for one in self.workers if one.poll() is None]
    while len(self.workers) < number:
      worker = self._start(
        "dask_worker",
        *("--nthreads", "1", "--no-nanny", "--no-dashboard"),
        *("--memory-limit", "0"),
      )
      self.workers.append(worker)
    with distributed.Client(
      scheduler_file=str(self._file), timeout=30
    ) as client:
      client.wait_for_workers(number, timeout=60)
      return client.scheduler.address, self.workers

  def stop(self):
    # A worker that has lost its scheduler waits for another: workers first.
    for process in self._processes[::-1]:
      process.terminate()
      try:
        process.wait(5)
      except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
