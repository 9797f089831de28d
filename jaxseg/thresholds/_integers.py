"""Integers of counts: sums that are exact on the host and on a device."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _arrays as arrays


def add(one: Any, two: Any) -> Any:
  """Both: int64 on the host, else on the device."""
  if arrays.known(one) and arrays.known(two):
    return np.asarray(one, np.int64) + np.asarray(two, np.int64)
  return for_device(one) + for_device(two)


def for_device(array: Any) -> jax.Array:
  """As a JAX array; without x64 JAX would silently drop int64's high half."""
  if isinstance(array, np.ndarray) and array.size:
    most = np.iinfo(jax.dtypes.canonicalize_dtype(np.int64)).max
    if array.max() > most:
      raise OverflowError(
        f"a count of {array.max()} exceeds {most}; add outside of jit"
      )
  return jnp.asarray(array)


def total(array: Any, axes: tuple[int, ...]) -> Any:
  """Sum over axes, of the host's or the device's integers."""
  if arrays.known(array):
    return np.asarray(array).sum(axes, dtype=np.int64)
  return jnp.sum(array, axes, dtype=array.dtype)


def cumulative(array: Any) -> Any:
  """Running sums over intervals: int64 in NumPy, the same dtype in JAX."""
  on_host = isinstance(array, np.ndarray)
  return array.cumsum(-1, dtype=np.int64 if on_host else array.dtype)


def at_or_above(array: Any) -> Any:
  """Counts at p >= t of counts in intervals."""
  return cumulative(array[..., ::-1])[..., ::-1][..., 1:]


def below(array: Any) -> Any:
  """Counts at p < t of counts in intervals."""
  return cumulative(array)[..., :-1]
