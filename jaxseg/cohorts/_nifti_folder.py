"""A folder of images and label maps, as nnU-Net and the Decathlon keep them.

    FOLDER/dataset.json                    names of the labels
    FOLDER/imagesTr/liver_001_0000.nii.gz  or liver_001.nii.gz, or in images/
    FOLDER/labelsTr/liver_001.nii.gz       or in labels/

References:
  nnU-Net, documentation/dataset_format.md.
"""

from collections.abc import Collection, Mapping
import itertools
import os
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _text
from jaxseg import contours
from jaxseg import errors
from jaxseg import formats
from jaxseg import structures as vocabulary
from jaxseg import volume
from jaxseg.cohorts import _case
from jaxseg.cohorts import _mr

_ENDS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
_PLACES = (("imagesTr", "labelsTr"), ("images", "labels"))
# What nnU-Net calls a channel of CT; all others are scaled like MR.
_CT = ("ct", "ctct", "hu")


class NiftiFolder:
  """The patients of a folder of images and label maps.

  A label map says of every voxel what it is, but not what nobody looked for: a
  structure that a map does not show was not contoured on that patient. Slices
  with voxels of the label "ignore" are unknown, and so are those that were
  passed over in painting (`contours.skipped`), for that structure.

  Attributes:
    name: "nifti_folder".
    structures: Canonical names of the labels.
    left_out: Patient -> why the patient cannot be used.
    remarks: Patient -> what was decided.
  """

  name = "nifti_folder"

  def __init__(
    self,
    folder: str | os.PathLike[str],
    *,
    structures: Collection[str] | None = None,
    aliases: Mapping[str, str | None] | None = None,
    modality: str = "CT",
  ) -> None:
    """Reads dataset.json and the names of the files, but no image.

    Args:
      folder: The folder.
      structures: Canonical names that are wanted; None takes every label but
        targets, such as gtv.
      aliases: The user's own names, as `structures.read_aliases` gives them. A
        label that neither they nor the vocabulary know is a structure of its
        own name.
      modality: "CT" in HU, or "MR", whose signal is brought onto that scale.

    Raises:
      DataError: The folder is none of these.
      ConfigError: An option is unknown.
      StructureNotFoundError: A wanted name is no label's.
    """
    if modality not in ("CT", "MR"):
      raise errors.ConfigError(
        f"modality: {modality!r} is unknown; give CT, MR"
      )
    self._root = pathlib.Path(folder)
    self._modality = modality
    self._aliases = dict(aliases or {})
    self._said = _said(self._root, modality)
    self._labels = _structures(self._said, self._aliases)
    self._ignore = self._said.ignore
    names = tuple(self._labels)
    if structures is None:
      targets = vocabulary.names(kind="target")
      self.structures = tuple(name for name in names if name not in targets)
    else:
      for name in structures:
        if name not in names:
          raise errors.StructureNotFoundError(
            f"{name}: no label of {self._root / 'dataset.json'}; it has"
            f" {', '.join(names)}"
          )
      self.structures = tuple(structures)
    self._files, self.left_out = _pairs(self._root)
    self.remarks: dict[str, list[str]] = {}

  def patients(self) -> tuple[str, ...]:
    """Identifiers of the patients with an image and a label map."""
    return tuple(self._files)

  def load(self, patient: str) -> _case.Case:
    """Loads one patient.

    Raises:
      DataError: The patient is unknown, a file is missing or malformed, or the
        map shows none of the structures.
      GeometryError: Image and label map are on different grids.
    """
    if patient not in self._files:
      raise errors.DataError(
        f"{patient[:80]!r}: not a usable patient of {self._root.name}"
      )
    paths = self._files[patient]
    image, labels = (formats.read_image(path) for path in paths)
    on_image = volume.reorder(labels, image.placed)
    if on_image is None and _near(labels, image):
      on_image = image.with_array(labels.array)
    if on_image is None:
      raise errors.GeometryError(
        f"{paths[1]} and {paths[0]} are on different grids; give the label map"
        " of this image"
      )
    values = on_image.array
    if values.dtype.kind == "f" and (np.rint(values) != values).any():
      raise errors.DataError(
        f"{paths[1]}: holds fractional values; give a map of labels"
      )
    self._check_labels(paths[1], values)
    try:
      turned = volume.axial(self._hounsfield(image))
      values = volume.axial(on_image.with_array(values)).array
    except errors.GeometryError as e:
      raise errors.GeometryError(f"{paths[0]}: {e}") from e
    masks, passed = {}, {}
    for name in self.structures:
      mask = np.isin(values, self._labels[name])
      if mask.any():
        masks[name] = mask
        passed[name] = tuple(int(k) for k in contours.skipped(mask))
    if not masks:
      raise errors.DataError(
        f"{paths[1]}: shows none of {', '.join(self.structures)}"
      )
    unscanned: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    if self._ignore is not None:
      unknown = np.flatnonzero((values == self._ignore).any(axis=(1, 2)))
      unscanned = tuple(int(k) for k in unknown)
      if unscanned:
        notes = (f"{len(unscanned)} slices have voxels to be ignored",)
    return _case.Case(patient, turned, masks, unscanned, notes, passed)

  def files(self, patient: str) -> list[pathlib.Path]:
    """What `load` reads of a patient."""
    return list(self._files[patient])

  def describe(self) -> Mapping[str, Any]:
    """JSON-able facts that identify the cohort, without the folder's path."""
    return {
      "name": self.name,
      "synthetic": False,
      "source": self._root.resolve().name,
      "patients": len(self._files),
      "structures": list(self.structures),
      "settings": {
        "modality": self._modality,
        "aliases": _files.digest(self._aliases),
        "labels": {name: list(one) for name, one in self._labels.items()},
      },
    }

  def _check_labels(self, path: pathlib.Path, values: np.ndarray) -> None:
    """Refuses a map with labels that nobody has named, as nnU-Net does."""
    named = {n for labels in self._said.names.values() for n in labels}
    unnamed = set(np.unique(values).astype(int).tolist()) - named
    unnamed -= {0, self._ignore}
    if unnamed:
      listed = ", ".join(map(str, sorted(unnamed)[:8]))
      raise errors.DataError(
        f"{path}: holds the labels {listed}, which"
        f" {self._said.source.name} does not name; name them, or write the map"
        " again"
      )

  def _hounsfield(self, image: volume.Volume) -> volume.Volume:
    """int16 HU, or on the scale of HU."""
    if self._modality != "CT":
      return _mr.scale_mr(image)
    low, high = float(image.array.min()), float(image.array.max())
    limit = np.iinfo(np.int16)
    if low >= 0 and high <= 1:
      raise errors.DataError(
        f"{image.source}: values from {low:g} to {high:g} are not HU; give the"
        " image as it was measured"
      )
    if image.array.dtype == np.int16:
      return image
    values = np.clip(image.array, limit.min, limit.max)
    return image.with_array(np.rint(values).astype(np.int16))


