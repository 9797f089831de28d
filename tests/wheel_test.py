"""What `pip install jaxseg` gives: the wheel, in environments of its own.

No network: an environment is filled with links to the installed packages that
the wheel, or the wheel with an extra, asks for, and with nothing else.
"""

import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

from packaging import requirements
from packaging import utils
import pytest

import jaxseg
from tests.conftest import ROOT

NOT_PACKAGED = (
  ".*", "__pycache__", "build", "dist", "runs", "*.egg-info",
)  # fmt: skip
UNWANTED = (
  "absl", "chex", "flax", "highdicom", "matplotlib", "nibabel", "optax",
  "orbax", "pydicom", "rich", "SimpleITK", "tensorstore",
)  # fmt: skip
CORE = (
  "losses", "metrics", "thresholds", "contours", "volume", "structures",
)  # fmt: skip
# What each extra is for, beside the core.
PARTS = {
  "io": ("dicom", "formats", "cohorts"),
  "train": ("dicom", "formats", "cohorts", "data", "models", "training"),
  "report": ("dicom", "formats", "study", "report"),
  "cluster": ("parallel",),
}


@pytest.fixture(scope="module")
def wheel(made_once):
  if int(importlib.metadata.version("setuptools").split(".")[0]) < 77:
    pytest.skip("setuptools is older than 77; `make test` brings a newer one")

  def build(folder):
    source = folder / "source"  # So that nothing is left behind in ours.
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_PACKAGED))
    subprocess.run(
      [
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation"),
        *("--skip-dependency-check", "--outdir", folder, source),
      ],
      check=True,
      capture_output=True,
    )
    shutil.rmtree(source)

  (path,) = made_once("wheel", build).glob("*.whl")
  return path


@pytest.fixture(scope="module")
def metadata(wheel):
  with zipfile.ZipFile(wheel) as archive:
    (name,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
    return archive.read(name).decode()


def wanted(metadata, extra):
  """Installed distributions that the wheel asks for, directly or not."""
  asked = re.findall(r"^Requires-Dist: (.+)$", metadata, flags=re.MULTILINE)
  found: dict[str, importlib.metadata.Distribution] = {}

  def follow(texts, extras):
    for text in texts:
      one = requirements.Requirement(text)
      marker = one.marker
      if marker and not any(marker.evaluate({"extra": e}) for e in extras):
        continue
      name = utils.canonicalize_name(one.name)
      if name == "jaxseg":
        follow(asked, one.extras)
      elif name not in found or one.extras:
        found[name] = importlib.metadata.distribution(name)
        follow(found[name].requires or (), {"", *one.extras})

  follow(asked, {"", extra})
  return found.values()


class Environment:
  """A virtual environment with the wheel and what it asks for."""

  def __init__(self, folder, wheel, metadata, extra=""):
    venv.create(folder, symlinks=True)
    self.folder = folder
    self.bin = folder / "bin"
    packages = pathlib.Path(
      sysconfig.get_path("purelib", "venv", {"base": str(folder)})
    )
    for distribution in wanted(metadata, extra):
      for file in distribution.files or ():
        top = file.parts[0]
        if top not in ("..", "__pycache__", "bin"):
          link = packages / top
          if not link.is_symlink():
            link.symlink_to(distribution.locate_file(top))
    # Its dependencies are there, or pip, which has no index, refuses.
    name = f"jaxseg[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
    python = self.bin / "python"
    done = self.run(
      *(sys.executable, "-m", "pip", "--python", python, "install"),
      *("--disable-pip-version-check", "--no-index", name),
    )
    assert done.returncode == 0, done.stderr

  def run(self, *command):
    """Runs a program, of the environment if no folder is named."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
      [self.bin / command[0], *command[1:]],
      cwd=self.folder,  # Not where the sources are.
      env=environment,
      capture_output=True,
      text=True,
      check=False,
    )

  def python(self, code):
    return self.run("python", "-c", code)


@pytest.fixture(scope="module")
def core(wheel, metadata, tmp_path_factory):
  return Environment(tmp_path_factory.mktemp("core"), wheel, metadata)


def test_the_wheel_holds_the_package_alone(wheel):
  with zipfile.ZipFile(wheel) as archive:
    names = archive.namelist()
  info = f"jaxseg-{jaxseg.__version__}.dist-info"
  assert {name.split("/")[0] for name in names} == {"jaxseg", info}
  assert "jaxseg/py.typed" in names
  assert f"{info}/licenses/LICENSE" in names
  packaged = {
    str(path.relative_to(ROOT))
    for path in (ROOT / "jaxseg").rglob("*")
    if path.suffix in (".py", ".html", ".css", ".j2", ".js")
  }
  assert packaged <= set(names)


def test_the_index_can_show_the_readme(metadata):
  assert "\nDescription-Content-Type: text/markdown" in metadata
  assert "\nAuthor: The jaxseg authors\n" in metadata
  assert "\nProject-URL: Source, https://" in metadata
  targets = re.findall(r"\]\(([^)]+)\)", metadata)
  assert [t for t in targets if not t.startswith(("https://", "#"))] == []
  pictures = [t.partition("/raw/main/")[2] for t in targets if "/raw/" in t]
  assert any(name.startswith("experiments/results/") for name in pictures)
  assert all((ROOT / name).is_file() for name in pictures)


def test_the_core_works_with_jax_numpy_and_scipy_alone(core):
  done = core.python(
    f"from jaxseg import {', '.join(CORE)}\n"
    "import jaxseg, sys\n"
    "assert 'site-packages' in jaxseg.__file__, jaxseg.__file__\n"
    "losses.dice, metrics.dice, thresholds.count, contours.trace\n"
    "print(structures.resolve('Parotid_L'))\n"
    f"print(*sys.modules.keys() & {set(UNWANTED)})"
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout == "parotid_left\n\n"


@pytest.mark.parametrize(
  ("part", "extra"),
  [("dicom", "io"), ("models", "train"), ("report", "report")],
)
def test_a_part_that_lacks_its_extra_says_which(core, part, extra):
  done = core.python(f"import jaxseg.{part}")
  assert done.returncode == 1
  last = done.stderr.splitlines()[-1]
  assert last.startswith("jaxseg.errors.MissingExtraError: ")
  assert last.endswith(f" is missing; pip install 'jaxseg[{extra}]'")


def test_the_command_is_installed(core):
  """Without the extras it ends in one line that names one of them."""
  done = core.run("jaxseg", "train")
  assert done.returncode == 2, done.stderr
  assert re.fullmatch(
    r"\w+ is missing; pip install 'jaxseg\[\w+\]'\n", done.stderr
  )


@pytest.mark.slow
def test_the_readme_works_on_the_core(core):
  text = (ROOT / "README.md").read_text("utf-8")
  blocks = re.findall(
    r"```python\n(.*?)```(?:\nprints\n```\n(.*?)```)?", text, re.S
  )
  for code, printed in blocks[:3]:
    done = core.python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
  assert [bool(printed) for _, printed in blocks[:3]] == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("extra", PARTS)
def test_an_extra_is_enough_for_its_parts(wheel, metadata, tmp_path, extra):
  environment = Environment(tmp_path, wheel, metadata, extra)
  done = environment.python(
    f"from jaxseg import {', '.join(CORE + PARTS[extra])}"
  )
  assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_command_explains_itself(wheel, metadata, tmp_path):
  environment = Environment(tmp_path, wheel, metadata, "all")
  done = environment.run("jaxseg", "--help")
  assert done.returncode == 0, done.stderr
  assert "train" in done.stdout
