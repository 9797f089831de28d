"""What holds for all tests; set before anything imports JAX."""

import os
import pathlib
import tarfile

os.environ["XLA_FLAGS"] = " ".join(
  [
    os.environ.get("XLA_FLAGS", ""),
    "--xla_force_host_platform_device_count=2",
  ]
).strip()
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ["MPLBACKEND"] = "Agg"

import hypothesis
import pytest

# The same cases in every run; JAXSEG_FUZZ=1 draws new ones (BUILD.md).
hypothesis.settings.register_profile(
  "jaxseg", derandomize="JAXSEG_FUZZ" not in os.environ, deadline=None
)
hypothesis.settings.load_profile("jaxseg")

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory):
  """Programs that several tests compile are compiled once in a session."""
  import jax

  folder = tmp_path_factory.mktemp("compiled")
  jax.config.update("jax_compilation_cache_dir", str(folder))
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
  os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)


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
def openkbp(openkbp_archive, tmp_path_factory):
  """Folder with the archive's first eight patients."""
  folder = tmp_path_factory.mktemp("openkbp")
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
  return folder


@pytest.fixture(scope="session")
def dicom_data(tmp_path_factory):
  """Folder of real DICOM: sts, rtstruct, seg; not part of the project."""
  path = SHARED / "data" / "dicom" / "dicom.tar.xz"
  if not path.is_file():
    pytest.skip("no ../shared/data/dicom: the real DICOM files are not here")
  folder = tmp_path_factory.mktemp("dicom")
  with tarfile.open(path) as archive:
    archive.extractall(folder, filter="data")
  return folder
