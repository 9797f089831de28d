"""What holds for all tests; set before anything imports JAX."""

import collections
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import shutil
import signal
import tarfile
import tempfile
import time

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

DEVICES = "--xla_force_host_platform_device_count"
# Programs that compile three to five times sooner, and run slower: the quick
# tests run most of theirs once. XLA ends the process at a flag that it does not
# know, so they are for the version that the flags were tried with.
QUICKLY = (
  "--xla_backend_optimization_level=0",
  "--xla_cpu_parallel_codegen_split_count=1",
  "--xla_cpu_use_fusion_emitters=false",
)

# Files that take longest, so that no worker is left with one at the end:
# `make durations` tells.
FIRST = (
  "tests/cli/analyses_test.py",
  "tests/cli/train_test.py",
  "tests/metrics/surface/traced_test.py",
  "tests/cli/call_test.py",
  "tests/model_test.py",
  "tests/losses/every_loss_test.py",
  "tests/dicom/fuzz_test.py",
  "tests/training/loop_test.py",
  "tests/thresholds/count_test.py",
  "tests/cli/inspect_test.py",
  "tests/cli/cohort_flags_test.py",
)


def _cores() -> int:
  try:
    return len(os.sched_getaffinity(0))
  except AttributeError:  # Not on Linux.
    return os.cpu_count() or 1


def kept_folder(name: str) -> pathlib.Path | None:
  """A folder that outlives the tests; None where none can be made."""
  base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
  folder = pathlib.Path(base) / "jaxseg" / "tests" / name
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError:
    return None
  return folder


def _programs() -> str:
  """Name for programs of this JAX, this processor, this number of cores."""
  try:
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
  except OSError:
    lines = []
  flags = next((line for line in lines if line.startswith("flags")), "")
  processor = platform.machine() + platform.processor() + flags
  versions = [importlib.metadata.version(name) for name in ("jax", "jaxlib")]
  digest = hashlib.sha256(processor.encode()).hexdigest()[:8]
  return "-".join(["jax", *versions, digest, str(_cores())])


def xla_flags(devices: int) -> str:
  """XLA_FLAGS for a process of its own that has so many devices."""
  flags = os.environ["XLA_FLAGS"].split()
  kept = [flag for flag in flags if not flag.startswith(DEVICES)]
  return " ".join([*kept, f"{DEVICES}={devices}"])


def _add_xla_flags(*more: str) -> None:
  flags = os.environ.get("XLA_FLAGS", "").split()
  flags += [flag for flag in more if flag not in flags]
  os.environ["XLA_FLAGS"] = " ".join(flags)


def _is_pinned(name: str) -> bool:
  """Whether a package has the version that is tested."""
  pins = (ROOT / "third_party" / "constraints.txt").read_text().split()
  return f"{name}=={importlib.metadata.version(name)}" in pins


def _set_environment() -> None:
  _add_xla_flags(f"{DEVICES}=2")
  os.environ.setdefault("JAX_PLATFORMS", "cpu")
  os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
  os.environ["MPLBACKEND"] = "Agg"
  # What is compiled once is kept, for other workers and for the next run. JAX
  # writes a whole program at once, and compiles anew what it cannot read.
  folder = kept_folder(_programs())
  if folder is not None:
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
  os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


_set_environment()

# Shells start what runs in the background deaf to Ctrl-C, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
  signal.signal(signal.SIGINT, signal.default_int_handler)

# The same cases in every run; JAXSEG_FUZZ=1 draws new ones (BUILD.md).
hypothesis.settings.register_profile(
  "jaxseg", derandomize="JAXSEG_FUZZ" not in os.environ, deadline=None
)
hypothesis.settings.load_profile("jaxseg")


def pytest_configure(config):
  """Compiles quickly for `make test`; all tests together as users compile."""
  if config.option.markexpr == "not slow" and _is_pinned("jaxlib"):
    _add_xla_flags(*QUICKLY)


def pytest_xdist_auto_num_workers() -> int:
  """As many workers as cores; more than 8 would want much memory."""
  return min(_cores(), 8)


