"""Counts: what a sweep leaves of a map. They add; scores do not."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import errors


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
  """Voxels in every interval between thresholds, by class; a pytree.

  Interval i holds the voxels on which exactly i thresholds are at most p:
  interval 0 lies below all thresholds, interval T at or above the last.
  Counts of slices, patients, devices and machines are added with `+`.

  Attributes:
    thresholds: float32 `[T]`, ascending.
    positive: Reference voxels, integers `[..., T + 1]`.
    negative: All others, integers `[..., T + 1]`.
  """

  thresholds: Any
  positive: Any
  negative: Any

  def __add__(self, other: "Counts") -> "Counts":
    """Counts of both; the thresholds must be the same.

    Raises:
      ConfigError: The thresholds differ.
    """
    ours, theirs = self.thresholds, other.thresholds
    if np.shape(ours) != np.shape(theirs) or (
      isinstance(ours, np.ndarray)
      and isinstance(theirs, np.ndarray)
      and not np.array_equal(ours, theirs)
    ):
      raise errors.ConfigError(
        f"counts at {np.shape(ours)} and {np.shape(theirs)} thresholds are"
        " not of one grid; count again with the same thresholds"
      )
    return Counts(
      ours, self.positive + other.positive, self.negative + other.negative
    )

  def __getitem__(self, index: Any) -> "Counts":
    """Some of the leading axes, such as one patient of a cohort."""
    return Counts(self.thresholds, self.positive[index], self.negative[index])

  def sum(self, axis: int = 0) -> "Counts":
    """Adds along a leading axis; on the host in int64."""
    return Counts(
      self.thresholds,
      _sum(self.positive, axis),
      _sum(self.negative, axis),
    )

  @staticmethod
  def stack(counts: Sequence["Counts"]) -> "Counts":
    """Counts of several cases `[case, ..., T + 1]`, on the host, int64.

    Raises:
      ConfigError: There are none, or the thresholds differ.
    """
    if not counts:
      raise errors.ConfigError("stack of 0 counts; give at least one")
    first = np.asarray(counts[0].thresholds)
    for other in counts[1:]:
      if not np.array_equal(first, np.asarray(other.thresholds)):
        raise errors.ConfigError(
          f"counts at {first.shape} and {np.shape(other.thresholds)}"
          " thresholds are not of one grid; count again"
        )
    return Counts(
      first,
      np.stack([np.asarray(c.positive, np.int64) for c in counts]),
      np.stack([np.asarray(c.negative, np.int64) for c in counts]),
    )

  def on_host(self) -> "Counts":
    """The same as NumPy arrays, int64, so that sums over a cohort fit."""
    return Counts(
      np.asarray(self.thresholds),
      np.asarray(self.positive, np.int64),
      np.asarray(self.negative, np.int64),
    )

  @property
  def true_positive(self) -> Any:
    """Reference voxels with p >= t, `[..., T]`."""
    return _at_or_above(self.positive)

  @property
  def false_positive(self) -> Any:
    """Other voxels with p >= t, `[..., T]`."""
    return _at_or_above(self.negative)

  @property
  def false_negative(self) -> Any:
    """Reference voxels with p < t, `[..., T]`."""
    return _below(self.positive)

  @property
  def true_negative(self) -> Any:
    """Other voxels with p < t, `[..., T]`."""
    return _below(self.negative)


def _sum(array: Any, axis: int) -> Any:
  if isinstance(array, np.ndarray):
    return array.sum(axis, dtype=np.int64)
  return jnp.sum(array, axis, dtype=array.dtype)


def _at_or_above(array: Any) -> Any:
  return array[..., ::-1].cumsum(-1, dtype=array.dtype)[..., ::-1][..., 1:]


def _below(array: Any) -> Any:
  return array.cumsum(-1, dtype=array.dtype)[..., :-1]
