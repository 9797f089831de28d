"""The report of two masks: on the host, or in JAX where one is traced."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg.metrics.surface import _axes
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distances
from jaxseg.metrics.surface import _traced
from jaxseg.metrics.surface import _wanted


def report(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  wanted: _wanted.Wanted,
  *,
  surface: str,
  box: tuple[int, ...] | None,
  batch_axes: _axes.BatchAxes,
) -> dict[str, Any]:
  """`surface_report` of what is wanted.

  Raises:
    TypeError: A mask is not boolean, or the spacing is traced.
    ValueError: Shapes differ, or the axes, the spacing or the box do not fit.
  """
  given = arrays.native(prediction=prediction, reference=reference)
  checks.boolean(prediction=given[0], reference=given[1])
  checks.same_shape(prediction=given[0], reference=given[1])
  axes = np.ndim(given[0])
  batch = _axes.of_batch(axes, batch_axes)
  mm = _axes.millimetres(spacing, axes - len(batch))
  _traced.check_box(box, len(mm))
  if checks.traced(*given, *wanted.tolerances):
    one = functools.partial(
      _traced.report, spacing=mm, surface=surface, wanted=wanted, box=box
    )
    for _ in batch:
      one = jax.vmap(one)

    def all_of(a: jax.Array, b: jax.Array) -> dict[str, Any]:
      return one(_axes.in_front(a, batch), _axes.in_front(b, batch))

    return arrays.automatic(all_of, *(jnp.asarray(mask) for mask in given))
  a, b = (_axes.in_front(np.asarray(mask), batch) for mask in given)
  if not batch:
    return _on_host(a, b, mm, surface, wanted)
  lengths = a.shape[: len(batch)]
  found = [
    _on_host(a[place], b[place], mm, surface, wanted)
    for place in np.ndindex(lengths)
  ]
  return {
    name: np.array([row[name] for row in found], np.float64).reshape(lengths)
    for name in wanted.names
  }


def _on_host(
  a: np.ndarray,
  b: np.ndarray,
  mm: tuple[float, ...],
  surface: str,
  wanted: _wanted.Wanted,
) -> dict[str, float]:
  # The only pass over the whole arrays; in large ones it costs most.
  on_a, on_b = _definitions.slices(a), _definitions.slices(b)
  in_a, in_b = bool(on_a.any()), bool(on_b.any())
  if not (in_a and in_b):
    return wanted.of_empty(in_a, in_b)
  if on_a.all() and a.all():
    return wanted.values(_distances.from_whole(b, mm, surface))
  return wanted.values(_distances.between(a, b, mm, surface, on_a | on_b))
