"""Which axes of an array are an image's, and which are those of a batch."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks

BatchAxes = int | Sequence[int] | None
Spacing = Sequence[float] | np.ndarray | jax.Array


def of_batch(axes: int, batch_axes: BatchAxes) -> tuple[int, ...]:
  """The batch's axes, ascending; the others are those of an image.

  Args:
    axes: Number of axes of the masks.
    batch_axes: As a user gives them.

  Raises:
    ValueError: An axis does not exist, or not 2 or 3 are left.
  """
  batch = () if batch_axes is None else checks.axes(batch_axes, axes)
  left = axes - len(batch)
  if left not in (2, 3):
    given = "" if batch_axes is None else f", {left} of them no batch's"
    raise ValueError(
      f"masks have {axes} axes{given}; give 2 or 3, and name the others, such"
      " as batch_axes=0 of several cases or batch_axes=(0, -1) of [N, H, W, C]"
    )
  return tuple(sorted(batch))


def millimetres(spacing: Any, axes: int) -> tuple[float, ...]:
  """Checked spacing of an image of so many axes, known values only.

  Raises:
    TypeError: It is traced.
    ValueError: It does not fit.
  """
  arrays.refuse_traced(
    "close over it, or name it in jit's static_argnames as a tuple",
    spacing=spacing,
  )
  flat = hasattr(spacing, "__len__") and len(spacing) == 2
  if axes == 3 and flat and not isinstance(spacing, str):
    said = ", ".join(f"{s}" for s in spacing)
    raise ValueError(
      f"spacing {said} mm is of 2 axes, the masks have 3; give three numbers,"
      " or batch_axes=0 if these are images [N, H, W]"
    )
  return checks.spacing(spacing, axes)


def in_front(array: Any, batch: tuple[int, ...]) -> Any:
  """The array with the batch's axes first."""
  if batch == tuple(range(len(batch))):
    return array
  move: Any = jnp.moveaxis if isinstance(array, jax.Array) else np.moveaxis
  return move(array, batch, tuple(range(len(batch))))


def restored(array: jax.Array, batch: tuple[int, ...]) -> jax.Array:
  """The opposite of `in_front`."""
  if batch == tuple(range(len(batch))):
    return array
  return jnp.moveaxis(array, tuple(range(len(batch))), batch)
