"""All contours in a folder of DICOM, by the names that they have there."""

from collections.abc import Collection, Mapping, Sequence
import dataclasses
import os
import pathlib
from typing import Any

import numpy as np

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import volume
from jaxseg.cohorts import _contours
from jaxseg.cohorts import _dicom_choice
from jaxseg.cohorts import _dicom_masks
from jaxseg.cohorts import _dicom_options
from jaxseg.cohorts import _dicom_tree
from jaxseg.cohorts import phantom


class ContourFolder:
  """The patients of a folder with RTSTRUCT or SEG, known names or not.

  A patient with contours on several images is a case for each of them. Files
  are found by content and patients told apart as in `DicomFolder`, which reads
  only what it knows, for training. Of several structure sets on one image a
  name is taken from the newest that has it, RTSTRUCT before SEG.

  Attributes:
    cases: Names of the patients.
    left_out: Patient -> why the patient cannot be used.
    remarks: Patient -> what was decided.
    broken: Files that cannot be used, and why.
    synthetic: Whether all images are of the phantom.
  """

  def __init__(
    self,
    folder: str | os.PathLike[str],
    *,
    beside: Sequence[str | os.PathLike[str]] = (),
    structure_set: str = "merge",
    combine: str = "even-odd",
    repair: Collection[str] = (),
    acquisition: str = "refuse",
    limit_s: float | None = None,
    patients_by: str = "id",
  ) -> None:
    """Reads all headers and names, but no pixels of images.

    Args:
      folder: The folder, or a single file.
      beside: Other folders, whose images count for contours drawn on them.
      structure_set: As of `DicomFolder`.
      combine: As of `DicomFolder`.
      repair: As of `DicomFolder`.
      acquisition: As of `DicomFolder`.
      limit_s: As of `DicomFolder`.
      patients_by: As of `DicomFolder`.

    Raises:
      DataError: The folder does not exist or has no contours.
      ConfigError: An option is unknown.
    """
    self._options = _dicom_options.checked(repair, acquisition, limit_s)
    self._combine = combine
    self._root = pathlib.Path(folder)
    tree = _dicom_tree.read_tree(
      self._root,
      structure_set=structure_set,
      modality="any",
      by_study=patients_by == "study",
      limits=self._options.limits,
      known=lambda drawing: {o.name for o in drawing.outlines if not o.empty},
      beside=[pathlib.Path(one) for one in beside],
      each_image=True,
    )
    self._tree = tree
    self.broken = tree.broken
    drawn = {name: one for name, one in tree.patients.items() if one.drawings}
    if not drawn:
      why = "; ".join(reason for _, reason in tree.broken[:3])
      raise errors.DataError(
        f"{self._root}: holds no structure set or segmentation that can be"
        f" used{f': {why}' if why else ''}; check the path{tree.to_unpack}"
      )
    # A segmentation has a grid of its own, and contours may be compared on
    # that of others.
    self._bare: dict[str, _dicom_choice.Drawing] = {}
    for name, one in drawn.items():
      without = () if one.images else one.drawings
      for number, drawing in enumerate(without, start=1):
        self._bare[name if number == 1 else f"{name}-{number}"] = drawing
    usable = [name for name, one in drawn.items() if not one.refused]
    self.cases: tuple[str, ...] = tuple(dict.fromkeys((*usable, *self._bare)))
    self.left_out: dict[str, str] = {
      name: one.refused for name, one in drawn.items() if name not in self.cases
    }
    self.remarks: dict[str, list[str]] = {
      name: [*one.remarks] for name, one in drawn.items() if one.remarks
    }
    images = [tree.patients[name].image for name in usable]
    self.synthetic = (
      bool(images)
      and not self._bare
      and all(
        image is not None and image.description == phantom.DESCRIPTION
        for image in images
      )
    )

  def series(self, case: str) -> frozenset[str]:
    """SeriesInstanceUID of the image."""
    if case in self._bare:
      return frozenset(self._bare[case].series)
    image = self._tree.patients[case].image
    return frozenset() if image is None else frozenset({image.series_uid})

  def files(self, case: str, *, images: bool = True) -> list[pathlib.Path]:
    """What `open` reads of a case, with its image or without."""
    if case in self._bare:
      return [self._bare[case].path]
    one = self._tree.patients[case]
    image = () if one.image is None or not images else one.image.paths
    return [*image, *(drawing.path for drawing in one.used)]

  def reading(self) -> dict[str, Any]:
    """How contours are filled, and what is repaired and chosen."""
    return {"combine": self._combine, **self._options.settings()}

  def needs_grid(self, case: str) -> bool:
    """Whether it has contours without an image."""
    return case in self._bare and self._bare[case].kind == "RTSTRUCT"

  def open(
    self, case: str, grid: volume.Grid | None = None
  ) -> _contours.Opened:
    """Reads a patient's image and contours.

    Args:
      case: One of `cases`.
      grid: Where contours without an image are filled.

    Returns:
      All that is contoured; masks are made when they are asked for.

    Raises:
      DataError: The patient is unknown, or a file is malformed.
      GeometryError: The image is not a regular stack.
    """
    if case in self._bare:
      drawing = self._bare[case]
      source = _dicom_tree.read_drawing(
        drawing.path, drawing.kind, self._options.limits
      )
      if isinstance(source, dicom.Segmentation):
        return OpenedSeg(case, source)
      if grid is None:
        raise errors.DataError(
          f"{drawing.path}: its contours need the image that they were drawn"
          " on; give its folder (--image)"
        )
      bare = dataclasses.replace(self._tree.patients[case], used=(drawing,))
      image = dicom.image_on(grid)
      return OpenedDicom(
        case, bare, image, [source], self._combine, self._options
      )
    one = self._tree.patients.get(case)
    if one is None or one.image is None:
      raise errors.DataError(
        f"{case[:80]!r}: not a usable patient of {self._root.name}"
      )
    image = dicom.read_ct(one.image, **self._options.of_image())
    sources = []
    for drawing in one.used:
      kept = self._tree.parsed.pop(drawing.path, None)
      sources.append(
        kept
        or _dicom_tree.read_drawing(
          drawing.path, drawing.kind, self._options.limits
        )
      )
    return OpenedDicom(case, one, image, sources, self._combine, self._options)

  def __getstate__(self) -> dict[str, Any]:
    """Leaves out the contours read so far, which every process would get."""
    tree = dataclasses.replace(self._tree, parsed={})
    return {**self.__dict__, "_tree": tree}


