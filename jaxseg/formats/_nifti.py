"""NIfTI files that are whole, checked before anything else reads them.

ITK reads a NIfTI file that was cut short as if nothing had happened and fills
the rest with whatever was in memory, so the bytes are counted here. It takes
what is not a number for 0, so that values are looked at here, too.

References:
  NIfTI-1 and NIfTI-2 headers, nifti.nimh.nih.gov.
"""

import gzip
import math
import pathlib
import struct
import zlib

import numpy as np

from jaxseg import errors
from jaxseg.formats import _suffix

_CHUNK = 1 << 20
# By the header's size: dim, datatype and bitpix, vox_offset, scl_slope and
# scl_inter, pixdim, qform and sform code, quaternion and offset, srow, as
# (format, place).
_NIFTI1 = (
  ("8h", 40), ("2h", 70), ("f", 108), ("2f", 112), ("8f", 76), ("2h", 252),
  ("6f", 256), ("12f", 280),
)  # fmt: skip
_NIFTI2 = (
  ("8q", 16), ("2h", 12), ("q", 168), ("2d", 176), ("8d", 104), ("2i", 344),
  ("6d", 352), ("12d", 400),
)  # fmt: skip
_FLOATS = {16: "f4", 64: "f8"}  # By datatype.


def check(path: pathlib.Path) -> None:
  """Refuses a file that is cut short, broken, or without sound geometry.

  Raises:
    DataError: It is no NIfTI file, shorter than its header says, or has a
      value that is not finite.
    GeometryError: A number of its geometry is not finite, or its sform is
      singular.
  """
  try:
    with open(path, "rb") as file:
      packed = file.read(2) == b"\x1f\x8b"
    if packed and _suffix.suffix(path) == ".nii":
      raise errors.DataError(f"{path}: is compressed by gzip; name it .nii.gz")
    with gzip.open(path) if packed else open(path, "rb") as file:
      head = file.read(540)
      needed, values = _needed(path, head)
      held = len(head)
      values.look(head[values.offset :])
      while chunk := file.read(_CHUNK):
        # Before the values there may be extensions.
        values.look(chunk[max(0, values.offset - held) :])
        held += len(chunk)
  except (EOFError, zlib.error, gzip.BadGzipFile) as e:
    raise errors.DataError(
      f"{path}: its gzip stream is cut short or broken; copy or write the file"
      " again"
    ) from e
  except OSError as e:
    raise _suffix.unreadable(path, e) from e
  if held < needed:
    raise errors.DataError(
      f"{path}: holds {held} of the {needed} bytes its header promises; copy"
      " or write the file again"
    )


class _Values:
  """Looks at values as they are read, and refuses those not finite.

  Attributes:
    offset: Where they begin in the file.
  """

  def __init__(
    self,
    path: pathlib.Path,
    offset: int,
    shape: tuple[int, ...],
    dtype: np.dtype | None,
  ):
    self.offset = offset
    self._path, self._shape, self._dtype = path, shape, dtype
    self._seen, self._left = 0, b""

  def look(self, chunk: bytes) -> None:
    """Looks at further bytes; at none if values are integers."""
    if self._dtype is None:
      return
    data = self._left + chunk
    count = min(
      len(data) // self._dtype.itemsize, math.prod(self._shape) - self._seen
    )
    values = np.frombuffer(data, self._dtype, count)
    if not np.isfinite(values).all():
      at = self._seen + int(np.argmin(np.isfinite(values)))
      index = tuple(int(i) for i in np.unravel_index(at, self._shape))
      raise errors.DataError(
        f"{self._path}: the value at {index} is {values[at - self._seen]};"
        " mend the file"
      )
    self._seen += count
    self._left = data[count * self._dtype.itemsize :]
    if self._seen == math.prod(self._shape):
      self._dtype = None


def _needed(path: pathlib.Path, head: bytes) -> tuple[int, _Values]:
  """Bytes of header and values; the header's numbers are checked, too."""
  order, fields = _layout(path, head)
  dim, (datatype, bits), (offset,), scale, pixdim, codes, quaternion, srow = (
    struct.unpack_from(order + form, head, at) for form, at in fields
  )
  if not 1 <= dim[0] <= 7 or min(dim[1 : 1 + dim[0]]) < 1 or bits < 1:
    raise errors.DataError(
      f"{path}: its header says lengths {dim[1:]}, {bits} bits; write the file"
      " again"
    )
  used = [*pixdim[:4], *(quaternion if codes[0] > 0 else ())]
  used += srow if codes[1] > 0 else ()
  if not np.isfinite(used).all():
    raise errors.GeometryError(
      f"{path}: a number of its geometry (pixdim, qform, sform) is not finite;"
      " write the file again with its geometry"
    )
  if codes[1] > 0:
    _check_sform(path, np.reshape(srow, (3, 4))[:, :3], dim, pixdim)
  if not 0 <= offset < 2**40:
    raise errors.DataError(
      f"{path}: its header says that values begin at byte {offset}; write the"
      " file again"
    )
  if not np.isfinite(scale).all():
    raise errors.DataError(
      f"{path}: its values are scaled by scl_slope {scale[0]} and scl_inter"
      f" {scale[1]}; write the file again with finite ones"
    )
  shape = dim[1 : 1 + dim[0]]
  kind = _FLOATS.get(datatype)
  # In the file x runs fastest, in arrays last.
  dtype = np.dtype(order + kind) if kind else None
  values = _Values(path, int(offset), shape[::-1], dtype)
  return int(offset) + math.prod(shape) * bits // 8, values


def _check_sform(
  path: pathlib.Path, axes: np.ndarray, dim: tuple, pixdim: tuple
) -> None:
  """Refuses what ITK would print about, or silently take from elsewhere."""
  lengths = np.linalg.norm(axes, axis=0)
  if not lengths.all() or abs(np.linalg.det(axes / lengths)) < 1e-6:
    raise errors.GeometryError(
      f"{path}: its sform {axes.tolist()} is singular; write the file again"
      " with its geometry"
    )
  # ITK takes the spacing from pixdim, others from the sform.
  said = np.abs(pixdim[1:4])
  many = np.array([n > 1 and k < dim[0] for k, n in enumerate(dim[1:4])])
  if not np.allclose(said[many], lengths[many], rtol=1e-3, atol=0):
    raise errors.GeometryError(
      f"{path}: its pixdim says a spacing of {said.tolist()}, its sform"
      f" {lengths.tolist()}; write the file again with one geometry"
    )


def _layout(
  path: pathlib.Path, head: bytes
) -> tuple[str, tuple[tuple[str, int], ...]]:
  """Byte order, and where the fields are."""
  for order in "<>":
    size = struct.unpack(order + "i", head[:4].ljust(4, b"\0"))[0]
    if size == 348 and len(head) >= 348 and head[344:348] == b"n+1\0":
      return order, _NIFTI1
    if size == 540 and len(head) >= 540 and head[4:8] == b"n+2\0":
      return order, _NIFTI2
  raise errors.DataError(
    f"{path}: does not begin with a whole NIfTI header; copy or write the file"
    " again"
  )
