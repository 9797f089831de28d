"""HU to network input; part of the jitted step, so the store keeps int16."""

import jax
import jax.numpy as jnp

from jaxseg import errors


def window(
  images: jax.Array,
  low_hu: float,
  high_hu: float,
  *,
  to: tuple[float, float] = (-1.0, 1.0),
) -> jax.Array:
  """Cuts HU to a window and scales it.

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
