"""The table of structures that `jaxseg.structures` makes its vocabulary of."""

# Rows: canonical name, TG-263 name, colour 0xRRGGBB, aliases after "; ".
# MedullaOblongata is formed by TG-263's rules but is not in its list, whose
# nearest entry, Brainstem, is another structure.
SINGLE = (
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
PAIRED = (
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
TARGETS = (
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

OPEN_ENDED = frozenset({
    "carotid_artery", "esophagus", "internal_jugular_vein", "neck",
    "spinal_canal", "spinal_cord", "trachea",
})  # fmt: skip
