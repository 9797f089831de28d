"""Stored values of an image: their layout is checked, then they are decoded."""

import dataclasses
import pathlib
from typing import Any
import warnings

import numpy as np
from pydicom import encaps
from pydicom import pixels as pydicom_pixels
from pydicom import uid as uids
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _header
from jaxseg.dicom import _isolated
from jaxseg.dicom import _parse

# The code streams of all JPEG families end with this marker.
_END_OF_IMAGE = b"\xff\xd9"
# Decoders that raise on a broken image rather than crash, best first.
_IN_PROCESS = ("pydicom", "pylibjpeg", "pyjpegls", "pillow")
_SECONDS_A_FRAME = 2.0
# JPEG 2000's syntaxes allow both, so there the attribute alone decides.
_LOSSY = frozenset(
  {uids.JPEGBaseline8Bit, uids.JPEGExtended12Bit, uids.JPEGLSNearLossless}
)


@dataclasses.dataclass(frozen=True)
class Format:
  """How stored values are laid out.

  Attributes:
    frames: Number of images in the file.
    rows: Rows of each.
    columns: Columns of each.
    bits: Bits allocated: 8, 16 or 32; in a binary segmentation 1.
    stored: Bits stored.
    signed: Whether stored values are two's complement.
    syntax: Transfer syntax.
    overlay: Whether the bits above those stored hold overlays, as the standard
      once allowed.
  """

  frames: int
  rows: int
  columns: int
  bits: int
  stored: int
  signed: bool
  syntax: uids.UID
  overlay: bool = False

  @property
  def lowest(self) -> int:
    """Smallest value that the stored bits can hold."""
    return -(1 << self.stored - 1) if self.signed else 0

  @property
  def highest(self) -> int:
    """Largest value that the stored bits can hold."""
    return (1 << self.stored - 1) - 1 if self.signed else (1 << self.stored) - 1


def layout(
  dataset: Dataset,
  path: pathlib.Path,
  limits: _parse.Limits,
  *,
  allowed_bits: tuple[int, ...] = (8, 16, 32),
  palette: bool = False,
) -> Format:
  """Reads and checks the layout of an image with one sample per pixel.

  Args:
    dataset: The image's data set.
    path: For messages.
    limits: Limits on its size.
    allowed_bits: What BitsAllocated may be.
    palette: Whether values may stand for colours of a palette.

  Raises:
    DataError: It is not monochrome, or the layout is not valid.
    LimitError: The image exceeds the limits.
  """
  samples = _header.integer(dataset, "SamplesPerPixel", path) or 1
  kind = _header.text(dataset, "PhotometricInterpretation", path)
  shown = _text.shown(kind)
  kinds = ("MONOCHROME1", "MONOCHROME2", *(["PALETTE COLOR"] * palette))
  if samples != 1 or kind not in kinds:
    raise errors.DataError(
      f"{path}: {_header.named('PhotometricInterpretation')} is {shown} with"
      f" {samples} samples per pixel; give monochrome images"
    )
  stated = {
    name: _header.integer(dataset, name, path)
    for name in (
      "Rows",
      "Columns",
      "BitsAllocated",
      "BitsStored",
      "HighBit",
      "PixelRepresentation",
    )
  }
  for name, value in stated.items():
    if value is None and name not in ("HighBit", "BitsStored"):
      raise errors.DataError(
        f"{path}: {_header.named(name)} is missing; re-export the image"
      )
  frames = _header.integer(dataset, "NumberOfFrames", path)
  frames = 1 if frames is None else frames
  rows, columns = stated["Rows"] or 0, stated["Columns"] or 0
  lengths = {"Rows": rows, "Columns": columns, "NumberOfFrames": frames}
  for name, length in lengths.items():
    if length < 1:
      raise errors.DataError(
        f"{path}: {_header.named(name)} is {length}; re-export the image"
      )
    if length > limits.length:
      raise errors.LimitError(
        f"{path}: {_header.named(name)} is {length}, above the limit 'length'"
        f" ({limits.length}); raise it if you trust the file"
      )
  bits = stated["BitsAllocated"] or 0
  stored = bits if stated["BitsStored"] is None else stated["BitsStored"]
  high = stored - 1 if stated["HighBit"] is None else stated["HighBit"]
  if (
    bits not in allowed_bits
    or not 1 <= stored <= bits
    or high != stored - 1
    or stated["PixelRepresentation"] not in (0, 1)
  ):
    raise errors.DataError(
      f"{path}: BitsAllocated {bits}, BitsStored {stored}, HighBit {high} and"
      f" PixelRepresentation {stated['PixelRepresentation']} (0028,0100-0103)"
      " do not agree; re-export the image"
    )
  if frames * rows * columns * bits // 8 > limits.volume_bytes:
    raise errors.LimitError(
      f"{path}: {frames} x {rows} x {columns} voxels exceed the limit"
      f" 'volume_bytes' ({limits.volume_bytes}); raise it if you trust the file"
    )
  return Format(
    frames,
    rows,
    columns,
    bits,
    stored,
    signed=stated["PixelRepresentation"] == 1,
    syntax=transfer_syntax(dataset, path),
    overlay=_has_overlay(dataset, stored),
  )


