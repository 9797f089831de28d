"""Layers and checks that the networks share."""

from collections.abc import Iterator
import contextlib
import contextvars
from typing import Any

import flax.linen as nn
import jax
from jax import lax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.models import _fast

NORMS = ("none", "batch", "group")
_axis: contextvars.ContextVar[str | None] = contextvars.ContextVar(
  "axis", default=None
)


@contextlib.contextmanager
def batch_over(axis: str | None) -> Iterator[None]:
  """Batch norm's moments are those of the rows of all devices within.

  A setting of where a network is trained, and not of the network.

  Args:
    axis: As of the `jax.pmap` that the network is applied in; None for a batch
      that is whole.
  """
  token = _axis.set(axis)
  try:
    yield
  finally:
    _axis.reset(token)


class Conv3x3(nn.Module):
  """3 x 3 convolution, padded with zeros to the same size.

  Attributes:
    width: Output channels.
    use_bias: Whether a bias is added.
    dtype: Dtype of the convolution; the parameters are float32.
    kernel_init: Draws the kernel, `[3, 3, input, output]`.
    bias_init: Draws the bias, `[output]`.
  """

  width: int
  use_bias: bool = True
  dtype: Any = jnp.float32
  kernel_init: nn.initializers.Initializer = nn.initializers.he_normal()
  bias_init: nn.initializers.Initializer = nn.initializers.zeros

  @nn.compact
  def __call__(self, x: jax.Array, below: jax.Array | None = None) -> jax.Array:
    """Maps `[N, H, W, input]` to `[N, H, W, output]`.

    Args:
      x: Images.
      below: Further channels at half the rows and columns, `[N, H / 2, W / 2,
        channel]`; they follow those of `x`, repeated as 2 x 2 squares.
    """
    channels = x.shape[-1] + (0 if below is None else below.shape[-1])
    shape = (3, 3, channels, self.width)
    drawn = self.param("kernel", self.kernel_init, shape, jnp.float32)
    x, kernel = x.astype(self.dtype), drawn.astype(self.dtype)
    if below is None:
      y = _fast.convolve(x, kernel)
    else:
      y = _fast.convolve_joined(x, below.astype(self.dtype), kernel)
    if not self.use_bias:
      return y
    bias = self.param("bias", self.bias_init, (self.width,), jnp.float32)
    shift = jnp.broadcast_to(bias[None], (y.shape[0], self.width))
    # As a sum its gradient would be a slow reduction, see `_fast`.
    return _fast.scale_shift(y, jnp.ones_like(shift), shift)


class Norm(nn.Module):
  """Normalisation over groups of channels, or over the batch.

  Attributes:
    kind: "none", "batch" or "group": 8 groups of neighbouring channels, or
      the largest number below that divides them.
    momentum: Share of a running average that is kept at each batch.
    epsilon: Added to the variance.

  References:
    Ioffe and Szegedy, Batch Normalization, arXiv:1502.03167.
    Wu and He, Group Normalization, arXiv:1803.08494.
  """

  kind: str = "group"
  momentum: float = 0.9
  epsilon: float = 1e-5

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
    """Normalises `[N, H, W, channel]`."""
    if self.kind == "none":
      return x
    n, _, _, channels = x.shape
    scale = self.param("scale", nn.initializers.ones, (channels,), jnp.float32)
    bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
    if self.kind == "group":
      mean, variance = _group_moments(x)
    else:
      mean, variance = self._batch_moments(x, train)
    gain = lax.rsqrt(variance + self.epsilon) * scale[None]
    shift = bias[None] - mean * gain
    gain, shift = (jnp.broadcast_to(v, (n, channels)) for v in (gain, shift))
    return _fast.scale_shift(x, gain, shift)

  def _batch_moments(
    self, x: jax.Array, train: bool
  ) -> tuple[jax.Array, jax.Array]:
    """(mean, variance) `[1, channel]`; training updates the averages."""
    shape = (x.shape[-1],)
    old_mean = self.variable("batch_stats", "mean", jnp.zeros, shape)
    old_variance = self.variable("batch_stats", "var", jnp.ones, shape)
    if not train:
      return old_mean.value[None], old_variance.value[None]
    mean, square = (
      jnp.mean(v, 0, keepdims=True) for v in _fast.channel_moments(x)
    )
    axis = _axis.get()
    if axis is not None:  # All devices have equally many rows.
      mean, square = lax.pmean((mean, square), axis)
    variance = jnp.maximum(square - jnp.square(mean), 0)
    if not self.is_initializing():
      for old, new in ((old_mean, mean), (old_variance, variance)):
        kept = self.momentum * old.value
        old.value = kept + (1 - self.momentum) * new[0]
    return mean, variance


def _group_moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
  """(mean, variance) of each image and group, `[N, channel]`."""
  n, _, _, channels = x.shape
  groups = max(g for g in range(1, 9) if channels % g == 0)
  split = (n, groups, channels // groups)

  def by_group(v: jax.Array) -> jax.Array:
    v = jnp.mean(v.reshape(split), -1, keepdims=True)
    return jnp.broadcast_to(v, split).reshape(n, channels)

  mean, square = (by_group(v) for v in _fast.channel_moments(x))
  return mean, jnp.maximum(square - jnp.square(mean), 0)


def check_images(images: jax.Array) -> None:
  """Checks the images a network is given.

  Raises:
    TypeError: They are not floating point.
    ValueError: They are not `[N, H, W, channel]`.
  """
  checks.floating(images=images)
  if images.ndim != 4:
    raise ValueError(
      f"images have shape {images.shape}; give [N, H, W, channel]"
    )


def check_attributes(network: str, module: Any, **least: int) -> None:
  """Checks a network's dropout, and attributes against their least values.

  Raises:
    ConfigError: One is too small, or the dropout is not in [0, 1).
  """
  for name, low in least.items():
    if getattr(module, name) < low:
      raise errors.ConfigError(
        f"{network}: {name} is {getattr(module, name)}; give at least {low}"
      )
  if not 0 <= module.dropout < 1:
    raise errors.ConfigError(
      f"{network}: dropout is {module.dropout}; give 0 or more, below 1"
    )
