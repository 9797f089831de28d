"""Convolution of an upsampled image, computed before the upsampling.

In `convolve(upsample_2x(x), kernel)` the nine pixels under a kernel are four
different ones. So each of the four places in a 2 x 2 square is a 2 x 2
convolution of `x` itself, whose kernel holds sums of the nine weights: four
products instead of nine. One convolution with four times the channels does all
four, and its channels are then laid out as squares.

References:
  Shi et al., Real-time super-resolution by sub-pixel convolution,
  arXiv:1609.05158; Odena et al., Deconvolution and checkerboard artifacts,
  Distill 2016, doi:10.23915/distill.00003.
"""

import jax
from jax import lax
import jax.numpy as jnp

_NHWC = ("NHWC", "HWIO", "NHWC")
_EDGE = ((0, 0), (1, 1), (1, 1), (0, 0))


def convolve_upsampled(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """3 x 3 convolution of `upsample_2x(x)`, padded with zeros.

  Args:
    x: `[N, H, W, input]`.
    kernel: `[3, 3, input, output]`.

  Returns:
    `[N, 2 H, 2 W, output]`, dtype of `x`; up to rounding what the two
    operations give one after the other.
  """
  return _squares(_convolve_2x2(x, _kernel_2x2(kernel)))


def _kernel_2x2(kernel: jax.Array) -> jax.Array:
  """The kernels of the four places, `[2, 2, input, 4 output]`.

  The window whose corner is pixel (i, j) serves the *lower right* place of
  that pixel and the upper left one of (i + 1, j + 1); it is numbered by the
  place it has in the square that these four form.
  """
  first, second, third = kernel
  upper = jnp.stack([first + second, third])  # Of a pixel's lower row.
  lower = jnp.stack([first, second + third])  # Of the next one's upper row.
  places = []
  for rows in (upper, lower):  # [2, 3, input, output]
    left, middle, right = (rows[:, k] for k in range(3))
    places.append(jnp.stack([left + middle, right], 1))
    places.append(jnp.stack([left, middle + right], 1))
  return jnp.concatenate(places, -1)


def _squares(y: jax.Array) -> jax.Array:
  """Lays channels out: `[N, H + 1, W + 1, 4 C]` -> `[N, 2 H, 2 W, C]`."""
  n, h, w, c = y.shape
  squares = y.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5)
  return squares.reshape(n, 2 * h, 2 * w, c // 4)[:, 1:-1, 1:-1]


@jax.custom_vjp
def _convolve_2x2(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """`[N, H, W, input]`, `[2, 2, input, output]` -> `[N, H + 1, W + 1, output]`.

  Its own gradient rule is that of `_fast.convolve`, for the same reason.
  """
  return _convolve(x, kernel, 1)


def _forward(x: jax.Array, kernel: jax.Array):
  return _convolve(x, kernel, 1), (x, kernel)


def _backward(saved: tuple[jax.Array, jax.Array], change: jax.Array):
  x, kernel = saved
  mirrored = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
  # Padded beforehand: padded by the convolution, of which it would be more than
  # the kernel has pixels, XLA takes a loop that is a hundred times slower.
  kernel_change = _convolve(
    jnp.pad(x, _EDGE).transpose(3, 1, 2, 0), change.transpose(1, 2, 0, 3), 0
  )
  return _convolve(change, mirrored, 0), kernel_change.transpose(1, 2, 0, 3)


_convolve_2x2.defvjp(_forward, _backward)


def _convolve(x: jax.Array, kernel: jax.Array, edge: int) -> jax.Array:
  pad = ((edge, edge), (edge, edge))
  return lax.conv_general_dilated(
    x, kernel, (1, 1), pad, dimension_numbers=_NHWC
  )
