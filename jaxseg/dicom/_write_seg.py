"""Writes masks or probability maps as a SEG, by highdicom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import datetime
import os
import pathlib
from typing import Any
import warnings

import numpy as np
from pydicom.dataset import Dataset

import jaxseg
from jaxseg import _extras
from jaxseg import _files
from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset
from jaxseg.dicom import _decimals
from jaxseg.dicom import _image
from jaxseg.dicom import _write_seg_pixels as _pixels
from jaxseg.dicom import _write_seg_segment as _segment


def write_seg(
  path: str | os.PathLike,
  masks: _pixels.Masks,
  ct: _image.Image,
  *,
  model: str = "jaxseg",
  model_version: str = jaxseg.__version__,
  algorithm: str = "AUTOMATIC",
  description: str = "",
  series_description: str = "Automatic segmentation, unapproved",
  seed: int | str | None = None,
  now: datetime.datetime | None = None,
  overwrite: bool = False,
  own_names: bool = False,
  colors: Mapping[str, tuple[int, int, int]] | None = None,
) -> pathlib.Path:
  """Writes masks or probability maps as a SEG of the series they belong to.

  Masks become a BINARY segmentation. Maps become a FRACTIONAL one of
  PROBABILITY in 255 steps, 8 bits, so p comes back within 1/510. Slices where
  a structure is empty are left out, as the standard allows. Patient and study
  are those of the image.

  Args:
    path: The file to write; folders are made.
    masks: Name to a bool mask or a float probability map, `[slice, row,
      column]`, on the image's grid, or to a volume of either; all of one kind.
      Each is asked for when it is its turn, so that a mapping may make it then.
      A canonical name is written as TG-263 has it, any other as it stands.
    ct: The image.
    model: SegmentAlgorithmName, at most 64 characters.
    model_version: Its version.
    algorithm: "AUTOMATIC", "SEMIAUTOMATIC" or "MANUAL".
    description: ContentDescription, at most 64 characters.
    series_description: SeriesDescription, at most 64 characters.
    seed: The new UIDs follow from it and from the content; None draws random
      UIDs.
    now: Date and time of the segmentation; None is the present.
    overwrite: Whether an existing file may be replaced.
    own_names: Whether canonical names, too, are written as they stand, as they
      were in a file that is converted.
    colors: sRGB, 0 to 255 each, by keys of `masks`; those without one have
      that of the vocabulary, or one of a fixed series.

  Returns:
    The path.

  Raises:
    GeometryError: An array is not on the image's grid.
    DataError: A name, text or colour cannot be written, arrays are neither
      bool nor finite fractions in [0, 1], or the image lacks the UIDs to refer
      to.
    ConfigError: `algorithm` is unknown.
    ExistingOutputError: The file exists.

  References:
    DICOM PS3.3, sections A.51 and C.8.20.
  """
  where = pathlib.Path(path)
  if algorithm not in ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"):
    raise errors.ConfigError(
      f"algorithm is {algorithm!r}; give AUTOMATIC, SEMIAUTOMATIC or MANUAL"
    )
  _files.check_free(where, overwrite=overwrite)
  texts = {
    name: _codes.checked_text(text, 64, name)
    for name, text in (
      ("model", model),
      ("model_version", model_version),
      ("description", description),
      ("series_description", series_description),
    )
  }
  for name in ("model", "model_version"):
    if not texts[name]:
      raise errors.DataError(f"{name} is empty; give 1 to 64 characters")
  _dataset.check_referable(ct)
  pixels = _pixels.gathered(masks, ct, where, own_names)
  colors_of = _colors(masks, colors or {}, own_names)
  segments = [
    _segment.described(number, name, algorithm, texts, colors_of.get(name))
    for number, name in enumerate(pixels.names, start=1)
  ]
  about = (seed, texts, algorithm, *colors_of.items())
  arrays = _pixels.arrays(masks, ct, own_names)
  new = _dataset.Uids(seed, _content(ct, arrays, about))
  highdicom = _highdicom()
  with warnings.catch_warnings():
    warnings.simplefilter(
      "ignore"
    )  # They are about values copied from the image.
    dataset = highdicom.seg.Segmentation(
      source_images=_sources(ct),
      pixel_array=pixels.described,
      segmentation_type="FRACTIONAL" if pixels.fractional else "BINARY",
      segment_descriptions=segments,
      series_instance_uid=new.of("seg series"),
      series_number=1001,
      sop_instance_uid=new.of("seg instance"),
      instance_number=1,
      manufacturer="jaxseg",
      manufacturer_model_name="jaxseg",
      software_versions=jaxseg.__version__,
      device_serial_number="none",
      fractional_type="PROBABILITY",
      max_fractional_value=_pixels.HIGHEST,
      content_label="SEGMENTATION",
      content_description=texts["description"] or None,
      series_description=texts["series_description"],
      specific_character_set=None,
      omit_empty_frames=bool(pixels.shown.any()),  # One must be there.
      **_plane(ct, pixels.used),
    )
  _close_index(dataset)
  slices = _slices(dataset, ct, pixels.used)
  pixels.put(dataset, ct.grid.rows, ct.grid.columns, slices)
  _complete(
    dataset, ct, new.of("seg dimensions"), now or datetime.datetime.now()
  )
  _dataset.say_character_set(dataset, [*pixels.names, *texts.values()])
  _files.write_bytes(where, _dataset.encoded(dataset))
  return where


def _close_index(dataset: Any) -> None:
  """Closes the database in memory that highdicom keeps of an image's frames.

  It leaves that to the collector, of which Python 3.13 warns.
  """
  database = getattr(dataset, "_db_con", None)
  if database is not None:
    database.close()


def _highdicom() -> Any:
  """highdicom, which is slow to import and needed for writing alone."""
  return _extras.load("highdicom", extra="io")


def _content(
  ct: _image.Image, arrays: Iterable[tuple[str, np.ndarray]], about: tuple
) -> Iterator[Any]:
  """All that the UIDs depend on."""
  seed, *others = about
  yield (jaxseg.__version__, seed, ct.series_uid, *others)
  for name, array in arrays:
    yield (name, array.dtype.str)
    yield array
    del array  # Before the next is made.


def _colors(
  masks: Mapping[str, Any],
  colors: Mapping[str, tuple[int, int, int]],
  own_names: bool,
) -> dict[str, tuple[int, int, int]]:
  """The colours under the names that will be written."""
  found = {}
  for key, given in colors.items():
    if key not in masks:
      raise errors.DataError(
        f"colors: there is no structure {_text.shown(key)} to write; give the"
        " keys of masks"
      )
    name, _ = _codes.named(key, own=own_names)
    found[name] = _codes.checked_color(given, name)
  return found


def _sources(ct: _image.Image) -> list[Dataset]:
  """The image as highdicom expects it: places and UIDs, one pixel a slice."""
  common = Dataset()
  _dataset.copy_patient(ct, common)
  _dataset.put(
    common,
    SOPClassUID=ct.sop_class_uid,
    Modality=ct.modality,
    StudyInstanceUID=ct.study_uid,
    SeriesInstanceUID=ct.series_uid,
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    Rows=1,
    Columns=1,
  )
  if ct.frames:
    return [_multi_frame(ct, common)]
  made = []
  for instance, position in zip(ct.instances, ct.grid.positions, strict=True):
    if not instance:  # An interpolated slice.
      continue
    one = Dataset()
    one.update(common)
    _dataset.put(
      one,
      SOPInstanceUID=instance,
      ImagePositionPatient=_decimal_floats(position),
      ImageOrientationPatient=_orientation(ct),
      PixelSpacing=_decimal_floats(ct.spacing[1:]),
      SliceThickness=_decimal_floats([ct.grid.gap])[0],
    )
    made.append(one)
  return made


def _multi_frame(ct: _image.Image, common: Dataset) -> Dataset:
  """One file with all slices, its frames in the order of the slices."""
  plane = _plane(ct, np.arange(len(ct.instances)))
  shared = _dataset.item(
    PlaneOrientationSequence=plane["plane_orientation"],
    PixelMeasuresSequence=plane["pixel_measures"],
  )
  _dataset.put(
    common,
    SOPInstanceUID=next(filter(None, ct.instances)),
    NumberOfFrames=len(ct.instances),
    SharedFunctionalGroupsSequence=[shared],
    PerFrameFunctionalGroupsSequence=[
      _dataset.item(PlanePositionSequence=place)
      for place in plane["plane_positions"]
    ],
  )
  return common


def _plane(ct: _image.Image, used: np.ndarray) -> dict[str, Any]:
  """Where the slices lie."""
  highdicom = _highdicom()
  gap = _decimal_floats([ct.grid.gap])[0]
  return {
    "pixel_measures": highdicom.PixelMeasuresSequence(
      pixel_spacing=_decimal_floats(ct.spacing[1:]),
      slice_thickness=gap,
    ),
    "plane_orientation": highdicom.PlaneOrientationSequence(
      "PATIENT", _orientation(ct)
    ),
    "plane_positions": [
      highdicom.PlanePositionSequence(
        "PATIENT", _decimal_floats(ct.grid.positions[k])
      )
      for k in used
    ],
  }


def _slices(dataset: Dataset, ct: _image.Image, used: np.ndarray) -> list[int]:
  """Which slice each frame lies in, by its position as it was written."""
  at = {tuple(_decimal_floats(ct.grid.positions[k])): int(k) for k in used}
  (shared,) = dataset.SharedFunctionalGroupsSequence
  found = []
  for group in dataset.PerFrameFunctionalGroupsSequence:
    of = group if "PlanePositionSequence" in group else shared
    (place,) = of.PlanePositionSequence
    found.append(at[tuple(map(float, place.ImagePositionPatient))])
  return found


def _orientation(ct: _image.Image) -> list[float]:
  steps = np.stack([ct.grid.column_step, ct.grid.row_step])
  return _decimal_floats(steps / np.linalg.norm(steps, axis=1, keepdims=True))


def _decimal_floats(numbers: Sequence[float] | np.ndarray) -> list[float]:
  """Numbers as decimal strings can hold them."""
  return [float(text) for text in _decimals.exact(numbers)]


def _complete(
  dataset: Dataset, ct: _image.Image, organization: str, now: datetime.datetime
) -> None:
  """Sets what highdicom leaves to chance or the clock, or cannot know."""
  date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
  _dataset.put(
    dataset,
    ContentDate=date,
    ContentTime=time,
    InstanceCreationDate=date,
    InstanceCreationTime=time,
    SeriesDate=date,
    SeriesTime=time,
    ContentCreatorName=dataset.get("ContentCreatorName", ""),  # Type 2.
  )
  for item in (
    *dataset.DimensionOrganizationSequence,
    *dataset.DimensionIndexSequence,
  ):
    _dataset.put(item, DimensionOrganizationUID=organization)
  for item in dataset.get("ContributingEquipmentSequence", ()):
    _dataset.put(item, ContributionDateTime=date + time)
  # From the used slices alone, another spacing might be inferred.
  (measures,) = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
  _dataset.put(measures, SpacingBetweenSlices=_decimal_floats([ct.grid.gap])[0])
  if not ct.grid.is_even:
    del measures.SpacingBetweenSlices
  if ct.frames:
    _refer_to_frames(dataset, ct, ct.frames)


def _refer_to_frames(
  dataset: Dataset, ct: _image.Image, frames: Sequence[int]
) -> None:
  """Names file and frame of each slice; highdicom saw one file of them all."""
  made = set(ct.interpolated)
  for group in (
    *dataset.SharedFunctionalGroupsSequence,
    *dataset.PerFrameFunctionalGroupsSequence,
  ):
    for derivation in group.get("DerivationImageSequence", ()):
      for source in derivation.SourceImageSequence:
        at = int(source.ReferencedFrameNumber) - 1
        _dataset.put(
          source,
          ReferencedSOPInstanceUID=ct.instances[at],
          ReferencedFrameNumber=frames[at],
        )
        if at in made:
          _dataset.put(group, DerivationImageSequence=[])
  files = [
    _dataset.item(
      ReferencedSOPClassUID=ct.sop_class_uid, ReferencedSOPInstanceUID=instance
    )
    for instance in dict.fromkeys(filter(None, ct.instances))
  ]
  (series,) = dataset.ReferencedSeriesSequence
  _dataset.put(series, ReferencedInstanceSequence=files)
  _dataset.put(dataset, SourceImageSequence=files)
