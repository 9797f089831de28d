"""Maps hold probabilities, and not logits: checked where values are known."""

from typing import Any

import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import errors

# A softmax at times gives 1.0000001.
SLACK = 1e-6


def check(p: Any, keep: Any = None) -> None:
  """Raises DataError if a voxel holds no probability; traced ones pass.

  Args:
    p: Map of NumPy or JAX, any shape, in this machine's byte order; every uint8
      is a probability.
    keep: Voxels that count, broadcastable; None is all.
  """
  if p.dtype == np.uint8 or not p.size or not arrays.known(p, keep):
    return
  if arrays.on_accelerator(p):
    import jax

    # There, so that a byte and not the map is brought here; now, though another
    # function may be traced.
    with jax.ensure_compile_time_eval():
      fine = within(p.astype(np.float32))
      if bool((fine if keep is None else fine | ~keep).all()):
        return
  host = np.asarray(p)
  wide = on_host(host)
  if -SLACK <= wide.min() and wide.max() <= 1 + SLACK:  # Neither is NaN.
    return
  there: Any = True
  if keep is not None:
    there = np.broadcast_to(np.asarray(keep), host.shape).ravel()
  if (~within(wide).ravel() & there).any():
    refuse(host.ravel(), 0, host.shape, there)


def refuse(
  p: np.ndarray, begin: int, shape: tuple[int, ...], keep: Any = True
) -> None:
  """Raises DataError at the first voxel that holds no probability.

  Args:
    p: Flat piece of a map that has such a voxel.
    begin: Position of its first voxel in the flat map.
    shape: Shape of the map.
    keep: Voxels of the piece that count.
  """
  first = int(np.argmax(~within(on_host(p)) & keep))
  place = tuple(int(i) for i in np.unravel_index(begin + first, shape))
  raise errors.DataError(
    f"probability {p[first]} at index {place} is not in [0, 1]; are these"
    " logits? apply the sigmoid or softmax first"
  )


def on_host(p: np.ndarray) -> np.ndarray:
  """A NumPy map as float32; values beyond its range become infinite."""
  with np.errstate(over="ignore"):
    return p.astype(np.float32, copy=False)


def within(p: Any) -> Any:
  """Where a map is in [0, 1], give or take `SLACK`; False for NaN."""
  return (p >= -SLACK) & (p <= 1 + SLACK)
