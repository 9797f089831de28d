"""The table of structures: names, TG-263 names, colours and aliases."""

from collections.abc import Iterable, Iterator
import colorsys
import hashlib

from jaxseg.structures import _languages
from jaxseg.structures import _table_body

# A row: canonical name, TG-263 name, colour RRGGBB; aliases, after "; ", stand
# indented below. MedullaOblongata is formed by TG-263's rules but is not in its
# list, whose nearest entry, Brainstem, is another structure.
_SINGLE = """
brain                           Brain            D0B0F0
  gehirn; hersenen; encephale; encéphale; cerveau
brainstem                       Brainstem        799CF2
  brain stem; hirnstamm; hersenstam; tronc cerebral; tronc cérébral; tronco
  encefalico
medulla_oblongata               MedullaOblongata B4F25C
  Medulla-Oblongata; verlengde merg; verlängertes mark
spinal_cord                     SpinalCord       CC33B9
  cord; myelon; myelum; rückenmark; rueckenmark; moelle; moelle épinière;
  moelle epiniere; medulla spinalis; ruggenmerg; médula espinal; medula
  espinal; Spinal-Cord
spinal_canal                    SpinalCanal      66CCBB
  canalis spinalis; spinalkanal; wervelkanaal
cerebellum                      Cerebellum       CC924E
  kleinhirn; kleine hersenen; cervelet
pituitary                       Pituitary        6238E0
  hypophysis; hypophyse; pituitary gland
chiasm                          OpticChiasm      75E070
  optic chiasm; chiasma; chiasma opticum; chiasma optique; opticchiasma
oral_cavity                     Cavity_Oral      E05584
  Oral-Cavity; oralcavity; mouth; cavum oris; mundhöhle; mundhoehle;
  mondholte; cavité buccale; cavite buccale
nasal_cavity                    Cavity_Nasal     3DAEF2
  nasalcavity; nasenhöhle; neusholte
lips                            Lips             E8F279
  lippen; lèvres; levres
tongue                          Tongue           D35CF2
  zunge; langue; lingua
tongue_base                     Tongue_Base      33CC7F
  base of tongue; zungengrund; tongbasis
soft_palate                     Palate_Soft      CC7B66
  softpalate; weicher gaumen; palatum molle
mandible                        Bone_Mandible    F2D03D
  mandibula; unterkiefer; onderkaak; mandibule
hyoid                           Bone_Hyoid       78E038
  hyoid bone; os hyoideum; zungenbein
pharynx                         Pharynx          E070BB
nasopharynx                     Nasopharynx      55DBE0
  epipharynx; rhinopharynx
oropharynx                      Oropharynx       F2C43D
  mesopharynx
pharyngeal_constrictor          Musc_Constrict   B079F2
  pharyngeal constrictors; pcm
pharyngeal_constrictor_superior Musc_Constrict_S 5CF275
  pcm superior; superior pharyngeal constrictor
pharyngeal_constrictor_middle   Musc_Constrict_M CC3347
  pcm middle; middle pharyngeal constrictor
pharyngeal_constrictor_inferior Musc_Constrict_I 6691CC
  pcm inferior; inferior pharyngeal constrictor
cricopharyngeus                 Cricopharyngeus  A7CC4E
  cricopharyngeal muscle
larynx                          Larynx           00B8A8
  kehlkopf; strottenhoofd
supraglottic_larynx             Larynx_SG        70E0BF
  supraglottis; supraglottic; larynx supraglottic
glottis                         Glottis          E08F55
  glottic larynx; glottic area
thyroid                         Glnd_Thyroid     533DF2
  thyroid gland; glandula thyroidea; thyreoidea; schilddrüse; schilddruese;
  schildklier
esophagus                       Esophagus        8EF279
  oesophagus; oesophage; œsophage; slokdarm; speiseröhre; speiseroehre;
  esofago
trachea                         Trachea          F25CA1
  luftröhre; luftroehre; luchtpijp; trachée; trachee
"""

