"""The fast forms against the plain ones, in value and gradient."""

import flax.linen as nn
import jax
from jax import lax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.models import _fast
from tests.quick import jit


def draw(*shape, seed=0, dtype=jnp.float32):
  values = np.random.default_rng(seed).normal(0.3, 1, shape)
  return jnp.asarray(values, dtype)


def value_and_gradients(function, *arguments):
  """The output, and gradients for a fixed random change of it."""

  def both(*arguments):
    output, backward = jax.vjp(function, *arguments)
    leaves, tree = jax.tree.flatten(output)
    change = [
      draw(*x.shape, seed=9 + k).astype(x.dtype) for k, x in enumerate(leaves)
    ]
    return output, backward(tree.unflatten(change))

  return jax.tree.leaves(jit(both)(*arguments))


def assert_same(fast, plain, *arguments, rtol=2e-5):
  pairs = zip(
    value_and_gradients(fast, *arguments),
    value_and_gradients(plain, *arguments),
    strict=True,
  )
  for a, b in pairs:
    assert a.dtype == b.dtype
    scale = float(jnp.max(jnp.abs(b)))
    np.testing.assert_allclose(
      np.asarray(a, np.float32),
      np.asarray(b, np.float32),
      rtol=0,
      atol=rtol * scale,
    )


def plain_pool(x):
  return nn.max_pool(x, (2, 2), (2, 2))


@pytest.mark.parametrize("shape", [(2, 6, 4, 3), (1, 7, 5, 2)])
def test_max_pool_is_flaxs(shape):
  assert_same(_fast.max_pool_2x2, plain_pool, draw(*shape), rtol=0)


def test_max_pool_is_flaxs_with_ties():
  # Whole numbers from 0 to 2: most windows have several maxima, as after ReLU.
  x = jnp.floor(jnp.abs(draw(2, 16, 16, 3)))
  assert_same(_fast.max_pool_2x2, plain_pool, x, rtol=0)


def test_max_pool_gives_a_ties_gradient_to_the_first():
  gradient = jax.grad(lambda x: _fast.max_pool_2x2(x).sum())
  x = jnp.asarray([[0.0, 5.0], [5.0, 5.0]])[None, :, :, None]
  assert gradient(x)[0, :, :, 0].tolist() == [[0, 1], [0, 0]]
  assert gradient(x * 0)[0, :, :, 0].tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("position", range(4))
def test_max_pool_shows_a_nan(position):
  x = jnp.zeros(4).at[position].set(jnp.nan).reshape(1, 2, 2, 1)
  assert jnp.isnan(_fast.max_pool_2x2(x)).all()


def test_upsample_repeats():
  def plain(x):
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)

  assert_same(_fast.upsample_2x, plain, draw(2, 3, 5, 4), rtol=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 2)])
def test_convolution_is_laxs(size):
  x, kernel = draw(3, *size, 4), draw(3, 3, 4, 6, seed=1)
  assert_same(_fast.convolve, _fast._convolve, x, kernel)


def test_convolution_keeps_bfloat16():
  x = draw(2, 4, 4, 2, dtype=jnp.bfloat16)
  kernel = draw(3, 3, 2, 2, seed=1, dtype=jnp.bfloat16)
  values = value_and_gradients(_fast.convolve, x, kernel)
  assert {v.dtype for v in values} == {jnp.dtype(jnp.bfloat16)}


def plain_moments(x):
  wide = x.astype(jnp.float32)
  return jnp.mean(wide, (1, 2)), jnp.mean(wide**2, (1, 2))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_moments_are_means(dtype):
  x = draw(3, 7, 6, 4, dtype=dtype)
  rtol = 2e-6 if dtype == jnp.float32 else 1e-2
  assert_same(_fast.channel_moments, plain_moments, x, rtol=rtol)


def test_moments_of_bfloat16_are_float32():
  # 4096 ones: a bfloat16 sum would stop growing at 256.
  x = jnp.ones((1, 64, 64, 1), jnp.bfloat16)
  mean, square = _fast.channel_moments(x)
  assert mean.dtype == square.dtype == jnp.float32
  assert mean == square == 1


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_scale_and_shift_is_a_multiply_add(dtype):
  def plain(x, gain, shift):
    y = x.astype(jnp.float32) * gain[:, None, None] + shift[:, None, None]
    return y.astype(x.dtype)

  x = draw(3, 5, 6, 4, dtype=dtype)
  gain, shift = draw(3, 4, seed=1), draw(3, 4, seed=2)
  rtol = 2e-6 if dtype == jnp.float32 else 1e-2
  assert_same(_fast.scale_shift, plain, x, gain, shift, rtol=rtol)


def test_other_platforms_take_the_plain_forms(monkeypatch):
  monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
  assert _fast.compiler_options() == _fast.init_options() == {}
  x, kernel = draw(2, 6, 6, 2), draw(3, 3, 2, 3, seed=1)
  program = str(jax.make_jaxpr(_fast.max_pool_2x2)(x))
  assert "reduce_window_max" in program
  assert "dot_general" not in str(jax.make_jaxpr(_fast.channel_moments)(x))
  assert "custom_vjp" not in str(jax.make_jaxpr(_fast.convolve)(x, kernel))


def test_compiler_options_are_known_to_xla():
  for options in (_fast.compiler_options(), _fast.init_options()):
    assert options
    assert jax.jit(lambda x: x + 1, compiler_options=options)(1) == 2
  assert _fast._known("xla_no_such_option", "1") == {}


def test_a_scan_over_convolutions_has_the_loops_gradient():
  x, kernel = draw(2, 8, 8, 2), draw(3, 3, 2, 2, seed=1) / 9

  def scanned(kernel):
    def one(x, _):
      return _fast.convolve(x, kernel), None

    return lax.scan(one, x, None, length=3)[0]

  def unrolled(kernel):
    y = x
    for _ in range(3):
      y = _fast._convolve(y, kernel)
    return y

  assert_same(scanned, unrolled, kernel)
