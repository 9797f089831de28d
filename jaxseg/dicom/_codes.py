"""Names of structures in files: found, written, and as SNOMED CT codes.

References:
  DICOM PS3.16, context groups 7150 (categories) and 4031 (anatomic regions).
"""

from collections.abc import Callable, Sequence
import pathlib
from typing import Protocol, TypeVar

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
  "ptv_70": "PlanningTargetVolume",
  "ptv_63": "PlanningTargetVolume",
  "ptv_56": "PlanningTargetVolume",
}
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


def named(key: object) -> tuple[str, vocabulary.Structure | None]:
  """ROIName for a key, and the vocabulary's entry, if there is one."""
  name = checked_text(key, 64, "structure name")
  if not name:
    raise errors.DataError(
      "a structure name is empty; give every structure a name"
    )
  try:
    return vocabulary.get(name).tg263, vocabulary.get(name)
  except errors.StructureNotFoundError:
    pass
  try:
    return name, vocabulary.get(vocabulary.resolve(name))
  except errors.StructureNotFoundError:
    return name, None


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
