"""Networks by name, and the messages for wrong settings."""

import jax.numpy as jnp
import pytest

from jaxseg import errors
from jaxseg import models


def test_names():
  assert models.create("unet", base=8) == models.UNet(base=8)
  assert models.create("bice2020", f=2) == models.Bice2020UNet(f=2)


@pytest.mark.parametrize("dtype", ["bfloat16", jnp.bfloat16])
def test_a_dtype_may_be_its_name(dtype):
  assert models.create("unet", dtype=dtype).dtype == jnp.bfloat16


def test_equal_settings_make_equal_hashes():
  first, second = (models.create("unet", dtype="float32") for _ in range(2))
  assert first == second and hash(first) == hash(second)


@pytest.mark.parametrize(
  ("config", "text"),
  [
    ({"name": "vnet"}, "'vnet' is unknown; take bice2020 or unet"),
    ({"name": "unet", "f": 3}, "unet: setting 'f' is unknown; take one of"),
    ({"name": "unet", "parent": 1}, "setting 'parent' is unknown"),
    ({"name": "bice2020", "norm": "none"}, "bice2020: setting 'norm'"),
    (
      {"name": "unet", "dtype": "int8"},
      "dtype 'int8' is not supported; take one of bf",
    ),
    ({"name": "unet", "dtype": "float"}, "dtype 'float' is not supported"),
    (
      {"name": "unet", "dtype": "half-ish"},
      "dtype 'half-ish' is not supported",
    ),
    ({"name": "unet", "base": "8"}, "base is '8'; give a whole number"),
    ({"name": "unet", "base": 8.5}, "base is 8.5; give a whole number"),
    ({"name": "unet", "dropout": "x"}, "dropout is 'x'; give a number"),
    ({"name": "unet", "norm": 1}, "norm is 1; give a name"),
    ({"name": "bice2020", "final_norm": 0}, "final_norm is 0; give true or"),
  ],
)
def test_one_line_says_what_is_wrong(config, text):
  with pytest.raises(errors.ConfigError, match=text) as caught:
    models.create(**config)
  assert "\n" not in str(caught.value)