# Rows as above, for both sides. `match` takes a side before or after each
# alias; where a data set glues it on, "{}" marks the place. LN_Neck is only the
# nearest TG-263 entry: HN1's "neck" is a whole side.
_PAIRED = """
parotid                         Parotid          F28C28
  parotid gland; parotis; glandula parotis; gl parotis; ohrspeicheldrüse;
  ohrspeicheldruese; parotide; {}Parotid; Parotid{}; Parotid-{}
submandibular                   Glnd_Submand     33C9E8
  submandibular gland; submandibularis; glandula submandibularis; gl
  submandibularis; submand; smg; sous maxillaire; Submandibular-Gland-{};
  submaxillar; {}Submandibular; Submandibular{}
sublingual                      Glnd_Subling     A14ECC
  sublingual gland; glandula sublingualis
lacrimal                        Glnd_Lacrimal    38E076
  lacrimal gland; lachrymal gland; glandula lacrimalis; tränendrüse
neck                            LN_Neck          2FA85A
  hals; Neck-{}
cochlea                         Cochlea          5573E0
  cochlee; slakkenhuis; schnecke; {}Cochlea; Cochlea{}; Cochlea-{}
inner_ear                       Ear_Internal     98F23D
  ear inner; internal ear; innenohr
middle_ear                      Ear_Middle       F279DA
  ear middle; mittelohr
eye                             Eye              5CF2E5
  bulbus; auge; oog; oeil; globe; eyeball; {}Eye; Eye{}
lens                            Lens             CC9233
  linse; ooglens; cristallin; {}Lens; Lens{}
cornea                          Cornea           8766CC
retina                          Retina           4ECC52
optic_nerve                     OpticNrv         E03863
  opticnerve; on; n opticus; nervus opticus; sehnerv; nerf optique;
  {}OpticNerve; OpticNerve{}
brachial_plexus                 BrachialPlex     70AEE0
  plexus brachialis; plexus brachial; brachialplexus; {}BrachialPlexus;
  BrachialPlexus{}
carotid_artery                  A_Carotid        CAE055
  carotid; arteria carotis; carotis
internal_jugular_vein           V_Jugular_Int    DA3DF2
  jugular vein internal; ijv
temporal_lobe                   Lobe_Temporal    79F2BF
  lobus temporalis; temporallappen; lobe temporal; {}TemporalLobe;
  TemporalLobe{}
hippocampus                     Hippocampus      F2875C
temporomandibular_joint         Joint_TM         3334CC
  tmj; tm joint; kiefergelenk
masseter                        Musc_Masseter    84CC66
  masseter muscle; musculus masseter
sternocleidomastoid             Musc_Sclmast     CC4E98
  scm; sternocleidomastoid muscle
maxillary_sinus                 Sinus_Maxilry    38CCE0
  sinus maxillaris; kieferhöhle
lung                            Lung             E0CD70
  lunge; poumon; {}Lung; Lung{}
"""

# Doses in TG-263 names are cGy; OpenKBP writes Gy.
_TARGETS = """
ctv                             CTV              FF7A20
  CTVp; CTVn; CTVp1; CTVp2; CTVn1; CTVn2; CTV-1; CTV1; CTV-2; CTV2; CTV-3;
  CTV3; CTV-4; CTV4
itv                             ITV              FFB020
gtv                             GTV              FF2020
  GTVp; GTVn; GTVp1; GTVp2; GTVn1; GTVn2; GTV-1; GTV1; GTV-2; GTV2; GTV-3;
  GTV3; GTV-4; GTV4; GTV-5; GTV5; GTV-6; GTV6; GTV-7; GTV7; GTV-8; GTV8
ptv                             PTV              FF9060
  PTVp; PTVn; PTVp1; PTVp2; PTVn1; PTVn2; PTV-1; PTV1; PTV-2; PTV2; PTV-3;
  PTV3; PTV-4; PTV4
ptv_70                          PTV_7000         FF8080
  PTV70
ptv_63                          PTV_6300         FFA0C0
  PTV63
ptv_56                          PTV_5600         FFC8A0
  PTV56
"""

# Slices beyond the range that is usually contoured are unknown, not negative.
OPEN_ENDED = _table_body.OPEN_ENDED | frozenset(
  """
carotid_artery esophagus internal_jugular_vein neck spinal_canal spinal_cord
trachea
""".split()
)

Row = tuple[str, str, int, tuple[str, ...]]


def _rows(table: str, *, colored: bool = True) -> Iterator[Row]:
  # A line that is not indented begins a row.
  for entry in table.strip().replace("\n  ", "  ").split("\n"):
    name, tg263, *words = entry.split()
    color = int(words.pop(0), 16) if colored else _color(name)
    aliases = " ".join(words).split("; ") if words else ()
    yield name, tg263, color, tuple(aliases)


def _color(name: str) -> int:
  """A colour of a name's own, neither too dark nor too pale."""
  draw = hashlib.sha256(name.encode()).digest()
  hue, value = int.from_bytes(draw[:2], "big") / 65536, 0.75 + draw[2] / 1024
  parts = colorsys.hsv_to_rgb(hue, 0.5 + draw[3] / 640, value)
  red, green, blue = (round(255 * part) for part in parts)
  return red << 16 | green << 8 | blue


def color_of(name: str) -> int:
  """The colour, 0xRRGGBB, of a structure that is in no table."""
  return _color(name)


def _with_more(rows: Iterable[Row], table: str) -> Iterator[Row]:
  """Rows with the aliases of a table of other languages."""
  more = {}
  for entry in table.strip().replace("\n  ", "  ").split("\n"):
    name, *words = entry.split()
    more[name] = " ".join(words).split("; ")
  for name, tg263, color, aliases in rows:
    yield name, tg263, color, (*aliases, *more.get(name, ()))


SINGLE = (
  *_with_more(_rows(_SINGLE), _languages.ALIASES),
  *_rows(_table_body.SINGLE, colored=False),
)
PAIRED = (
  *_with_more(_rows(_PAIRED), _languages.PAIRED_ALIASES),
  *_rows(_table_body.PAIRED, colored=False),
)
TARGETS = tuple(_rows(_TARGETS))
