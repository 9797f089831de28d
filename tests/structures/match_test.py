"""Others' names mean what they say, and nothing is guessed."""

import re

import hypothesis
from hypothesis import strategies
import pytest

from jaxseg import errors
from jaxseg import structures

EVERY = [
  structures.get(name)
  for kind in ("organ", "target")
  for name in structures.names(kind=kind)
]
PAIRED = [s for s in EVERY if s.side]
# What says a side, in the languages of the collections.
SIDES = {
  "left": ["left", "l", "lt", "li", "links", "gauche", "g", "izq", "esq"],
  "right": ["right", "r", "rt", "re", "rechts", "droit", "d", "der", "dir"],
}


@pytest.mark.parametrize(
  ("names", "canonical"),
  [
    # HN1's region-of-interest names.
    ("Spinal-Cord", "spinal_cord"),
    ("Neck-Right", "neck_right"),
    ("Submandibular-Gland-Left", "submandibular_left"),
    ("Parotid-Right", "parotid_right"),
    ("Oral-Cavity", "oral_cavity"),
    ("Medulla-Oblongata", "medulla_oblongata"),
    ("Brain", "brain"),
    ("Cochlea-Left", "cochlea_left"),
    ("larynx", "larynx"),
    ("GTV-1, GTV-8, GTVp, GTVn", "gtv"),
    ("CTV, ctv 1, CTVn2", "ctv"),
    ("PTV, PTV1, PTV_2, PTVp1", "ptv"),
    # OpenKBP's files.
    ("LeftParotid", "parotid_left"),
    ("RightParotid", "parotid_right"),
    ("Brainstem", "brainstem"),
    ("PTV70", "ptv_70"),
    # TG-263.
    ("Parotid_L, Parotid_R", "parotid_left, parotid_right"),
    ("Glnd_Submand_L", "submandibular_left"),
    ("LN_Neck_R", "neck_right"),
    ("Bone_Mandible, Cavity_Oral", "mandible, oral_cavity"),
    ("OpticNrv_L, OpticChiasm", "optic_nerve_left, chiasm"),
    ("Glnd_Thyroid, Lips", "thyroid, lips"),
    # Others' words, by case and separators.
    ("  spinal  CORD ", "spinal_cord"),
    ("spinal.cord/", "spinal_cord"),
    ("medulla^spinalis", "spinal_cord"),
    ("Rückenmark, RUECKENMARK, myelum, moelle", "spinal_cord"),
    ("Ru\u0308ckenmark", "spinal_cord"),  # Decomposed, as macOS writes.
    ("Hirnstamm, hersenstam, tronc cerebral", "brainstem"),
    ("verlengde merg", "medulla_oblongata"),
    ("Kehlkopf", "larynx"),
    ("slokdarm, oesophagus", "esophagus"),
    # Sides before and after, in several languages.
    ("parotis li, Parotis_links, links parotis", "parotid_left"),
    ("Glandula parotis re., RT PAROTID", "parotid_right"),
    ("parotide gauche, g. parotide, izq parotide", "parotid_left"),
    ("parotide droit, d. parotide, parotide-der", "parotid_right"),
    ("SMG_R, lt SMG", "submandibular_right, submandibular_left"),
    ("Auge rechts, bulbus^L", "eye_right, eye_left"),
    ("Hals li", "neck_left"),
    # Accents, umlauts and ligatures, written and left out.
    ("Ösophagus, OESOPHAGUS, Osophagus, O\u0308sophagus", "esophagus"),
    ("Thyroïde, thyroide, Tiroide, schilddruese, SCHILDDRÜSE", "thyroid"),
    ("œsophage, Oesophage, esófago, slokdarm", "esophagus"),
    ("Moelle épinière, MOELLE EPINIERE, midollo spinale", "spinal_cord"),
    ("Tronc cérébral, tronco encefálico", "brainstem"),
    ("Cavité buccale, cavità orale, Mundhöhle, mondholte", "oral_cavity"),
    ("Großhirn, GROSSHIRN", "cerebrum"),
    # Sides as adjectives, on either end.
    ("Parotide droite, rechte Parotis, rechter Parotis", "parotid_right"),
    ("Parotide sinistra, linke Parotis, Parotis (li.)", "parotid_left"),
    ("parótida izquierda, linke Ohrspeicheldrüse", "parotid_left"),
    ("Ghiandola parotide destra, rechter oorspeekselklier", "parotid_right"),
    ("Œil gauche, Oeil G, occhio sx, linkes Auge", "eye_left"),
    ("nerf optique droit, nervio óptico derecho", "optic_nerve_right"),
    ("Tronco del encéfalo", "brainstem"),
    ("Glandula parotidea re., Parotide dx", "parotid_right"),
    ("nervo ottico dx, rechter Sehnerv", "optic_nerve_right"),
    # Below the neck.
    ("Liver, Leber, foie, fegato, hígado, lever", "liver"),
    ("Prostate, Prostata, próstata", "prostate"),
    (
      "Femur_Head_L, linker Hüftkopf, tête fémorale gauche",
      "femoral_head_left",
    ),
    ("Kidney_R, rechte Niere, rein droit, riñón derecho", "kidney_right"),
    ("Bladder, Harnblase, vessie, vescica, vejiga, blaas", "bladder"),
    ("Bag_Bowel, Rectum, Mastdarm", "bowel_bag, rectum, rectum"),
    ("Lungs, Lung_L", "lungs, lung_left"),
  ],
)
def test_resolve(names, canonical):
  wanted = canonical.split(", ")
  given = names.split(", ")
  for name, one in zip(given, wanted * len(given), strict=False):
    assert structures.resolve(name) == one


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "L", "left", "parotid", "Parotids", "L parotid R", "parotd_l",
        "spinal", "medulla", "SpinalCord_PRV", "Brain-GTV", "left brain",
        "not an organ", "PTV_Ring", "PTV66", "GTV-9", "x" * 5000, "a\nb",
    ],
)  # fmt: skip
def test_nothing_is_guessed(name):
  with pytest.raises(errors.StructureNotFoundError) as caught:
    structures.resolve(name)
  assert "\n" not in str(caught.value)
  assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
  ("name", "hint"),
  [
    ("parotid", "parotid_left, parotid_right"),
    ("parotd_l", "parotid_left"),
    ("Spinal-Chord", "spinal_cord"),
    ("zzz", "structures.names() lists all"),
  ],
)
def test_the_message_helps(name, hint):
  with pytest.raises(errors.StructureNotFoundError, match=re.escape(hint)):
    structures.resolve(name)


