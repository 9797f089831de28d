"""Programs that compile quickly, for tests that run each of them few times.

Left to itself, XLA takes several times longer to compile one.
"""

import functools
import math

import jax
import numpy as np


def _known(options):
  """Those options that this version of XLA has."""
  found = {}
  for name, value in options.items():
    try:
      jax.jit(lambda: 0, compiler_options={name: value})()
    except jax.errors.JaxRuntimeError:
      continue
    found[name] = value
  return found


OPTIONS = _known(
  {
    "xla_backend_optimization_level": "0",
    "xla_cpu_parallel_codegen_split_count": "1",
    "xla_cpu_use_fusion_emitters": False,
  }
)
# What XLA does by itself, whatever flags the tests have been started with.
OF_USERS = _known(
  {
    "xla_backend_optimization_level": "3",
    "xla_cpu_parallel_codegen_split_count": "32",
    "xla_cpu_use_fusion_emitters": True,
  }
)
jit = functools.partial(jax.jit, compiler_options=OPTIONS)


def variables(module, images):
  """A network's variables without compiling its `init`, drawn by NumPy.

  Kernels keep the variance through a ReLU; biases are small.
  """
  generator = np.random.default_rng(7)

  def draw(path, leaf):
    kind = path[-1].key
    if kind in ("scale", "var"):
      return np.ones(leaf.shape, leaf.dtype)
    inputs = math.prod(leaf.shape[:-1]) if kind == "kernel" else 200
    values = generator.normal(0, math.sqrt(2 / inputs), leaf.shape)
    return values.astype(leaf.dtype)

  shapes = jax.eval_shape(module.init, jax.random.key(0), images)
  return jax.tree.map_with_path(draw, shapes)
