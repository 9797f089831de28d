"""From HU to a network's logits: what training and prediction share."""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxseg import errors
from jaxseg.models import _fast
from jaxseg.models import _networks


def window(
  images: jax.Array,
  low_hu: float,
  high_hu: float,
  *,
  to: tuple[float, float] = (-1.0, 1.0),
) -> jax.Array:
  """Clips HU to a window and scales it.

  It is part of the compiled functions, so that the store keeps int16.

  Args:
    images: HU, any shape.
    low_hu: What becomes `to[0]`, as does everything below.
    high_hu: What becomes `to[1]`, as does everything above.
    to: Range of the result.

  Returns:
    float32, the same shape.

  Raises:
    ConfigError: The window is empty.
  """
  if not high_hu > low_hu:
    raise errors.ConfigError(
      f"window {low_hu} to {high_hu} HU is empty; give the lower end first"
    )
  hu = jnp.clip(images.astype(jnp.float32), low_hu, high_hu)
  scale = (to[1] - to[0]) / (high_hu - low_hu)
  return (hu - low_hu) * scale + to[0]


@dataclasses.dataclass(frozen=True)
class Forward:
  """A window and a network: HU in, logits out; hashable.

  Attributes:
    settings: Arguments of `models.create`, sorted pairs.
    window_hu: HU between which the network sees differences.
    input_range: What the ends of the window become.
  """

  settings: tuple[tuple[str, Any], ...]
  window_hu: tuple[float, float]
  input_range: tuple[float, float]

  @staticmethod
  def of(
    network: Mapping[str, Any],
    window_hu: Sequence[float],
    input_range: Sequence[float],
  ) -> "Forward":
    """As configurations and files give it."""
    low, high = window_hu
    first, last = input_range
    return Forward(tuple(sorted(network.items())), (low, high), (first, last))

  @property
  def network(self) -> nn.Module:
    """The network; it has no parameters yet.

    Raises:
      ConfigError: A setting is unknown or cannot work.
    """
    return _networks.create(**dict(self.settings))

  @property
  def slices(self) -> int:
    """How many neighbouring slices the network sees at once."""
    return int(dict(self.settings).get("slices", 1))

  def alone(self, images: jax.Array) -> jax.Array:
    """Slices `[N, H, W]` without neighbours: each stands for its own."""
    if self.slices == 1:
      return images
    return jnp.stack([images] * self.slices, 1)

  def inputs(self, images: jax.Array) -> jax.Array:
    """What the network is given, float32 `[N, H, W, S]`.

    Args:
      images: HU `[N, H, W]`; with S > 1 `slices` `[N, S, H, W]`.

    Raises:
      ValueError: They have other axes.
    """
    if self.slices == 1:
      return window(images, *self.window_hu, to=self.input_range)[..., None]
    if images.ndim != 4 or images.shape[1] != self.slices:
      raise ValueError(
        f"images have shape {images.shape}; give [N, {self.slices}, H, W], each"
        " slice between its neighbours"
      )
    images = jnp.moveaxis(images, 1, -1)
    return window(images, *self.window_hu, to=self.input_range)

  def probabilities(
    self, variables: Mapping[str, Any], images: jax.Array
  ) -> jax.Array:
    """Probabilities of slices, float32 `[N, H, W]`.

    Args:
      variables: The network's "params" and "batch_stats".
      images: int16 HU, as of `inputs`.
    """
    logits: Any = self.network.apply(variables, self.inputs(images))
    return jax.nn.sigmoid(logits[..., 0])

  @property
  def predict(self) -> Any:
    """`probabilities`, compiled; one function for equal networks."""
    return _compiled(self)


@functools.cache
def _compiled(forward: Forward) -> Any:
  return jax.jit(
    forward.probabilities, compiler_options=_fast.compiler_options()
  )
