"""What the README shows works as printed."""

import contextlib
import io
import re

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(
  r"```python\n(.*?)```(?:\nprints\n```\n(.*?)```)?", README, re.S
)
TEXTS = ("README.md", "BUILD.md", "CONTRIBUTING.md", "SECURITY.md")
MODEL = 4  # The example that needs a trained model.


def run(number):
  code, printed = BLOCKS[number]
  out = io.StringIO()
  space = {}
  with contextlib.redirect_stdout(out):
    exec(compile(code, f"README example {number}", "exec"), space)
  if printed:
    assert out.getvalue() == printed
  return space


def test_there_are_examples():
  prints = [bool(printed) for _, printed in BLOCKS]
  assert prints == [True, False, True, True, False]


@pytest.mark.parametrize("number", range(MODEL))
def test_examples_run_as_printed(number, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  run(number)


@pytest.mark.slow
def test_the_example_of_a_model_runs(tmp_path, monkeypatch):
  from jaxseg import cli
  from jaxseg import dicom

  monkeypatch.chdir(tmp_path)
  command = (
    "train --structure=parotid_left --patients=10 --grid=48 --size=32"
    " --base=8 --epochs=1 --steps_per_epoch=2 --allow_crop"
    " --output=runs/phantom"
  )
  assert cli.main(command.split()) == 0
  space = run(MODEL)
  assert space["maps"].array.dtype == "float32"
  assert space["mask"].array.shape == space["ct"].shape
  written = dicom.read_rtstruct("parotid.dcm").mask("parotid_left", space["ct"])
  assert (written.array == space["mask"].array).all()


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_pictures_exist(name):
  text = (ROOT / name).read_text("utf-8")
  for target in re.findall(r"\]\(([^)#]+)\)", text):
    if not target.startswith("http"):
      assert (ROOT / target).exists(), target


@pytest.mark.parametrize("name", TEXTS)
def test_make_targets_named_exist(name):
  makefile = (ROOT / "Makefile").read_text("utf-8")
  targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
  text = (ROOT / name).read_text("utf-8")
  named = re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", text, flags=re.MULTILINE)
  assert {word for words in named for word in words.split()} <= targets


def test_commands_named_exist():
  from jaxseg import cli

  line = r"^(?:\.venv/bin/)?jaxseg ([a-z]+) (?:--|[A-Z]+$)"
  named = re.findall(line, README, flags=re.MULTILINE)
  row = re.search(r"\| `jaxseg` command, .*? \| (.*) \|", README)
  assert len(named) > 5 and row
  listed = re.findall(r"`(\w+)`", row[1])
  assert {*named, *listed} <= set(cli.COMMANDS)
  for name in listed:
    assert (ROOT / "experiments" / f"{name}.py").is_file(), name


def test_extras_named_exist():
  import configparser

  setup = configparser.ConfigParser()
  setup.read(ROOT / "setup.cfg", "utf-8")
  named = set(re.findall(r"pip install '?[.\w]*\[(\w+)\]", README))
  assert named == {"io", "train", "report", "all"}
  assert named <= set(setup["options.extras_require"])
