"""A region of interest as it was drawn; its contours are parsed here."""

import dataclasses
import pathlib
import struct
import warnings

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg.dicom import _header

# Tags as they stand in a file: Item and ReferencedSOPInstanceUID.
_ITEM, _INSTANCE = b"\xfe\xff\x00\xe0", b"\x08\x00\x55\x11"
_ALLOWED = b"0123456789+-.eE\\ "

_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})


@dataclasses.dataclass(frozen=True, eq=False)
class Contour:
  """One contour.

  Attributes:
    points: float64 `[P, 3]`, patient LPS, mm.
    kind: ContourGeometricType: "CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "POINT",
      "OPEN_PLANAR", "OPEN_NONPLANAR", or whatever the file says.
    images: SOPInstanceUIDs of the images it refers to.
    index: Its place in the ROI's ContourSequence, from 0.
  """

  points: np.ndarray
  kind: str
  images: tuple[str, ...] = ()
  index: int = 0

  @property
  def is_closed(self) -> bool:
    """Whether it bounds an area."""
    return self.kind in _CLOSED


@dataclasses.dataclass(frozen=True, eq=False)
class Roi:
  """One region of interest.

  Attributes:
    number: ROINumber, the key that ties names to contours.
    name: ROIName without padding; may be hostile.
    contours: In the order of the file; none for a ROI that was never drawn.
    color: ROIDisplayColor, sRGB 0 to 255, or None.
    interpreted_type: RTROIInterpretedType: "ORGAN", "GTV", ... or "".
    generation_algorithm: "MANUAL", "AUTOMATIC", ... or "".
    description: ROIGenerationDescription, or ROIDescription.
    frame_of_reference_uid: The frame of reference of its points, or "".
    refused: Contours that were left out, and why.
    lost: The same contours, with what is left of their points (perhaps none)
      and the images they refer to: they tell on which slices one is missing.
    notes: What was unusual.
  """

  number: int
  name: str
  contours: tuple[Contour, ...]
  color: tuple[int, int, int] | None = None
  interpreted_type: str = ""
  generation_algorithm: str = ""
  description: str = ""
  frame_of_reference_uid: str = ""
  refused: tuple[str, ...] = ()
  lost: tuple[Contour, ...] = ()
  notes: tuple[_text.Note, ...] = ()


def points(item: Dataset) -> np.ndarray | str:
  """The points of one contour, or why there are none.

  pydicom would make an object of every number; this reads the text itself.
  It is the same text whether the VR is DS, or UN because it is too long.

  Args:
    item: An item of a Contour Sequence.

  Returns:
    float64 `[P, 3]`, LPS mm; or the reason for refusing the contour, without
    its number.
  """
  text = _text_of(item)
  if not text:
    return "ContourData (3006,0050) is empty"
  numbers = _numbers(text)
  if isinstance(numbers, str):
    return f"ContourData (3006,0050): {numbers}"
  if numbers.size % 3:
    return (
      f"ContourData (3006,0050) has {numbers.size} numbers, not 3 per point"
    )
  stated = _stated(item)
  try:
    agrees = stated in (None, "") or int(str(stated)) * 3 == numbers.size
  except (TypeError, ValueError):
    agrees = False
  if not agrees:
    return (
      f"NumberOfContourPoints (3006,0046) is {str(stated)[:16]!r}, ContourData"
      f" has {numbers.size // 3}"
    )
  return numbers.reshape(-1, 3)


def _stated(item: Dataset) -> object:
  """NumberOfContourPoints, whatever it is."""
  element = item.get_item("NumberOfContourPoints")
  raw = element.value if isinstance(element, RawDataElement) else None
  if isinstance(raw, bytes) and raw.strip(b" \0").isdigit():
    return int(raw.strip(b" \0"))
  found: object = item.get("NumberOfContourPoints")
  return found


