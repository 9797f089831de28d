"""Patient and study: what every object made of an image takes over from it."""

from collections.abc import Iterable

from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom import valuerep
from pydicom.dataset import Dataset

from jaxseg import errors
from jaxseg.dicom import _dataset
from jaxseg.dicom import _header
from jaxseg.dicom import _image

# Of the image's header. Who the patient is must stay the same to the letter;
# of the others, which the standard allows to be empty, what breaks its rules
# is left out: a StudyID of 17 characters would make this file invalid, too.
_PATIENT = ("PatientName", "PatientID")
_MAY_BE_EMPTY = (
  "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
  "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator",
)  # fmt: skip
_IF_PRESENT = ("StudyDescription",)


def check_image(ct: _image.Image) -> None:
  """Refuses an image to which nothing can refer."""
  for keyword, found in (
    ("FrameOfReferenceUID", ct.frame_of_reference_uid),
    ("StudyInstanceUID", ct.study_uid),
    ("SOPInstanceUID", "".join(ct.instances)),
  ):
    if not found:
      raise errors.DataError(
        f"{ct.paths[0]}: {_header.named(keyword)} is missing, so nothing can"
        " refer to the image; re-export it"
      )


def copy(ct: _image.Image, dataset: Dataset) -> None:
  """Sets patient and study as the image has them.

  Raises:
    DataError: Who the patient is cannot be read.
  """
  for keyword in (*_PATIENT, *_MAY_BE_EMPTY, *_IF_PRESENT):
    text = _header.text(ct.header, keyword, ct.paths[0])
    readable = "\ufffd" not in text
    if keyword in _PATIENT and not readable:
      raise errors.DataError(
        f"{ct.paths[0]}: {_header.named(keyword)} is not in the character set"
        " that the file names, so another patient would be written;"
        " re-export the image"
      )
    if keyword not in _PATIENT and not (readable and _is_valid(keyword, text)):
      text = ""
    if text or keyword not in _IF_PRESENT:
      _dataset.put(dataset, **{keyword: text})


def _is_valid(keyword: str, text: str) -> bool:
  """Whether the standard allows the value."""
  try:
    valuerep.validate_value(
      datadict.dictionary_VR(keyword), text, pydicom_config.RAISE
    )
  except ValueError:
    return False
  return True


def say_character_set(dataset: Dataset, texts: Iterable[str]) -> None:
  """UTF-8 where ASCII is not enough; without the attribute it is ASCII."""
  own = [str(element.value) for element in dataset if element.VR != "SQ"]
  if not "".join([*own, *texts]).isascii():
    _dataset.put(dataset, SpecificCharacterSet="ISO_IR 192")
