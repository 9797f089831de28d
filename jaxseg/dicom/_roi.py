"""One region of interest of a structure set, as it was drawn."""

import dataclasses

import numpy as np

from jaxseg import _text

CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})


@dataclasses.dataclass(frozen=True, eq=False)
class Contour:
  """One contour.

  Attributes:
    points: float64 `[P, 3]`, patient LPS, mm.
    kind: "CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "POINT", "OPEN_PLANAR",
      "OPEN_NONPLANAR", or what else the file says.
    images: SOPInstanceUIDs that it refers to.
    index: Its place in the ROI's ContourSequence, from 0.
  """

  points: np.ndarray
  kind: str
  images: tuple[str, ...] = ()
  index: int = 0

  @property
  def is_closed(self) -> bool:
    """Whether it bounds an area."""
    return self.kind in CLOSED


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
    notes: What was odd.
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
  notes: tuple[_text.Note, ...] = ()
