"""Programs that are compiled quickly, for tests that run each only few times.

Left to itself, XLA takes several times longer to compile one.
"""

import functools

import jax

OPTIONS = {
  "xla_backend_optimization_level": "0",
  "xla_cpu_use_fusion_emitters": False,
}
jit = functools.partial(jax.jit, compiler_options=OPTIONS)
