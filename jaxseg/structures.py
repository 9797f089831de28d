"""The organ vocabulary: names, TG-263 names, aliases, sides and colours.

A structure has one canonical name everywhere in jaxseg ("parotid_left"). Other
people's names are translated by one table and one strict rule, `resolve`;
nothing is guessed, because "Cord" taken for "Chiasm" is a wrong dose.

References:
  AAPM Task Group 263, Standardizing nomenclatures in radiation oncology, 2018.
"""

from collections.abc import Iterator, Mapping
import dataclasses
import difflib
import re
import types
import unicodedata

from jaxseg import errors


@dataclasses.dataclass(frozen=True)
class Structure:
  """What is known of one structure apart from any patient.

  Attributes:
    name: Canonical name, lower case, side last: "parotid_left".
    label: For people: "left parotid".
    tg263: Name after TG-263, exact case, at most 16 characters.
    side: "left", "right", or None for what is single or not one-sided.
    color: sRGB, 0 to 255 each; no two structures share one.
    aliases: Other names that `resolve` takes exactly as written.
    kind: "organ", or "target" for tumours and planning targets, which are
      never among the structures that are chosen by default.
    open_ended: The structure goes on beyond the range that is usually
      contoured, so slices outside of that range are unknown, not negative.
  """

  name: str
  label: str
  tg263: str
  side: str | None
  color: tuple[int, int, int]
  aliases: tuple[str, ...]
  kind: str = "organ"
  open_ended: bool = False


# Rows: canonical name, TG-263 name, colour 0xRRGGBB, aliases after "; ".
# MedullaOblongata is formed by TG-263's rules but is not in its list, whose
# nearest entry, Brainstem, is another structure.
_SINGLE = (
  (
    "brain",
    "Brain",
    0xD0B0F0,
    "gehirn; hersenen; encephale; encéphale; cerveau",
  ),
  (
    "brainstem",
    "Brainstem",
    0x799CF2,
    (
      "brain stem; hirnstamm; hersenstam; tronc cerebral; tronc cérébral; "
      "tronco encefalico"
    ),
  ),
  (
    "medulla_oblongata",
    "MedullaOblongata",
    0xB4F25C,
    "Medulla-Oblongata; verlengde merg; verlängertes mark",
  ),
  (
    "spinal_cord",
    "SpinalCord",
    0xCC33B9,
    (
      "cord; myelon; myelum; rückenmark; rueckenmark; moelle; "
      "moelle épinière; moelle epiniere; medulla spinalis; ruggenmerg; "
      "médula espinal; medula espinal; Spinal-Cord"
    ),
  ),
  (
    "spinal_canal",
    "SpinalCanal",
    0x66CCBB,
    "canalis spinalis; spinalkanal; wervelkanaal",
  ),
  (
    "cerebellum",
    "Cerebellum",
    0xCC924E,
    "kleinhirn; kleine hersenen; cervelet",
  ),
  (
    "pituitary",
    "Pituitary",
    0x6238E0,
    "hypophysis; hypophyse; pituitary gland",
  ),
  (
    "chiasm",
    "OpticChiasm",
    0x75E070,
    ("optic chiasm; chiasma; chiasma opticum; chiasma optique; opticchiasma"),
  ),
  (
    "oral_cavity",
    "Cavity_Oral",
    0xE05584,
    (
      "Oral-Cavity; oralcavity; mouth; cavum oris; mundhöhle; mundhoehle; "
      "mondholte; cavité buccale; cavite buccale"
    ),
  ),
  (
    "nasal_cavity",
    "Cavity_Nasal",
    0x3DAEF2,
    "nasalcavity; nasenhöhle; neusholte",
  ),
  ("lips", "Lips", 0xE8F279, "lippen; lèvres; levres"),
  ("tongue", "Tongue", 0xD35CF2, "zunge; langue; lingua"),
  (
    "tongue_base",
    "Tongue_Base",
    0x33CC7F,
    "base of tongue; zungengrund; tongbasis",
  ),
  (
    "soft_palate",
    "Palate_Soft",
    0xCC7B66,
    "softpalate; weicher gaumen; palatum molle",
  ),
  (
    "mandible",
    "Bone_Mandible",
    0xF2D03D,
    "mandibula; unterkiefer; onderkaak; mandibule",
  ),
  ("hyoid", "Bone_Hyoid", 0x78E038, "hyoid bone; os hyoideum; zungenbein"),
  ("pharynx", "Pharynx", 0xE070BB, ""),
  ("nasopharynx", "Nasopharynx", 0x55DBE0, "epipharynx; rhinopharynx"),
  ("oropharynx", "Oropharynx", 0xF2C43D, "mesopharynx"),
  (
    "pharyngeal_constrictor",
    "Musc_Constrict",
    0xB079F2,
    "pharyngeal constrictors; pcm",
  ),
  (
    "pharyngeal_constrictor_superior",
    "Musc_Constrict_S",
    0x5CF275,
    "pcm superior; superior pharyngeal constrictor",
  ),
  (
    "pharyngeal_constrictor_middle",
    "Musc_Constrict_M",
    0xCC3347,
    "pcm middle; middle pharyngeal constrictor",
  ),
  (
    "pharyngeal_constrictor_inferior",
    "Musc_Constrict_I",
    0x6691CC,
    "pcm inferior; inferior pharyngeal constrictor",
  ),
  ("cricopharyngeus", "Cricopharyngeus", 0xA7CC4E, "cricopharyngeal muscle"),
  ("larynx", "Larynx", 0x00B8A8, "kehlkopf; strottenhoofd"),
  (
    "supraglottic_larynx",
    "Larynx_SG",
    0x70E0BF,
    "supraglottis; supraglottic; larynx supraglottic",
  ),
  ("glottis", "Glottis", 0xE08F55, "glottic larynx; glottic area"),
  (
    "thyroid",
    "Glnd_Thyroid",
    0x533DF2,
    (
      "thyroid gland; glandula thyroidea; thyreoidea; schilddrüse; "
      "schilddruese; schildklier"
    ),
  ),
  (
    "esophagus",
    "Esophagus",
    0x8EF279,
    (
      "oesophagus; oesophage; œsophage; slokdarm; speiseröhre; "
      "speiseroehre; esofago"
    ),
  ),
  (
    "trachea",
    "Trachea",
    0xF25CA1,
    "luftröhre; luftroehre; luchtpijp; trachée; trachee",
  ),
)

