"""`import jaxseg` is cheap, and the core needs neither DICOM nor ITK."""

import subprocess
import sys

import pytest

import jaxseg
from tests.conftest import ROOT

HEAVY = ("jax", "numpy", "flax", "matplotlib", "SimpleITK", "tensorstore")


def loaded(code):
  """Modules that a fresh interpreter has after some code."""
  found = subprocess.run(
    [
      sys.executable,
      "-c",
      f"{code}\nimport sys\nprint(*sys.modules)",
    ],
    capture_output=True,
    text=True,
    check=True,
    cwd=ROOT,
  )
  modules = found.stdout.split()
  return {*modules, *(name.split(".")[0] for name in modules)}


def test_import_loads_nothing():
  assert not loaded("import jaxseg") & set(HEAVY)


def test_the_core_needs_few():
  found = loaded("from jaxseg import losses, metrics, thresholds")
  assert not found & {"pydicom", "SimpleITK", "flax", "matplotlib", "torch"}


def test_losses_need_jax_alone():
  found = loaded("from jaxseg import losses; losses.dice")
  assert not found & {"scipy.ndimage", "optax", "tensorstore", "orbax"}


@pytest.mark.parametrize("name", [n for n in jaxseg.__all__ if n[0] != "_"])
def test_parts_load_when_they_are_used(name):
  part = getattr(jaxseg, name)
  for public in getattr(part, "__all__", ()):
    assert hasattr(part, public)
  assert name in dir(jaxseg)


def test_lists_name_each_thing_once_and_no_modules():
  import types

  for name in jaxseg.__all__:
    part = getattr(jaxseg, name)
    public = getattr(part, "__all__", None)
    if name[0] == "_" or public is None:
      continue
    assert len(set(public)) == len(public), name
    for item in public:
      assert not isinstance(getattr(part, item), types.ModuleType)


def test_an_unknown_part_is_an_attribute_error():
  with pytest.raises(AttributeError, match="no attribute 'segment'"):
    jaxseg.segment  # noqa: B018


def test_constraints_pin_every_requirement():
  import configparser
  import re

  setup = configparser.ConfigParser()
  setup.read(ROOT / "setup.cfg")
  text = setup["options"]["install_requires"]
  text += "".join(setup["options.extras_require"].values())
  pins = (ROOT / "third_party" / "constraints.txt").read_text().lower()
  for line in filter(None, text.splitlines()):
    name = re.split(r"[><=]", line)[0].strip().lower()
    assert f"\n{name}==" in pins, name