def _near(labels: volume.Volume, image: volume.Volume) -> bool:
  """Whether voxels of one index lie within a quarter of a voxel.

  Programs round a geometry, or make its axes orthogonal, as they save a map.
  """
  if labels.shape != image.shape:
    return False
  ends = [(0, length - 1) for length in image.shape]
  corners = np.array(list(itertools.product(*ends)))
  to_image = np.linalg.inv(image.affine) @ labels.affine
  there = corners @ to_image[:3, :3].T + to_image[:3, 3]
  return bool(np.abs(there - corners).max() < 0.25)


def _said(root: pathlib.Path, modality: str) -> formats.Labels:
  """What dataset.json says, if images are of the modality."""
  if not root.is_dir():
    raise errors.DataError(f"{root}: no such folder; check the path")
  said = formats.read_labels(root)
  is_ct = said.image.casefold() in _CT
  if said.image and is_ct != (modality == "CT"):
    raise errors.DataError(
      f"{said.source}: channel 0 is {_text.shown(said.image)}, not {modality};"
      + (
        " leave out --modality=MR"
        if is_ct
        else " give --modality=MR to scale its signal"
      )
    )
  for name, given in said.unread.items():
    raise errors.DataError(
      f"{said.source}: {_text.shown(name)} is {_text.shown(given)}; write a"
      " number or a list of numbers, and each name once"
    )
  return said


def _structures(
  said: formats.Labels, aliases: Mapping[str, str | None]
) -> dict[str, tuple[int, ...]]:
  """Canonical name -> labels."""
  result: dict[str, tuple[int, ...]] = {}
  for name, labels in said.names.items():
    numbers = tuple(one for one in labels if one)
    canonical = _canonical(name, aliases) if numbers else None
    if canonical in result:
      raise errors.DataError(
        f"{said.source}: two labels are {canonical}; tell them apart by"
        " --aliases"
      )
    if canonical is not None:
      result[canonical] = numbers
  if not result:
    raise errors.DataError(
      f"{said.source}: names no structure; add one to labels"
    )
  return result


def _canonical(name: str, aliases: Mapping[str, str | None]) -> str | None:
  """A label's structure: known, or one of its own name."""
  try:
    return vocabulary.match(name, own=aliases).name
  except errors.StructureNotFoundError:
    return _text.slug(name, fallback="label").replace("-", "_")


def _pairs(
  root: pathlib.Path,
) -> tuple[dict[str, tuple[pathlib.Path, pathlib.Path]], dict[str, str]]:
  """Patient -> (image, label map), and why others are left out."""
  places = [
    (root / images, root / labels)
    for images, labels in _PLACES
    if (root / images).is_dir() and (root / labels).is_dir()
  ]
  if not places:
    raise errors.DataError(
      f"{root}: has no folders imagesTr and labelsTr, nor images and labels"
    )
  images, labels = (_files_of(place) for place in places[0])
  pairs, left_out = {}, {}
  for name, path in sorted(labels.items()):
    image = images.pop(f"{name}_0000", None) or images.pop(name, None)
    if image is None:
      left_out[name] = f"has no image beside {path.name}; add {name}_0000"
    else:
      pairs[name] = (image, path)
  for name in sorted(images):
    own, _, channel = name.rpartition("_")
    if own not in pairs and not (channel.isdigit() and channel != "0000"):
      left_out[name.removesuffix("_0000")] = "has no label map; add it"
  if not pairs:
    raise errors.DataError(
      f"{root}: none of {len(labels)} label maps has an image of its name;"
      " call the image of liver_001.nii.gz liver_001_0000.nii.gz"
    )
  return pairs, left_out


def _files_of(folder: pathlib.Path) -> dict[str, pathlib.Path]:
  """Name without its ending -> file."""
  result = {}
  for path in sorted(folder.iterdir()):
    end = next((e for e in _ENDS if path.name.lower().endswith(e)), "")
    if end and not path.name.startswith("."):
      result[path.name[: -len(end)]] = path
  return result
