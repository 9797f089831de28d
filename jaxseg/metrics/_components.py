"""Dice for each connected part of the reference: small ones count as much."""

from collections.abc import Sequence

import jax
import numpy as np
from numpy import typing as npt
from scipy import ndimage

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _empty


def component_dice(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: Sequence[float] | np.ndarray | jax.Array,
  *,
  corners: bool = True,
  empty: str = "nan",
) -> np.ndarray:
  """Dice of each connected component of the reference, on the host.

  Each voxel of the image belongs to the nearest component, and a component's
  Dice is that within its own region. So a large lesion does not hide that a
  small one was missed, and a false one counts against its neighbour. The mean
  over components is known as CC-Dice.

  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> b[0, [1, 2, 3, 7]], a[0, 1:4] = True, True
  >>> component_dice(a, b, (1.0, 1.0)).tolist()
  [1.0, 0.0]

  Args:
    prediction: Mask, bool, 2D or 3D.
    reference: Mask, bool, same shape.
    spacing: Of the array's axes, in their order, mm, > 0.
    corners: Whether voxels that share an edge or a corner are connected, or
      only those that share a face.
    empty: Policy where the reference has no component: one value, of "nan",
      "perfect" or "skip".

  Returns:
    float64 `[component]`, in the order of `scipy.ndimage.label`; where two
    components are equally near, a voxel belongs to one of them.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean, or traced.
    ValueError: Shapes differ, there are not 2 or 3 axes, or the spacing does
      not fit.

  References:
    Every component counts, arXiv:2410.18684.
  """
  arrays.refuse_traced(
    "call it outside of jit", prediction=prediction, reference=reference
  )
  a, b = (
    np.asarray(mask)
    for mask in arrays.native(prediction=prediction, reference=reference)
  )
  checks.boolean(prediction=a, reference=b)
  checks.same_shape(prediction=a, reference=b)
  if a.ndim > 3:
    raise ValueError(f"masks have {a.ndim} axes; give one image of 2 or 3")
  mm = checks.spacing(spacing, a.ndim)
  outcome = _empty.outcomes(empty, best=1.0, worst=0.0)
  if not b.any():
    return np.array([outcome.of(bool(a.any()), False)], np.float64)
  linked = np.ones((3,) * a.ndim) if corners else None
  parts, number = ndimage.label(b, linked)
  nearest = ndimage.distance_transform_edt(
    ~b, sampling=mm, return_distances=False, return_indices=True
  )
  region = parts[tuple(nearest)]
  predicted, wanted, both = (
    np.bincount(region[mask], minlength=number + 1)[1:]
    for mask in (a, b, a & b)
  )
  return 2 * both / (predicted + wanted)