# Rows as above, for both sides. The side is put before or after each alias as
# `resolve` allows; where a data set glues it on, "{}" marks the place.
# LN_Neck is only the nearest TG-263 entry: HN1's "neck" is a whole side.
_PAIRED = (
  (
    "parotid",
    "Parotid",
    0xF28C28,
    (
      "parotid gland; parotis; glandula parotis; gl parotis; "
      "ohrspeicheldrüse; ohrspeicheldruese; parotide; {}Parotid; "
      "Parotid{}; Parotid-{}"
    ),
  ),
  (
    "submandibular",
    "Glnd_Submand",
    0x33C9E8,
    (
      "submandibular gland; submandibularis; glandula submandibularis; "
      "gl submandibularis; submand; smg; sous maxillaire; "
      "Submandibular-Gland-{}; submaxillar; {}Submandibular; "
      "Submandibular{}"
    ),
  ),
  (
    "sublingual",
    "Glnd_Subling",
    0xA14ECC,
    "sublingual gland; glandula sublingualis",
  ),
  (
    "lacrimal",
    "Glnd_Lacrimal",
    0x38E076,
    "lacrimal gland; lachrymal gland; glandula lacrimalis; tränendrüse",
  ),
  ("neck", "LN_Neck", 0x2FA85A, "hals; Neck-{}"),
  (
    "cochlea",
    "Cochlea",
    0x5573E0,
    "cochlee; slakkenhuis; schnecke; {}Cochlea; Cochlea{}; Cochlea-{}",
  ),
  ("inner_ear", "Ear_Internal", 0x98F23D, "ear inner; internal ear; innenohr"),
  ("middle_ear", "Ear_Middle", 0xF279DA, "ear middle; mittelohr"),
  (
    "eye",
    "Eye",
    0x5CF2E5,
    "bulbus; auge; oog; oeil; globe; eyeball; {}Eye; Eye{}",
  ),
  ("lens", "Lens", 0xCC9233, "linse; ooglens; cristallin; {}Lens; Lens{}"),
  ("cornea", "Cornea", 0x8766CC, ""),
  ("retina", "Retina", 0x4ECC52, ""),
  (
    "optic_nerve",
    "OpticNrv",
    0xE03863,
    (
      "opticnerve; on; n opticus; nervus opticus; sehnerv; nerf optique; "
      "{}OpticNerve; OpticNerve{}"
    ),
  ),
  (
    "brachial_plexus",
    "BrachialPlex",
    0x70AEE0,
    (
      "plexus brachialis; plexus brachial; brachialplexus; "
      "{}BrachialPlexus; BrachialPlexus{}"
    ),
  ),
  (
    "carotid_artery",
    "A_Carotid",
    0xCAE055,
    "carotid; arteria carotis; carotis",
  ),
  (
    "internal_jugular_vein",
    "V_Jugular_Int",
    0xDA3DF2,
    "jugular vein internal; ijv",
  ),
  (
    "temporal_lobe",
    "Lobe_Temporal",
    0x79F2BF,
    (
      "lobus temporalis; temporallappen; lobe temporal; {}TemporalLobe; "
      "TemporalLobe{}"
    ),
  ),
  ("hippocampus", "Hippocampus", 0xF2875C, ""),
  (
    "temporomandibular_joint",
    "Joint_TM",
    0x3334CC,
    "tmj; tm joint; kiefergelenk",
  ),
  ("masseter", "Musc_Masseter", 0x84CC66, "masseter muscle; musculus masseter"),
  (
    "sternocleidomastoid",
    "Musc_Sclmast",
    0xCC4E98,
    "scm; sternocleidomastoid muscle",
  ),
  (
    "maxillary_sinus",
    "Sinus_Maxilry",
    0x38CCE0,
    "sinus maxillaris; kieferhöhle",
  ),
  ("lung", "Lung", 0xE0CD70, "lunge; poumon; {}Lung; Lung{}"),
)

