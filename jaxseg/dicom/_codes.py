"""Names of structures in files: found, written, and as SNOMED CT codes.

References:
  DICOM PS3.16, context groups 7150 (categories) and 4031 (anatomic regions).
"""

from collections.abc import Callable, Sequence
import colorsys
import pathlib
from typing import Protocol, TypeVar

import numpy as np
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from jaxseg import _text
from jaxseg import errors
from jaxseg import structures as vocabulary

# Keywords of pydicom's dictionary, which follows the standard. A structure for
# which it has no code of exactly that meaning is not listed.
_KEYWORDS = {
  "brain": "Brain",
  "brainstem": "BrainStem",
  "spinal_cord": "SpinalCord",
  "spinal_canal": "SpinalCanalStructure",
  "cerebellum": "Cerebellum",
  "pituitary": "Pituitary",
  "chiasm": "OpticChiasm",
  "oral_cavity": "OralCavity",
  "nasal_cavity": "NasalCavity",
  "lips": "Lip",
  "tongue": "Tongue",
  "tongue_base": "BaseOfTongue",
  "soft_palate": "SoftPalate",
  "mandible": "Mandible",
  "hyoid": "HyoidBone",
  "pharynx": "Pharynx",
  "nasopharynx": "Nasopharynx",
  "oropharynx": "Oropharynx",
  "supraglottic_larynx": "Supraglottis",
  "larynx": "Larynx",
  "glottis": "Glottis",
  "thyroid": "Thyroid",
  "esophagus": "Esophagus",
  "trachea": "Trachea",
  "parotid": "ParotidGland",
  "submandibular": "SubmandibularGland",
  "lacrimal": "LacrimalGland",
  "neck": "Neck",
  "inner_ear": "InnerEar",
  "middle_ear": "MiddleEar",
  "eye": "Eye",
  "lens": "Lens",
  "cornea": "Cornea",
  "retina": "Retina",
  "optic_nerve": "OpticNerve",
  "brachial_plexus": "BrachialPlexus",
  "carotid_artery": "CarotidArtery",
  "internal_jugular_vein": "InternalJugularVein",
  "temporal_lobe": "TemporalLobe",
  "hippocampus": "Hippocampus",
  "temporomandibular_joint": "TemporomandibularJoint",
  "sternocleidomastoid": "SternocleidomastoidMuscle",
  "maxillary_sinus": "MaxillarySinus",
  "lung": "Lung",
  "gtv": "GrossTumorVolume",
  "ctv": "ClinicalTargetVolume",
  "ptv": "PlanningTargetVolume",
  "ptv_70": "PlanningTargetVolume",
  "ptv_63": "PlanningTargetVolume",
  "ptv_56": "PlanningTargetVolume",
}
# Linear sRGB to XYZ with the white of D50.
_TO_XYZ_D50 = np.array(
  [
    [0.4360747, 0.3850649, 0.1430804],
    [0.2225045, 0.7168786, 0.0606169],
    [0.0139322, 0.0971045, 0.7141733],
  ]
)
_TO_LINEAR = np.linalg.inv(_TO_XYZ_D50)
_SIDES = {"left": "Left", "right": "Right"}


class _Numbered(Protocol):
  @property
  def number(self) -> int: ...


_Item = TypeVar("_Item", bound=_Numbered)


def coded(
  structure: vocabulary.Structure | None,
) -> tuple[Code, Code, Code | None]:
  """Category, type and side of a structure.

  Args:
    structure: What is known of it; None for a name outside the vocabulary.

  Returns:
    SegmentedPropertyCategoryCode, SegmentedPropertyTypeCode (that of any
    anatomical structure where there is no code of its own) and its modifier,
    None for what has no side.
  """
  category = codes.SCT.AnatomicalStructure
  if structure is None:
    return category, category, None
  if structure.kind == "target":
    category = codes.SCT.SpatialAndRelationalConcept
  name = structure.name
  if structure.side:
    name = name.removesuffix(f"_{structure.side}")
  keyword = _KEYWORDS.get(name)
  kind = codes.SCT.AnatomicalStructure
  if keyword is not None:
    kind = getattr(codes.SCT, keyword)
  side = getattr(codes.SCT, _SIDES[structure.side]) if structure.side else None
  return category, kind, side


def color(
  structure: vocabulary.Structure | None, number: int
) -> tuple[int, int, int]:
  """The colour of a structure, sRGB, 0 to 255.

  Args:
    structure: What is known of it; None for a name outside the vocabulary.
    number: Its place among those that are written, from 0.
  """
  if structure is not None:
    return structure.color
  # Hues are a golden angle apart, so that neighbours never look alike.
  hue = (0.15 + number * 0.381966) % 1
  red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 0.95)
  return round(255 * red), round(255 * green), round(255 * blue)


def checked_color(given: Sequence[int], name: str) -> tuple[int, int, int]:
  """A colour that somebody gave for a structure.

  Raises:
    DataError: It is not three whole numbers from 0 to 255.
  """
  values = tuple(given)
  if len(values) != 3 or any(v not in range(256) for v in values):
    raise errors.DataError(
      f"structure {_text.shown(name)}: color is {given}; give three whole"
      " numbers from 0 to 255"
    )
  red, green, blue = (int(v) for v in values)
  return red, green, blue


