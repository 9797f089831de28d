"""Networks by name, as configurations and flags give them, and their size."""

from collections.abc import Mapping
import dataclasses
import numbers
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxseg import errors
from jaxseg.models import _bice2020
from jaxseg.models import _unet

_NETWORKS: Mapping[str, type[nn.Module]] = {
  "bice2020": _bice2020.Bice2020UNet,
  "unet": _unet.UNet,
}
_LINEN = ("name", "parent")  # Fields of every Flax module, no settings.
_DTYPES = ("bfloat16", "float16", "float32")
# By the type of a setting's default: the type it must have, and its name.
_KINDS: Mapping[type, tuple[type, str]] = {
  bool: (bool, "true or false"),
  int: (numbers.Integral, "a whole number"),
  float: (numbers.Real, "a number"),
  str: (str, "a name"),
}


def create(name: str, **settings: Any) -> nn.Module:
  """Makes a network.

  Args:
    name: "bice2020" or "unet".
    **settings: Attributes of the network; a dtype may be its name.

  Returns:
    The module; its parameters are created by `init`.

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
  return network(**{k: _value(name, k, v) for k, v in settings.items()})


def settings(name: str, **given: Any) -> dict[str, Any]:
  """All settings of a network, those left out with their defaults.

  Args:
    name: "bice2020" or "unet".
    **given: As of `create`.

  Raises:
    ConfigError: As `create` does.
  """
  network = create(name, **given)
  fields = {f.name for f in dataclasses.fields(network)} - set(_LINEN)
  return {"name": name, **{f: getattr(network, f) for f in sorted(fields)}}


def parameter_count(variables: Any) -> int:
  """Number of trained scalars.

  Args:
    variables: What `init` returns, or its "params" alone; running averages
      are not counted.
  """
  if isinstance(variables, dict) and "params" in variables:
    variables = variables["params"]
  return sum(leaf.size for leaf in jax.tree.leaves(variables))


def _value(name: str, setting: str, value: Any) -> Any:
  """The value of a setting, checked to be of the type of its default."""
  if setting == "dtype":
    return _dtype(name, value)
  default = getattr(_NETWORKS[name], setting)
  for kind, (fits, wanted) in _KINDS.items():
    if type(default) is kind:
      if isinstance(value, fits) and isinstance(value, bool) == (kind is bool):
        return value
      raise errors.ConfigError(f"{name}: {setting} is {value!r}; give {wanted}")
  return value


def _dtype(name: str, value: Any) -> Any:
  try:
    dtype = jnp.dtype(value)
  except TypeError:
    dtype = None
  if dtype is None or dtype.name not in _DTYPES:
    raise errors.ConfigError(
      f"{name}: dtype {value!r} is not supported; take one of"
      f" {', '.join(_DTYPES)}"
    )
  return dtype
