"""Arrays that NumPy stored: nothing is unpickled, one channel is read.

The header is checked against the file's length before anything is allocated.
"""

import dataclasses
import math
import pathlib
from typing import IO
import warnings

import numpy as np

from jaxseg import _text
from jaxseg import errors

_CHUNK = 1 << 20
_MAX_BYTES = 16 * 2**30


@dataclasses.dataclass(frozen=True)
class Header:
  """What a stored array is.

  Attributes:
    shape: Its lengths.
    fortran: Whether the first index runs fastest.
    dtype: Type of its values.
  """

  shape: tuple[int, ...]
  fortran: bool
  dtype: np.dtype


def read_header(stream: IO[bytes], size: int, path: pathlib.Path) -> Header:
  """Reads and checks the header; the stream is at the first value then.

  Args:
    stream: At its begin.
    size: Bytes of the whole stream.
    path: The file, for messages.

  Raises:
    DataError: It is not a whole array of numbers.
    LimitError: It is too large.
  """
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")  # Of headers by Python 2.
      version = np.lib.format.read_magic(stream)
      read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
      }[version]
      header = Header(*read(stream))
  except Exception as e:  # Whatever broken text makes the parser raise.
    raise errors.DataError(
      f"{path}: its NumPy header cannot be read; copy or save the array again"
    ) from e
  if header.dtype.hasobject or header.dtype.kind not in "biuf":
    raise errors.DataError(
      f"{path}: holds {_text.shown(header.dtype)}, not plain numbers, and is"
      " never unpickled; save an array of numbers"
    )
  needed = math.prod(header.shape) * header.dtype.itemsize
  if min(header.shape, default=0) < 1 or needed != size - stream.tell():
    raise errors.DataError(
      f"{path}: an array of shape {_text.shown(header.shape)} takes {needed}"
      f" bytes, the file holds {size - stream.tell()}; copy or save the array"
      " again"
    )
  return header


def read_values(
  stream: IO[bytes], header: Header, channel: int | None, path: pathlib.Path
) -> np.ndarray:
  """Reads the array, or one index of its first axis, in this machine's order.

  Args:
    stream: At the first value.
    header: What comes.
    channel: Index along the first axis; None is all.
    path: The file, for messages.

  Raises:
    DataError: The stream ends early.
    LimitError: It is too large.
  """
  part = channel is not None and not header.fortran
  shape = header.shape[1:] if part else header.shape
  length = math.prod(shape) * header.dtype.itemsize
  if length > _MAX_BYTES:
    raise errors.LimitError(
      f"{path}: {length} bytes are more than {_MAX_BYTES}; save one structure"
      " a file"
    )
  if part:
    _skip(stream, (channel or 0) * length)
  content = bytearray()
  while len(content) < length:
    some = stream.read(min(_CHUNK, length - len(content)))
    if not some:
      raise errors.DataError(
        f"{path}: ends after {len(content)} of {length} bytes; copy or save"
        " the array again"
      )
    content += some
  while stream.read(_CHUNK):
    pass  # To the end, where a zip file's checksum is verified.
  array = np.frombuffer(content, header.dtype)
  array = array.reshape(shape, order="F" if header.fortran else "C")
  if channel is not None and not part:
    array = array[channel]
  return np.ascontiguousarray(array, header.dtype.newbyteorder("="))


def _skip(stream: IO[bytes], length: int) -> None:
  while length > 0:
    some = stream.read(min(_CHUNK, length))
    if not some:
      return
    length -= len(some)
