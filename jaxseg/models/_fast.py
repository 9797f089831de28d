"""Forms of a network's operations that run fast on a CPU.

Every choice between platforms in the networks is made in this file. Each form
equals the plain one of Flax or lax in value and gradient, as the tests show.
Those with their own gradient rule have no forward-mode derivative.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
from jax import lax
import jax.numpy as jnp

from jaxseg.models import _upsampled


def compiler_options() -> dict[str, str]:
  """Options for `jax.jit(..., compiler_options=...)` of a network's functions.

  On a CPU they keep XLA from handing convolutions to its slower YNN library;
  other platforms have no such option.

  Returns:
    The options, {} on any platform but the CPU, and where XLA has none such.
  """
  if not _on_cpu():
    return {}
  return _known("xla_cpu_experimental_ynn_fusion_type", "")


@functools.cache
def _known(name: str, value: str | bool) -> dict[str, Any]:
  """The option, if this version of XLA has it; others refuse to compile."""
  option = {name: value}
  try:
    jax.jit(lambda: 0, compiler_options=option)()
  except jax.errors.JaxRuntimeError:
    return {}
  return option


def init_options() -> dict[str, Any]:
  """Options for the `jax.jit` of a network's `init`, which runs once.

  On a CPU, XLA takes many times longer to optimise the random draws of some
  twenty arrays than the unoptimised draws take to run. Its fusion emitters take
  40 % of what is left; without them the draws have the same bits.

  Returns:
    The options, {} on any platform but the CPU.
  """
  if not _on_cpu():
    return {}
  return {
    "xla_backend_optimization_level": "0",
    **_known("xla_cpu_use_fusion_emitters", False),
  }


def max_pool_2x2(x: jax.Array) -> jax.Array:
  """Maxima of 2 x 2 windows; an odd last row or column is left out.

  Where several pixels hold the maximum, the first in reading order gets the
  gradient.

  Args:
    x: Channels last, `[N, H, W, channel]`.

  Returns:
    `[N, H // 2, W // 2, channel]`, dtype of `x`.
  """
  if not _on_cpu():
    return nn.max_pool(x, (2, 2), (2, 2))
  n, h, w, c = x.shape
  x = x[:, : h // 2 * 2, : w // 2 * 2]
  windows = x.reshape(n, h // 2, 2, w // 2, 2, c)
  upper = _first_max(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1])
  lower = _first_max(windows[:, :, 1, :, 0], windows[:, :, 1, :, 1])
  return _first_max(upper, lower)


def upsample_2x(x: jax.Array) -> jax.Array:
  """Repeats each pixel as a 2 x 2 square.

  Args:
    x: Channels last, `[N, H, W, channel]`.

  Returns:
    `[N, 2 H, 2 W, channel]`, dtype of `x`.
  """
  n, h, w, c = x.shape
  squares = jnp.broadcast_to(x[:, :, None, :, None], (n, h, 2, w, 2, c))
  return squares.reshape(n, 2 * h, 2 * w, c)


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """3 x 3 convolution, padded with zeros to the same size.

  Args:
    x: `[N, H, W, input]`.
    kernel: `[3, 3, input, output]`.

  Returns:
    `[N, H, W, output]`, dtype of `x`.
  """
  return _convolve_cpu(x, kernel) if _on_cpu() else _convolve(x, kernel)


def convolve_joined(
  skip: jax.Array, below: jax.Array, kernel: jax.Array
) -> jax.Array:
  """`convolve` of two images' channels together, the second upsampled.

  Args:
    skip: `[N, 2 H, 2 W, a]`.
    below: `[N, H, W, b]`.
    kernel: `[3, 3, a + b, output]`.

  Returns:
    `[N, 2 H, 2 W, output]`, dtype of `skip`.
  """
  if not _on_cpu():
    return convolve(jnp.concatenate([skip, upsample_2x(below)], -1), kernel)
  mine, theirs = jnp.split(kernel, [skip.shape[-1]], axis=2)
  upsampled = _upsampled.convolve_upsampled(below, theirs)
  return convolve(skip, mine) + upsampled


@jax.custom_vjp
def channel_moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Means over the pixels of each image.

  Args:
    x: `[N, H, W, channel]`.

  Returns:
    (mean, mean square), `[N, channel]`, float32 or wider.
  """
  pixels = x.shape[1] * x.shape[2]
  wide = _widen(x)
  total, square = _channel_sum(wide), _channel_sum(jnp.square(wide))
  return total / pixels, square / pixels


