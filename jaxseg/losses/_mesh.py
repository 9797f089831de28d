"""Arrays on a mesh of explicit axes, whose types say where they lie."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec
import numpy as np


def like(array: Any, other: Any) -> Any:
  """An array laid out as another that it broadcasts to, lengths of 1 apart.

  A select takes only what lies alike, though products take anything.
  """
  mine, wanted = _sharding(array), _sharding(other)
  lies = mine if wanted is None else wanted
  if lies is None:
    return array
  lengths = np.shape(array)
  names = [None] * len(lengths)
  if wanted is not None:
    names = wanted.spec[np.ndim(other) - len(lengths) :]
  spec = PartitionSpec(
    *(None if n == 1 else s for n, s in zip(lengths, names, strict=True))
  )
  placed = NamedSharding(lies.mesh, spec)
  return jax.sharding.reshard(jnp.asarray(array), placed)


def _sharding(array: Any) -> Any:
  """Where an array lies if an axis of it is along a mesh's explicit one."""
  if not isinstance(array, jax.Array):
    return None
  sharding = jax.typeof(array).sharding
  if all(name is None for name in sharding.spec):
    return None
  return sharding


def reshaping(
  function: Callable[..., jax.Array],
  *arrays: jax.Array,
  axes: Sequence[int],
) -> jax.Array:
  """A function of arrays that reshapes or sorts them.

  Neither says by itself where its result is; so on a mesh of explicit axes the
  compiler chooses within the function.

  Args:
    function: Of the arrays.
    *arrays: The first decides where the result lies.
    axes: Its axes that the result has, in order.

  Returns:
    The function's result.
  """
  sharding = _sharding(arrays[0])
  if sharding is None:
    return function(*arrays)
  kept = PartitionSpec(*(sharding.spec[a] for a in axes))
  placed = NamedSharding(sharding.mesh, kept)
  found: jax.Array = jax.sharding.auto_axes(function, out_sharding=placed)(
    *arrays
  )
  return found