def pytest_sessionstart(session):
  """Forgets programs that no test has asked for in two weeks."""
  if hasattr(session.config, "workerinput"):
    return
  kept = kept_folder("")
  for file in kept.glob("jax-*/*") if kept else ():
    status = file.stat()
    if max(status.st_atime, status.st_mtime) < time.time() - 14 * 86400:
      file.unlink(missing_ok=True)


def pytest_collection_modifyitems(items):
  """Puts the files that take longest before the others."""
  order = {name: k for k, name in enumerate(FIRST)}
  items.sort(key=lambda item: order.get(item.nodeid.split("::")[0], len(order)))


def pytest_terminal_summary(terminalreporter, config):
  """With --durations, sums the seconds of each file."""
  if not config.option.durations:
    return
  seconds: collections.Counter[str] = collections.Counter()
  for reports in terminalreporter.stats.values():
    for report in reports:
      if hasattr(report, "duration") and hasattr(report, "nodeid"):
        seconds[report.nodeid.split("::")[0]] += report.duration
  terminalreporter.section("slowest files")
  for name, total in seconds.most_common(20):
    terminalreporter.write_line(f"{total:8.1f}s {name}")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
  """`made_once(name, make)`: a folder, filled by `make(folder)`, to be read.

  Workers share it: one of them makes it while the others wait.
  """
  base = tmp_path_factory.getbasetemp()
  if WORKERS > 1:
    base = base.parent

  def folder(name, make):
    made, claim = base / f"made-{name}", base / f"claim-{name}"
    deadline = time.monotonic() + 600
    while not made.exists():
      try:
        claim.mkdir()
      except FileExistsError:
        assert time.monotonic() < deadline, f"nobody made {name}"
        time.sleep(0.05)
        continue
      draft = pathlib.Path(tempfile.mkdtemp(dir=base))
      try:
        make(draft)
        draft.rename(made)
      except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        claim.rmdir()
        raise
    return made

  return folder


@pytest.fixture(scope="module")
def quick_networks():
  """Networks of a file of tests compile quickly."""
  from tests import quick_networks  # Imports what not all tests need.

  with quick_networks.compiled_quickly():
    yield


@pytest.fixture
def orphan(monkeypatch):
  """Makes what stays of a process that dies right after it named a folder."""
  from jaxseg import _unfinished

  def make(path):
    monkeypatch.setattr(_unfinished, "_swept", set())  # As a new process.
    left = path.with_name(f".{path.name}.0123abcd.unfinished")
    left.mkdir()
    (left / "owner").touch()
    return left

  return make


@pytest.fixture(scope="session")
def golden():
  """Folder of values that other tools gave."""
  return ROOT / "third_party" / "golden"


@pytest.fixture(scope="session")
def openkbp_archive():
  """Archive of OpenKBP patients; not part of the project."""
  path = SHARED / "data" / "openkbp" / "openkbp-100.tar.xz"
  if not path.is_file():
    pytest.skip("no ../shared/data/openkbp: the real patients are not here")
  return path


@pytest.fixture(scope="session")
def openkbp(openkbp_archive, made_once):
  """Folder with the archive's first eight patients."""

  def unpack(folder):
    patients: set[str] = set()
    with tarfile.open(openkbp_archive) as archive:
      for member in archive:
        parts = pathlib.PurePosixPath(member.name).parts
        if len(parts) < 4 or not member.isfile():
          continue
        if parts[2] not in patients and len(patients) == 8:
          break
        patients.add(parts[2])
        archive.extract(member, folder, filter="data")

  return made_once("openkbp", unpack)


@pytest.fixture(scope="session")
def dicom_data(made_once):
  """Folder of real DICOM: sts, rtstruct, seg; not part of the project."""
  path = SHARED / "data" / "dicom" / "dicom.tar.xz"
  if not path.is_file():
    pytest.skip("no ../shared/data/dicom: the real DICOM files are not here")

  def unpack(folder):
    with tarfile.open(path) as archive:
      archive.extractall(folder, filter="data")

  return made_once("dicom", unpack)


@pytest.fixture(scope="session")
def deployed(made_once):
  """Folder with files/ of the phantom, a run/ of it and its bundle/."""
  from tests import deployed

  return made_once("deployed", deployed.make)
