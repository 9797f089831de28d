"""What an import loads, what an extra brings, and who may import whom."""

import ast
import configparser
import importlib.metadata
import pathlib
import re
import subprocess
import sys
import types

import pytest

import jaxseg
from jaxseg import _extras
from jaxseg import errors
from tests.conftest import FIRST
from tests.conftest import ROOT

HEAVY = ("jax", "numpy", "flax", "matplotlib", "SimpleITK", "tensorstore")
PARTS = [name for name in jaxseg.__all__ if name[0] != "_"]
SOURCES = sorted((ROOT / "jaxseg").rglob("*.py"))
# pydicom finds these itself when pixels are compressed.
PLUGINS = {"pyjpegls", "pylibjpeg", "pylibjpeg-openjpeg", "python-gdcm"}
EXTRAS = ("io", "train", "report", "cluster")


def loaded(code):
  """Modules that a fresh interpreter has after some code."""
  found = subprocess.run(
    [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
    capture_output=True,
    text=True,
    check=True,
    cwd=ROOT,
  )
  modules = found.stdout.split()
  return {*modules, *(name.split(".")[0] for name in modules)}


def requirements(*sections):
  """Names of the distributions that setup.cfg asks for, in small letters."""
  setup = configparser.ConfigParser()
  setup.read(ROOT / "setup.cfg", "utf-8")
  extras = setup["options.extras_require"]
  text = {**extras, "": setup["options"]["install_requires"]}
  return {
    re.split(r"[><=]", line)[0].strip().lower()
    for section in sections or text
    for line in text[section].splitlines()
    if line and not line.startswith("jaxseg[")
  }


def imported(path):
  """(module, names) of every import of a file, nested ones too."""
  for node in ast.walk(ast.parse(path.read_text("utf-8"))):
    if isinstance(node, ast.Import):
      yield from ((alias.name, ()) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, f"{path}: imports are absolute"
      yield node.module, tuple(alias.name for alias in node.names)
    elif (
      isinstance(node, ast.Call)
      and ast.unparse(node.func).endswith(("_extras.load", "import_module"))
      and isinstance(node.args[0], ast.Constant)
    ):
      yield node.args[0].value, ()


def test_import_loads_nothing():
  assert not loaded("import jaxseg") & set(HEAVY)


def test_the_core_needs_few():
  found = loaded(
    "from jaxseg import contours, losses, metrics, structures, thresholds,"
    " volume"
  )
  assert not found & {"pydicom", "SimpleITK", "flax", "matplotlib", "torch"}


def test_a_table_is_written_without_what_draws():
  found = loaded("from jaxseg import report; report.write_csv, report.heading")
  assert not found & {"matplotlib", "jax"}


def test_losses_need_jax_alone():
  found = loaded("from jaxseg import losses; losses.dice")
  assert not found & {"scipy.ndimage", "optax", "tensorstore", "orbax"}


@pytest.mark.parametrize("name", PARTS)
def test_parts_load_when_they_are_used(name):
  part = getattr(jaxseg, name)
  for public in getattr(part, "__all__", ()):
    assert hasattr(part, public)
  assert name in dir(jaxseg)


def test_lists_name_each_thing_once_and_no_modules():
  for name in PARTS:
    part = getattr(jaxseg, name)
    public = getattr(part, "__all__", ())
    assert len(set(public)) == len(public), name
    for item in public:
      assert not isinstance(getattr(part, item), types.ModuleType)


def test_a_type_checker_reads_the_names_that_load():
  tree = ast.parse((ROOT / "jaxseg" / "__init__.py").read_text("utf-8"))
  block = next(
    node
    for node in tree.body
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
  )
  # `import x as x` says that x is meant to be used from here.
  names = [
    alias.asname
    for node in block.body
    for alias in node.names
    if alias.name == alias.asname
  ]
  assert sorted(names) == sorted(PARTS)


def test_an_unknown_part_is_an_attribute_error():
  with pytest.raises(AttributeError, match="no attribute 'segment'"):
    jaxseg.segment  # noqa: B018


def test_extras_load_what_is_there():
  assert _extras.load("json.decoder", extra="io").JSONDecoder


def test_a_missing_module_names_its_extra():
  with pytest.raises(errors.MissingExtraError) as e:
    _extras.load("no_such.decoder", extra="io")
  assert str(e.value) == "no_such is missing; pip install 'jaxseg[io]'"
  assert isinstance(e.value, errors.ConfigError)
  assert isinstance(e.value, ImportError)  # So that `try: import` goes on.


def test_a_module_that_lacks_another_is_another_fault(tmp_path, monkeypatch):
  (tmp_path / "halfway.py").write_text("import no_such")
  monkeypatch.syspath_prepend(tmp_path)
  with pytest.raises(ModuleNotFoundError) as e:
    _extras.load("halfway", extra="io")
  assert not isinstance(e.value, errors.MissingExtraError)


def test_constraints_pin_every_requirement():
  folder = ROOT / "third_party"
  pins = (folder / "constraints.txt").read_text("utf-8").lower()
  peers = (folder / "constraints-benchmarks.txt").read_text("utf-8").lower()
  for name in requirements():
    assert f"\n{name}==" in pins + peers, name
  for name in requirements() - requirements("benchmarks"):
    assert f"\n{name}==" in pins, name


def test_no_version_is_pinned_twice():
  names = [
    line.split("==")[0].lower()
    for file in ("constraints.txt", "constraints-benchmarks.txt")
    for line in (ROOT / "third_party" / file).read_text("utf-8").splitlines()
    if "==" in line
  ]
  assert len(set(names)) == len(names)


def test_extras_bring_what_is_imported_and_nothing_else():
  modules = {
    module.split(".")[0] for path in SOURCES for module, _ in imported(path)
  }
  homes = importlib.metadata.packages_distributions()
  used = {
    home.lower()
    for module in modules - set(sys.stdlib_module_names) - {"jaxseg"}
    for home in homes.get(module, [module])
  }
  assert used - PLUGINS == requirements("", *EXTRAS) - PLUGINS


@pytest.mark.parametrize("root", ["jaxseg", "experiments"])
def test_private_modules_stay_in_their_package(root):
  strange = []
  for path in sorted((ROOT / root).rglob("*.py")):
    package = path.relative_to(ROOT).parent.parts
    for module, names in imported(path):
      for name in names or ("",):
        parts = [*module.split("."), name]
        private = [k for k, p in enumerate(parts) if re.match(r"_[a-z]", p)]
        if parts[0] not in ("jaxseg", "experiments") or not private:
          continue
        if package[: private[0]] != tuple(parts[: private[0]]):
          strange.append(f"{path.relative_to(ROOT)} imports {'.'.join(parts)}")
  assert not strange


def test_the_files_that_go_first_are_there():
  assert [name for name in FIRST if not (ROOT / name).is_file()] == []
  assert len(set(FIRST)) == len(FIRST)


def test_no_file_tells_where_it_was_written():
  """Machine paths and registry hosts do not belong into a published file."""
  names = ("README.md", "BUILD.md", "CONTRIBUTING.md", "SECURITY.md")
  texts = [ROOT / name for name in names] + [ROOT / "setup.cfg"]
  for path in (*texts, *(ROOT / "third_party").glob("*.txt")):
    text = pathlib.Path(path).read_text("utf-8")
    assert not re.search(r"/(root|tmp|home)/|index-url", text), path.name
