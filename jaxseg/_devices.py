"""Devices that work on one batch, and the two ways of spreading it over them.

    (devices,) = arrange()
    step = devices.compile(step, in_axes=(None, 0, 0), donate_argnums=0)
    state = step(devices.whole(state), *devices.rows((images, labels)))

A batch is global: its rows lie spread over the devices, all else is on each of
them. By "jit" a function is written for the whole batch, and XLA finds what the
devices have to tell each other; by "pmap" it is written for one device's rows,
and says so itself, by collectives over `AXIS`. One device needs neither: what
is compiled for it is the function as it stands.
"""

from collections.abc import Callable, Sequence
import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from jaxseg import _distributed
from jaxseg import errors

AXIS = "data"
PARALLEL = ("jit", "pmap")

_WHOLE = jax.sharding.PartitionSpec()
_ROWS = jax.sharding.PartitionSpec(AXIS)


@dataclasses.dataclass(frozen=True)
class Devices:
  """Where one model is trained, or predicts; hashable.

  Attributes:
    devices: One or more, each of them once; of several processes, all.
    parallel: "jit" or "pmap".
  """

  devices: tuple[Any, ...]
  parallel: str = "jit"

  def __len__(self) -> int:
    return len(self.devices)

  @property
  def alone(self) -> bool:
    """Whether there is nothing to spread."""
    return len(self) == 1

  @property
  def here(self) -> int:
    """How many of them are this process's."""
    me = _distributed.process()
    return sum(one.process_index == me for one in self.devices)

  @property
  def mesh(self) -> jax.sharding.Mesh:
    """The devices in a row."""
    return jax.sharding.Mesh(np.array(self.devices), (AXIS,))

  def whole(self, tree: Any) -> Any:
    """Arrays, of which every device gets all."""
    return self._placed(tree, _WHOLE)

  def rows(self, tree: Any) -> Any:
    """Arrays whose first axis is spread; its length is a multiple of ours."""
    return self._placed(tree, _ROWS)

  def own(self, length: int) -> Any:
    """Which of so many rows this process's devices have, as an index."""
    if _distributed.processes() == 1:
      return slice(None)
    each, me = length // len(self), _distributed.process()
    rows = np.arange(length).reshape(len(self), each)
    mine = [one.process_index == me for one in self.devices]
    return rows[mine].ravel()

  def from_own(self, tree: Any, length: int) -> Any:
    """`rows`, of which each process gives its own; NumPy alone stays it.

    Args:
      tree: Arrays whose first axis is `own(length)`.
      length: Of that axis in all processes.
    """
    if _distributed.processes() == 1:
      return tree
    own = self.own(length)
    sharding = jax.sharding.NamedSharding(self.mesh, _ROWS)

    def spread(array: np.ndarray) -> jax.Array:
      def part(where: Any) -> np.ndarray:
        begin, end, _ = where[0].indices(length)
        return array[np.searchsorted(own, np.arange(begin, end))]

      shape = (length, *array.shape[1:])
      return jax.make_array_from_callback(shape, sharding, part)

    return jax.tree.map(spread, tree)

  def _placed(self, tree: Any, spec: jax.sharding.PartitionSpec) -> Any:
    if _distributed.processes() > 1:
      return jax.tree.map(functools.partial(self._own_part, spec), tree)
    if not self.alone:
      return jax.device_put(tree, jax.sharding.NamedSharding(self.mesh, spec))
    if self.devices[0] == jax.local_devices()[0]:
      return jax.tree.map(jax.numpy.asarray, tree)  # There they are anyway.
    return jax.device_put(tree, self.devices[0])

  def _own_part(self, spec: jax.sharding.PartitionSpec, array: Any) -> Any:
    """What this process's devices get of what every process has."""
    values = np.asarray(array)
    sharding = jax.sharding.NamedSharding(self.mesh, spec)
    return jax.make_array_from_callback(
      values.shape, sharding, lambda part: values[part]
    )

  def compile(
    self,
    function: Callable[..., Any],
    *,
    in_axes: Sequence[int | None],
    by_rows: bool = False,
    **options: Any,
  ) -> Any:
    """`jax.jit` of a function of a batch.

    Args:
      function: Of arrays. By "pmap" it is given the rows of one device, and
        gives what is the same on all.
      in_axes: For each argument 0, if its first axis is the batch, or None.
      by_rows: Whether it is given the rows of one device by "jit", too.
      **options: As of `jax.jit`.
    """
    if self.alone:
      return jax.jit(function, **options)
    if self.parallel == "pmap":
      function = self._pmapped(function, in_axes)
    elif by_rows:
      function = jax.shard_map(
        function,
        mesh=self.mesh,
        in_specs=tuple(_WHOLE if a is None else _ROWS for a in in_axes),
        out_specs=_WHOLE,
        check_vma=False,
      )
    whole, rows = (
      jax.sharding.NamedSharding(self.mesh, spec) for spec in (_WHOLE, _ROWS)
    )
    return jax.jit(
      function,
      in_shardings=tuple(whole if a is None else rows for a in in_axes),
      out_shardings=whole,
      **options,
    )

  def _pmapped(
    self, function: Callable[..., Any], in_axes: Sequence[int | None]
  ) -> Callable[..., Any]:
    """`jax.pmap` takes an axis of the devices before that of their rows."""
    mapped = jax.pmap(
      function,
      AXIS,
      in_axes=tuple(in_axes),
      out_axes=None,
      devices=self.devices,
    )

    def split(array: jax.Array) -> jax.Array:
      return array.reshape(len(self), -1, *array.shape[1:])

    # Under the `jit` round it: pmap itself takes no options of the compiler.
    return lambda *arguments: mapped(
      *(
        value if axis is None else split(value)
        for axis, value in zip(in_axes, arguments, strict=True)
      )
    )


