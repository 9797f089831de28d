"""Arrays as users have them: of any byte order, masked, sharded, of 0 and 1.

JAX computes on arrays of this machine's byte order alone. Worse, a function
that was compiled for them once takes another order's bytes as if they were its
own, in silence. So all public functions of arrays take them through here.
"""

import sys
from typing import Any

import numpy as np

from jaxseg import errors

# JAX is imported where it is needed: contours are drawn, and DICOM is read,
# without it.


def native(**arrays: Any) -> tuple[Any, ...]:
  """Arrays in this machine's byte order, otherwise as they are.

  Args:
    **arrays: By the name that a message says: JAX's, traced or not, stay what
      they are, as does None; all else becomes NumPy's.

  Raises:
    TypeError: One is a masked array, whose mask would be lost.
  """
  return tuple(_native(name, array) for name, array in arrays.items())


def _native(name: str, array: Any) -> Any:
  if array is None or _is_jax(array):
    return array
  refuse_masked(**{name: array})
  try:
    found = np.asarray(array)
  except TypeError:  # A list of traced numbers.
    import jax.numpy as jnp

    return jnp.asarray(array)
  if found.dtype.kind == "f" and found.dtype.itemsize > 8:
    # No device has extended precision.
    with np.errstate(over="ignore"):
      return found.astype(np.float32)
  if not found.dtype.isnative:
    return found.astype(found.dtype.newbyteorder("="))
  return found


def refuse_masked(**arrays: Any) -> None:
  """Raises TypeError if an array is NumPy's masked kind."""
  for name, array in arrays.items():
    if isinstance(array, np.ma.MaskedArray):
      raise TypeError(
        f"{name} is a masked array, and its mask would be lost; give its data,"
        " and leave voxels out by `where`, or fill them with .filled()"
      )


def _is_jax(array: Any) -> bool:
  """Whether it is a JAX array, traced or not."""
  jax = sys.modules.get("jax")  # Who has none, has none of its arrays.
  return jax is not None and isinstance(array, jax.Array)


def known(*arrays: Any) -> bool:
  """Whether all values are here: none is traced, or on another machine.

  Args:
    *arrays: Arrays, numbers, and sequences of them.
  """
  import jax

  return all(_known(leaf) for leaf in jax.tree.leaves(arrays))


def _known(array: Any) -> bool:
  import jax

  if isinstance(array, jax.core.Tracer):
    return False
  return (
    not isinstance(array, jax.Array)
    or array.is_fully_addressable
    or array.is_fully_replicated
  )


def on_accelerator(array: Any) -> bool:
  """Whether to look at an array's values would bring them to the host."""
  return _is_jax(array) and any(d.platform != "cpu" for d in array.devices())


def mask(**arrays: Any) -> tuple[Any, ...]:
  """As `native`, of masks: boolean, or numbers known to be 0 and 1 alone.

  Raises:
    TypeError: One is neither, such as labels of 255 or of several classes, or
      traced and not boolean; or a masked array.
  """
  return tuple(
    _mask(name, array)
    for name, array in zip(arrays, native(**arrays), strict=True)
  )


def _mask(name: str, array: Any) -> Any:
  if array is None or array.dtype == np.bool_:
    return array
  remedy = f"give a boolean mask, such as {name} == 1"
  if not known(array):
    raise TypeError(f"{name} has dtype {array.dtype}; {remedy}")
  values = np.asarray(array)
  found = values.astype(np.bool_)
  strange = values != found  # NaN, too.
  if strange.any():
    value = values[strange][0]
    raise TypeError(
      f"{name} has dtype {array.dtype} and holds {value}; {remedy}"
    )
  return found


def gathered(*arrays: Any) -> tuple[Any, ...]:
  """Arrays of which every device of an explicit mesh holds all.

  Where a mesh's axes are explicit, JAX leaves it to the program to say how each
  result is laid out, and refuses to reshape or slice a sharded axis.
  """
  return tuple(_gathered(array) for array in arrays)


def _gathered(array: Any) -> Any:
  import jax

  if not is_explicit(array):
    return array
  whole = jax.sharding.PartitionSpec()
  mesh = jax.typeof(array).sharding.mesh
  return jax.sharding.reshard(array, jax.sharding.NamedSharding(mesh, whole))


def automatic(function: Any, *values: Any, spec: Any = None) -> Any:
  """Calls a function whose layout XLA chooses, also on an explicit mesh.

  As `gathered`, but for what is being compiled: nothing need be gathered, and
  an axis that `vmap` maps stays laid out as it is.

  Args:
    function: Of arrays, of which one may be laid out over an explicit mesh.
    *values: Its arguments; None stays None.
    spec: PartitionSpec of all results; None is one that has them everywhere.
  """
  import jax

  explicit = [value for value in values if is_explicit(value)]
  if not explicit:
    return function(*values)
  mesh = jax.typeof(explicit[0]).sharding.mesh
  whole = jax.sharding.PartitionSpec() if spec is None else spec
  with jax.sharding.use_abstract_mesh(mesh):
    return jax.sharding.auto_axes(function, out_sharding=whole)(*values)


def is_explicit(array: Any) -> bool:
  """Whether an array is laid out over a mesh whose axes are explicit."""
  import jax

  if not isinstance(array, jax.Array):
    return False
  axes = jax.typeof(array).sharding.mesh.axis_types
  return jax.sharding.AxisType.Explicit in axes


def refuse_traced(remedy: str, **values: Any) -> None:
  """Raises TypeError if JAX is tracing a value that must be known.

  Args:
    remedy: What to do instead.
    **values: By name; numbers or sequences of them.
  """
  import jax

  for name, value in values.items():
    leaves = jax.tree.leaves(value)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
      raise TypeError(f"{name} is traced, its value unknown; {remedy}")


def affine(matrix: Any) -> np.ndarray:
  """A grid's matrix as float64 `[4, 4]`, a copy.

  Args:
    matrix: Maps the homogeneous index of a voxel's centre to (x, y, z, 1), mm.

  Raises:
    GeometryError: It is of another shape, not finite, no map of places, or
      singular.
  """
  try:
    found = np.array(matrix, np.float64)
  except (TypeError, ValueError) as e:
    raise errors.GeometryError(
      f"affine is {type(matrix).__name__}; give numbers [4, 4]"
    ) from e
  if found.shape != (4, 4) or not np.isfinite(found).all():
    raise errors.GeometryError(
      f"affine has shape {found.shape} or is not finite; give [4, 4]"
    )
  axes = found[:3, :3]
  lengths = np.linalg.norm(axes, axis=0)
  if not lengths.all() or abs(np.linalg.det(axes / lengths)) < 1e-6:
    raise errors.GeometryError(
      f"affine {axes.tolist()} is singular; give three axes"
    )
  if found[3].tolist() != [0, 0, 0, 1]:
    raise errors.GeometryError(
      f"affine has the last row {found[3].tolist()}; it is 0, 0, 0, 1, and the"
      " origin stands in the last column"
    )
  return found
