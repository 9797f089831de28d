"""Where the slices lie while a model learns: on the device, in RAM, on disk.

A batch is the same in all three, to the bit. What fits on the device is kept
there, where it is gathered fastest; else what fits in RAM; the rest is read
from the store, the next batches while the device works on this one.
"""

from collections.abc import Callable, Iterator
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import data
from jaxseg import errors
from jaxseg.training import _memory

KEEP = ("device", "ram", "store")
# Shares of the free memory that slices may take: the network needs the rest.
_OF_DEVICE = 0.5
_OF_HOST = 0.6
# Of a store whose slices are compressed 64 together, each file should be read
# for as many batches at once as these bytes hold; two such windows are there.
_WINDOW_BYTES = 2**29
_WINDOW_SHARE = 0.1  # At most of the free memory, each.
_BATCHES_AHEAD = 4  # Where each slice is compressed by itself.

Arrays = tuple[Any, Any]  # Images and labels of a batch.
OnPart = Callable[[int, np.ndarray], None]


@dataclasses.dataclass(frozen=True)
class Place:
  """Where slices are kept, and why.

  Attributes:
    keep: One of `KEEP`.
    text: Sentence for the log.
  """

  keep: str
  text: str


def choose(
  images: data.Stack, *, keep: str | None = None, structures: int = 1
) -> Place:
  """Chooses by the sizes of arrays and of free memory.

  Args:
    images: The store's images; masks are half as large, for each structure.
    keep: What was asked for, one of `KEEP`; None chooses.
    structures: Structures whose masks are kept at the same time.

  Raises:
    ConfigError: `keep` is unknown.
  """
  if keep is not None and keep not in KEEP:
    raise errors.ConfigError(
      f"keep {keep!r} is unknown; take {', '.join(KEEP[:-1])} or {KEEP[-1]}"
    )
  slices, rows, columns = images.shape
  needed = images.nbytes + structures * images.nbytes // images.dtype.itemsize
  on_device, on_host = _memory.device_free(), _memory.host_free()
  free = {"device": on_device or on_host, "ram": on_host, "store": None}
  chosen = keep or _chosen(needed, on_device, on_host)
  named = {
    "device": "on the device" if on_device else "in memory, the CPU's own",
    "ram": "in memory",
    "store": "on disk and read while the network learns",
  }[chosen]
  has = free[chosen] if chosen != "store" else on_host
  why = "as --keep asks" if keep else f"{_size(has)} are free"
  masks = "masks" if structures == 1 else f"masks of {structures} structures"
  return Place(
    chosen,
    f"Slices: {slices:,} of {rows} x {columns}, {_size(needed)} with {masks};"
    f" kept {named} ({why})",
  )


def _chosen(needed: int, on_device: int | None, on_host: int | None) -> str:
  if on_device is not None:
    if needed <= _OF_DEVICE * on_device:
      return "device"
    return "ram" if _fits(needed, on_host) else "store"
  # A CPU's memory is the host's: what does not fit there fits nowhere.
  return "device" if _fits(needed, on_host) else "store"


def _fits(needed: int, on_host: int | None) -> bool:
  return on_host is None or needed <= _OF_HOST * on_host


def _size(number: int | None) -> str:
  """Bytes as people say them: "3.5 GB"."""
  if number is None:
    return "an unknown number of bytes"
  for factor, unit in ((1e9, "GB"), (1e6, "MB")):
    if number >= factor:
      return f"{number / factor:.1f} {unit}"
  return f"{number / 1e3:.1f} kB"


def load(
  stack: data.Stack,
  keep: str,
  *,
  whole: Callable[[Any], Any] = jnp.asarray,
  on_part: OnPart | None = None,
) -> Any:
  """Brings slices where they are kept, a part at a time.

  Beside the result only a few parts are in memory at any time.

  Args:
    stack: Slices of a store.
    keep: One of `KEEP`.
    whole: Puts an array on the devices, all of it on each.
    on_part: Called with each part: (position of its first slice, slices).

  Returns:
    A JAX array, a NumPy array, or the stack itself.

  Raises:
    DataError: The store is damaged.
  """
  hear = on_part or (lambda *_: None)
  if keep == "store":
    if on_part is not None:
      for begin, part in stack.parts():
        on_part(begin, part)
    return stack
  result: Any = None
  for begin, part in stack.parts():
    hear(begin, part)
    if keep == "ram":
      if result is None:
        result = np.empty(stack.shape, stack.dtype)
      result[begin : begin + len(part)] = part
    elif len(part) == len_of(stack):  # All in one: nothing to put together.
      result = whole(part)
    else:
      if result is None:
        result = _empty(stack.shape, stack.dtype, whole)
      result = _put(result, part, np.int32(begin))
      jax.block_until_ready(result)  # Else parts would wait in a queue.
  return result


def len_of(kept: Any) -> int:
  """Number of slices, wherever they are kept."""
  return int(kept.shape[0])


def _empty(
  shape: tuple[int, ...], dtype: np.dtype, whole: Callable[[Any], Any]
) -> jax.Array:
  """Zeros on the devices, of which the host never has a copy."""
  sharding = whole(np.zeros((1,) * len(shape), dtype)).sharding
  make = functools.partial(jnp.zeros, shape, dtype)
  return jax.jit(make, out_shardings=sharding)()


@functools.partial(jax.jit, donate_argnums=0)
def _put(all_: jax.Array, part: jax.Array, begin: jax.Array) -> jax.Array:
  """Writes a part of an array in place."""
  return jax.lax.dynamic_update_slice_in_dim(all_, part, begin, axis=0)


def windows(
  images: data.Stack, labels: data.Stack, batches: np.ndarray
) -> Iterator[Arrays]:
  """Batches from the store, `[N, row, column]`, read ahead.

  Args:
    images: The store's images.
    labels: A structure's masks.
    batches: Positions, `[step, N]`; this order is kept.

  Yields:
    Images and labels of each batch, NumPy.

  Raises:
    DataError: The store is damaged.
  """
  if not len(batches):
    return
  size = batches.shape[1]
  each = _batches_at_once(images, size)

  def start(begin: int) -> Any:
    # Doubles, such as those that fill the last batch, are read once.
    window = batches[begin : begin + each]
    which, back = np.unique(window, return_inverse=True)
    reading = images.start(which), labels.start(which)
    return reading, back.reshape(window.shape)

  ahead = max(1, _BATCHES_AHEAD // each)
  begins = list(range(0, len(batches), each))
  under_way = [start(begin) for begin in begins[:ahead]]
  for begin in begins:
    (image, label), back = under_way.pop(0)
    following = begin + ahead * each
    if following < len(batches):
      under_way.append(start(following))
    found = image.result(), label.result()
    for index in back:
      yield found[0][index], found[1][index]


def _batches_at_once(images: data.Stack, size: int) -> int:
  """Batches whose slices are read together."""
  if images.together == 1:
    return 1
  free = _memory.host_free()
  window = _WINDOW_BYTES
  if free is not None:
    window = min(window, int(_WINDOW_SHARE * free))
  of_slice = images.nbytes // len_of(images) * 3 // 2  # With its mask.
  return max(1, window // max(1, size * of_slice))
