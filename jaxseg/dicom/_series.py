"""Finds the series in a folder by content, never by name."""

import collections
from collections.abc import Iterator
import dataclasses
import hashlib
import os
import pathlib
import re

import numpy as np
from numpy import typing as npt
from pydicom import uid as uids
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _header
from jaxseg.dicom import _parse
from jaxseg.dicom import _walk

MULTI_FRAME = {
  uids.EnhancedCTImageStorage: "CT",
  uids.LegacyConvertedEnhancedCTImageStorage: "CT",
  uids.EnhancedMRImageStorage: "MR",
  uids.LegacyConvertedEnhancedMRImageStorage: "MR",
  uids.EnhancedPETImageStorage: "PT",
  uids.LegacyConvertedEnhancedPETImageStorage: "PT",
}
SINGLE_FRAME = {
  uids.CTImageStorage: "CT",
  uids.MRImageStorage: "MR",
  uids.PositronEmissionTomographyImageStorage: "PT",
}
IMAGES = SINGLE_FRAME | MULTI_FRAME
STRUCTURE_SETS = frozenset({uids.RTStructureSetStorage})
LABEL_MAP = uids.UID("1.2.840.10008.5.1.4.1.1.66.7")  # Newer than pydicom's.
SEGMENTATIONS = frozenset({uids.SegmentationStorage, LABEL_MAP})

_TAGS = (
  "SOPClassUID",
  "SOPInstanceUID",
  "Modality",
  "PatientID",
  "PatientName",
  "PatientBirthDate",
  "ImageType",
  "StudyInstanceUID",
  "SeriesInstanceUID",
  "SeriesDescription",
  "FrameOfReferenceUID",
  "Rows",
  "Columns",
  "PixelSpacing",
  "NumberOfFrames",
  "ImageOrientationPatient",
  "SpecificCharacterSet",
  "StructureSetLabel",
)
_ENDS = (".dcm", ".dicom", ".ima")
_SAME_DIRECTION = 1e-4
# Two texts of one number of mm, the shorter with three significant digits.
_SAME_SPACING = 5e-4


@dataclasses.dataclass(frozen=True)
class Series:
  """Files that belong together: one volume, or objects of one series.

  Attributes:
    key: Names this group: the SeriesInstanceUID; where the images of one
      series differ in orientation, size or frame of reference, "#1", "#2" and
      so on follow it.
    series_uid: SeriesInstanceUID.
    study_uid: StudyInstanceUID.
    frame_of_reference_uid: FrameOfReferenceUID, "" where absent.
    sop_class_uid: SOPClassUID.
    modality: "CT", "MR", "PT", "RTSTRUCT", "SEG", ...
    patient_id: PatientID as in the files; may be hostile.
    description: SeriesDescription, or StructureSetLabel; may be hostile.
    paths: The files, sorted by name.
    frames: Number of images in them.
    localizer: Whether the images are scouts.
    studies: Number of different StudyInstanceUIDs among the files. Some
      exports give each image its own; the series decides then.
    person: Fingerprints of PatientName and PatientBirthDate, "" where absent;
      they tell people apart who share a PatientID.
  """

  key: str
  series_uid: str
  study_uid: str
  frame_of_reference_uid: str
  sop_class_uid: str
  modality: str
  patient_id: str
  description: str
  paths: tuple[pathlib.Path, ...]
  frames: int
  localizer: bool = False
  studies: int = 1
  person: tuple[str, str] = ("", "")

  @property
  def is_image(self) -> bool:
    """Whether it is a CT, MR or PET volume."""
    return self.sop_class_uid in IMAGES and not self.localizer

  @property
  def is_structure_set(self) -> bool:
    """Whether it holds RTSTRUCT."""
    return self.sop_class_uid in STRUCTURE_SETS

  @property
  def is_segmentation(self) -> bool:
    """Whether it holds SEG."""
    return self.sop_class_uid in SEGMENTATIONS

  def __str__(self) -> str:
    return (
      f"{_text.shown(self.key)} ({_text.shown(self.modality)},"
      f" {_text.shown(self.description)}, {self.frames} images)"
    )


