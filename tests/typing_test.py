"""What a user's type checker says of jaxseg."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import kept_folder
from tests.conftest import ROOT

SNIPPET = """\
import jaxseg
from jaxseg import losses
from jaxseg.thresholds import count, count_case, curve, grid
import numpy as np

p = np.random.default_rng(0).random((4, 5, 6), np.float32)
counts = count(p, p > 0.5, grid(101))
reveal_type(counts)
reveal_type(curve(counts))
reveal_type(curve(count_case(counts.positive, p > 0.5, grid(101))))
reveal_type(losses.dice)
reveal_type(jaxseg.thresholds.optimum)
reveal_type(jaxseg.load_model)
reveal_type(jaxseg.Model.predict)
jaxseg.segment
"""
EXPECTED = (
  r"Counts\[.*Array\]",
  r"\"(jax\.)?(_src.*)?Array\"",
  r"ndarray",
  r"\(logits: .*Array.*, labels: .*Array.*, \*, .*\) -> .*Array",
  r"\(counts: .*Counts.*, \*, criterion: str.*\) -> .*Optimum",
  r"\(path.*\) -> .*Model",
  r"\(self: .*Model, volume: .*Volume.*\) -> .*Volume",
  r"[\"']?segment[\"']? is not a known|has no attribute .segment.",
)


def examples():
  """The README's examples, one file; what is untyped in them is no matter."""
  text = (ROOT / "README.md").read_text("utf-8")
  return re.findall(r"```python\n(.*?)```", text, re.S)


def check(command, folder):
  """Lines that a checker says of the files in a folder."""
  found = subprocess.run(
    command,
    cwd=folder,
    env={**os.environ, "MYPYPATH": str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  return [*found.stdout.splitlines(), *found.stderr.splitlines()]


@pytest.mark.slow
def test_mypy_sees_types(tmp_path):
  pytest.importorskip("mypy")
  (tmp_path / "snippet.py").write_text(SNIPPET)
  for number, code in enumerate(examples()):
    (tmp_path / f"example_{number}.py").write_text(code)
  lines = check(
    [
      sys.executable,
      "-m",
      "mypy",
      "--follow-imports=silent",
      "--ignore-missing-imports",
      f"--cache-dir={kept_folder('mypy') or tmp_path}",
      *sorted(path.name for path in tmp_path.glob("*.py")),
    ],
    tmp_path,
  )
  said = [line for line in lines if line.startswith("snippet.py")]
  assert len(said) == len(EXPECTED), lines
  for line, expected in zip(said, EXPECTED, strict=True):
    assert re.search(expected, line), line
  assert not [line for line in lines if line.startswith("example_")]


@pytest.mark.slow
def test_pyright_sees_types(tmp_path):
  pyright = shutil.which("pyright", path=os.path.dirname(sys.executable))
  if pyright is None:
    pytest.skip("pyright is not installed")
  (tmp_path / "snippet.py").write_text(SNIPPET)
  (tmp_path / "pyrightconfig.json").write_text(
    f'{{"extraPaths": ["{ROOT}"], "reportUnusedExpression": false}}'
  )
  lines = check(
    [pyright, "--pythonpath", sys.executable, "snippet.py"], tmp_path
  )
  said = [line for line in lines if "snippet.py:" in line]
  assert len(said) == len(EXPECTED), lines
  for line, expected in zip(said, EXPECTED, strict=True):
    assert re.search(expected, line), line
