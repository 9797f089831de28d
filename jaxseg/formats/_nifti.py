"""NIfTI-1 and NIfTI-2: nibabel reads the header, the rest is checked here.

nibabel and ITK both take a file whose values are not numbers, whose geometry
contradicts itself or whose gzip checksum is wrong; none of these is read.

References:
  NIfTI-1 and NIfTI-2 headers, nifti.nimh.nih.gov.
"""

import gzip
import math
import pathlib
from typing import Any, IO
import zlib

import numpy as np

from jaxseg import _extras
from jaxseg import errors
from jaxseg.formats import _paths

_FARTHEST = 1e9
_UNITS = {1: 1000.0, 3: 0.001}  # Metres and microns, in mm.
# Axes this far from orthogonal, as cosine, move no voxel of a head by a mm;
# sforms are rounded, and composed with registrations, to 1e-4 and worse.
MOST_SKEW = 1e-3


def read(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
  """Reads an image.

  Returns:
    Values `[channel, slice, row, column]`, as stored but scaled, and the
    affine float64 `[4, 4]`, LPS, mm.
  """
  try:
    with open(path, "rb") as file:
      packed = file.read(2) == b"\x1f\x8b"
    if packed and _paths.suffix(path) == ".nii":
      raise errors.DataError(f"{path}: is compressed by gzip; name it .nii.gz")
    opened: Any = gzip.open if packed else open
    with opened(path, "rb") as stream:
      header = _header(path, stream.read(540))
      shape = _shape(path, header)
      affine = _affine(path, header, shape)
      return _values(path, stream, header, shape), affine
  except (EOFError, zlib.error, gzip.BadGzipFile) as e:
    raise errors.DataError(
      f"{path}: its gzip stream is damaged or cut short; copy or write the"
      " file again"
    ) from e
  except OSError as e:
    raise _paths.unreadable(path, e) from e


def _header(path: pathlib.Path, start: bytes) -> Any:
  nibabel = _extras.load("nibabel", extra="io")
  for order in ("little", "big"):
    size = int.from_bytes(start[:4], order)
    if size == 348 and start[344:348] == b"n+1\0":
      return nibabel.Nifti1Header(start[:size], order, check=False)
    if size == 540 == len(start) and start[4:8] == b"n+2\0":
      return nibabel.Nifti2Header(start, order, check=False)
  raise errors.DataError(
    f"{path}: does not begin with a whole NIfTI header; copy or write the file"
    " again"
  )


def _shape(path: pathlib.Path, header: Any) -> tuple[int, ...]:
  """Lengths, x first, at least three."""
  count, *lengths = map(int, header["dim"])
  shape = tuple(lengths[: max(count, 0)])
  if not 2 <= count <= 7 or min(shape) < 1:
    raise errors.DataError(
      f"{path}: its header says lengths {tuple(lengths)} of {count}"
      " dimensions; write the file again"
    )
  if sum(length > 1 for length in shape[3:]) > 1:
    raise errors.DataError(
      f"{path}: has lengths {shape}, more than one axis beyond three; save"
      " channels along one axis only"
    )
  return shape + (1,) * (3 - count)


def _affine(
  path: pathlib.Path, header: Any, shape: tuple[int, ...]
) -> np.ndarray:
  """The affine of (slice, row, column): of the sform, or else the qform."""
  pixdim = header["pixdim"]
  names = ["srow_x", "srow_y", "srow_z"] if header["sform_code"] > 0 else []
  if header["qform_code"] > 0:
    names += [f"quatern_{letter}" for letter in "bcd"]
    names += [f"qoffset_{letter}" for letter in "xyz"]
  numbers = [pixdim[:4], *(header[name].ravel() for name in names)]
  # NaN is not below, either.
  if not (np.abs(np.concatenate(numbers)) < _FARTHEST).all():
    raise errors.GeometryError(
      f"{path}: a number of its geometry (pixdim, qform, sform) is not finite"
      f" or not below {_FARTHEST:g}; write the file again with a valid geometry"
    )
  # Signs and zeros outside the standard, as most readers take them.
  pixdim[0] = -1 if pixdim[0] < 0 else 1
  pixdim[1:4] = np.where(pixdim[1:4] == 0, 1, np.abs(pixdim[1:4]))
  spacing = pixdim[1:4].astype(np.float64)
  if header["sform_code"] > 0:
    form = header.get_sform()
    axes, origin = form[:3, :3], form[:3, 3]
    _check_sform(path, axes, spacing, [length > 1 for length in shape[:3]])
  elif header["qform_code"] > 0:
    # Computed in float64, and no more precise than what it is made of.
    form = _qform(header).astype(pixdim.dtype).astype(np.float64)
    axes, origin = form[:3, :3], form[:3, 3]
  else:
    axes, origin = np.diag([-1.0, -1.0, 1.0]), np.zeros(3)
  # The form gives the directions, pixdim the spacing.
  axes = axes / np.linalg.norm(axes, axis=0) * spacing
  unit = _UNITS.get(int(header["xyzt_units"]) & 7, 1.0)
  to_lps = np.array([-unit, -unit, unit])
  affine = np.eye(4)
  affine[:3, :3] = (axes * to_lps[:, np.newaxis])[:, ::-1]
  affine[:3, 3] = origin * to_lps
  return affine + 0.0  # No -0.


def _qform(header: Any) -> np.ndarray:
  quaternion = [float(header[f"quatern_{letter}"]) for letter in "bcd"]
  length = math.hypot(*quaternion)
  if length > 1:  # By rounding, as a turn of 180 degrees has length 1.
    for letter, value in zip("bcd", quaternion, strict=True):
      header[f"quatern_{letter}"] = value / length
  return header.get_qform()


def _check_sform(
  path: pathlib.Path, axes: np.ndarray, spacing: np.ndarray, many: list[bool]
) -> None:
  """Refuses axes that are singular, sheared, or of another spacing."""
  lengths = np.linalg.norm(axes, axis=0)
  if not lengths.all() or abs(np.linalg.det(axes / lengths)) < 1e-6:
    raise errors.GeometryError(
      f"{path}: its sform {axes.tolist()} is singular; write the file again"
      " with a valid geometry"
    )
  if not np.allclose(spacing[many], lengths[many], rtol=1e-3, atol=0):
    raise errors.GeometryError(
      f"{path}: its pixdim says a spacing of {spacing.tolist()}, its sform"
      f" {lengths.tolist()}; write the file again with one geometry"
    )
  if skew(axes) > MOST_SKEW:
    raise errors.GeometryError(
      f"{path}: its sform {axes.tolist()} is sheared; resample the image to"
      " orthogonal axes"
    )


def skew(axes: np.ndarray) -> float:
  """How far axes, `[3, 3]`, are from orthogonal: the greatest cosine of two."""
  unit = axes / np.linalg.norm(axes, axis=0)
  return float(np.abs(unit.T @ unit - np.eye(3)).max())


def _values(
  path: pathlib.Path, stream: IO[bytes], header: Any, shape: tuple[int, ...]
) -> np.ndarray:
  try:
    dtype = header.get_data_dtype()
  except KeyError:
    dtype = np.dtype(np.void)
  if dtype.kind not in "biuf":
    raise errors.DataError(
      f"{path}: its datatype {int(header['datatype'])} is not one of plain"
      " numbers; save integers or floating point"
    )
  slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
  if not math.isfinite(slope) or not math.isfinite(inter):
    raise errors.DataError(
      f"{path}: its values are scaled by scl_slope {slope} and scl_inter"
      f" {inter}; write the file again with finite ones"
    )
  offset = float(header["vox_offset"])
  # Behind the header are four bytes that say whether extensions follow.
  first = int(header["sizeof_hdr"]) + 4
  if not first <= offset < 2**40 or offset % 1:
    raise errors.DataError(
      f"{path}: its header says that values begin at byte {offset:g}, and of"
      f" one file they begin at byte {first} or later; write the file again"
    )
  length = math.prod(shape) * dtype.itemsize
  _paths.check_size(path, length)
  stream.seek(int(offset))
  content = _paths.take(stream, length)
  if len(content) < length:
    raise errors.DataError(
      f"{path}: holds {len(content)} of the {length} bytes of values that its"
      " header promises; copy or write the file again"
    )
  array = np.frombuffer(content, dtype, math.prod(shape))
  array = array.astype(dtype.newbyteorder("="), copy=False)
  array = array.reshape(-1, *shape[2::-1])
  if slope and (slope, inter) != (1, 0):
    array = _scaled(array, slope, inter)
  _check_finite(path, array.reshape(shape[::-1]))
  return array


def _check_finite(path: pathlib.Path, array: np.ndarray) -> None:
  if array.dtype.kind == "f" and not np.isfinite(array).all():
    first = int(np.argmin(np.isfinite(array)))
    index = tuple(int(k) for k in np.unravel_index(first, array.shape))
    raise errors.DataError(
      f"{path}: the value at {index} is {array[index]}; write the file again"
      " without it"
    )


def _scaled(array: np.ndarray, slope: float, inter: float) -> np.ndarray:
  """Scaled values, float64 where they are and else float32."""
  dtype = array.dtype if array.dtype.itemsize > 4 else np.dtype(np.float32)
  scaled = np.empty(array.shape, dtype if dtype.kind == "f" else np.float32)
  with np.errstate(over="ignore"):  # Not finite then, and refused as such.
    for channel, values in zip(scaled, array, strict=True):
      channel[...] = values.astype(np.float64) * slope + inter
  return scaled
