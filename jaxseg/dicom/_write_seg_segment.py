"""Describes a segment of a SEG: its name, code, side, colour and algorithm."""

from collections.abc import Mapping

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from jaxseg import _extras
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset


def described(
  number: int,
  name: str,
  algorithm: str,
  texts: Mapping[str, str],
  color: tuple[int, int, int] | None,
) -> Dataset:
  """The description of one structure.

  Args:
    number: SegmentNumber.
    name: SegmentLabel.
    algorithm: SegmentAlgorithmType.
    texts: "model" and "model_version".
    color: sRGB, 0 to 255 each; None takes that of the vocabulary, or one of a
      fixed series.
  """
  highdicom = _extras.load("highdicom", extra="io")
  _, known = _codes.named(name)
  category, kind, side = _codes.coded(known)
  identification = None
  if algorithm != "MANUAL":
    identification = highdicom.AlgorithmIdentificationSequence(
      name=texts["model"],
      family=codes.DCM.ArtificialIntelligence,
      version=texts["model_version"],
    )
  made = highdicom.seg.SegmentDescription(
    segment_number=number,
    segment_label=name,
    segmented_property_category=category,
    segmented_property_type=kind,
    algorithm_type=algorithm,
    algorithm_identification=identification,
  )
  _dataset.put(
    made,
    RecommendedDisplayCIELabValue=_codes.cielab(
      color or _codes.color(known, number - 1)
    ),
  )
  if side is not None:
    _dataset.put(
      made.SegmentedPropertyTypeCodeSequence[0],
      SegmentedPropertyTypeModifierCodeSequence=[
        _dataset.item(
          CodeValue=side.value,
          CodingSchemeDesignator=side.scheme_designator,
          CodeMeaning=side.meaning,
        )
      ],
    )
  return made