def cielab(rgb: tuple[int, int, int]) -> list[int]:
  """An sRGB colour as RecommendedDisplayCIELabValue: L*, a*, b* of 16 bits.

  References:
    IEC 61966-2-1 (sRGB); the Bradford matrix of the ICC from D65 to D50, which
    PS3.3, C.10.7.1.1 takes as the white of L*a*b*.
  """
  values = np.array(rgb, np.float64) / 255
  linear = np.where(
    values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
  )
  ratio = _TO_XYZ_D50 @ linear / _TO_XYZ_D50.sum(axis=1)  # White is (1, 1, 1).
  x, y, z = np.where(
    ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29
  )
  lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
  scaled = (lightness / 100, (a + 128) / 255, (b + 128) / 255)
  return [round(min(max(value, 0), 1) * 65535) for value in scaled]


def srgb(lab: Sequence[float] | np.ndarray) -> tuple[int, int, int]:
  """The sRGB colour of a RecommendedDisplayCIELabValue; `cielab` undone.

  A colour that no screen of sRGB shows becomes the nearest of each channel.
  """
  lightness, a, b = np.array(lab, np.float64) / 65535
  y = (100 * lightness + 16) / 116
  parts = np.array([y + (255 * a - 128) / 500, y, y - (255 * b - 128) / 200])
  ratio = np.where(
    parts > 6 / 29, parts**3, (parts - 4 / 29) * 3 * (6 / 29) ** 2
  )
  linear = np.clip(_TO_LINEAR @ (ratio * _TO_XYZ_D50.sum(axis=1)), 0, 1)
  values = np.where(
    linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055
  )
  red, green, blue = (round(255 * float(value)) for value in values)
  return red, green, blue


def checked_text(text: object, longest: int, what: str) -> str:
  """Text for one of DICOM's short strings, without blanks at its ends.

  Raises:
    DataError: It is too long or has characters that are not allowed.
  """
  if not isinstance(text, str):
    raise errors.DataError(
      f"{what} is of type {type(text).__name__}; give a str"
    )
  trimmed = text.strip(" ")
  wrong = [c for c in trimmed if c == "\\" or not _writable(c)]
  if wrong:
    raise errors.DataError(
      f"{what} is {_text.shown(text)} with the character {wrong[0]!a}, which"
      " DICOM does not allow there; leave it out"
    )
  if len(trimmed) > longest:
    raise errors.DataError(
      f"{what} is {_text.shown(text)}, {len(trimmed)} characters long; DICOM"
      f" allows {longest}, shorten it"
    )
  return trimmed


def _writable(character: str) -> bool:
  """Whether it is neither a control character nor half of a surrogate pair."""
  code = ord(character)
  return not (code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000)


def named(
  key: object, *, own: bool = False
) -> tuple[str, vocabulary.Structure | None]:
  """ROIName for a key, and the vocabulary's entry, if there is one.

  Args:
    key: Name of a structure.
    own: Whether a canonical name, too, is written as it stands.
  """
  name = checked_text(key, 64, "structure name")
  if not name:
    raise errors.DataError(
      "a structure name is empty; give every structure a name"
    )
  try:
    known = vocabulary.get(name)
    return name if own else known.tg263, known
  except errors.StructureNotFoundError:
    pass
  try:
    return name, vocabulary.get(vocabulary.resolve(name))
  except errors.StructureNotFoundError:
    return name, None


def written_name(key: str, *, own: bool = False) -> str:
  """ROIName, or SegmentLabel, that a structure is written under.

  Args:
    key: Name of a structure.
    own: Whether a canonical name, too, is written as it stands; else it
      becomes that of TG-263.

  Returns:
    1 to 64 characters.

  Raises:
    DataError: DICOM does not allow the name.
  """
  return named(key, own=own)[0]


def only(
  key: str | int,
  items: Sequence[_Item],
  name_of: Callable[[_Item], str],
  *,
  path: pathlib.Path,
  what: str,
) -> _Item:
  """The item of a name or number, or of another name for its structure.

  Args:
    key: Name or number.
    items: ROIs or segments, each with a `number`.
    name_of: The name of an item.
    path: For messages.
    what: "ROI" or "segment", for messages.

  Raises:
    StructureNotFoundError: There is none, or several share the name.
  """
  found = [one for one in items if key in (name_of(one), one.number)]
  if not found:
    found = vocabulary.same_structure(key, items, name_of)
  if len(found) == 1:
    return found[0]
  if found:
    raise errors.StructureNotFoundError(
      f"{path}: {len(found)} {what}s are named {_text.shown(key)}; give one of"
      f" the numbers {', '.join(str(one.number) for one in found)}"
    )
  listed = ", ".join(_text.shown(name_of(one)) for one in items[:20])
  raise errors.StructureNotFoundError(
    f"{path}: no {what} {_text.shown(key)}; there are {listed}"
  )
