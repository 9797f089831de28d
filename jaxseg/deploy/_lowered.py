"""Models as StableHLO, for those who serve them without jaxseg.

    stablehlo/STRUCTURE.bin     for `jax.export.deserialize`
    stablehlo/STRUCTURE.mlirbc  the same program as StableHLO bytecode
    stablehlo/STRUCTURE.json    inputs, outputs, and how near the numbers are

The program takes slices that were prepared as model.json says: int16 HU
`[n, row, column]`, n free; the window is part of it. It holds the weights, and
gives the mean of the models.

References:
  JAX, "Exporting and serializing staged-out computations" (docs.jax.dev).
"""

from collections.abc import Sequence
import pathlib
from typing import Any

import jax
from jax import export as jax_export
import jax.numpy as jnp
import numpy as np

import jaxseg
from jaxseg import _extras
from jaxseg import _files
from jaxseg import errors
from jaxseg import Model
from jaxseg import models

PLATFORMS = ("cpu", "cuda", "tpu")
_KNOWN = (*PLATFORMS, "rocm")
# What another compilation of the same sums may differ by.
_NEAR = 1e-5


def check(platforms: Sequence[str]) -> None:
  """Whether models can be written for these platforms, before any work.

  Raises:
    ConfigError: One is unknown.
    MissingExtraError: What JAX writes files with is not installed.
  """
  for one in platforms:
    if one not in _KNOWN:
      raise errors.ConfigError(
        f"platforms: {one!r} is unknown; give {', '.join(_KNOWN)}"
      )
  _extras.load("flatbuffers", extra="train")


def lower(
  model: Model, stem: pathlib.Path, *, platforms: Sequence[str] = PLATFORMS
) -> dict[str, Any]:
  """Writes a model as StableHLO, once its numbers were seen to be the same.

  Args:
    model: One or several networks on one prepared grid.
    stem: Path without an ending.
    platforms: What it is to run on: cpu, cuda, rocm or tpu. This machine's
      is added, as the numbers are compared on it.

  Returns:
    What the .json says.

  Raises:
    ConfigError: The members see different grids, or a platform is unknown.
    DataError: The numbers differ.
  """
  check(platforms)
  here = jax.default_backend().replace("gpu", "cuda")
  platforms = tuple(dict.fromkeys([*platforms, here]))
  members = model.members
  if len({(m.prepare, m.forward.slices) for m in members}) > 1:
    raise errors.ConfigError(
      f"{model.folders[0]}: the members see different grids, so they are no one"
      " program; export them one by one"
    )
  rows, columns = members[0].facts["size"]
  around = members[0].forward.slices

  def probabilities(images: jax.Array) -> jax.Array:
    maps = [m.forward.probabilities(m.variables, images) for m in members]
    if len(maps) == 1:
      return maps[0]
    return jnp.mean(jnp.stack(maps), 0)

  (n,) = jax_export.symbolic_shape("n")
  own = (n, rows, columns) if around == 1 else (n, around, rows, columns)
  lowered = jax_export.export(jax.jit(probabilities), platforms=platforms)
  exported = lowered(jax.ShapeDtypeStruct(own, np.int16))
  content = exported.serialize()
  difference = _difference(model, content, (rows, columns), around)
  about = {
    "format": "jaxseg.stablehlo/1",
    "jax": jax.__version__,
    "jaxseg": jaxseg.__version__,
    "calling_convention": exported.calling_convention_version,
    "platforms": list(exported.platforms),
    "structure": model.structure,
    "model": model.facts["digest"],
    "input": {"dtype": "int16", "shape": [str(d) for d in own], "unit": "HU"},
    "output": {
      "dtype": "float32",
      "shape": ["n", str(rows), str(columns)],
      "what": "probability",
    },
    "threshold": None if model.threshold is None else model.threshold.threshold,
    "largest_difference": difference,
  }
  _files.write_bytes(stem.with_name(stem.name + ".bin"), bytes(content))
  _files.write_bytes(
    stem.with_name(stem.name + ".mlirbc"), exported.mlir_module_serialized
  )
  _files.write_json(stem.with_name(stem.name + ".json"), about)
  return about


def _difference(
  model: Model, content: bytearray, size: tuple[int, int], around: int
) -> float:
  """How far the file's numbers are from the model's, at most.

  Raises:
    DataError: Too far.
  """
  draw = np.random.default_rng(0)
  images = draw.integers(-1000, 1500, (3, *size)).astype(np.int16)
  given = images
  if around > 1:
    from jaxseg import data

    given = images[data.around(np.arange(3), 0, 3, around)]
  again = jax_export.deserialize(content)
  run = jax.jit(again.call, compiler_options=models.compiler_options())
  found = np.asarray(run(given))
  plain = model.with_views(1).predict_prepared(images)
  difference = float(np.abs(found - plain).max())
  if not difference <= _NEAR:
    raise errors.DataError(
      f"{model.folders[0]}: as StableHLO it gives other numbers, by up to"
      f" {difference:.3g}; do not use the file, and report it"
    )
  return difference
