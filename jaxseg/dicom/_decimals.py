"""Decimal strings (VR DS), which have 16 characters at most.

`joined` writes the coordinates of contours, in a tenth of the time that
pydicom takes for as many numbers; `exact` writes the few numbers of a header.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from jaxseg import errors

# Four decimals are within 5e-5 mm. A sign, ten digits, a point and four digits
# make the 16 characters that the standard allows.
_PLACES = 4
_DIGITS = 10
_BELOW = 10.0**_DIGITS - 1
_AT_ONCE = 1 << 20


def joined(arrays: Sequence[np.ndarray]) -> list[str]:
  r"""Writes the numbers of each array, in order, with backslashes between.

  Every number is the shortest decimal within 5e-5 of the value, in a form that
  every reader understands: no exponent, no "-0", a digit on either side of the
  point.

  Args:
    arrays: float64, any shapes.

  Returns:
    A text for each array, such as "-12.5\\0\\30.0001".

  Raises:
    DataError: A number is not finite or has more than ten digits before the
      point.
  """
  return [text for chunk in _chunks(arrays) for text in _joined(chunk)]


def _chunks(arrays: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
  """Groups of arrays of about a million numbers, to limit the memory."""
  chunk: list[np.ndarray] = []
  size = 0
  for array in arrays:
    chunk.append(np.asarray(array, np.float64).ravel())
    size += chunk[-1].size
    if size >= _AT_ONCE:
      yield chunk
      chunk, size = [], 0
  if chunk:
    yield chunk


def _joined(arrays: list[np.ndarray]) -> Iterator[str]:
  values = np.concatenate(arrays)
  if not (abs(values) < _BELOW).all():  # Also true of NaN.
    raise errors.DataError(
      f"coordinate {values[~(abs(values) < _BELOW)][0]} is not finite or too"
      " large for a DICOM decimal string; give coordinates in mm"
    )
  units = np.rint(values * 10**_PLACES).astype(np.int64)
  characters, kept = _characters(units)
  text = characters[kept].tobytes().decode("ascii")
  ends = np.cumsum(kept.sum(axis=1))
  start, count = 0, 0
  for array in arrays:
    count += array.size
    end = int(ends[count - 1]) if array.size else start
    yield text[start : end - 1] if array.size else ""
    start = end


def _characters(units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Spells out numbers that are given in units of the last place.

  Args:
    units: int64 `[N]`.

  Returns:
    uint8 `[N, C]`, a row for each number: sign, digits, point, digits,
    backslash, all of them at fixed places; and which are written, bool.
  """
  left = abs(units)
  digits = max(1, len(str(int(left.max(initial=0)))) - _PLACES)
  point = 1 + digits
  width = point + 1 + _PLACES + 1
  # So that each column is contiguous.
  characters = np.empty((width, len(units)), np.uint8)
  kept = np.empty((width, len(units)), np.bool_)
  kept[0], characters[0] = units < 0, ord("-")
  kept[-1], characters[-1] = True, ord("\\")
  some = np.zeros(len(units), np.bool_)
  for column in range(point + _PLACES, 0, -1):
    if column == point:
      characters[column], kept[column] = ord("."), some
      continue
    if column < point:
      # Leading zeros are left out, except one before the point.
      kept[column] = (left > 0) | (column == point - 1)
    left, last = np.divmod(left, 10)
    characters[column] = last + ord("0")
    if column > point:
      some |= last > 0
      kept[column] = some  # Trailing zeros are left out.
  return characters.T, kept.T


def exact(numbers: np.ndarray | Sequence[float]) -> list[str]:
  """Each number with as many digits as 16 characters hold, at most 17."""
  return [_exact(float(number)) for number in np.ravel(numbers)]


def _exact(number: float) -> str:
  for digits in range(17, 5, -1):
    text = f"{number:.{digits}g}"
    if len(text) <= 16:
      return text
  return f"{number:.6f}"[:16]
