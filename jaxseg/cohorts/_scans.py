"""Scans without references: new patients, in DICOM or in other image files."""

import collections
from collections.abc import Collection, Iterator, Mapping
import dataclasses
import hashlib
import os
import pathlib
from typing import Any

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg import volume
from jaxseg.cohorts import _dicom_options
from jaxseg.cohorts import _dicom_people

_ENDS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
SERIES = ("refuse", "all", "largest")


@dataclasses.dataclass(frozen=True)
class Scan:
  """A scan that may be read.

  Attributes:
    name: Unique and safe as the name of a folder: of the PatientID, or of the
      file.
    paths: Its files.
    series: The DICOM series; None of another image file.
    refused: Why it cannot be used, or "".
    options: How DICOM is read.
  """

  name: str
  paths: tuple[pathlib.Path, ...]
  series: dicom.Series | None
  refused: str
  options: _dicom_options.Options

  def read(self) -> volume.Volume:
    """The image; a `dicom.Image` where it is of DICOM.

    Raises:
      DataError: A file is malformed, or the scan was refused.
      GeometryError: The slices do not form a regular stack.
    """
    if self.refused:
      raise errors.DataError(self.refused)
    if self.series is None:
      return formats.read_image(self.paths[0])
    return dicom.read_ct(self.series, **self.options.of_image())

  def reading(self) -> dict[str, Any]:
    """What decides the image beside the files, to be compared."""
    return {} if self.series is None else self.options.settings()

  def digest(self) -> str:
    """Fingerprint of the files' content, 16 hexadecimal digits.

    Raises:
      DataError: A header names a file that is missing.
    """
    whole = hashlib.sha256()
    paths = self.paths
    if self.series is None:  # A header may name a file of its own for values.
      paths = (*paths, *(p for one in paths for p in formats.companions(one)))
    for path in paths:
      with path.open("rb") as file:
        whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Scans:
  """What was found.

  Attributes:
    found: The scans, those included that cannot be used.
    notes: What else is in the folder, a line each.
  """

  found: tuple[Scan, ...]
  notes: tuple[str, ...] = ()


def find_scans(
  place: str | os.PathLike[str],
  *,
  modality: str = "CT",
  series: str = "refuse",
  repair: Collection[str] = (),
  acquisition: str = "refuse",
  limit_s: float | None = None,
  patients_by: str = "id",
) -> Scans:
  """Finds scans: DICOM by content, else image files by their endings.

  Masks and maps that `predict_scans` wrote into the same tree are no scans.

  Args:
    place: A folder of any layout, or one image file.
    modality: "CT" or "MR".
    series: If a patient has several series: "refuse" the patient, take "all",
      each as a scan of its own, the one of most images ("largest"), or give a
      SeriesInstanceUID.
    repair: As of `DicomFolder`.
    acquisition: As of `DicomFolder`.
    limit_s: As of `DicomFolder`.
    patients_by: As of `DicomFolder`.

  Returns:
    The scans, sorted by name.

  Raises:
    DataError: There is no such place, or no image in it.
    ConfigError: An option is unknown, or is of contours.
  """
  options = _dicom_options.checked(repair, acquisition, limit_s)
  for one in options.repair:
    if one in _dicom_options.OF_CONTOURS:
      raise errors.ConfigError(
        f"repair: {one} is of contours, and scans have none; leave it out"
      )
  root = pathlib.Path(place)
  if not root.exists():
    raise errors.DataError(f"{root}: no such file or folder; check the path")
  if root.is_file() and root.name.lower().endswith(_ENDS):
    return Scans((_of_file(root, root.name, options, _text.Names()),))
  found = dicom.find_series(root, limits=options.limits)
  files = _image_files(root)
  if not len(found) and not found.broken:
    if not files:
      raise errors.DataError(
        f"{root}: holds no scan ({found.skipped} other files); give a folder of"
        f" DICOM, or NIfTI, NRRD or MetaImage files{found.to_unpack}"
      )
    names = _text.Names()
    return Scans(
      tuple(
        _of_file(path, path.relative_to(root).as_posix(), options, names)
        for path in files
      )
    )
  scans = _of_dicom(root, found, modality, series, options, patients_by)
  notes = _apart(found, modality)
  if files:
    notes.append(
      f"{root}: {len(files)} image files beside the DICOM are not read; give"
      " them by themselves"
    )
  return Scans(tuple(sorted(scans, key=lambda one: one.name)), tuple(notes))


