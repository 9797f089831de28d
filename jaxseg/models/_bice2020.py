"""The network of the paper's authors, as far as their public code tells."""

from collections.abc import Callable
import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxseg import errors
from jaxseg.models import _fast
from jaxseg.models import _layers

# Where the network can drop channels; the first three have one channel.
DROPOUT_AT = ("image", "stretch", "last", "rest")


class Bice2020UNet(nn.Module):
  """The small U-Net of the threshold study's authors, for any image size.

  Level k has 2**(f + k) channels. Its peculiarities are kept, since they may
  cause a correlation that is found with this network:

  - A skip is the *input* of its level; the finest one is the image itself.
  - There is no convolution below the last pooling.
  - Normalisation comes after activation and dropout.
  - Three tensors of one channel lose it by dropout and meet batch norm right
    after, so that the running averages include dropped images, which inference
    never sees: the image in the first block, the last upsampled map, and the
    logits themselves. `dropout_at` switches dropout at each of these places,
    `final_norm` the batch norm that gives the logits.

  Pooling halves and rounds down. An unpadded transposed convolution takes n
  pixels to 2 n + 1, at least as many as were pooled; these are cropped to the
  skip (an odd pixel goes at the far side). So logits have the images' size:
  300 -> 150, 75, 37, 18 -> 37, 75, 151 cut to 150, 301 cut to 300.

  Attributes:
    num_structures: Output channels; the authors' networks have one.
    depth: Number of poolings; each side of an image is at least 2**depth.
    f: Binary logarithm of the finest level's channels.
    dropout: Share of channels dropped in training, going down and in the
      final block (random stream "dropout").
    dropout_at: Places of dropout, names separated by commas, or "none": "image"
      (the image branch of the first block), "stretch" (the last upsampled
      map), "last" (the logits), "rest" (all others, of several channels). What
      one place drops does not depend on the others.
    final_norm: Whether batch norm gives the logits. Without it the activation
      before it is left out too, since it would hold the logits above 0.
    dtype: Dtype of the convolutions; parameters, statistics and logits are
      float32.

  Raises:
    ConfigError: An attribute has a value that cannot work.

  References:
    Bice et al., J Appl Clin Med Phys 2021;22(8):105-119,
    doi:10.1002/acm2.13331.
  """

  num_structures: int = 1
  depth: int = 4
  f: int = 3
  dropout: float = 0.2
  dropout_at: str = ",".join(DROPOUT_AT)
  final_norm: bool = True
  dtype: Any = jnp.float32

  def __post_init__(self) -> None:
    super().__post_init__()
    _layers.check_attributes("bice2020", self, num_structures=1, depth=1, f=0)
    unknown = set(self._places()) - set(DROPOUT_AT)
    if unknown:
      raise errors.ConfigError(
        f"bice2020: dropout_at is {self.dropout_at!r}; give none, or some of"
        f" {','.join(DROPOUT_AT)}"
      )

  def _places(self) -> tuple[str, ...]:
    return () if self.dropout_at == "none" else (*self.dropout_at.split(","),)

  def _rate(self, place: str) -> float:
    """The rate at one of the places.

    A rate of 0 leaves the layer in its place: Flax numbers the layers, and
    their random numbers follow from it.
    """
    return self.dropout if place in self._places() else 0.0

  @nn.compact
  def __call__(self, images: jax.Array, *, train: bool = False) -> jax.Array:
    """Computes the logits of images.

    Args:
      images: Windowed images, float, `[N, H, W, 1]`.
      train: Whether dropout is on and batch norm uses the batch's moments.

    Returns:
      Logits, float32, `[N, H, W, C]`.

    Raises:
      TypeError: The images are not floating point.
      ValueError: The images lack an axis, or a side is shorter than 2**depth.
    """
    _layers.check_images(images)
    _check_sides(images.shape, 2**self.depth)
    image = images.astype(self.dtype)
    skips, x = [], image
    for k in range(self.depth):
      skips.append(x)
      width = 2 ** (self.f + k)
      rest = self._rate("rest")
      rates = (rest if k else self._rate("image"), rest)
      x = _Block(width, rates, self.dtype, name=f"down_{k}")(x, train)
      x = _fast.max_pool_2x2(x)
    for k in reversed(range(1, self.depth)):
      width = 2 ** (self.f + k - 1)
      x = _up(width, self.dtype, f"stretch_{k}")(x)
      x = _layers.Norm("batch", name=f"norm_{k}")(x, train=train)
      x = jnp.concatenate([skips[k], _crop(x, skips[k].shape)], axis=-1)
      x = _Block(width, (0.0, 0.0), self.dtype, name=f"up_{k}")(x, train)
    return self._final(x, image, train).astype(jnp.float32)

  def _final(self, x: jax.Array, image: jax.Array, train: bool) -> jax.Array:
    x = _up(self.num_structures, self.dtype, "stretch_0")(x)
    x = _drop(self._rate("stretch"), train)(x)
    x = _layers.Norm("batch", name="norm_0")(x, train=train)
    x = jnp.concatenate([image, _crop(x, image.shape)], axis=-1)
    return _Block(
      self.num_structures,
      (self._rate("rest"), self._rate("last")),
      self.dtype,
      last_norm=self.final_norm,
      name="logits",
    )(x, train)


