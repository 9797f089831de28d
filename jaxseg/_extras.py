"""Modules that `pip install jaxseg` alone does not bring.

The core needs JAX, NumPy and SciPy. What else a part uses comes with an extra,
`pip install 'jaxseg[io]'`, and whoever lacks it is told which.
"""

import importlib
from typing import Any

from jaxseg import errors


def load(module: str, *, extra: str) -> Any:
  """Imports a module that comes with an extra.

  Args:
    module: Full name, such as "orbax.checkpoint".
    extra: Extra of jaxseg that installs it: "io", "train", "report" or
      "cluster".

  Returns:
    The module.

  Raises:
    MissingExtraError: The module is not installed.
  """
  try:
    return importlib.import_module(module)
  except ModuleNotFoundError as e:
    # A module that is there and lacks something itself is another fault.
    if e.name is None or not f"{module}.".startswith(f"{e.name}."):
      raise
    raise errors.MissingExtraError(
      f"{e.name} is missing; pip install 'jaxseg[{extra}]'", name=e.name
    ) from None
