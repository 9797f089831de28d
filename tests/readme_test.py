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


def test_there_are_examples():
  assert len(BLOCKS) == 4
  assert [bool(printed) for _, printed in BLOCKS] == [True, False, True, True]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run_as_printed(number, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  code, printed = BLOCKS[number]
  out = io.StringIO()
  with contextlib.redirect_stdout(out):
    exec(compile(code, f"README example {number}", "exec"), {})
  if printed:
    assert out.getvalue() == printed


def test_links_and_pictures_exist():
  for target in re.findall(r"\]\(([^)#]+)\)", README):
    if not target.startswith("http"):
      assert (ROOT / target).exists(), target


def test_binaries_named_exist():
  for name in re.findall(r"-m experiments\.(\w+)", README):
    assert (ROOT / "experiments" / f"{name}.py").is_file()