class _Block(nn.Module):
  """Twice: convolution, leaky ReLU, channel dropout, batch norm."""

  width: int
  dropout: tuple[float, float]
  dtype: Any
  last_norm: bool = True

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Maps `[N, H, W, channel]` to `[N, H, W, width]`."""
    x = nn.leaky_relu(_conv(x.shape[-1], x, self.dtype, "conv_0"))
    x = _drop(self.dropout[0], train)(x)
    x = _layers.Norm("batch", name="norm_0")(x, train=train)
    x = _conv(self.width, x, self.dtype, "conv_1")
    if self.last_norm:
      x = nn.leaky_relu(x)
    x = _drop(self.dropout[1], train)(x)
    if self.last_norm:
      x = _layers.Norm("batch", name="norm_1")(x, train=train)
    return x


def _conv(width: int, x: jax.Array, dtype: Any, name: str) -> jax.Array:
  init = _uniform(9 * x.shape[-1])
  return _layers.Conv3x3(
    width, dtype=dtype, kernel_init=init, bias_init=init, name=name
  )(x)


def _up(width: int, dtype: Any, name: str) -> nn.Module:
  # PyTorch counts a transposed kernel's outputs as its inputs.
  init = _uniform(9 * width)
  return nn.ConvTranspose(
    width,
    (3, 3),
    (2, 2),
    padding="VALID",
    dtype=dtype,
    kernel_init=init,
    bias_init=init,
    name=name,
  )


def _drop(rate: float, train: bool) -> Callable[[jax.Array], jax.Array]:
  """Dropout of whole channels of an image."""
  return nn.Dropout(rate, broadcast_dims=(1, 2), deterministic=not train)


def _uniform(fan_in: int) -> Callable[..., jax.Array]:
  """Initial weights and biases as PyTorch, the authors' framework, draws."""
  bound = 1 / math.sqrt(fan_in)

  def init(key: jax.Array, shape: Any, dtype: Any = jnp.float32) -> jax.Array:
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return init


def _crop(x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """The middle of `x`, of the rows and columns of `shape`."""
  top, left = ((x.shape[k] - shape[k]) // 2 for k in (1, 2))
  return x[:, top : top + shape[1], left : left + shape[2]]


def _check_sides(shape: tuple[int, ...], least: int) -> None:
  if any(side < least for side in shape[1:3]):
    raise ValueError(
      f"images {shape[1:3]} have a side below {least}; pad the images, or"
      " take a network of less depth"
    )