def _of_dicom(
  root: pathlib.Path,
  found: dicom.Found,
  modality: str,
  series: str,
  options: _dicom_options.Options,
  patients_by: str,
) -> list[Scan]:
  """The scans of each patient of a tree of DICOM."""
  by_id: dict[str, list[dicom.Series]] = {}
  for one in found:
    key = one.patient_id or f"study {one.study_uid}"
    by_id.setdefault(key, []).append(one)
  owners = _owners(found)
  mixed = _mixed(found, modality)
  scans: list[Scan] = []
  names = _text.Names()

  def add(person: str, one: dicom.Series | None, refused: str) -> None:
    paths = () if one is None else one.paths
    scans.append(Scan(names.new(person), paths, one, refused, options))

  asked = series not in SERIES
  for patient_id, theirs in sorted(by_id.items()):
    people = _dicom_people.people(theirs, [], by_study=patients_by == "study")
    for own in people:
      name = _text.slug(patient_id, fallback="patient")
      images = [s for s in own if s.is_image and s.modality == modality]
      if asked:
        images = [s for s in images if series in (s.key, s.series_uid)]
        if not images:
          continue  # Another patient has it.
      if not images:
        others = sorted({s.modality for s in own if s.is_image})
        has = f", but {' and '.join(others)}" if others else ""
        add(name, None, f"has no {modality} series{has}; the model reads"
            f" {modality}")  # fmt: skip
      elif series == "refuse" and len(images) > 1:
        listed = "; ".join(map(str, images[:4]))
        more = f"; and {len(images) - 4} more" if len(images) > 4 else ""
        add(name, None, f"has {len(images)} {modality} series: {listed}{more};"
            " choose with --series")  # fmt: skip
      else:
        if series == "largest":
          images = [max(images, key=lambda one: one.frames)]
        for one in images:
          why = mixed.get(one.key, "") or _broken_beside(one, found, owners)
          add(name, one, why)
  if asked and not scans:
    raise errors.DataError(
      f"{root}: no {modality} series {_text.shown(series)}; leave --series out"
      " to see what there is"
    )
  if not scans:
    raise errors.DataError(
      f"{root}: no DICOM file can be read: {found.broken[0][1]}"
    )
  return scans


def _of_several(
  found: dicom.Found, modality: str
) -> Iterator[tuple[str, list[dicom.Series]]]:
  """Series whose images are of several PatientIDs."""
  of_uid: dict[str, list[dicom.Series]] = collections.defaultdict(list)
  for one in found:
    if one.is_image and one.modality == modality:
      of_uid[one.series_uid].append(one)
  for uid, groups in of_uid.items():
    if len({one.patient_id for one in groups}) > 1:
      yield uid, groups


def _mixed(found: dicom.Found, modality: str) -> dict[str, str]:
  """Key of a series -> why it cannot be used: a part has another PatientID."""
  refused = {}
  for _, groups in _of_several(found, modality):
    for one in groups:
      own = {path.parent for path in one.paths}
      for other in groups:
        if other.patient_id == one.patient_id:
          continue
        if not own.isdisjoint(path.parent for path in other.paths):
          first, second = (_text.shown(s.paths[0].name) for s in (one, other))
          refused[one.key] = (
            f"{len(one.paths)} files of its series are of this patient, and"
            f" {len(other.paths)} beside them of"
            f" {_text.shown(other.patient_id)}: {first} and {second}; give all"
            " of a scan one PatientID, or each patient a folder"
          )
  return refused


def _apart(found: dicom.Found, modality: str) -> list[str]:
  """Notes on series of several PatientIDs that lie in folders of their own."""
  mixed = _mixed(found, modality)
  return [
    f"series {_text.shown(uid)} is of"
    f" {' and of '.join(sorted({_text.shown(s.patient_id) for s in groups}))},"
    " each in folders of its own: if they are parts of one scan, give them one"
    " PatientID"
    for uid, groups in _of_several(found, modality)
    if not any(one.key in mixed for one in groups)
  ]


def _owners(found: dicom.Found) -> Mapping[pathlib.Path, set[str]]:
  """Folder -> PatientIDs of the images and other series in it."""
  owners: dict[pathlib.Path, set[str]] = collections.defaultdict(set)
  for one in found if found.broken else ():
    for path in one.paths:
      owners[path.parent].add(one.patient_id)
  return owners


def _broken_beside(
  one: dicom.Series,
  found: dicom.Found,
  owners: Mapping[pathlib.Path, set[str]],
) -> str:
  """Why a scan is refused beside which a file cannot be read, or ""."""
  places = {path.parent for path in one.paths}
  for path, reason in found.broken:
    # In a folder of many patients nobody can tell whose slice it is.
    alone = path.parent in places and len(owners[path.parent]) == 1
    if alone and path not in found.aside:
      return f"a file beside its slices cannot be read: {reason}"
  return ""


def _of_file(
  path: pathlib.Path,
  said: str,
  options: _dicom_options.Options,
  names: _text.Names,
) -> Scan:
  stem = said
  for end in _ENDS:
    if stem.lower().endswith(end):
      stem = stem[: -len(end)]
      break
  # So nnU-Net calls the first channel of an image.
  name = _text.slug(stem.removesuffix("_0000"), fallback="scan")
  return Scan(names.new(name), (path,), None, "", options)


def _image_files(root: pathlib.Path) -> list[pathlib.Path]:
  if root.is_file():
    return []
  found = root.rglob("*")
  return sorted(
    path
    for path in found
    if path.name.lower().endswith(_ENDS)
    and path.is_file()
    and not any(p.startswith(".") for p in path.relative_to(root).parts)
    and not _is_result(path)
  )


def _is_result(path: pathlib.Path) -> bool:
  """Whether it is a mask or a map of a scan, as they lie beside result.json."""
  folder = path.parent
  return (
    folder.name in ("masks", "maps")
    and folder.with_name("result.json").is_file()
  )
