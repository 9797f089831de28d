"""Data sets that are made here: their elements, UIDs and bytes."""

import io
from typing import Any
import uuid

import pydicom
from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom import uid as uids
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

_NAMESPACE = uuid.UUID("5f0c1f9e-6a55-5f0e-9d0a-3b1f6f0c8f11")


def put(dataset: Dataset, **values: Any) -> None:
  """Sets attributes as they are: what was the image's must stay the same."""
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


def new_uid(content: str | None = None) -> str:
  """A UID that follows from a content, or by chance."""
  made = uuid.uuid4() if content is None else uuid.uuid5(_NAMESPACE, content)
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
