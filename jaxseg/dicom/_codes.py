"""Codes of SNOMED CT for the structures that the vocabulary knows.

References:
  DICOM PS3.16, context groups 7150 (categories) and 4031 (anatomic regions).
"""

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from jaxseg import structures

# Keywords of pydicom's dictionary, which has them from the standard. Where it
# has no code of exactly that meaning, the structure has none here.
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


def coded(
  structure: structures.Structure | None,
) -> tuple[Code, Code, Code | None]:
  """Category, type and side of a structure.

  Args:
    structure: What is known of it; None for a name of nobody's.

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
