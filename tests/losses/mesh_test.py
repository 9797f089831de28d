"""Losses on a mesh of explicit axes, which is what `jax.make_mesh` gives."""

import jax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec
import numpy as np
import pytest

from jaxseg import losses
from tests.losses.registered import ALL
from tests.losses.registered import batch
from tests.quick import jit

EXPLICIT = (jax.sharding.AxisType.Explicit,)
ALONG = {
  "cases": PartitionSpec("d"),
  "rows": PartitionSpec(None, "d"),
}


@pytest.mark.parametrize(
  "along", ["cases", pytest.param("rows", marks=pytest.mark.slow)]
)
def test_where_arrays_lie_changes_no_loss(along):
  logits, labels = (np.array(v) for v in batch())
  where = np.ones((1, 8, 8, 1), np.bool_)
  where[0, 0] = False

  def every(z, t):
    found = {n: f(z, t, where=where) for n, f in ALL.items()}
    for how in ("mean", "nearest"):
      found[how] = losses.deep_supervision(
        losses.dice, [z, z[:, :4, :4]], t, where=where, downsample=how
      )
    return found

  mesh = jax.make_mesh((2,), ("d",), axis_types=EXPLICIT)
  with jax.set_mesh(mesh):
    placed = NamedSharding(mesh, ALONG[along])
    z = jax.device_put(logits, placed)
    # What cannot lie so fails when it is traced.
    jax.eval_shape(every, z, jax.device_put(labels, placed))
    found = jit(every)(z, labels)
  for name, expected in jit(every)(logits, labels).items():
    np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)
