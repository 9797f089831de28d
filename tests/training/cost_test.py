"""What a step costs, as XLA counts it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import training
from jaxseg.training import _cost
from tests import tiny


class Notes(training.Silent):
  def __init__(self):
    self.notes = []

  def note(self, text):
    self.notes.append(text)


def test_a_product_costs_what_it_says_and_compiles_once():
  traced = []

  @jax.jit
  def product(a, b):
    traced.append(1)
    return a @ b

  a, b = jnp.ones((8, 16)), jnp.ones((16, 4))
  assert _cost.cost(product, a, b).flop == 2 * 8 * 16 * 4
  product(a, b)
  assert traced == [1]


def test_peaks_are_by_kind_and_dtype():
  assert _cost.peak("TPU v5 lite", "bfloat16") == 197e12
  assert _cost.peak("TPU v5p") == 459e12
  assert _cost.peak("NVIDIA A100-SXM4-80GB") == 156e12
  assert _cost.peak("NVIDIA H100 80GB HBM3", "bfloat16") == 989e12
  assert _cost.peak("NVIDIA H100 PCIe") == 378e12
  assert _cost.peak("NVIDIA H200 NVL") == 417e12
  assert _cost.peak("NVIDIA A10", "bfloat16") == 125e12
  assert _cost.peak("Tesla V100-SXM2-16GB") == 15.7e12
  assert _cost.peak("Tesla T4") == 8.1e12
  assert _cost.peak("TPU v2") == 23e12
  assert _cost.peak("TPU v6e") == _cost.peak("TPU v6 lite") == 918e12
  for kind in (
    "cpu",
    "NVIDIA L40S",
    "NVIDIA A10G",
    "Tesla V100-FHHL-16GB",
    "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    "NVIDIA H100 80GB HBM2e",
    "TPU v4 lite",
  ):
    assert _cost.peak(kind) is None
  assert _cost.peak("Tesla T4", "bfloat16") is None  # It has no such units.


def test_an_unknown_peak_is_said(monkeypatch):
  class Device:
    device_kind, platform = "NVIDIA X1", "gpu"

  monkeypatch.setattr(_cost.jax, "devices", lambda: [Device()])
  notes = Notes()
  told = _cost._Told(notes, tiny.config())
  told.begin(_cost.Cost(1e9, 1e9))
  told.epoch({"slices_per_s": 100.0})
  assert len(notes.notes) == 2
  assert "no peak of a NVIDIA X1 in float32" in notes.notes[1]


def test_a_training_says_what_a_step_costs(monkeypatch):
  monkeypatch.setattr(_cost, "peak", lambda *_: 1e12)
  notes = Notes()
  config = tiny.config(network={"name": "unet", "base": 2, "blocks": 1})
  compiled, reporter = _cost.watch(training.functions(config), notes, config)
  images = np.zeros((config.batch, 32, 32), np.int16)
  state = compiled.init(np.uint32(0), images)
  for _ in range(2):
    state, _ = compiled.step(
      state, images, images.astype(np.uint8), np.float32(0), np.float32(0.5)
    )
  reporter.epoch({"slices_per_s": 100.0})
  assert len(notes.notes) == 2
  assert "GFLOP" in notes.notes[0] and "TFLOP/s" in notes.notes[1]
  # Resumed after the last step of its epoch it made none, and has no speed.
  reporter.epoch({"slices_per_s": 0.0})
  assert len(notes.notes) == 2


@pytest.mark.parametrize(
  "dtype", [pytest.param("float32", marks=pytest.mark.slow), "bfloat16"]
)
def test_losses_parameters_and_moments_are_float32(dtype):
  config = tiny.config(network={**tiny.NETWORK, "dtype": dtype})
  compiled = training.functions(config)
  images = jax.ShapeDtypeStruct((8, 32, 32), np.int16)
  labels = jax.ShapeDtypeStruct((8, 32, 32), np.uint8)
  number = jax.ShapeDtypeStruct((), np.float32)
  state = jax.eval_shape(compiled.init, np.uint32(0), images)
  new, loss = jax.eval_shape(
    compiled.step, state, images, labels, number, number
  )
  assert loss.dtype == np.float32
  leaves = jax.tree.leaves((new.params, new.opt_state.mu, new.opt_state.nu))
  assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}