# Doses in the names are cGy, after TG-263; OpenKBP writes Gy.
_TARGETS = (
  (
    "gtv",
    "GTV",
    0xFF2020,
    "; ".join(["GTVp; GTVn", *(f"GTV-{k}; GTV{k}" for k in range(1, 9))]),
  ),
  ("ptv_70", "PTV_7000", 0xFF8080, "PTV70"),
  ("ptv_63", "PTV_6300", 0xFFA0C0, "PTV63"),
  ("ptv_56", "PTV_5600", 0xFFC8A0, "PTV56"),
)

_OPEN_ENDED = frozenset({
    "carotid_artery", "esophagus", "internal_jugular_vein", "neck",
    "spinal_canal", "spinal_cord", "trachea",
})  # fmt: skip

_LEFT = ("left", "l", "lt", "li", "links", "gauche", "g", "izq", "esq")
_RIGHT = ("right", "r", "rt", "re", "rechts", "droit", "d", "der", "dir")
_SIDE_OF = dict.fromkeys(_LEFT, "left") | dict.fromkeys(_RIGHT, "right")


def _split(aliases: str) -> list[str]:
  """The aliases of a row."""
  return [alias for alias in aliases.split("; ") if alias]


def _both_sides(
  name: str, tg263: str, color: int, aliases: str
) -> Iterator[Structure]:
  """The left and the right structure of a row."""
  # A darker right side: one organ, one hue, yet two colours.
  dark = (color >> 1 & 0x7F7F7F) + (color >> 3 & 0x1F1F1F)
  for side, letter, shade in (("left", "L", color), ("right", "R", dark)):
    glued = [a for a in _split(aliases) if "{}" in a]
    plain = [a for a in _split(aliases) if "{}" not in a]
    yield Structure(
      name=f"{name}_{side}",
      label=f"{side} {name.replace('_', ' ')}",
      tg263=f"{tg263}_{letter}",
      side=side,
      color=_rgb(shade),
      aliases=(
        *(alias.format(side.capitalize()) for alias in glued),
        *(f"{alias} {side}" for alias in plain),
      ),
      open_ended=name in _OPEN_ENDED,
    )


def _single(
  name: str, tg263: str, color: int, aliases: str, *, kind: str = "organ"
) -> Structure:
  """The structure of a row without sides."""
  label = name.replace("_", " ")
  return Structure(
    name=name,
    label=label if kind == "organ" else label.upper(),
    tg263=tg263,
    side=None,
    color=_rgb(color),
    aliases=tuple(_split(aliases)),
    kind=kind,
    open_ended=name in _OPEN_ENDED,
  )


