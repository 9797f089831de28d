"""What a user's type checker says of calls of losses."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SNIPPET = """\
import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import losses

z = np.zeros((2, 8, 8, 3), np.float32)
t = np.zeros((2, 8, 8, 3), np.bool_)
numbers = np.zeros((2, 8, 8), np.int32)
a: jax.Array = losses.dice(z, t, smooth=jnp.float32(1.0), axis=(0, 1, 2))
a = losses.dice(z, t, smooth=(0.0, 1e-5), where=t, ignore=255, axis=1)
a = losses.tversky(jnp.asarray(z), t, fp_weight=np.float32(0.3))
a = losses.focal(z, t, gamma=jnp.ones(()), alpha=np.ones(3))
a = losses.softmax_focal(z, numbers, class_weights=np.ones(3))
a = losses.bce_dice(z, t, weight=jnp.ones(()))
a = losses.deep_supervision(losses.dice, [z, jnp.ones(3)], t, weights=[1, 0.5])
a = losses.deep_supervision(losses.dice, [z], t, weights=jnp.ones(1))
d: np.ndarray = losses.signed_distance(t[0, ..., 0], np.array([1.0, 2.0]))
a = losses.get("dice")(z, t)
"""


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_calls_that_work_are_typed(checker, tmp_path):
  found = shutil.which(checker, path=os.path.dirname(sys.executable))
  if found is None:
    pytest.skip(f"{checker} is not installed")
  (tmp_path / "snippet.py").write_text(SNIPPET)
  (tmp_path / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{ROOT}"]}}')
  options = {
    "mypy": ["--follow-imports=silent", "--ignore-missing-imports"],
    "pyright": ["--pythonpath", sys.executable],
  }
  run = subprocess.run(
    [found, *options[checker], "snippet.py"],
    cwd=tmp_path,
    env={**os.environ, "MYPYPATH": str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  assert run.returncode == 0, run.stdout + run.stderr