@dataclasses.dataclass(frozen=True)
class Found:
  """The contents of a folder.

  Attributes:
    series: All groups, sorted by patient and key.
    skipped: Number of files that are not DICOM, hidden, or a DICOMDIR.
    broken: DICOM files that cannot be used, and why; those included that are
      none, but are called as those beside them are, with other numbers.
    aside: Those of them that are certainly not images of a volume.
    archives: Skipped files that may hold DICOM once they are unpacked.
    claiming: Skipped files that end as DICOM does.
  """

  series: tuple[Series, ...]
  skipped: int
  broken: tuple[tuple[pathlib.Path, errors.JaxsegError], ...]
  aside: frozenset[pathlib.Path] = frozenset()
  archives: tuple[pathlib.Path, ...] = ()
  claiming: tuple[pathlib.Path, ...] = ()

  def __iter__(self) -> Iterator[Series]:
    return iter(self.series)

  def __len__(self) -> int:
    return len(self.series)

  @property
  def to_unpack(self) -> str:
    """The end of a message: which archives to unpack, "" if there are none."""
    if not self.archives:
      return ""
    names = ", ".join(path.name for path in self.archives[:4])
    more = len(self.archives) - 4
    return f"; unpack {names}{f' and {more} more' if more > 0 else ''}"


def find_series(
  folder: str | os.PathLike, *, limits: _parse.Limits = _parse.DEFAULT
) -> Found:
  """Reads the header of every file in a tree and groups them.

  Names, extensions and subfolders mean nothing. Hidden files, DICOMDIR and
  files that are not DICOM are counted and left out. Links are followed, loops
  of them once.

  Args:
    folder: A folder, or a single file.
    limits: Limits on each file.

  Returns:
    The groups. Images are grouped by series, orientation, frame of reference,
    size and pixel spacing.

  Raises:
    DataError: The folder does not exist.
  """
  return scan(pathlib.Path(folder), limits)


def only(
  folder: pathlib.Path, what: str, limits: _parse.Limits
) -> pathlib.Path:
  """The one structure set, or the one segmentation, in a folder.

  Raises:
    DataError: There is none, or several.
  """
  found = find_series(folder, limits=limits)
  files = [
    path
    for one in found
    if (one.is_segmentation if what == "segmentation" else one.is_structure_set)
    for path in one.paths
  ]
  if len(files) != 1:
    raise errors.DataError(
      f"{folder}: holds {len(files)} {what}s"
      f"{': ' if files else ''}{', '.join(p.name for p in files[:10])}; give"
      f" the path of one{found.to_unpack}"
    )
  return files[0]


def scan(
  root: pathlib.Path,
  limits: _parse.Limits,
  *,
  keep: dict[pathlib.Path, Dataset] | None = None,
) -> Found:
  """As `find_series`.

  Args:
    root: A folder or file.
    limits: Limits on each file.
    keep: Receives whole data sets of images, pixels included, as far as half
      the limit on a volume allows: what is read next need not be parsed twice.
  """
  if not root.exists():
    raise errors.DataError(f"{root}: no such folder; check the path")
  groups: dict[tuple, list[tuple[pathlib.Path, Dataset]]] = {}
  skipped, room = 0, limits.volume_bytes // 2
  broken: list[tuple[pathlib.Path, errors.JaxsegError]] = []
  aside: set[pathlib.Path] = set()
  archives: list[pathlib.Path] = []
  others: list[pathlib.Path] = []
  claiming: list[pathlib.Path] = []
  for path in [root] if root.is_file() else _walk.files(root):
    if not path.exists():
      others.append(path)
      continue
    if path.name.startswith(".") or path.name.upper() == "DICOMDIR":
      skipped += 1
      continue
    header = None
    try:
      size = path.stat().st_size
      whole = keep is not None and size <= room
      header = _parse.read(
        path, pixels=whole, tags=None if whole else _TAGS, limits=limits
      )
      key = _key(header, path)
    except errors.NotDicomError:
      others.append(path)
    except errors.JaxsegError as e:
      broken.append((path, e))
      if header is not None and _is_aside(header, path):
        aside.add(path)
    else:
      groups.setdefault(key, []).append((path, header))
      if keep is not None and whole and key[2] in IMAGES:
        keep[path] = header
        room -= size
  like = [path for files in groups.values() for path, _ in files]
  strange, others = _walk.strangers(others, [*like, *(p for p, _ in broken)])
  broken += strange
  for path in others:
    skipped += 1
    if path.suffix.lower() in _ENDS:
      claiming.append(path)
    if _parse.archive(path):
      archives.append(path)
  return Found(
    tuple(_named(groups)),
    skipped,
    tuple(broken),
    frozenset(aside),
    tuple(archives),
    tuple(claiming),
  )