@hypothesis.given(
  strategies.sampled_from(EVERY),
  strategies.sampled_from([" ", "_", ".", "-", "^", "/", " - ", "__"]),
  strategies.sampled_from([str.upper, str.lower, str.title]),
)
def test_separators_and_case_do_not_matter(one, separator, change):
  name = change(one.name.replace("_", separator))
  assert structures.resolve(f" {name}{separator}") == one.name


@hypothesis.given(
  strategies.sampled_from(PAIRED),
  strategies.sampled_from([(w, s) for s in SIDES for w in SIDES[s]]),
  strategies.booleans(),
)
def test_every_side_form_on_either_end(one, said, before):
  organ = one.name.rpartition("_")[0]
  form, side = said
  name = f"{form} {organ}" if before else f"{organ} {form}"
  wanted = f"{organ}_{side}"
  assert structures.resolve(name) == wanted


# Names that occur in collections and clinics, and what each of them means.
SEEN = {
  "spinal_cord": "SpinalCord;Spinal-Cord;myelon;myelum;rueckenmark;Rückenmark;"
  "moelle;medulla spinalis;cord;SPINAL CORD;spinal_cord ",
  "medulla_oblongata": "Medulla-Oblongata;verlengde merg",
  "brainstem": "Brainstem;hirnstamm;hersenstam;tronc cerebral;brain stem",
  "brain": "Brain;gehirn;hersenen;encephale",
  "parotid_left": "Parotid_L;Parotid-Left;LeftParotid;parotis li;L Parotid;"
  "glandula parotis links;parotide gauche;PAROTID^LT;parotid izq;parotid esq",
  "parotid_right": "Parotid_R;Parotid-Right;RightParotid;Parotis re;parotide d;"
  "parotide droit;Rt Parotid;parotis rechts;parotid der;parotid dir",
  "submandibular_left": "Glnd_Submand_L;Submandibular-Gland-Left;SMG L;"
  "submandibularis links;sous-maxillaire gauche",
  "submandibular_right": "Glnd_Submand_R;Submandibular-Gland-Right",
  "oral_cavity": "Cavity_Oral;Oral-Cavity;mundhoehle;mondholte;mouth",
  "neck_left": "Neck-Left;LN_Neck_L;hals links",
  "neck_right": "Neck-Right;LN_Neck_R",
  "mandible": "Bone_Mandible;Mandible;unterkiefer;mandibula",
  "larynx": "Larynx;larynx;kehlkopf",
  "esophagus": "Esophagus;oesophagus;slokdarm",
  "thyroid": "Glnd_Thyroid",
  "lips": "Lips",
  "cochlea_left": "Cochlea_L;Cochlea-Left",
  "eye_left": "Eye_L;bulbus li;auge links",
  "lens_left": "Lens_L",
  "optic_nerve_left": "OpticNrv_L",
  "chiasm": "OpticChiasm",
  "gtv": "GTVp;GTVn;" + ";".join(f"GTV-{k}" for k in range(1, 9)),
}