class OpenedDicom:
  """A patient of a folder of DICOM; see `Opened`."""

  complete = False  # What nobody has contoured may still be there.
  own_names = True

  def __init__(
    self,
    case: str,
    patient: _dicom_tree.Patient,
    image: dicom.Image,
    sources: Sequence[_dicom_tree.Parsed],
    combine: str,
    options: _dicom_options.Options,
  ) -> None:
    """Names the contours; of two sets with a name the first has it."""
    self.case = case
    self.image: dicom.Image | None = image
    self._place = (image.grid, image.source)
    self._masks = _dicom_masks.Masks(
      sources, image, combine, options.of_masks()
    )
    self._of: dict[str, _dicom_choice.Outline] = {}
    named: dict[str, _contours.Named] = {}
    notes = [*patient.notes, *patient.remarks]
    for drawing, source in zip(patient.used, sources, strict=True):
      notes += drawing.notes
      before = set(self._of)
      about = _about(source)
      for outline in drawing.outlines:
        name = outline.name
        if name in before and (outline.empty or not self._of[name].empty):
          if not outline.empty:
            notes.append(
              f"{_text.shown(name)} of {drawing.path.name} is not used:"
              " another set comes first"
            )
          continue
        if name in self._of and name not in before:
          name = f"{name}#{outline.number}"
        self._of[name] = outline
        named[name] = _contours.Named(
          name,
          outline.number,
          not outline.empty,
          *about.get(outline.number, (None, "", "")),
          reason=outline.malformed,
        )
    self.named = tuple(named.values())
    self.notes = (*notes, *map(str, image.notes))

  def contour(self, name: str) -> _contours.Contour:
    """The mask of a contour on the image's grid.

    Args:
      name: One of those in `named`.

    Returns:
      The mask; slices that were passed over in drawing are unknown.

    Raises:
      DataError: It cannot be made.
    """
    outline = self._of[name]
    array, remarks = self._masks.get(outline)
    if array is None:
      raise errors.DataError(remarks[0])
    slices = list(self._masks.unknown(outline))
    unknown = None
    if slices:
      unknown = np.zeros(array.shape, np.bool_)
      unknown[slices] = True
    return _contours.Contour(
      volume.Volume(array, *self._place), unknown, remarks
    )


class OpenedSeg:
  """A segmentation without its image, on the grid of its own; see `Opened`."""

  complete = False
  own_names = True
  image: dicom.Image | None = None

  def __init__(self, case: str, source: dicom.Segmentation) -> None:
    """Names the segments."""
    self.case = case
    self.notes = (*map(str, source.notes), "its image is not there")
    self._source = source
    about = _about(source)
    names: dict[str, int] = {}
    for one in source.segments:
      name = f"{one.label}#{one.number}" if one.label in names else one.label
      names[name] = one.number
    self._numbers = names
    self.named = tuple(
      _contours.Named(name, number, True, *about[number])
      for name, number in names.items()
    )

  def contour(self, name: str) -> _contours.Contour:
    """The mask of a segment.

    Args:
      name: One of those in `named`.

    Returns:
      The mask on the segmentation's grid.
    """
    array = self._source.mask(self._numbers[name])
    return _contours.Contour(
      volume.Volume(array, self._source.grid, self._source.path)
    )


def _about(
  source: _dicom_tree.Parsed,
) -> Mapping[int, tuple[tuple[int, int, int] | None, str, str]]:
  """Number -> colour, interpreted type, algorithm."""
  if isinstance(source, dicom.Segmentation):
    return {
      one.number: (one.color, "", one.algorithm_type) for one in source.segments
    }
  return {
    roi.number: (roi.color, roi.interpreted_type, roi.generation_algorithm)
    for roi in source.rois
  }
