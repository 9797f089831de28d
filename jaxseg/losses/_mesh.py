"""Arrays on a mesh of explicit axes, whose types say where they lie."""

from collections.abc import Callable, Sequence

import jax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec


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
  sharding = jax.typeof(arrays[0]).sharding
  if all(name is None for name in sharding.spec):
    return function(*arrays)
  kept = PartitionSpec(*(sharding.spec[a] for a in axes))
  placed = NamedSharding(sharding.mesh, kept)
  found: jax.Array = jax.sharding.auto_axes(function, out_sharding=placed)(
    *arrays
  )
  return found
