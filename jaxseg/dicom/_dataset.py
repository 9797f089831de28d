"""Data sets that are written: elements, UIDs, patient and study, bytes."""

from collections.abc import Iterable, Sequence
import hashlib
import io
import pathlib
from typing import Any
import unicodedata
import uuid

import numpy as np
import pydicom
from pydicom import charset
from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom import uid as uids
from pydicom import valuerep
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from jaxseg import errors
from jaxseg import structures as vocabulary
from jaxseg import volume
from jaxseg.dicom import _codes
from jaxseg.dicom import _header
from jaxseg.dicom import _image
from jaxseg.dicom import _roi_mask

_NAMESPACE = uuid.UUID("5f0c1f9e-6a55-5f0e-9d0a-3b1f6f0c8f11")
# Taken over from the image's header. Who the patient is stays the same to the
# letter. The others may be empty by the standard, so a value that breaks its
# rules is left out: a StudyID of 17 characters would make this file invalid.
_PATIENT = ("PatientName", "PatientID")
_MAY_BE_EMPTY = (
  "PatientBirthDate",
  "PatientSex",
  "StudyDate",
  "StudyTime",
  "StudyID",
  "AccessionNumber",
  "ReferringPhysicianName",
  "PositionReferenceIndicator",
)
_IF_PRESENT = ("StudyDescription",)
# Sets by escape sequences, as Python names them, with letters up to U+00FF.
_LATIN = frozenset(
  {"latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso_ir_148"}
)


def put(dataset: Dataset, **values: Any) -> None:
  """Sets attributes unvalidated: what comes from the image must not change."""
  for keyword, found in values.items():
    tag = datadict.tag_for_keyword(keyword) or 0
    dataset[tag] = DataElement(
      tag,
      datadict.dictionary_VR(tag),
      found,
      validation_mode=pydicom_config.IGNORE,
    )


def item(**values: Any) -> Dataset:
  """An item of a sequence."""
  made = Dataset()
  put(made, **values)
  return made


def coded_item(structure: vocabulary.Structure | None) -> Dataset | None:
  """The SNOMED CT code of a structure and its side, None without one."""
  _, kind, side = _codes.coded(structure)
  if kind == codes.SCT.AnatomicalStructure:
    return None
  made = _code(kind)
  if side is not None:
    put(made, SegmentedPropertyTypeModifierCodeSequence=[_code(side)])
  return made


def _code(code: Code) -> Dataset:
  return item(
    CodeValue=code.value,
    CodingSchemeDesignator=code.scheme_designator,
    CodeMeaning=code.meaning,
  )


class Uids:
  """UIDs of new objects: random, or the same for the same seed and content.

  Args:
    seed: None for random ones.
    content: All that is written: arrays and bytes as they are, anything else
      by its `repr`. Different content gives different UIDs for any seed.
  """

  def __init__(self, seed: int | str | None, content: Iterable[Any]):
    self._digest: str | None = None
    if seed is None:
      return
    made = hashlib.sha256()
    for part in content:
      if isinstance(part, np.ndarray):
        made.update(np.ascontiguousarray(part).data)
      else:
        whole = isinstance(part, bytes)
        made.update(part if whole else repr(part).encode("utf-8"))
      del part  # Before the next is made.
    self._digest = made.hexdigest()

  def of(self, what: str) -> str:
    """The UID of the study, the series, an instance, ..."""
    made = uuid.uuid4()
    if self._digest is not None:
      made = uuid.uuid5(_NAMESPACE, f"{what} {self._digest}")
    return f"2.25.{made.int}"


def encoded(dataset: Dataset, *, implicit: bool = False) -> bytes:
  """The bytes of a file in explicit or implicit VR little endian."""
  meta = pydicom.dataset.FileMetaDataset()
  meta.MediaStorageSOPClassUID = dataset.SOPClassUID
  meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
  meta.TransferSyntaxUID = (
    uids.ImplicitVRLittleEndian if implicit else uids.ExplicitVRLittleEndian
  )
  dataset.file_meta = meta
  buffer = io.BytesIO()
  pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
  return buffer.getvalue()


