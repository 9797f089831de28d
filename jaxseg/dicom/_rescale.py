"""Rescales stored values to HU, activity or signal, and padding to air."""

from collections.abc import Sequence

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _stack

AIR_HU = -1000
_INT16 = np.iinfo(np.int16)
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def rescale(
  planes: Sequence[_stack.Plane],
  stored: Sequence[np.ndarray],
  *,
  modality: str,
  stray_bits: str,
  notes: list[_text.Note],
) -> tuple[np.ndarray, np.ndarray | None]:
  """Applies each slice's own slope and intercept.

  Args:
    planes: Slices.
    stored: Stored values of each, integers `[row, column]`.
    modality: "CT" makes padding -1000, anything else makes it 0.
    stray_bits: What is done about values that the bits stored cannot hold:
      "refuse", "keep" what those bits hold, or take them "raw".
    notes: Receives what was unusual.

  Returns:
    Values `[slice, row, column]`, int16 where all are whole and fit, else
    float32; and bool of the same shape where nothing was measured, or None.

  Raises:
    DataError: Values do not fit into the bits stored, or a slice of a CT lacks
      the intercept that others have.
  """
  lacking = [plane for plane in planes if plane.intercept is None]
  if modality == "CT" and lacking:
    given = next((plane.intercept for plane in planes if plane.intercept), None)
    if given is not None:
      raise errors.DataError(
        f"{lacking[0].path}: lacks RescaleIntercept (0028,1052), which is"
        f" {given:g} in other slices; export the series again"
      )
    notes.append(
      _text.Note("no-intercept", "RescaleIntercept is missing; read as 0")
    )
  if stray_bits == "keep":
    stored = [
      _masked(plane, values, notes)
      for plane, values in zip(planes, stored, strict=True)
    ]
  shape = (len(planes), *stored[0].shape)
  padded = [_padded(*one) for one in zip(planes, stored, strict=True)]
  narrow = True
  for plane, (_, ends) in zip(planes, padded, strict=True):
    if ends is not None:
      _check_bits(plane, ends, stray_bits, notes)
      _check_range(plane, ends)
      narrow &= _is_narrow(plane, ends)
  array = np.empty(shape, np.int16 if narrow else np.float32)
  unscanned = None
  for index, (plane, values) in enumerate(zip(planes, stored, strict=True)):
    if narrow:
      # All results fit, so that the wrapping int16 arithmetic is exact.
      np.copyto(array[index], values, casting="unsafe")
      if plane.slope != 1:
        array[index] *= _wrapped(plane.slope)
      array[index] += _wrapped(plane.intercept or 0.0)
    else:
      array[index] = values * plane.slope + (plane.intercept or 0.0)
    outside, _ = padded[index]
    if outside is not None:
      array[index][outside] = AIR_HU if modality == "CT" else 0
      if unscanned is None:
        unscanned = np.zeros(shape, np.bool_)
      unscanned[index] = outside
  return array, unscanned


def _masked(
  plane: _stack.Plane, values: np.ndarray, notes: list[_text.Note]
) -> np.ndarray:
  """What the bits stored hold: the others are no part of the value."""
  form = plane.form
  if form.lowest <= int(values.min()) and int(values.max()) <= form.highest:
    return values
  bits = values & values.dtype.type((1 << form.stored) - 1)
  if form.signed:
    sign = values.dtype.type(1 << form.stored - 1)
    bits = (bits ^ sign) - sign
  notes.append(
    _text.Note(
      "stray-bits",
      f"{plane.path}: {int(np.count_nonzero(bits != values))} values masked to"
      f" BitsStored (0028,0101) {form.stored}",
    )
  )
  return bits


def _wrapped(number: float) -> np.int16:
  return np.int64(number).astype(np.int16)


def _is_narrow(plane: _stack.Plane, ends: tuple[int, int]) -> bool:
  """Whether all values of a slice are whole and fit 16 bits."""
  intercept = plane.intercept or 0.0
  scaled = [end * plane.slope + intercept for end in ends]
  return (
    plane.slope.is_integer()
    and intercept.is_integer()
    and max(abs(plane.slope), abs(intercept)) < 2**31
    and min(scaled) >= _INT16.min
    and max(scaled) <= _INT16.max
  )


def _padded(
  plane: _stack.Plane, values: np.ndarray
) -> tuple[np.ndarray | None, tuple[int, int] | None]:
  """Where a slice is padding, and the range of its other values."""
  ends = int(values.min()), int(values.max())
  span = plane.padding
  if span is None or span[1] < ends[0] or span[0] > ends[1]:
    return None, ends
  outside = (values >= span[0]) & (values <= span[1])
  if outside.all():
    return outside, None
  scanned = values[~outside]
  return outside, (int(scanned.min()), int(scanned.max()))


def _check_range(plane: _stack.Plane, ends: tuple[int, int]) -> None:
  """Refuses results that float32 cannot hold."""
  intercept = plane.intercept or 0.0
  largest = max(abs(end * plane.slope + intercept) for end in ends)
  if not largest <= _FLOAT32_MAX:
    raise errors.DataError(
      f"{plane.path}: RescaleSlope (0028,1053) {plane.slope:g} and"
      f" RescaleIntercept (0028,1052) {intercept:g} give values up to"
      f" {largest:g}; re-export the image"
    )


def _check_bits(
  plane: _stack.Plane,
  ends: tuple[int, int],
  stray_bits: str,
  notes: list[_text.Note],
) -> None:
  form = plane.form
  if form.lowest <= ends[0] and ends[1] <= form.highest:
    return
  said = (
    f"{plane.path}: stored values {ends[0]} to {ends[1]} do not fit into"
    f" BitsStored (0028,0101) {form.stored}"
  )
  if stray_bits == "refuse":
    raise errors.DataError(
      f"{said}; re-export the image, or read with stray_bits='keep', which"
      " masks them to the bits stored (--repair=stray_bits)"
    )
  notes.append(_text.Note("stray-bits", said))