def _rgb(color: int) -> tuple[int, int, int]:
  """The three bytes of 0xRRGGBB."""
  return color >> 16 & 255, color >> 8 & 255, color & 255


def _normal(name: str) -> str:
  """Lower case, one space for each run of separators, none at the ends."""
  text = unicodedata.normalize("NFC", name).casefold()
  return re.sub(r"[\s_.\-^/]+", " ", text).strip()


_ALL: dict[str, Structure] = {
  structure.name: structure
  for structure in (
    *(_single(*row) for row in _SINGLE),
    *(one for row in _PAIRED for one in _both_sides(*row)),
    *(_single(*row, kind="target") for row in _TARGETS),
  )
}
_EXACT = {
  alias: structure.name
  for structure in _ALL.values()
  for alias in (structure.name, structure.tg263, *structure.aliases)
}
_NORMAL = {_normal(alias): name for alias, name in _EXACT.items()}
_PAIRS = {
  _normal(form): name
  for name, tg263, _, aliases in _PAIRED
  for form in (name, tg263, *_split(aliases))
  if "{}" not in form
}

SETS: Mapping[str, tuple[str, ...]] = types.MappingProxyType({
    # The ten of the study, the most contoured organs of HN1.
    "hn1": (
        "spinal_cord", "neck_right", "neck_left", "submandibular_right",
        "submandibular_left", "parotid_right", "parotid_left", "oral_cavity",
        "medulla_oblongata", "brain",
    ),
    # The seven organs of OpenKBP.
    "openkbp": (
        "brainstem", "spinal_cord", "parotid_right", "parotid_left",
        "esophagus", "larynx", "mandible",
    ),
})  # fmt: skip


def names(*, kind: str = "organ") -> tuple[str, ...]:
  """Canonical names of one kind, sorted.

  Args:
    kind: "organ" or "target".

  Returns:
    The names.

  Raises:
    ConfigError: The kind is neither.
  """
  if kind not in ("organ", "target"):
    raise errors.ConfigError(f"kind {kind!r}: give 'organ' or 'target'")
  return tuple(sorted(s.name for s in _ALL.values() if s.kind == kind))


def get(name: str) -> Structure:
  """The structure of a canonical name.

  Args:
    name: Canonical name; for any other, `resolve` it first.

  Returns:
    What is known of the structure.

  Raises:
    StructureNotFoundError: The name is not canonical.
  """
  if name not in _ALL:
    raise errors.StructureNotFoundError(_unknown(name))
  return _ALL[name]


def resolve(name: str) -> str:
  """Translates anybody's name of a structure to the canonical one.

  Three rules, in this order: an alias exactly as written; then without regard
  to case and separators; then a side (left, L, lt, links, gauche, ... and the
  like for right) before or after the name of a paired organ. Nothing else: a
  name that is merely similar is unknown.

  Args:
    name: A name, from a file or a flag.

  Returns:
    The canonical name.

  Raises:
    StructureNotFoundError: The name is unknown; the message lists similar
      canonical names.
  """
  if name in _EXACT:
    return _EXACT[name]
  normal = _normal(name)
  if normal in _NORMAL:
    return _NORMAL[normal]
  first, _, after = normal.partition(" ")
  before, _, last = normal.rpartition(" ")
  for side, organ in ((first, after), (last, before)):
    if side in _SIDE_OF and organ in _PAIRS:
      return f"{_PAIRS[organ]}_{_SIDE_OF[side]}"
  raise errors.StructureNotFoundError(_unknown(name))


def _unknown(name: str) -> str:
  """One line: the name, and canonical names that look or sound like it."""
  normal = _normal(name[:100])
  if normal in _PAIRS:
    close = [f"{_PAIRS[normal]}_left", f"{_PAIRS[normal]}_right"]
  elif normal in _NORMAL:
    close = [_NORMAL[normal]]
  else:
    similar = difflib.get_close_matches(normal, _NORMAL, n=8, cutoff=0.5)
    close = list(dict.fromkeys(_NORMAL[form] for form in similar))
  hint = (
    f"did you mean {', '.join(close)}?"
    if close
    else ("structures.names() lists all")
  )
  return f"structure {name[:100]!r} is unknown; {hint}"