def kind(item: Dataset, path: pathlib.Path) -> str:
  """ContourGeometricType as the file has it, "" where it is absent."""
  element = item.get_item("ContourGeometricType")
  raw = element.value if isinstance(element, RawDataElement) else None
  if isinstance(raw, bytes) and raw.isascii() and b"\\" not in raw:
    return _text.clean(raw.decode("ascii"))
  return _header.text(item, "ContourGeometricType", path)


def images(item: Dataset, path: pathlib.Path) -> tuple[str, ...]:
  """SOPInstanceUIDs of the images that a contour refers to.

  There may be a million contours, so the usual form is read from the bytes.
  """
  element = item.get_item("ContourImageSequence")
  if element is None:
    return ()
  if isinstance(element, RawDataElement):
    found = _plain_references(element)
    if found is not None:
      return found
  return tuple(
    _header.text(one, "ReferencedSOPInstanceUID", path)
    for one in _header.items(item, "ContourImageSequence", path)
  )


def _plain_references(element: RawDataElement) -> tuple[str, ...] | None:
  """UIDs in items of stated length without sequences; None for all others."""
  raw = element.value
  if not isinstance(raw, bytes) or not element.is_little_endian:
    return None
  found, at = [], 0
  while at < len(raw):
    if raw[at : at + 4] != _ITEM or at + 8 > len(raw):
      return None
    (length,) = struct.unpack_from("<I", raw, at + 4)
    at += 8
    end, uid = at + length, b""
    if end > len(raw):
      return None
    while at < end:
      if at + 8 > end:
        return None
      tag = raw[at : at + 4]
      if element.is_implicit_VR:
        (length,) = struct.unpack_from("<I", raw, at + 4)
      elif raw[at + 4 : at + 6] in (b"UI", b"IS", b"US"):
        (length,) = struct.unpack_from("<H", raw, at + 6)
      else:
        return None
      at += 8
      if at + length > end:
        return None
      if tag == _INSTANCE:
        uid = raw[at : at + length]
      at += length
    if not uid.isascii():
      return None
    found.append(_text.clean(uid.decode("ascii")))
  return tuple(found)


def first_points(item: Dataset) -> np.ndarray:
  """The points of a malformed contour before the fault.

  Args:
    item: An item of a Contour Sequence.

  Returns:
    float64 `[P, 3]`, LPS mm; none if the first is at fault.
  """
  numbers: list[float] = []
  for part in _text_of(item).split(b"\\"):
    try:
      number = float(part)
    except ValueError:
      break
    if not np.isfinite(number):
      break
    numbers.append(number)
  whole = len(numbers) // 3
  return np.array(numbers[: 3 * whole], np.float64).reshape(whole, 3)


def _text_of(item: Dataset) -> bytes:
  """The text of ContourData, b"" where there is none."""
  element = item.get_item("ContourData")
  raw = None if element is None else element.value
  if raw is not None and not isinstance(raw, bytes):
    # pydicom has converted it: the data set was made in memory.
    many = (
      raw if not isinstance(raw, str) and hasattr(raw, "__iter__") else [raw]
    )
    raw = "\\".join(str(part) for part in many).encode("ascii", "replace")
  return (raw or b"").strip(b" \0")


def _numbers(text: bytes) -> np.ndarray | str:
  """All numbers, or which of them is not one."""
  count = text.count(b"\\") + 1
  if not text.translate(None, _ALLOWED):
    numbers = _parse(text.replace(b"\\", b" ").decode("ascii"))
    whole = b"\\\\" not in text.replace(b" ", b"") and text[-1:] != b"\\"
    if numbers.size == count and whole and np.isfinite(numbers).all():
      return numbers
  for index, part in enumerate(text.split(b"\\")):
    try:
      good = np.isfinite(float(part)) and b"_" not in part
    except ValueError:
      good = False
    if not good:
      shown = part[:20].decode("ascii", "replace")
      return f"number {index} is {shown!r}, not a finite decimal"
  return "cannot be read as decimals"


def _parse(text: str) -> np.ndarray:
  """Decimals separated by blanks, up to the first that is not one."""
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Older NumPy warns if it stops early.
    try:
      return np.fromstring(text, np.float64, sep=" ")
    except ValueError:
      return np.empty(0)
