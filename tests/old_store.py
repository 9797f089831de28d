"""A store as older versions wrote it: 64 slices compressed as one."""

import shutil

import numpy as np
import tensorstore as ts

from jaxseg import data


def copy(store, folder, *, layout=64):
  """A copy of a store; `layout` None keeps its files as they are."""
  shutil.copytree(store.folder, folder)
  if layout is not None:
    for name in ("images", "labels"):
      shutil.rmtree(folder / name)
    _write(folder / "images", store.images(), layout)
    masks = np.stack([store.labels(name) for name in store.structures])
    _write(folder / "labels", masks, layout)
  return data.Store(folder)


def _write(path, array, layout):
  chunk = [1] * (array.ndim - 3) + [layout, *array.shape[-2:]]
  spec = {
    "driver": "zarr3",
    "kvstore": {"driver": "file", "path": f"{path}/"},
    "metadata": {
      "shape": list(array.shape),
      "data_type": array.dtype.name,
      "chunk_grid": {
        "name": "regular",
        "configuration": {"chunk_shape": chunk},
      },
      "codecs": [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": 3}},
      ],
    },
  }
  ts.open(spec, create=True).result().write(array).result()
