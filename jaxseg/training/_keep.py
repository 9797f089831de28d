"""Where the slices lie while a model learns: on the device, in RAM, on disk.

A batch is the same in all three, to the bit. What fits on the device is kept
there, where it is gathered fastest; else what fits in RAM; the rest is read
from the store, the next batches while the device works on this one.
"""

from collections.abc import Callable, Iterator, Sequence
import dataclasses
import functools
import platform
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _devices
from jaxseg import _distributed
from jaxseg import data
from jaxseg.training import _memory
from jaxseg.training import _place

# Of a store whose slices are compressed 64 together, each file should be read
# for as many batches at once as these bytes hold; two such windows are there.
_WINDOW_BYTES = 2**29
_WINDOW_SHARE = 0.1  # At most of the free memory, each.
_BATCHES_AHEAD = 4  # Where each slice is compressed by itself.

Arrays = tuple[Any, Any]  # Images and labels of a batch.
OnPart = Callable[[int, np.ndarray], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
  """The images of a store, wherever they are.

  Attributes:
    keep: One of `_place.KEEP`.
    images: A JAX array, a NumPy array, or a stack of the store.
  """

  keep: str
  images: Any


class Pool:
  """Images for one or several groups of devices, chosen and read once."""

  def __init__(
    self,
    store: data.Store,
    keep: str | None,
    groups: Sequence[_devices.Devices],
    note: Callable[[str], None],
  ):
    """Looks at nothing yet.

    Args:
      store: Prepared cohort.
      keep: One of `_place.KEEP`; None is the first that has the memory.
      groups: Devices of each model that is trained at once.
      note: Hears where slices are kept.

    Raises:
      ConfigError: `keep` is unknown.
    """
    _place.check(keep)
    self._store, self._keep, self._groups = store, keep, groups
    self._note = note
    self._place: _place.Place | None = None
    self._shared: Any = None

  def images(self, devices: _devices.Devices) -> Kept:
    """Images for a group; not for two of them at the same time.

    Raises:
      DataError: The store is damaged.
    """
    stack = self._store.stack()
    if self._place is None:
      self._place = self._chosen(stack)
      self._note(self._place.text)
    keep = self._place.keep
    if keep == "device":  # Each device has its own.
      return Kept(keep, load(stack, keep, whole=devices.whole))
    if self._shared is None:
      self._shared = load(stack, keep)
    return Kept(keep, self._shared)

  def _chosen(self, stack: data.Stack) -> _place.Place:
    """Of several processes the one with the least memory decides for all."""
    hosts = _distributed.each("hosts", platform.node)
    here = _place.choose(
      stack,
      keep=self._keep,
      groups=len(self._groups),
      devices=sum(group.here for group in self._groups),
      sharing=hosts.count(platform.node()),
    )
    places = _distributed.each("places", lambda: [here.keep, here.text])
    return _place.Place(*max(places, key=lambda p: _place.KEEP.index(p[0])))


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
    keep: One of `_place.KEEP`.
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
  images: data.Stack,
  labels: data.Stack,
  batches: np.ndarray,
  shown: np.ndarray | None = None,
) -> Iterator[Arrays]:
  """Batches from the store, `[N, row, column]`, read ahead.

  Args:
    images: The store's images.
    labels: A structure's masks.
    batches: Positions, `[step, N]`; this order is kept.
    shown: Those of each slice and its neighbours, `[step, N, S]`; None is the
      slice alone.

  Yields:
    Images and labels of each batch, NumPy.

  Raises:
    DataError: The store is damaged.
  """
  if not len(batches):
    return
  shown = batches if shown is None else shown
  each = _batches_at_once(images, shown[0].size)

  def start(begin: int) -> Any:
    # Doubles, such as those that fill the last batch, are read once.
    found = []
    for stack, positions in ((images, shown), (labels, batches)):
      window = positions[begin : begin + each]
      which, back = np.unique(window, return_inverse=True)
      found.append((stack.start(which), back.reshape(window.shape)))
    return found

  ahead = max(1, _BATCHES_AHEAD // each)
  begins = list(range(0, len(batches), each))
  under_way = [start(begin) for begin in begins[:ahead]]
  for begin in begins:
    (image, at), (label, of) = under_way.pop(0)
    following = begin + ahead * each
    if following < len(batches):
      under_way.append(start(following))
    found = image.result(), label.result()
    for index, other in zip(at, of, strict=True):
      yield found[0][index], found[1][other]


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
