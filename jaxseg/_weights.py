"""A trained model's weights: from its newest checkpoint, and by themselves."""

from collections.abc import Mapping
import pathlib
from typing import Any

import jax
import numpy as np

from jaxseg import _digests
from jaxseg import _distributed
from jaxseg import _extras
from jaxseg import errors

AGAIN = "delete the model's folder and train it again"


def restore(
  folder: pathlib.Path, like: Any, facts: Mapping[str, Any]
) -> dict[str, Any]:
  """Variables in a slot's newest checkpoint, as NumPy, for any devices."""
  ocp = _extras.load("orbax.checkpoint", extra="train")  # Slow to import.

  steps = [p for p in folder.glob("*") if p.name.isdecimal()]
  if not steps:
    raise errors.DataError(
      f"{folder.parents[1]}: no {folder.name} checkpoint; train it first"
    )
  path = max(steps, key=lambda p: int(p.name))
  damaged = _digests.damage(path, model=facts)
  if damaged and not path.exists():  # A training put another in its place.
    return restore(folder, like, facts)
  if damaged:
    raise _damaged(path, damaged)
  kind = ocp.RestoreArgs(restore_type=np.ndarray)
  as_numpy = jax.tree.map(lambda _: kind, like)
  try:
    alone = _distributed.orbax_alone()
    with ocp.Checkpointer(
      ocp.PyTreeCheckpointHandler(multiprocessing_options=alone),
      multiprocessing_options=alone,
    ) as checkpointer:
      found = checkpointer.restore(
        (path / "state").absolute(),
        args=ocp.args.PyTreeRestore(
          item=like, restore_args=as_numpy, partial_restore=True
        ),
      )
    if _shapes(found) != _shapes(like):
      raise ValueError("it is of another network than model.json")
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found)):
      raise ValueError("its weights are not finite")
  except Exception as e:  # Orbax and TensorStore raise this very class.
    why = (str(e) or repr(e)).splitlines()[0][:200]
    raise _damaged(path, why) from e
  return {"batch_stats": {}, **found}


def save(
  folder: pathlib.Path, variables: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
  """Writes the variables alone, as `restore` reads them, with digests.

  Args:
    folder: A slot's folder, such as MODEL/checkpoints/best, of a folder that
      nobody reads yet.
    variables: "params" and "batch_stats", NumPy.
    facts: Content of the model.json that they belong to.
  """
  ocp = _extras.load("orbax.checkpoint", extra="train")  # Slow to import.

  path = (folder / "1").absolute()
  alone = {"multiprocessing_options": _distributed.orbax_alone()}
  handler = ocp.CompositeCheckpointHandler(
    state=ocp.StandardCheckpointHandler(**alone),
    extra=ocp.JsonCheckpointHandler(**alone),
    composite_options=ocp.CompositeOptions(**alone),
  )
  kept = {name: tree for name, tree in variables.items() if tree}
  content = ocp.args.Composite(
    state=ocp.args.StandardSave(kept),
    extra=ocp.args.JsonSave(_digests.promise(facts)),
  )
  path.parent.mkdir(parents=True, exist_ok=True)
  with ocp.Checkpointer(handler, **alone) as checkpointer:
    checkpointer.save(path, args=content)
  _digests.write(path)


def _damaged(path: pathlib.Path, why: str) -> errors.DataError:
  return errors.DataError(f"{path}: cannot be restored ({why}); {AGAIN}")


def _shapes(tree: Any) -> dict[str, tuple[Any, ...]]:
  """Path -> shape and dtype of each array."""
  return {
    jax.tree_util.keystr(path): (*leaf.shape, str(leaf.dtype))
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }
