"""Parses a DICOM file within limits of time, size and nesting."""

from collections.abc import Sequence
import dataclasses
import io
import os
import pathlib
import time
from typing import Any
import warnings
import zlib

import pydicom
from pydicom import datadict
from pydicom import uid as uids
from pydicom.dataelem import DataElement
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from jaxseg import errors
from jaxseg.dicom import _header

_CHUNK = 1 << 20
# A file of this size is read at once.
_SMALL = 8 << 20
# Up to this size a file has the time limit, larger ones more in proportion.
_TIMED = 5 << 20
_ARCHIVES = (
  ".zip",
  ".tar",
  ".tgz",
  ".tar.gz",
  ".gz",
  ".7z",
  ".rar",
  ".bz2",
  ".xz",
  ".zst",
)
_UNDEFINED = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True)
class Limits:
  """Limits on what is read; a file beyond one is refused, and the limit named.

  Attributes:
    length: Voxels along any axis of a volume.
    volume_bytes: Bytes of one decoded volume, checked before it is allocated.
    inflated_ratio: A deflated file may grow by this factor, or to
      `inflated_bytes`, whichever is larger.
    inflated_bytes: See `inflated_ratio`.
    depth: Levels of nested sequences.
    contours: Contours of one structure set.
    points: Points of one structure set.
    crossings: How often one ROI's contours cross the columns of an image,
      which decides the time to fill them; drawn ones do a million times at
      most.
    seconds: Processor time to parse a file of up to 5 MiB; a larger one may
      take more in proportion. Waiting for a disk or other programs is free.
  """

  length: int = 4096
  volume_bytes: int = 4 * 2**30
  inflated_ratio: int = 8
  inflated_bytes: int = 512 * 2**20
  depth: int = 32
  contours: int = 1_000_000
  points: int = 100_000_000
  crossings: int = 1 << 26
  seconds: float = 10.0


DEFAULT = Limits()


def archive(path: pathlib.Path) -> str:
  """What kind of archive a file is by its name, such as ".zip"; "" for none."""
  name = path.name.lower()
  if name.endswith((".nii.gz", ".npz", ".json.gz", ".csv.gz")):
    return ""
  return next((end for end in _ARCHIVES if name.endswith(end)), "")


class Deadline:
  """The processor time within which a file must be parsed, by this thread.

  Args:
    path: The file; its size counts.
    limits: Has the limit.
  """

  def __init__(self, path: pathlib.Path, limits: Limits):
    try:
      size = os.stat(path).st_size
    except OSError:
      size = 0  # Whoever opens it says why it cannot be read.
    self._path, self._size, self._base = path, size, limits.seconds
    self._seconds = limits.seconds * max(1.0, size / _TIMED)
    self._end = time.thread_time() + self._seconds

  def check(self) -> None:
    """Raises LimitError if the time is up."""
    if time.thread_time() > self._end:
      raise errors.LimitError(
        f"{self._path}: takes more than {self._seconds:.3g} s of processor time"
        f" to parse {self._size / 2**20:.3g} MiB; re-export it, or raise the"
        f" limit 'seconds' (--limit_s), now {self._base:g} for up to"
        f" {_TIMED >> 20} MiB"
      )


class _Watched:
  """A file with a deadline, which knows afterwards whether it ended early.

  pydicom takes the end of a file for the end of whatever it was reading. At a
  proper end it asks once for a further element, and gets nothing.
  """

  def __init__(self, file: Any, path: pathlib.Path, deadline: Deadline):
    self._file, self._deadline = file, deadline
    self._ends = 0
    self._part = False
    self.name = str(path)

  @property
  def is_cut(self) -> bool:
    """Whether the end came within an element, or within a sequence."""
    return self._part or self._ends > 1

  def read(self, size: int = -1) -> bytes:
    self._deadline.check()
    data = self._file.read(size)
    if len(data) < size:
      self._ends += not data
      self._part |= any(data)  # Some files are padded with zeros.
    return data

  def seek(self, *where: int) -> int:
    return self._file.seek(*where)

  def tell(self) -> int:
    return self._file.tell()

  def close(self) -> None:
    self._file.close()


def read(
  path: pathlib.Path,
  *,
  pixels: bool = False,
  tags: Sequence[str] | None = None,
  limits: Limits = DEFAULT,
  deadline: Deadline | None = None,
) -> Dataset:
  """Parses one file.

  Args:
    path: A file of any name, with or without preamble and meta header.
    pixels: Whether to read the pixel data, too.
    tags: Keywords to keep; None keeps all.
    limits: Limits on time, depth and inflation.
    deadline: One that is running already; None starts one.

  Returns:
    The data set, its values not yet converted.

  Raises:
    NotDicomError: The file is not DICOM, or a directory of such files.
    LimitError: The file exceeds a limit.
    TruncatedError: The file ends in the middle of something.
    DataError: The file cannot be opened, or is DICOM that cannot be parsed.
  """
  reason: Exception | None = None
  try:
    with open(path, "rb") as file:
      claims = _check_start(file, path)
      _check_inflation(file, path, limits)
      file.seek(0)
      small = pixels and os.fstat(file.fileno()).st_size <= _SMALL
      deadline = deadline or Deadline(path, limits)
      source = _Watched(
        io.BytesIO(file.read()) if small else file, path, deadline
      )
      with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(
          source,
          force=True,
          stop_before_pixels=not pixels,
          specific_tags=None if tags is None else list(tags),
        )
        _check_items(dataset, path, limits, deadline)
        if source.is_cut:
          raise errors.TruncatedError(
            f"{path}: ends in the middle of an element; the file is cut"
            " off, copy it again"
          )
        kind = _header.text(dataset, "SOPClassUID", path)
  except errors.JaxsegError:
    raise
  except OSError as e:
    if e.errno is not None:  # Without one, pydicom's own, about a sequence.
      raise errors.DataError(
        f"{path}: cannot be read ({e.strerror}); check path and permission"
      ) from e
    kind, reason = "", e
  except Exception as e:  # Whatever a broken file makes pydicom raise.
    kind, reason = "", e
  if kind:
    return dataset
  # Where the stack ends, pydicom may turn the error into an OSError of its own.
  for cause in (reason, reason and reason.__context__):
    if isinstance(cause, RecursionError | MemoryError):
      raise errors.LimitError(
        f"{path}: sequences nest deeper than the limit 'depth'"
        f" ({limits.depth}) or need more memory than there is; re-export it"
      ) from reason
  if not claims or (reason is None and _is_directory(dataset, path)):
    raise errors.NotDicomError(f"{path}: not a DICOM file; leave it out")
  raise errors.DataError(
    f"{path}: begins as DICOM but "
    + (
      f"cannot be parsed ({type(reason).__name__})"
      if reason
      else f"has no {_header.named('SOPClassUID')}"
    )
    + "; it is cut off or damaged, copy it again"
  ) from reason


def _is_directory(dataset: Dataset, path: pathlib.Path) -> bool:
  """Whether it is a DICOMDIR, under whatever name."""
  meta = _header.text(dataset.file_meta, "MediaStorageSOPClassUID", path)
  return meta == uids.MediaStorageDirectoryStorage


def _check_start(file: Any, path: pathlib.Path) -> bool:
  """Refuses what does not begin like DICOM; True if it has a preamble."""
  start = file.read(136)
  if start[128:132] == b"DICM":
    return True
  # Without a preamble the first tag is of group 2 or 8, in either order.
  if start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
    kind = archive(path)
    raise errors.NotDicomError(
      f"{path}: not a DICOM file but an archive ({kind}); unpack it first"
      if kind
      else f"{path}: not a DICOM file; leave it out"
    )
  return False


def _check_inflation(file: Any, path: pathlib.Path, limits: Limits) -> None:
  """Refuses a deflated file that would inflate beyond its limit.

  pydicom inflates such a file in one go; this counts first, a megabyte at a
  time.
  """
  file.seek(0)
  if file.read(132)[128:] != b"DICM":
    return
  file.seek(132)
  head = file.read(4096)
  if uids.DeflatedExplicitVRLittleEndian.encode() not in head:
    return
  file.seek(0)
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    meta = pydicom.filereader.read_file_meta_info(path)
    start = 132 + 12 + int(meta.get("FileMetaInformationGroupLength", 0))
  size = file.seek(0, 2)
  bound = max(limits.inflated_ratio * size, limits.inflated_bytes)
  file.seek(start)
  inflate, grown = zlib.decompressobj(-zlib.MAX_WBITS), 0
  data = file.read(_CHUNK)
  while data and not inflate.eof:
    grown += len(inflate.decompress(data, _CHUNK))
    data = inflate.unconsumed_tail or file.read(_CHUNK)
    if grown > bound:
      raise errors.LimitError(
        f"{path}: {size} bytes inflate to more than {bound}; raise the limit"
        " 'inflated_bytes' if you trust the file"
      )


def _check_items(
  dataset: Dataset,
  path: pathlib.Path,
  limits: Limits,
  deadline: Deadline,
) -> None:
  """Refuses sequences that nest too deeply, and values that are cut off."""
  level: list[Any] = [dataset]
  depth = 0
  while level:
    if depth > limits.depth:
      raise errors.LimitError(
        f"{path}: sequences nest deeper than {limits.depth} levels; raise the"
        " limit 'depth' if you trust the file"
      )
    below: list[Any] = []
    for one in level:
      deadline.check()
      for element in list(one.values()):
        if isinstance(element, RawDataElement):
          _check_length(element, path)
          element = _sequence(one, element, limits.depth - depth)
        if element is not None and element.VR == "SQ":
          below += element.value or ()
    level = below
    depth += 1


def _check_length(element: RawDataElement, path: pathlib.Path) -> None:
  if element.length == _UNDEFINED or element.value is None:
    return
  if len(element.value) < element.length:
    keyword = datadict.keyword_for_tag(element.tag)
    raise errors.TruncatedError(
      f"{path}: {_header.named(keyword) if keyword else element.tag} has"
      f" {len(element.value)} bytes of {element.length}; the file is cut off,"
      " copy it again"
    )


def _sequence(
  dataset: Dataset, element: RawDataElement, levels: int
) -> DataElement | None:
  """A sequence of stated length, parsed; None if it cannot nest deeper."""
  # Each level takes 16 bytes at least, for the element and for its item.
  if len(element.value or b"") <= 16 * levels:
    return None
  kind = element.VR
  if kind is None and datadict.dictionary_has_tag(element.tag):
    kind = datadict.dictionary_VR(element.tag)
  if kind != "SQ":
    return None
  try:
    return dataset[element.tag]
  except RecursionError:
    raise
  except Exception:  # Whoever needs a broken one refuses it.
    return None