@pytest.mark.parametrize(
  ("canonical", "name"),
  [(c, n) for c, names in SEEN.items() for n in names.split(";")],
)
def test_names_that_were_seen(canonical, name):
  assert structures.resolve(name) == canonical


class TestMatch:
  def test_says_the_rule(self):
    for name, rule in (
      ("Parotid_L", "exact"),
      ("parotid l", "normalised"),
      ("parotis sx li", None),
      ("li parotis", "side"),
    ):
      if rule is None:
        with pytest.raises(errors.StructureNotFoundError):
          structures.match(name)
      else:
        found = structures.match(name)
        assert found == structures.Match("parotid_left", rule)

  def test_the_users_table_comes_first(self):
    own = {"Brain": "brainstem", "old_cord": None}
    match = structures.match
    assert match("Brain", own=own) == structures.Match("brainstem", "own")
    assert match(" bRAIN", own=own) == structures.Match("brainstem", "own")
    assert match("OLD cord", own=own) == structures.Match(None, "own")
    assert match("cord", own=own).name == "spinal_cord"


class TestReadAliases:
  def test_may_add_structures(self, tmp_path):
    path = tmp_path / "names.json"
    path.write_text(
      '{"Leber": "Liver", "Bett": "tumour_bed", "Loge": "Tumour Bed 2",'
      ' "a": "new:brian", "b": "parotid_left?", "c": "Parotid_R"}'
    )
    assert structures.read_aliases(path) == {
      "Leber": "liver",
      "Bett": "tumour_bed",
      "Loge": "tumour_bed_2",
      "a": "brian",
      "c": "parotid_right",
    }

  def test_reads(self, tmp_path):
    path = tmp_path / "names.json"
    path.write_text('\ufeff{"Ohr li": "cochlea_left", "x": null}', "utf-8")
    assert structures.read_aliases(path) == {
      "Ohr li": "cochlea_left",
      "x": None,
    }

  @pytest.mark.parametrize(
    ("text", "said"),
    [
      (None, "no such file"),
      ("{", "not a table of names"),
      ("[1]", "something other than names"),
      ('{"a": 3}', "something other than names"),
      ('{"A_b": "brain", "a-B": "lips"}', "differ by case alone"),
      ('{"a": "brian"}', "'brian' is unknown; did you mean brain"),
      ('{"a": "lung_letf"}', "own write 'new:lung_letf'"),
      ('{"a": "parotid"}', "did you mean parotid_left, parotid_right"),
      ('{"a": "<i>"}', "is no name for a structure"),
      ('{"a": "7"}', "is no name for a structure"),
    ],
  )
  def test_refuses(self, tmp_path, text, said):
    path = tmp_path / "names.json"
    if text is not None:
      path.write_text(text)
    with pytest.raises(errors.JaxsegError, match=said) as raised:
      structures.read_aliases(path)
    assert str(path) in str(raised.value)