def _is_aside(header: Dataset, path: pathlib.Path) -> bool:
  """Whether a broken file is certainly not an image of a volume."""
  sop_class = uids.UID(_header.text(header, "SOPClassUID", path))
  return sop_class not in IMAGES and sop_class.name != sop_class


def _key(header: Dataset, path: pathlib.Path) -> tuple:
  """What the files of one group have in common, hashable and sortable."""
  sop_class = _header.text(header, "SOPClassUID", path)
  series = _header.text(header, "SeriesInstanceUID", path)
  if not series:
    raise errors.DataError(
      f"{path}: {_header.named('SeriesInstanceUID')} is missing; re-export it"
    )
  common = (
    _header.text(header, "PatientID", path),
    series,
    sop_class,
    "LOCALIZER" in _header.text(header, "ImageType", path).upper(),
  )
  if sop_class not in SINGLE_FRAME:
    return (*common, "", ())
  shape = []
  for name in ("Rows", "Columns"):
    length = _header.integer(header, name, path)
    if length is None:
      raise errors.DataError(
        f"{path}: {_header.named(name)} is missing; the file is cut off or"
        " damaged, copy it again"
      )
    shape.append(length)
  spacing = _header.numbers(header, "PixelSpacing", path, 2)
  direction = _header.numbers(header, "ImageOrientationPatient", path, 6)
  numbers = [*(spacing if spacing is not None else (0.0, 0.0))]
  steps = np.rint(
    (direction if direction is not None else np.zeros(6)) / _SAME_DIRECTION
  )
  geometry = (*shape, *(round(float(n), 6) for n in numbers))
  frame = _header.text(header, "FrameOfReferenceUID", path)
  return (*common, frame, (*geometry, *(int(step) for step in steps)))


def _named(
  groups: dict[tuple, list[tuple[pathlib.Path, Dataset]]],
) -> Iterator[Series]:
  kept = sorted(_merged(groups))
  groups_of = collections.Counter(key[1] for key in kept)
  seen: collections.Counter[str] = collections.Counter()
  for key in kept:
    files = groups[key]
    path, header = files[0]
    uid = key[1]
    seen[uid] += 1
    label = _header.text(header, "SeriesDescription", path) or _header.text(
      header, "StructureSetLabel", path
    )
    yield Series(
      key=uid if groups_of[uid] == 1 else f"{uid}#{seen[uid]}",
      series_uid=uid,
      study_uid=_header.text(header, "StudyInstanceUID", path),
      frame_of_reference_uid=_header.text(header, "FrameOfReferenceUID", path),
      sop_class_uid=key[2],
      modality=IMAGES.get(uids.UID(key[2]))
      or _header.text(header, "Modality", path),
      patient_id=key[0],
      description=label,
      paths=tuple(path for path, _ in files),
      frames=sum(
        _header.integer(one, "NumberOfFrames", where) or 1
        for where, one in files
      ),
      localizer=key[3],
      studies=len(
        {_header.text(one, "StudyInstanceUID", where) for where, one in files}
      ),
      person=_person(header, path),
    )


def _person(header: Dataset, path: pathlib.Path) -> tuple[str, str]:
  """Fingerprints of name and birth date; never the name itself."""
  try:
    name = _header.text(header, "PatientName", path).casefold()
    born = _header.text(header, "PatientBirthDate", path)
  except errors.JaxsegError:
    return "", ""
  # However systems write it: "Doe^John" and "DOE, JOHN^^".
  parts = " ".join(sorted(re.findall(r"\w+", name)))
  first, second = (
    hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else ""
    for text in (parts, born)
  )
  return first, second


def same_spacing(spacing: npt.ArrayLike, other: npt.ArrayLike) -> bool:
  """Whether two PixelSpacings are one, written with more or fewer digits."""
  return bool(np.allclose(spacing, other, rtol=_SAME_SPACING, atol=0))


def _merged(
  groups: dict[tuple, list[tuple[pathlib.Path, Dataset]]],
) -> list[tuple]:
  """Merges groups whose directions or spacings differ by rounding alone.

  Returns:
    The keys that are left.
  """
  alike: dict[tuple, list[tuple]] = collections.defaultdict(list)
  for key in sorted(groups):
    own = key[-1]
    same = alike[*key[:-1], *own[:2]]
    for other in same:
      its = other[-1]
      near = np.abs(np.subtract(own[4:], its[4:])).max() <= 1
      if near and same_spacing(own[2:4], its[2:4]):
        groups[other] += groups[key]
        break
    else:
      same.append(key)
  return [key for same in alike.values() for key in same]
