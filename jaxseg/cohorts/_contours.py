"""One case as somebody has contoured it, under the names that they gave.

A `Case` is what networks are trained on: known structures on an image. Here
are all of a file's, whatever they are called and wherever they lie, for those
who compare contours or write them in another format.
"""

import dataclasses
import pathlib
from typing import Any, Protocol, TYPE_CHECKING

import numpy as np

from jaxseg import volume

if TYPE_CHECKING:
  from jaxseg import dicom


@dataclasses.dataclass(frozen=True, eq=False)
class Contour:
  """The mask of one structure.

  Attributes:
    mask: Bool, on its own grid; without one where the file has no geometry.
    unknown: Voxels of which nobody knows whether they are inside, bool, or
      None: of a label to be ignored, or on slices passed over in drawing.
    notes: What was unusual.
  """

  mask: volume.Volume
  unknown: np.ndarray | None = None
  notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Named:
  """What a file says of a structure beside its shape.

  Attributes:
    name: Unique in its case; may be hostile.
    number: ROINumber, SegmentNumber or label; None for a file of its own.
    drawn: Whether there is anything to fill; an ROI without a closed contour
      is a name that nobody has drawn.
    color: sRGB, 0 to 255 each, or None.
    interpreted_type: RTROIInterpretedType, or "".
    algorithm: "MANUAL", "SEMIAUTOMATIC", "AUTOMATIC" or "".
    reason: Why there is nothing to fill, or "".
  """

  name: str
  number: int | None = None
  drawn: bool = True
  color: tuple[int, int, int] | None = None
  interpreted_type: str = ""
  algorithm: str = ""
  reason: str = ""


class Opened(Protocol):
  """One case, its files read.

  Attributes:
    case: Its name.
    named: Its structures, in the order of the files.
    image: The image that they were drawn on, None where it is not known.
    complete: Whether a structure that is not named is known to be absent, as
      in a label map whose labels have names.
    own_names: Whether the names are those of an RTSTRUCT or SEG, which are
      kept as they are.
    notes: What was unusual, and what was decided.
  """

  case: str
  named: tuple[Named, ...]
  image: "dicom.Image | None"
  complete: bool
  own_names: bool
  notes: tuple[str, ...]

  def contour(self, name: str) -> Contour:
    """The mask of a structure.

    Raises:
      JaxsegError: There can be none; the message says why.
    """


class Side(Protocol):
  """Cases of one source, such as all that somebody has predicted.

  Attributes:
    cases: Their names.
    left_out: Case -> why it cannot be used.
    remarks: Case -> what was decided.
    synthetic: Whether all are of the phantom.
  """

  cases: tuple[str, ...]
  left_out: dict[str, str]
  remarks: dict[str, list[str]]
  synthetic: bool

  def series(self, case: str) -> frozenset[str]:
    """SeriesInstanceUIDs of the image, as far as they are known."""

  def files(self, case: str, *, images: bool = True) -> list[pathlib.Path]:
    """What `open` reads of a case, with its image or without."""

  def reading(self) -> dict[str, Any]:
    """What decides contours beside the files, to be compared."""

  def needs_grid(self, case: str) -> bool:
    """Whether it has contours without an image, to be filled on a grid."""

  def open(self, case: str, grid: volume.Grid | None = None) -> Opened:
    """Reads a case."""