def check_referable(ct: _image.Image) -> None:
  """Refuses an image to which no RTSTRUCT or SEG can refer.

  As writing them does; to be known before there is anything to write.

  Args:
    ct: Image as `read_ct` gives it.

  Raises:
    DataError: Who the patient is cannot be read, the image has no study or
      frame of reference, or a slice of it has no UID, or that of another.
  """
  for keyword in _PATIENT:
    _, fault = _read(ct, keyword)
    if fault:
      raise errors.DataError(
        f"{ct.paths[0]}: {_header.named(keyword)} {fault}, so another patient"
        " would be written; correct"
        f" {_header.named('SpecificCharacterSet')} in all files, or re-export"
        " the image"
      )
  for keyword, found in (
    ("FrameOfReferenceUID", ct.frame_of_reference_uid),
    ("StudyInstanceUID", ct.study_uid),
  ):
    if not found:
      raise _unnamed(ct.paths[0], keyword)
  frames = ct.frames or (0,) * len(ct.instances)
  seen: dict[tuple[str, int], pathlib.Path] = {}
  made = set(ct.interpolated)
  for index, named in enumerate(zip(ct.instances, frames, strict=True)):
    if index in made:
      continue
    path = ct.paths[index]
    if not named[0]:
      raise _unnamed(path, "SOPInstanceUID")
    if named in seen:
      raise errors.DataError(
        f"{path}: {_header.named('SOPInstanceUID')} is that of"
        f" {seen[named].name}, too, so nothing can refer to either; re-export"
        " the series"
      )
    seen[named] = path


def _unnamed(path: pathlib.Path, keyword: str) -> errors.DataError:
  return errors.DataError(
    f"{path}: {_header.named(keyword)} is missing, so nothing can refer to the"
    " image; re-export it"
  )


def array_of(given: Any, image: _image.Image, said: str) -> Any:
  """What `Volume` and `RoiMask` hold, on the image's grid; all else as it is.

  Raises:
    GeometryError: A volume lies elsewhere.
  """
  if isinstance(given, _roi_mask.RoiMask):
    return given.array
  if not isinstance(given, volume.Volume) or given.grid is None:
    return getattr(given, "array", given)
  placed = volume.reorder(given, image.grid)
  if placed is None:
    raise errors.GeometryError(
      f"{said}: the volume's voxels are not the image's; resample it first"
      " (jaxseg.volume.resample)"
    )
  return placed.array


def copy_patient(ct: _image.Image, dataset: Dataset) -> None:
  """Sets patient and study to those of an image that is referable."""
  for keyword in (*_PATIENT, *_MAY_BE_EMPTY, *_IF_PRESENT):
    text, fault = _read(ct, keyword)
    if keyword not in _PATIENT and (fault or not _is_valid(keyword, text)):
      text = ""
    if text or keyword not in _IF_PRESENT:
      put(dataset, **{keyword: text})


def _read(ct: _image.Image, keyword: str) -> tuple[str, str]:
  """A text of the image's header, and why it is not what was stored, or ""."""
  text = _header.text(ct.header, keyword, ct.paths[0])
  return text, _misread(text, _header.encodings(ct.header))


def _misread(text: str, encodings: Sequence[str]) -> str:
  """Why a text is not what was stored, as far as one can tell; "" if it is.

  pydicom reads bytes beyond ASCII of which no character set is known as those
  of Latin-1, whatever they are.
  """
  if "\ufffd" in text or any(unicodedata.category(c) == "Cc" for c in text):
    return "is not in the character set that the file names"
  first, *others = encodings or [charset.default_encoding]
  if first != charset.default_encoding or _LATIN.intersection(others):
    return ""
  # Other sets begin with an escape sequence and hold other letters.
  if any("\x80" <= c <= "\xff" for c in text):
    return "has letters of which the file names no character set"
  return ""


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
  """Declares UTF-8 where ASCII, the default, is not enough."""
  own = [str(element.value) for element in dataset if element.VR != "SQ"]
  if not "".join([*own, *texts]).isascii():
    put(dataset, SpecificCharacterSet="ISO_IR 192")
