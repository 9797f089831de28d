"""StableHLO gives the numbers of the model, for any number of slices."""

import json

import jax
from jax import export as jax_export
import numpy as np
import pytest

import jaxseg
from jaxseg import deploy
from jaxseg import errors


@pytest.mark.slow
def test_it_is_the_model(deployed, tmp_path):
  pytest.importorskip("flatbuffers", reason="flatbuffers is not installed")
  model = jaxseg.load_model(deployed / "bundle", structure="oral_cavity")
  about = deploy.lower(model, tmp_path / "mouth", platforms=("cpu",))
  assert about["largest_difference"] < 1e-6
  said = json.loads((tmp_path / "mouth.json").read_text())
  assert said["input"]["shape"] == ["n", "32", "32"]
  assert said["threshold"] == model.threshold.threshold
  content = (tmp_path / "mouth.bin").read_bytes()
  program = jax_export.deserialize(bytearray(content))
  images = np.random.default_rng(1).integers(-1000, 1000, (5, 32, 32))
  images = images.astype(np.int16)
  maps = jax.jit(program.call)(images)
  np.testing.assert_allclose(maps, model.predict_prepared(images), atol=1e-6)
  # The program by itself, as other runtimes load it.
  assert (tmp_path / "mouth.mlirbc").read_bytes() == (
    program.mlir_module_serialized
  )


def test_an_unknown_platform_is_named(deployed, tmp_path):
  model = jaxseg.load_model(deployed / "bundle", structure="brain")
  with pytest.raises(errors.ConfigError, match="abacus"):
    deploy.lower(model, tmp_path / "x", platforms=("abacus",))
  assert not list(tmp_path.iterdir())