def arrange(
  number: int | None = None, *, at_once: int = 1, parallel: str = "jit"
) -> tuple[Devices, ...]:
  """Devices for each of the models that are trained at once.

  Those of `jax.devices()` as a mesh of axes ("model", "data"), in rows.

  Args:
    number: Devices to use, the first ones; None is all.
    at_once: Models at once.
    parallel: "jit" or "pmap".

  Raises:
    ConfigError: There are not so many devices, they cannot be divided, or
      several processes were to train several models.
  """
  if parallel not in PARALLEL:
    raise errors.ConfigError(
      f"parallel {parallel!r} is unknown; take {' or '.join(PARALLEL)}"
    )
  there = jax.devices()
  number = len(there) if number is None else number
  if not 1 <= number <= len(there):
    raise errors.ConfigError(
      f"--devices={number}: JAX finds {len(there)} ({there[0].platform});"
      f" give 1 to {len(there)}"
    )
  if at_once < 1 or number % at_once:
    fitting = [k for k in range(1, number + 1) if number % k == 0]
    raise errors.ConfigError(
      f"--models_at_once={at_once}: cannot share {number} device"
      f"{'s' if number > 1 else ''} evenly; give {_or(fitting)}"
    )
  _check_processes(number, at_once=at_once, parallel=parallel)
  mesh = np.array(there[:number]).reshape(at_once, -1)
  return tuple(Devices(tuple(row), parallel) for row in mesh)


def _check_processes(number: int, *, at_once: int, parallel: str) -> None:
  """Refuses what several processes cannot do.

  Raises:
    ConfigError: They would not all work on each model, by "jit".
  """
  processes = _distributed.processes()
  if processes == 1:
    return
  if parallel != "jit":
    raise errors.ConfigError(
      f"--parallel={parallel}: not for {processes} processes; give"
      " --parallel=jit"
    )
  if at_once != 1:
    raise errors.ConfigError(
      f"--models_at_once={at_once}: not for {processes} processes that train"
      f" together; start each alone with --shard=1/{processes} and so on"
    )
  if number != len(jax.devices()):
    raise errors.ConfigError(
      f"--devices={number}: {processes} processes have {len(jax.devices())};"
      " leave it out"
    )


def check_batch(batch: int, devices: Devices, *, at_once: int = 1) -> None:
  """Refuses a global batch that cannot be spread evenly.

  Args:
    batch: Slices a step.
    devices: Of one model.
    at_once: Models at once, for the remedy.

  Raises:
    ConfigError: Its length is no multiple of the number of devices.
  """
  size = len(devices)
  if batch % size == 0:
    return
  fewer = [at_once * k for k in range(1, size) if batch % k == 0]
  near = [size * k for k in (batch // size, batch // size + 1) if k]
  raise errors.ConfigError(
    f"a batch of {batch} slices cannot be spread evenly over {size} devices;"
    f" give --devices={_or(fewer)}, or --batch={_or(near)}"
  )


def _or(numbers: Sequence[int]) -> str:
  """Numbers as one says them: 1, 2 or 4."""
  *rest, last = map(str, numbers)
  return f"{', '.join(rest)} or {last}" if rest else last


@functools.cache
def local() -> Devices:
  """This process's devices, all for one model."""
  return Devices(tuple(jax.local_devices()))