def _has_overlay(dataset: Dataset, stored: int) -> bool:
  """Whether the pixels hold an overlay above the bits stored."""
  for group in range(0x6000, 0x6020, 2):
    try:
      position = int(dataset[group, 0x0102].value)
    except Exception:  # Absent, or whatever pydicom makes of a broken one.
      continue
    if position >= stored and (group, 0x3000) not in dataset:
      return True
  return False


def check_syntax(syntax: uids.UID, path: pathlib.Path) -> None:
  """Refuses an unknown transfer syntax."""
  if syntax.is_private or not syntax.is_transfer_syntax:
    raise errors.DataError(
      f"{path}: transfer syntax {_text.shown(syntax.name)} is unknown;"
      " export the image uncompressed"
    )


def transfer_syntax(dataset: Dataset, path: pathlib.Path) -> uids.UID:
  """The transfer syntax, or the one that pydicom inferred."""
  meta = getattr(dataset, "file_meta", None) or Dataset()
  found = _header.text(meta, "TransferSyntaxUID", path)
  if found:
    return uids.UID(found)
  implicit, little = dataset.original_encoding
  if implicit:
    return uids.ImplicitVRLittleEndian
  return uids.ExplicitVRLittleEndian if little else uids.ExplicitVRBigEndian


def is_lossy(dataset: Dataset, path: pathlib.Path) -> bool:
  """Whether the image was ever compressed with loss."""
  flag = _header.text(dataset, "LossyImageCompression", path)
  return flag == "01" or (
    flag == "" and transfer_syntax(dataset, path) in _LOSSY
  )


def require(dataset: Dataset, path: pathlib.Path) -> None:
  """Refuses a data set without pixels.

  Raises:
    DataError: The pixels are floating-point numbers.
    TruncatedError: There are none.
  """
  for other in ("FloatPixelData", "DoubleFloatPixelData"):
    if other in dataset:
      raise errors.DataError(
        f"{path}: {_header.named(other)} instead of PixelData is not supported;"
        " export the image as integers with a rescale"
      )
  if "PixelData" not in dataset:
    raise errors.TruncatedError(
      f"{path}: {_header.named('PixelData')} is missing or cut off; copy the"
      " file again"
    )


def decode(dataset: Dataset, form: Format, path: pathlib.Path) -> np.ndarray:
  """Stored values.

  Args:
    dataset: With pixel data.
    form: Its layout.
    path: For messages.

  Returns:
    Integers `[frame, row, column]` of the layout's size and sign.

  Raises:
    TruncatedError: Pixel data are missing or too short.
    DataError: They cannot be decoded.
  """
  require(dataset, path)
  shape = (form.frames, form.rows, form.columns)
  check_syntax(form.syntax, path)
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")
      data = dataset.PixelData
      if form.syntax.is_encapsulated:
        array = _decompress(dataset, data, form, path)
      else:
        array = _native(dataset, data, form, path)
  except errors.JaxsegError:
    raise
  except Exception as e:  # Whatever a decoder makes of broken data.
    raise errors.DataError(
      f"{path}: pixel data in {_text.shown(form.syntax.name)} cannot be decoded"
      f" ({type(e).__name__}); export the image uncompressed"
    ) from e
  if array.size != np.prod(shape):
    raise errors.DataError(
      f"{path}: decodes to {array.size} values, not to {shape}; re-export it"
    )
  return array.reshape(shape)


