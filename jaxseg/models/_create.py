"""Networks by name, as configurations and flags give them."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jaxseg import errors
from jaxseg.models import _bice2020
from jaxseg.models import _unet

_NETWORKS: Mapping[str, type[nn.Module]] = {
    "bice2020": _bice2020.Bice2020UNet,
    "unet": _unet.UNet,
}
_LINEN = ("name", "parent")  # Fields of every Flax module, not settings.


def create(name: str, **settings: Any) -> nn.Module:
  """Makes a network.

  Args:
    name: "bice2020" or "unet".
    **settings: Attributes of the network; a dtype may be its name.

  Returns:
    The module; it has no parameters yet, `init` makes them.

  Raises:
    ConfigError: The name or a setting is unknown, or a value cannot work.
  """
  if name not in _NETWORKS:
    raise errors.ConfigError(
        f"network {name!r} is unknown; take {' or '.join(sorted(_NETWORKS))}"
    )
  network = _NETWORKS[name]
  known = {f.name for f in dataclasses.fields(network)} - set(_LINEN)
  for setting in settings:
    if setting not in known:
      raise errors.ConfigError(
          f"{name}: setting {setting!r} is unknown; take one of"
          f" {', '.join(sorted(known))}"
      )
  if "dtype" in settings:
    settings["dtype"] = _dtype(name, settings["dtype"])
  return network(**settings)


def build(config: Mapping[str, Any]) -> nn.Module:
  """Makes a network from a configuration.

  Args:
    config: The settings of `create`, and under "name" the network's name.

  Returns:
    The module.

  Raises:
    ConfigError: "name" is missing, or as in `create`.
  """
  if "name" not in config:
    raise errors.ConfigError(
        "network has no name; add one, such as \"name\": \"unet\""
    )
  return create(**config)


def _dtype(name: str, dtype: Any) -> Any:
  try:
    found = jnp.dtype(dtype)
  except TypeError:
    found = None
  if found is None or not jnp.issubdtype(found, jnp.floating):
    raise errors.ConfigError(
        f"{name}: dtype {dtype!r} is not floating point; take float32 or"
        " bfloat16"
    )
  return found
