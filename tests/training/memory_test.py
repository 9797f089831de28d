"""How much memory is free, by the files of a kernel that is made up."""

import types

import pytest

from jaxseg.training import _memory

KB, MB, GB = 2**10, 2**20, 2**30


@pytest.fixture
def root(tmp_path):
  """A machine with 10 GB available and no limit."""
  put(tmp_path / "proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: ")
  with open(tmp_path / "proc/meminfo", "a") as file:
    file.write(f"{10 * GB // KB} kB\n")
  return tmp_path


def put(path, text):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(text)


def test_a_machine_without_limits(root):
  assert _memory.host_free(root) == 10 * GB


def test_nothing_is_known(tmp_path):
  assert _memory.host_free(tmp_path) is None


def test_the_limit_of_a_group_above_counts(root):
  put(root / "proc/self/cgroup", "0::/slurm/job_1/step_0\n")
  group = root / "sys/fs/cgroup/slurm"
  put(group / "job_1/step_0/memory.max", "max\n")
  put(group / "job_1/step_0/memory.current", f"{GB}\n")
  put(group / "job_1/memory.max", f"{4 * GB}\n")
  put(group / "job_1/memory.current", f"{3 * GB}\n")
  assert _memory.host_free(root) == GB
  # What is cached of files is given back when memory is wanted.
  put(group / "job_1/memory.stat", f"anon 5\ninactive_file {GB}\nfile 7\n")
  assert _memory.host_free(root) == 2 * GB
  put(group / "job_1/memory.max", f"{2 * GB}\n")
  put(group / "job_1/memory.stat", "")
  assert _memory.host_free(root) == 0  # Over the limit is nothing, not less.


def test_first_version_of_cgroups(root):
  put(
    root / "proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/abc\n0::/docker/abc"
  )
  base = root / "sys/fs/cgroup/memory"
  # In the container its own group is the top.
  put(base / "memory.limit_in_bytes", f"{6 * GB}\n")
  put(base / "memory.usage_in_bytes", f"{5 * GB}\n")
  put(base / "memory.stat", f"total_inactive_file {MB}\n")
  assert _memory.host_free(root) == GB + MB
  put(base / "memory.limit_in_bytes", "9223372036854771712\n")
  assert _memory.host_free(root) == 10 * GB


def test_files_that_cannot_be_understood(root):
  put(root / "proc/self/cgroup", "garbage\n\n0::/../../etc\n1:memory\n")
  put(root / "sys/fs/cgroup/memory.max", "much\n")
  assert _memory.host_free(root) == 10 * GB


@pytest.mark.parametrize(
  ("platform", "stats", "free"),
  [
    ("cpu", None, None),
    ("gpu", None, None),
    ("gpu", {"bytes_limit": 100, "bytes_in_use": 30}, 70),
    ("tpu", {"bytes_limit": 100}, 100),
    ("gpu", {"bytes_in_use": 30}, None),
    ("cpu", {"bytes_limit": 100}, None),
  ],
)
def test_devices(platform, stats, free):
  device = types.SimpleNamespace(platform=platform, memory_stats=lambda: stats)
  assert _memory.device_free(device) == free