def _native(
  dataset: Dataset, data: bytes, form: Format, path: pathlib.Path
) -> np.ndarray:
  expected = form.frames * form.rows * form.columns * form.bits // 8
  if len(data) < expected:
    raise errors.TruncatedError(
      f"{path}: {_header.named('PixelData')} has {len(data)} bytes, {expected}"
      " are needed; the file is cut off, copy it again"
    )
  options: dict[str, Any] = {
    "number_of_frames": form.frames,
    "rows": form.rows,
    "columns": form.columns,
    "bits_allocated": form.bits,
    "bits_stored": form.stored,
    "pixel_representation": int(form.signed),
    "samples_per_pixel": 1,
    "photometric_interpretation": "MONOCHROME2",
    "pixel_keyword": "PixelData",
    "pixel_vr": dataset["PixelData"].VR,
    "view_only": True,
    # Any other value above the bits stored is a fault that is reported later.
    "correct_unused_bits": form.overlay,
  }
  # Not validated: with more bytes than needed, that would add frames.
  array, _ = pydicom_pixels.get_decoder(form.syntax).as_array(
    data, raw=True, validate=False, **options
  )
  return array.astype(array.dtype.newbyteorder("="), copy=False)


def _decompress(
  dataset: Dataset, data: bytes, form: Format, path: pathlib.Path
) -> np.ndarray:
  frames = list(encaps.generate_frames(data, number_of_frames=form.frames))
  if len(frames) != form.frames:
    raise errors.TruncatedError(
      f"{path}: holds {len(frames)} compressed images of {form.frames}; the"
      " file is cut off, copy it again"
    )
  if form.syntax != uids.RLELossless:
    for frame in frames:
      # Encoders pad with a byte of any value, not only 0.
      if _END_OF_IMAGE not in frame.rstrip(b"\0")[-4:]:
        raise errors.TruncatedError(
          f"{path}: a compressed image has no end marker; the file is cut"
          " off, copy it again"
        )
  try:
    decoder = pydicom_pixels.get_decoder(form.syntax)
  except NotImplementedError as e:
    raise errors.DataError(
      f"{path}: transfer syntax {_text.shown(form.syntax.name)} is not"
      " supported; export the image uncompressed"
    ) from e
  plugin = next(
    (one for one in _IN_PROCESS if one in decoder.available_plugins), None
  )
  if plugin is not None:
    options: dict[str, Any] = {"decoding_plugin": plugin}
    if form.syntax == uids.RLELossless:
      options["correct_unused_bits"] = form.overlay
    array, _ = decoder.as_array(dataset, raw=True, **options)
    return np.asarray(array)
  if not decoder.is_available:
    raise errors.DataError(
      f"{path}: no decoder for {_text.shown(form.syntax.name)} is installed;"
      f" install {' or '.join(decoder.missing_dependencies) or 'one'}, or"
      " export the image uncompressed"
    )
  return _isolated.decode(
    path,
    expected=form.frames * form.rows * form.columns,
    seconds=_SECONDS_A_FRAME * form.frames + 5,
  )


def padding(
  dataset: Dataset, form: Format, path: pathlib.Path
) -> tuple[int, int] | None:
  """The range of stored values that mean "outside the scan", or None."""
  first = _stored(dataset, "PixelPaddingValue", form, path)
  if first is None:
    return None
  last = _stored(dataset, "PixelPaddingRangeLimit", form, path)
  last = first if last is None else last
  return min(first, last), max(first, last)


def _stored(
  dataset: Dataset, keyword: str, form: Format, path: pathlib.Path
) -> int | None:
  """A value whose VR is "US or SS": it is signed if the pixels are."""
  found = _header.value(dataset, keyword, path)
  if isinstance(found, bytes):
    order = "little"
    if form.syntax == uids.ExplicitVRBigEndian:
      order = "big"
    number = int.from_bytes(found[:2], order)  # type: ignore[arg-type]
  else:
    whole = _header.integer(dataset, keyword, path)
    if whole is None:
      return None
    number = whole
  if form.signed and number >= 1 << 15 and number >= 1 << form.stored - 1:
    number -= 1 << 16
  elif not form.signed and number < 0:
    number += 1 << 16
  return number
