"""The store's Zarr arrays as files: checksums, and chunks that are missing.

Zarr takes a chunk that is not there for one that was never written, and gives
its fill value, zeros. Arrays that we write now hold every chunk, with a
checksum each, so that a missing one is an error of the read. Older arrays have
neither: all-zero chunks were left out, and which ones is for the store to know.
"""

import itertools
import json
import pathlib
import re
from typing import Any

import numpy as np

from jaxseg import _extras
from jaxseg import _files
from jaxseg import errors

AGAIN = (
  "restore the file from a copy, or prepare the cohort again into another"
  " folder"
)
# Of what stands in one chunk or, in a sharded array, in one inner chunk.
CODECS = [
  {"name": "bytes", "configuration": {"endian": "little"}},
  {"name": "zstd", "configuration": {"level": 3}},
  {"name": "crc32c"},
]


def create_array(path: pathlib.Path, shape: tuple[int, ...], dtype: Any) -> Any:
  """A new Zarr array `[..., slice, row, column]`; it can grow later.

  A file holds 64 slices of one structure: what scoring reads. Each slice is
  compressed by itself: a batch reads slices from all over the array, and must
  not decompress 63 others for each.
  """
  ts = _extras.load("tensorstore", extra="train")  # Slow to import.

  chunk = [1] * (len(shape) - 3) + [64, *shape[-2:]]
  return ts.open(
    {
      **spec(path),
      # Also zeros: what is not there later was lost.
      "store_data_equal_to_fill_value": True,
      "metadata": {
        "shape": list(shape),
        "data_type": np.dtype(dtype).name,
        "chunk_grid": {
          "name": "regular",
          "configuration": {"chunk_shape": chunk},
        },
        "codecs": [
          {
            "name": "sharding_indexed",
            "configuration": {
              "chunk_shape": [*[1] * (len(shape) - 2), *shape[-2:]],
              "codecs": CODECS,
              "index_codecs": [CODECS[0], CODECS[-1]],
            },
          }
        ],
      },
    },
    create=True,
  ).result()


def open_array(path: pathlib.Path) -> Any:
  """A Zarr array, opened for reading.

  Raises:
    ValueError: There is none, or it is damaged.
  """
  ts = _extras.load("tensorstore", extra="train")  # Slow to import.

  return ts.open(
    {**spec(path), "fill_missing_data_reads": not has_checksums(path)}
  ).result()


def spec(path: pathlib.Path) -> dict[str, Any]:
  """How TensorStore is told of an array."""
  # TensorStore refuses a path that goes up, such as ../run.
  place = f"{path.resolve()}/"
  return {"driver": "zarr3", "kvstore": {"driver": "file", "path": place}}


def has_checksums(path: pathlib.Path) -> bool:
  """Whether an array's chunks have checksums, and all of them were written."""
  try:
    codecs = json.loads((path / "zarr.json").read_text("utf-8"))["codecs"]
    if codecs[0]["name"] == "sharding_indexed":
      codecs = codecs[0]["configuration"]["codecs"]
    return any(codec["name"] == "crc32c" for codec in codecs)
  except (OSError, ValueError, TypeError, KeyError, IndexError):
    return False  # TensorStore says what is wrong with it.


def check(path: pathlib.Path, shape: tuple[int, ...], dtype: Any) -> None:
  """Refuses an array that is not the one that the manifest tells of.

  Raises:
    DataError: Its metadata are damaged, or of another array.
  """
  file = path / "zarr.json"
  found = _files.read_json(file)
  wanted = {
    "shape": list(shape),
    "data_type": np.dtype(dtype).name,
    "fill_value": 0,
  }
  for name, value in wanted.items():
    own = found.get(name) if isinstance(found, dict) else None
    if own != value or isinstance(own, bool):
      raise errors.DataError(
        f"{file}: {name} is {own}, by the manifest {value}; {AGAIN}"
      )


def missing(
  path: pathlib.Path, first: tuple[int, ...], last: tuple[int, ...]
) -> list[pathlib.Path]:
  """Files of chunks that are not there.

  Args:
    path: The array.
    first: Index of a voxel in the first chunk asked for.
    last: Index of a voxel in the last chunk, along each axis.

  Raises:
    DataError: The array's metadata are damaged.
  """
  file = path / "zarr.json"
  try:
    grid = _files.read_json(file)["chunk_grid"]["configuration"]["chunk_shape"]
    places = itertools.product(
      *(
        range(a // size, b // size + 1)
        for a, b, size in zip(first, last, grid, strict=True)
      )
    )
    names = ["/".join(map(str, place)) for place in places]
  except (KeyError, TypeError, ValueError, ZeroDivisionError) as e:
    raise errors.DataError(f"{file}: is malformed ({e}); {AGAIN}") from e
  files = [path / "c" / name for name in names]
  return [file for file in files if not file.is_file()]


def check_values(path: pathlib.Path, found: np.ndarray) -> None:
  """Refuses masks that hold something else than 0 and 1.

  Raises:
    DataError: They do.
  """
  if found.dtype == np.uint8 and found.size and found.max() > 1:
    raise errors.DataError(
      f"{path}: a mask holds {found.max()}, not only 0 and 1; {AGAIN}"
    )


def unreadable(path: pathlib.Path, error: Exception) -> errors.DataError:
  """What TensorStore says of an array that it cannot read, in one line."""
  said = " ".join(str(error).split())
  file = re.search(r'local file "([^"]+)"', said)
  where = pathlib.Path(file[1]) if file else path
  if "is missing" in said:
    return errors.DataError(f"{where}: the chunk is missing; {AGAIN}")
  fault = re.sub(r'^.*local file "[^"]+":? ?', "", said) if file else said
  fault = re.sub(r" ?\[(source|chunk|tensorstore).*", "", fault)[:160]
  return errors.DataError(
    f"{where}: cannot be read, it is damaged or not readable by you"
    f" ({fault.rstrip('.')}); {AGAIN}"
  )
