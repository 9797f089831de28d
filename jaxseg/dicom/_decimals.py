"""Decimal strings (VR DS), which have 16 characters at most."""

from collections.abc import Sequence
import re

import numpy as np

from jaxseg import errors

# Four decimals are within 5e-5 mm. A sign, ten digits, a point and four digits
# make the 16 characters that the standard allows.
_PLACES = 4
_BELOW = 10.0**10 - 1
_TRAILING = re.compile(r"\.?0+(?=\\|$)")


def joined(array: np.ndarray) -> str:
  r"""Writes numbers in order, with backslashes between.

  Every number is the shortest decimal within 5e-5 of the value, in a form that
  every reader understands: no exponent, no "-0", a digit on either side of the
  point.

  Args:
    array: float64, any shape.

  Returns:
    A text such as "-12.5\\0\\30.0001".

  Raises:
    DataError: A number is not finite or has more than ten digits before the
      point.
  """
  values = np.asarray(array, np.float64).ravel()
  fits = abs(values) < _BELOW  # False for NaN, too.
  if not fits.all():
    raise errors.DataError(
      f"coordinate {values[~fits][0]} is not finite or too large for a DICOM"
      " decimal string; give coordinates in mm"
    )
  rounded = np.rint(values * 10**_PLACES) / 10**_PLACES + 0.0  # No -0.
  text = "\\".join([f"%.{_PLACES}f"] * len(rounded)) % tuple(rounded.tolist())
  return _TRAILING.sub("", text)


def exact(numbers: np.ndarray | Sequence[float]) -> list[str]:
  """Each number with as many digits as 16 characters hold, at most 17."""
  return [_exact(float(number)) for number in np.ravel(numbers)]


def _exact(number: float) -> str:
  for digits in range(17, 5, -1):
    text = f"{number:.{digits}g}"
    if len(text) <= 16:
      return text
  return f"{number:.6f}"[:16]
