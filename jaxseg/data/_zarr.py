"""Zarr arrays on disk, by TensorStore."""

import pathlib
from typing import Any

import numpy as np

from jaxseg import errors


def create(path: pathlib.Path, shape: tuple[int, ...], dtype: Any) -> Any:
  """A new array `[..., slice, row, column]`; it can grow later.

  A chunk holds 64 slices of one structure: what training and scoring read.
  """
  import tensorstore as ts  # Slow to import.

  chunk = [1] * (len(shape) - 3) + [64, *shape[-2:]]
  return ts.open(
    {
      "driver": "zarr3",
      "kvstore": {"driver": "file", "path": f"{path}/"},
      "metadata": {
        "shape": list(shape),
        "data_type": np.dtype(dtype).name,
        "chunk_grid": {
          "name": "regular",
          "configuration": {"chunk_shape": chunk},
        },
        "codecs": [
          {"name": "bytes", "configuration": {"endian": "little"}},
          {"name": "zstd", "configuration": {"level": 3}},
        ],
      },
    },
    create=True,
  ).result()


def opened(path: pathlib.Path) -> Any:
  """An array that was written before.

  Raises:
    DataError: There is none, or it is damaged.
  """
  import tensorstore as ts  # Slow to import.

  try:
    return ts.open(
      {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path}/"}}
    ).result()
  except ValueError as e:
    raise errors.DataError(
      f"{path}: no readable Zarr array; prepare the cohort again"
    ) from e
