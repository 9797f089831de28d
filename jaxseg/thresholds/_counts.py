"""Counts: all that a sweep needs to keep of a map. They add; scores do not."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
from typing import Any, Generic, TypeVar

import jax
import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _probabilities
from jaxseg import errors
from jaxseg.thresholds import _grid
from jaxseg.thresholds import _integers

A = TypeVar("A", bound=np.ndarray | jax.Array)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Counts(Generic[A]):
  """Voxels in every interval between thresholds, by class; a pytree.

  Interval i holds the voxels for which exactly i thresholds are at most p:
  interval 0 lies below all thresholds, interval T at or above the last.
  Counts of slices, patients, devices and machines are added with `+`. Sums
  are int64 on the host, where a cohort fits; only while traced they stay int32,
  which holds 2**31 - 1 voxels and beyond that wraps silently.

  As a pytree it passes through `jit` and `vmap`. But its thresholds are not
  counts: across devices add with its `psum`, not with `jax.lax.psum`, which
  would add the thresholds as well.

  To a type checker, `Counts[np.ndarray]` are on the host and
  `Counts[jax.Array]` on a device or traced.

  Attributes:
    thresholds: float32 `[T]`, ascending.
    positive: Reference voxels, integers `[..., T + 1]`.
    negative: All other voxels, integers `[..., T + 1]`.
    distinct: Whether every voxel's probability is known: it is the threshold
      that its interval begins with, as `count_distinct` counts.
  """

  thresholds: A
  positive: A
  negative: A
  distinct: bool = dataclasses.field(default=False, metadata={"static": True})

  def __post_init__(self):
    for name in ("thresholds", "positive", "negative"):
      value = getattr(self, name)
      if isinstance(value, np.ndarray):  # Not what `tree.map` passes through.
        object.__setattr__(self, name, arrays.native(**{name: value})[0])

  def __add__(self, other: "Counts") -> "Counts":
    """Counts of both, at the same thresholds.

    Raises:
      ConfigError: The thresholds differ (as far as their values are known).
      OverflowError: A host count does not fit into a traced sum.
    """
    if not isinstance(other, Counts):
      return NotImplemented
    return Counts(
      _common(self.thresholds, other.thresholds),
      _integers.add(self.positive, other.positive),
      _integers.add(self.negative, other.negative),
      self.distinct and other.distinct,
    )

  def __radd__(self, other: Any) -> "Counts":
    """For the built-in `sum`, which starts with 0."""
    return self if isinstance(other, int) and other == 0 else NotImplemented

  def __getitem__(self, index: Any) -> "Counts[A]":
    """Indexes the leading axes, for example one patient of a cohort."""
    index = index if isinstance(index, tuple) else (index,)
    if not any(i is Ellipsis for i in index):
      index = (*index, ...)
    if np.ndim(self.positive) < 2:
      raise IndexError(
        f"counts of shape {np.shape(self.positive)} have no leading axis to"
        " take from; stack several"
      )
    index = (*index, slice(None))  # Never into the intervals.
    positive: Any = self.positive
    negative: Any = self.negative
    return dataclasses.replace(
      self, positive=positive[index], negative=negative[index]
    )

  def __iter__(self) -> Iterator["Counts[A]"]:
    # Iteration by __getitem__ would not end: JAX clamps an index.
    return (self[i] for i in range(np.shape(self.positive)[0]))

  def index(self, threshold: float) -> int:
    """Position of the threshold nearest to the given one; of two, the lower.

    Raises:
      ConfigError: It is NaN.
    """
    if np.isnan(threshold):
      raise errors.ConfigError(f"threshold is {threshold}; give a number")
    return int(_grid.nearest(_one_grid(self.thresholds), threshold))

  def sum(self, axis: int | tuple[int, ...] = 0) -> "Counts":
    """Adds along leading axes, which do not include the intervals.

    Raises:
      ValueError: There is no such leading axis.
    """
    lead = np.ndim(self.positive) - 1
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    if not all(-lead <= a < lead for a in axes):
      raise ValueError(
        f"axis {axis} is not one of {lead} leading axes of the counts; name"
        " an axis of patients or structures"
      )
    axes = tuple(a % lead for a in axes)
    return dataclasses.replace(
      self,
      positive=_integers.total(self.positive, axes),
      negative=_integers.total(self.negative, axes),
    )

  def psum(self, axis_name: Any) -> "Counts":
    """Adds over the devices of a mapped axis, under pmap or shard_map.

    Args:
      axis_name: Name of the axis, or a tuple of names.

    Returns:
      The sum, int32, on every device.
    """
    add = functools.partial(jax.lax.psum, axis_name=axis_name)
    return dataclasses.replace(
      self, positive=add(self.positive), negative=add(self.negative)
    )

  @staticmethod
  def stack(counts: Sequence["Counts"]) -> "Counts[np.ndarray]":
    """Counts of several cases `[case, ..., T + 1]`, on the host, int64.

    Raises:
      ConfigError: There are none, or the thresholds differ.
    """
    if not counts:
      raise errors.ConfigError("stack of 0 counts; give at least one")
    host = [c.on_host() for c in counts]
    for other in host[1:]:
      _common(host[0].thresholds, other.thresholds)
    return Counts(
      host[0].thresholds,
      np.stack([c.positive for c in host]),
      np.stack([c.negative for c in host]),
      all(c.distinct for c in host),
    )

  def on_host(self) -> "Counts[np.ndarray]":
    """The same counts as NumPy int64, so that sums over a cohort fit.

    Raises:
      ConfigError: The thresholds are not `[T]` and ascending, or several
        exceed 1, as after a sum that took them for counts.
      DataError: Shapes or dtypes are not those of counts, or a count is below
        0, as after int32 has wrapped.
      TypeError: They are traced: integers of 64 bits and exact comparisons are
        of the host.
    """
    arrays.refuse_traced(
      "return the counts from jit and go on outside, or use `curve`",
      counts=(self.positive, self.negative),
    )
    cuts = _one_grid(self.thresholds)
    two = np.asarray(self.positive), np.asarray(self.negative)
    _check_voxels(cuts, *two)
    positive, negative = (voxels.astype(np.int64, copy=False) for voxels in two)
    return Counts(_grid.ascending(cuts), positive, negative, self.distinct)

  def to_arrays(self) -> dict[str, np.ndarray]:
    """NumPy arrays by attribute, as `numpy.savez` takes them."""
    found = dict(vars(self.on_host()))
    if not found.pop("distinct"):
      return found
    return {**found, "distinct": np.bool_(True)}

  @staticmethod
  def from_arrays(given: Mapping[str, Any]) -> "Counts[np.ndarray]":
    """Counts from what `to_arrays` returned, or from an open npz file.

    Raises:
      ConfigError: The thresholds are not ascending.
      DataError: An array is missing, or its shape or dtype does not fit; or a
        count is below 0.
    """
    missing = {"thresholds", "positive", "negative"} - set(given)
    if missing:
      raise errors.DataError(
        f"counts lack {', '.join(sorted(missing))}; count the maps again"
      )
    cuts, *two = (
      np.asarray(given[k]) for k in ("thresholds", "positive", "negative")
    )
    _check_voxels(cuts, *two)
    distinct = bool(given.get("distinct", False))
    return Counts(cuts, two[0], two[1], distinct).on_host()

  def rows(
    self,
    metrics: Sequence[str] = ("dice", "iou", "precision", "recall"),
  ) -> list[dict[str, Any]]:
    """A row for each threshold, as `pandas.DataFrame(counts.rows())` takes it.

    >>> import numpy as np
    >>> counts = Counts(np.float32([0.5]), np.array([1, 3]), np.array([6, 1]))
    >>> counts.rows(metrics=["dice"])[0]["dice"]
    0.75

    Args:
      metrics: As in `curve`; each becomes a column.

    Returns:
      Rows of Python numbers: of several cases `case`, their position, then
      threshold, the four counts and the metrics; nan where one is undefined.

    Raises:
      ConfigError: A metric is unknown.
    """
    from jaxseg.thresholds import _rows  # Which imports this module.

    return _rows.rows(self, metrics)

  def plot(self, *, metric: str = "dice", axes: Any = None) -> Any:
    """Draws a metric against the threshold: pooled, and thinly each case.

    Args:
      metric: As in `curve`.
      axes: Matplotlib axes to draw into; None makes a figure of its own.

    Returns:
      The axes, with the best threshold marked and written in the legend; their
      `figure` has `savefig`.

    Raises:
      ConfigError: The metric is unknown.
      DataError: No case has the structure.
      MissingExtraError: Matplotlib is not installed.
    """
    from jaxseg.thresholds import _plot  # Needs the extra `report`.

    return _plot.plot(self, metric, axes)

  @property
  def true_positive(self) -> A:
    """Reference voxels with p >= t, `[..., T]`."""
    return _integers.at_or_above(self.positive)

  @property
  def false_positive(self) -> A:
    """Other voxels with p >= t, `[..., T]`."""
    return _integers.at_or_above(self.negative)

  @property
  def false_negative(self) -> A:
    """Reference voxels with p < t, `[..., T]`."""
    return _integers.below(self.positive)

  @property
  def true_negative(self) -> A:
    """Other voxels with p < t, `[..., T]`."""
    return _integers.below(self.negative)


def _check_voxels(
  cuts: np.ndarray, positive: np.ndarray, negative: np.ndarray
) -> None:
  """Refuses arrays that are no counts at some thresholds."""
  fits = positive.shape == negative.shape and cuts.ndim == 1
  if not fits or positive.shape[-1:] != (len(cuts) + 1,):
    raise errors.DataError(
      f"thresholds {cuts.shape}, positive {positive.shape} and negative"
      f" {negative.shape} are not counts; count the maps again"
    )
  if not all(np.issubdtype(v.dtype, np.integer) for v in (positive, negative)):
    raise errors.DataError(
      f"positive {positive.dtype} and negative {negative.dtype} are not"
      " integers; count the maps again"
    )
  least = min(positive.min(initial=0), negative.min(initial=0))
  if least < 0:
    raise errors.DataError(
      f"a count is {least}; did a sum of int32 wrap? add counts on the host"
    )


def _one_grid(thresholds: Any) -> np.ndarray:
  """Thresholds `[T]` on the host, also if `vmap` has made them `[..., T]`."""
  cuts = np.asarray(thresholds)
  if cuts.ndim > 1:
    rows = cuts.reshape(-1, cuts.shape[-1])
    if not len(rows) or (rows != rows[0]).any():
      raise errors.ConfigError(
        f"thresholds of shape {cuts.shape} differ; count again with the same"
      )
    cuts = rows[0]
  # A single threshold above 1 is allowed: 2 gives a mask without a voxel.
  if cuts.ndim != 1 or np.count_nonzero(cuts > 1 + _probabilities.SLACK) > 1:
    raise errors.ConfigError(
      f"thresholds of shape {cuts.shape} go up to {cuts.max(initial=0):g};"
      " were they added as if they were counts? add with Counts.psum, or on"
      " the host"
    )
  return cuts


def cases(counts: Counts) -> Counts[np.ndarray]:
  """Counts `[case, T + 1]` on the host: all leading axes as one."""
  host = counts.on_host()
  bins = host.positive.shape[-1]
  return dataclasses.replace(
    host,
    positive=host.positive.reshape(-1, bins),
    negative=host.negative.reshape(-1, bins),
  )


def pooled(counts: Counts) -> Counts[np.ndarray]:
  """Counts `[1, T + 1]` on the host: the sum over all leading axes."""
  return Counts.stack([cases(counts).sum(0)])


def coarsen(counts: Counts, thresholds: npt.ArrayLike) -> Counts[np.ndarray]:
  """Counts at some of their thresholds.

  >>> import numpy as np
  >>> fine = Counts(np.float32([0, 0.25, 0.5]), np.array([0, 1, 2, 3]),
  ...               np.array([0, 4, 5, 6]))
  >>> coarsen(fine, np.float32([0, 0.5])).positive.tolist()
  [0, 3, 3]

  Args:
    counts: `[..., T + 1]`.
    thresholds: `[t]`, ascending, each of them one of the counts'.

  Returns:
    Counts on the host, int64, as if counted at these thresholds.

  Raises:
    ConfigError: A threshold is not among those of the counts.
  """
  host, cuts = counts.on_host(), _grid.ascending(thresholds)
  place = np.searchsorted(host.thresholds, cuts, side="left")
  there = host.thresholds[np.minimum(place, len(host.thresholds) - 1)] == cuts
  if not there.all():
    raise errors.ConfigError(
      f"threshold {cuts[int(np.argmin(there))]} is not among the"
      f" {len(host.thresholds)} of the counts; count the maps again"
    )
  edges = np.concatenate([[0], place + 1, [len(host.thresholds) + 1]])

  def between(voxels: np.ndarray) -> np.ndarray:
    below = np.zeros((*voxels.shape[:-1], voxels.shape[-1] + 1), np.int64)
    np.cumsum(voxels, axis=-1, out=below[..., 1:])
    return np.diff(below[..., edges], axis=-1)

  return Counts(cuts, between(host.positive), between(host.negative))


def _common(ours: Any, theirs: Any) -> Any:
  """The thresholds of both; an error if they are known to differ."""
  if np.ndim(ours) != np.ndim(theirs) and arrays.known(ours, theirs):
    ours, theirs = _one_grid(ours), _one_grid(theirs)  # `vmap` repeats them.
  if np.shape(ours) != np.shape(theirs):
    raise errors.ConfigError(
      f"counts at {np.shape(ours)} and {np.shape(theirs)} thresholds cannot"
      " be added; count again with the same thresholds"
    )
  if ours is not theirs and arrays.known(ours) and arrays.known(theirs):
    one, two = np.asarray(ours), np.asarray(theirs)
    if not np.array_equal(one, two):
      k = int(np.argmax(one != two))
      raise errors.ConfigError(
        f"counts at thresholds[{k}] = {one[k]} and {two[k]} cannot be added;"
        " count again with the same thresholds"
      )
  return ours
