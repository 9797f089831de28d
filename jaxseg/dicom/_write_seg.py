"""Writes masks or probability maps as a SEG, by highdicom."""

from collections.abc import Iterator, Mapping, Sequence
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
from jaxseg import volume
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset
from jaxseg.dicom import _decimals
from jaxseg.dicom import _image
from jaxseg.dicom import _roi_mask
from jaxseg.dicom import _write_seg_segment as _segment

_HIGHEST = 255


def write_seg(
  path: str | os.PathLike,
  masks: Mapping[str, np.ndarray | volume.Volume | _roi_mask.RoiMask],
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
  _dataset.check_image(ct)
  arrays = _checked(masks, ct, where, own_names)
  colors_of = _colors(masks, colors or {}, own_names)
  fractional = next(iter(arrays.values())).dtype != np.bool_
  segments = [
    _segment.described(number, name, algorithm, texts, colors_of.get(name))
    for number, name in enumerate(arrays, start=1)
  ]
  used, pixels = _used(arrays, fractional)
  about = (seed, texts, algorithm, *colors_of.items())
  new = _dataset.Uids(seed, _content(ct, arrays, about))
  highdicom = _highdicom()
  with warnings.catch_warnings():
    warnings.simplefilter(
      "ignore"
    )  # They are about values copied from the image.
    dataset = highdicom.seg.Segmentation(
      source_images=_sources(ct),
      pixel_array=pixels,
      segmentation_type="FRACTIONAL" if fractional else "BINARY",
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
      max_fractional_value=_HIGHEST,
      content_label="SEGMENTATION",
      content_description=texts["description"] or None,
      series_description=texts["series_description"],
      specific_character_set=None,
      omit_empty_frames=bool(pixels.any()),  # One frame has to be there.
      **_plane(ct, used),
    )
  _close_index(dataset)
  _complete(
    dataset, ct, new.of("seg dimensions"), now or datetime.datetime.now()
  )
  _dataset.say_character_set(dataset, [*arrays, texts["model"]])
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
  ct: _image.Image, arrays: Mapping[str, np.ndarray], about: tuple
) -> Iterator[Any]:
  """All that the UIDs depend on."""
  seed, *others = about
  yield (jaxseg.__version__, seed, ct.series_uid, *others)
  for name, array in arrays.items():
    yield (name, array.dtype.str)
    yield array


def _checked(
  masks: Mapping[str, np.ndarray | volume.Volume | _roi_mask.RoiMask],
  ct: _image.Image,
  path: pathlib.Path,
  own_names: bool,
) -> dict[str, np.ndarray]:
  """The arrays under the names that will be written."""
  arrays: dict[str, np.ndarray] = {}
  for key, given in masks.items():
    name, _ = _codes.named(key, own=own_names)
    said = f"structure {_text.shown(name)}"
    array = np.asarray(_dataset.array_of(given, ct, said))
    if name in arrays:
      raise errors.DataError(
        f"{said}: two structures are written under this name; rename one"
      )
    if array.shape != ct.shape:
      raise errors.GeometryError(
        f"{said}: shape {array.shape} is not the image's {ct.shape}; give an"
        " array on the image's grid"
      )
    if array.dtype != np.bool_:
      array = _fractions(array, said)
    arrays[name] = array
  if not arrays:
    raise errors.DataError(
      f"{path}: there are no structures to write; give at least one"
    )
  if len({array.dtype for array in arrays.values()}) > 1:
    raise errors.DataError(
      f"{path}: masks and probability maps are mixed; write one file of each"
    )
  return arrays


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


def _fractions(array: np.ndarray, said: str) -> np.ndarray:
  """A probability map, float32 in steps of 1/255."""
  if not np.issubdtype(array.dtype, np.floating):
    raise errors.DataError(
      f"{said}: is {array.dtype}; give a bool mask or float probabilities"
    )
  # Written so that NaN is found as well.
  wrong = ~((array >= 0) & (array <= 1))
  if wrong.any():
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    raise errors.DataError(
      f"{said}: the value at {place} is {array[place]}, not a probability in"
      " [0, 1]; give probabilities, not logits"
    )
  steps = np.rint(array.astype(np.float32) * np.float32(_HIGHEST))
  return steps / np.float32(_HIGHEST)


def _used(
  arrays: Mapping[str, np.ndarray], fractional: bool
) -> tuple[np.ndarray, np.ndarray]:
  """Slices that are not empty, and their values `[slice, row, column, n]`."""
  filled = np.any([a.any(axis=(1, 2)) for a in arrays.values()], axis=0)
  used = np.flatnonzero(filled)
  if not len(used):
    used = np.arange(1)  # A file must have at least one frame.
  pixels = np.stack([a[used] for a in arrays.values()], axis=-1)
  return used, pixels if fractional else pixels.view(np.uint8)


def _sources(ct: _image.Image) -> list[Dataset]:
  """The image as highdicom expects it: places and UIDs, no pixels."""
  common = Dataset()
  _dataset.copy_patient(ct, common)
  _dataset.put(
    common,
    SOPClassUID=ct.sop_class_uid,
    Modality=ct.modality,
    StudyInstanceUID=ct.study_uid,
    SeriesInstanceUID=ct.series_uid,
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    Rows=ct.grid.rows,
    Columns=ct.grid.columns,
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
  if not ct.frames:
    return
  for group in dataset.PerFrameFunctionalGroupsSequence:
    for derivation in group.get("DerivationImageSequence", ()):
      for source in derivation.SourceImageSequence:
        at = int(source.ReferencedFrameNumber) - 1
        _dataset.put(source, ReferencedFrameNumber=ct.frames[at])
