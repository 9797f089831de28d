"""The default network: a small 2D U-Net."""

from collections.abc import Mapping
import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.models import _fast
from jaxseg.models import _layers

# Where the coarser logits of deep supervision are; Flax leaves a collection of
# this name out of the variables that `init` gives.
COARSE = "intermediates"


class ConvBlock(nn.Module):
  """Twice: 3 x 3 convolution, normalisation, ReLU.

  Attributes:
    width: Channels of both convolutions.
    norm: Kind of normalisation; the convolutions have a bias only without one.
    dropout: Share of channels dropped between the two, in training.
    dtype: Dtype of the convolutions.
  """

  width: int
  norm: str
  dropout: float
  dtype: Any

  @nn.compact
  def __call__(
    self, x: jax.Array, below: jax.Array | None, train: bool
  ) -> jax.Array:
    """Maps `[N, H, W, channel]` to `[N, H, W, width]`; `below`: `Conv3x3`."""
    for k in range(2):
      x = _layers.Conv3x3(
        self.width, self.norm == "none", self.dtype, name=f"conv_{k}"
      )(x, None if k else below)
      x = nn.relu(_layers.Norm(self.norm, name=f"norm_{k}")(x, train=train))
      if k == 0 and self.dropout > 0:
        # Whole channels: neighbouring pixels repeat each other.
        drop = nn.Dropout(self.dropout, broadcast_dims=(1, 2))
        x = drop(x, deterministic=not train)
    return x


class UNet(nn.Module):
  """2D U-Net, padded, so that the logits have the size of the images.

  Level k of `blocks` has base * 2**k channels. Down: 2 x 2 max pooling. Up: a
  1 x 1 convolution halves the channels, then each pixel is repeated as a 2 x 2
  square; the other order gives the same at four times the work.

  Attributes:
    num_structures: Output channels, one logit for each structure.
    base: Channels of the finest level.
    blocks: Levels; each side of an image is a multiple of 2**(blocks - 1).
    norm: "none", "batch" (collection "batch_stats") or "group".
    dropout: Share of channels dropped in each block in training (random
      stream "dropout").
    dtype: Dtype of the convolutions; parameters, statistics and logits are
      float32.
    prior: Probability that the untrained network gives every pixel; best
      about the structure's share of them. From 0.5 the first hundred steps
      would only learn that most pixels are background.
    slices: Channels of the images: a slice between its neighbours, an odd
      number of them; 1 is the slice alone.
    deep_supervision: How many levels above the finest give logits of their own
      in training, in the collection `COARSE`; 0 is none.
    remat: Whether training computes what lies inside each block a second time
      on the way back, instead of keeping it: of base 16 at 96 x 96, 53 MB for
      243 and 44 GFLOP for 33, the same numbers but for rounding. XLA for CPUs
      takes the second computation out again, so that nothing changes there.

  Raises:
    ConfigError: An attribute has a value that cannot work.

  References:
    Ronneberger et al., U-Net, arXiv:1505.04597.
  """

  num_structures: int = 1
  base: int = 16
  blocks: int = 5
  norm: str = "group"
  dropout: float = 0.0
  dtype: Any = jnp.float32
  prior: float = 0.01
  slices: int = 1
  deep_supervision: int = 0
  remat: bool = False

  def __post_init__(self) -> None:
    super().__post_init__()
    _layers.check_attributes(
      "unet",
      self,
      num_structures=1,
      base=1,
      blocks=1,
      slices=1,
      deep_supervision=0,
    )
    if self.slices % 2 == 0:
      raise errors.ConfigError(
        f"unet: slices is {self.slices}; give an odd number, the slice itself"
        " and as many on either side"
      )
    if self.deep_supervision and self.deep_supervision > self.blocks - 2:
      raise errors.ConfigError(
        f"unet: deep_supervision is {self.deep_supervision}; {self.blocks}"
        f" blocks have {max(self.blocks - 2, 0)} levels between finest and"
        " coarsest"
      )
    checks.one_of(_layers.NORMS, **{"unet: norm": self.norm})
    if not 0 < self.prior < 1:
      raise errors.ConfigError(
        f"unet: prior is {self.prior}; give a probability between 0 and 1"
      )

  @nn.compact
  def __call__(self, images: jax.Array, *, train: bool = False) -> jax.Array:
    """Computes the logits of images.

    Args:
      images: Windowed images, float, `[N, H, W, slices]`.
      train: Whether dropout is on and batch norm uses the batch's moments.

    Returns:
      Logits, float32, `[N, H, W, C]`.

    Raises:
      TypeError: The images are not floating point.
      ValueError: The images lack an axis, or a side is not divisible by
        2**(blocks - 1).
    """
    _layers.check_images(images)
    checks.divisible(2 ** (self.blocks - 1), images=images.shape[1:-1])

    # Flax counts self; whether it trains is no array.
    kind = nn.remat(ConvBlock, static_argnums=(3,)) if self.remat else ConvBlock

    def block(level: int, name: str) -> nn.Module:
      width = self.base * 2**level
      return kind(width, self.norm, self.dropout, self.dtype, name=name)

    skips, x = [], images.astype(self.dtype)
    for k in range(self.blocks - 1):
      x = block(k, f"down_{k}")(x, None, train)
      skips.append(x)
      x = _fast.max_pool_2x2(x)
    x = block(self.blocks - 1, "bottom")(x, None, train)
    for k, skip in reversed(list(enumerate(skips))):
      x = nn.Conv(
        self.base * 2**k, (1, 1), dtype=self.dtype, name=f"halve_{k}"
      )(x)
      x = block(k, f"up_{k}")(skip, x, train)
      if 0 < k <= self.deep_supervision:
        coarse = self._logits(f"logits_{k}")(x.astype(jnp.float32))
        self.sow(COARSE, f"{k:02d}", coarse)
    return self._logits("logits")(x.astype(jnp.float32))

  def _logits(self, name: str) -> nn.Conv:
    prior = math.log(self.prior / (1 - self.prior))
    return nn.Conv(
      self.num_structures,
      (1, 1),
      bias_init=nn.initializers.constant(prior),
      name=name,
    )


def coarse_logits(changed: Mapping[str, Any]) -> list[jax.Array]:
  """Logits of the coarser levels, the finest of these first.

  Args:
    changed: The collections that `apply` gives back, with `COARSE` among the
      mutable ones.
  """
  found = changed.get(COARSE, {})
  return [found[name][0] for name in sorted(found)]