def _moments_forward(x: jax.Array) -> tuple[Any, jax.Array]:
  return channel_moments(x), x


def _moments_backward(x: jax.Array, change: Any) -> tuple[jax.Array]:
  pixels = x.shape[1] * x.shape[2]
  mean, square = (c[:, None, None] / pixels for c in change)
  return ((mean + 2 * square * _widen(x)).astype(x.dtype),)


channel_moments.defvjp(_moments_forward, _moments_backward)


@jax.custom_vjp
def scale_shift(x: jax.Array, gain: jax.Array, shift: jax.Array) -> jax.Array:
  """Multiplies each channel by a gain and adds a shift.

  Args:
    x: `[N, H, W, channel]`.
    gain: `[N, channel]`, float32 or wider.
    shift: Same shape as `gain`.

  Returns:
    Shape and dtype of `x`.
  """
  y = _widen(x) * gain[:, None, None] + shift[:, None, None]
  return y.astype(x.dtype)


def _scale_forward(
  x: jax.Array, gain: jax.Array, shift: jax.Array
) -> tuple[jax.Array, Any]:
  return scale_shift(x, gain, shift), (x, gain)


def _scale_backward(saved: Any, change: jax.Array) -> tuple[jax.Array, ...]:
  x, gain = saved
  wide = _widen(change)
  return (
    (wide * gain[:, None, None]).astype(x.dtype),
    _channel_sum(wide * _widen(x)),
    _channel_sum(wide),
  )


scale_shift.defvjp(_scale_forward, _scale_backward)


def _on_cpu() -> bool:
  return jax.default_backend() == "cpu"


def _widen(x: jax.Array) -> jax.Array:
  return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _first_max(a: jax.Array, b: jax.Array) -> jax.Array:
  # Not jnp.maximum, which shares a tie's gradient. NaN wins, as in lax.max.
  return jnp.where((a >= b) | jnp.isnan(a), a, b)


def _channel_sum(x: jax.Array) -> jax.Array:
  """Sums over rows and columns, `[N, H, W, channel]` -> `[N, channel]`."""
  if not _on_cpu():
    return jnp.sum(x, (1, 2))
  # As a product with ones: XLA cuts long sums into windows, several passes.
  n, h, w, c = x.shape
  ones = jnp.ones((n, h * w), x.dtype)
  return lax.dot_general(
    ones, x.reshape(n, h * w, c), (((1,), (1,)), ((0,), (0,)))
  )


def _convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
  return lax.conv_general_dilated(
    x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
  )


@jax.custom_vjp
def _convolve_cpu(x: jax.Array, kernel: jax.Array) -> jax.Array:
  return _convolve(x, kernel)


def _convolve_forward(
  x: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
  return _convolve(x, kernel), (x, kernel)


def _convolve_backward(
  saved: tuple[jax.Array, jax.Array], change: jax.Array
) -> tuple[jax.Array, jax.Array]:
  x, kernel = saved
  mirrored = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
  # The kernel's gradient is a convolution of the images with the change, the
  # batch in the place of the channels. Left to itself, XLA runs it in that odd
  # layout: slower, and many times slower inside lax.scan.
  kernel_change = lax.conv_general_dilated(
    x.transpose(3, 1, 2, 0),
    change.transpose(1, 2, 0, 3),
    (1, 1),
    ((1, 1), (1, 1)),
    dimension_numbers=("NHWC", "HWIO", "NHWC"),
  )
  return _convolve(change, mirrored), kernel_change.transpose(1, 2, 0, 3)


_convolve_cpu.defvjp(_convolve_forward, _convolve_backward)
