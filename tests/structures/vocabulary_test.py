"""The table is consistent with itself."""

import re

import pytest

from jaxseg import errors
from jaxseg import structures

EVERY = [
  structures.get(name)
  for kind in ("organ", "target")
  for name in structures.names(kind=kind)
]
PAIRED = [s for s in EVERY if s.side]


@pytest.mark.parametrize("one", EVERY, ids=lambda s: s.name)
def test_row(one):
  assert re.fullmatch(r"[a-z][a-z0-9_]*", one.name)
  assert re.fullmatch(r"[A-Za-z0-9_^~-]{1,16}", one.tg263)
  assert len(one.color) == 3
  assert all(0 <= c <= 255 for c in one.color)
  assert one.kind in ("organ", "target")
  for alias in (one.name, one.tg263, *one.aliases):
    assert alias and alias == alias.strip()
    assert "{" not in alias
    assert structures.resolve(alias) == one.name


def test_no_two_alike():
  for attribute in ("name", "label", "tg263", "color"):
    values = [getattr(s, attribute) for s in EVERY]
    assert len(set(values)) == len(values), attribute


@pytest.mark.parametrize("one", EVERY, ids=lambda s: s.name)
def test_no_normal_form_has_two_meanings(one):
  for alias in (one.name, one.tg263, *one.aliases):
    # Not as it is written, so that its normal form is looked up.
    assert structures.resolve(f" {alias.upper()}-") == one.name


@pytest.mark.parametrize(
  "one", [s for s in PAIRED if s.side == "left"], ids=lambda s: s.name
)
def test_no_organ_form_has_two_meanings(one):
  organ = one.name.removesuffix("_left")
  forms = [organ, one.tg263.removesuffix("_L")]
  forms += [a.removesuffix(" left") for a in one.aliases if " left" in a]
  for form in forms:
    assert structures.resolve(f"re {form}") == f"{organ}_right"
    assert structures.similar(form) == (one.name, f"{organ}_right")


def test_sides_come_in_pairs():
  lefts = {s.name.removesuffix("_left") for s in PAIRED if s.side == "left"}
  rights = {s.name.removesuffix("_right") for s in PAIRED if s.side == "right"}
  assert lefts == rights
  one = structures.get("parotid_left")
  assert one.label == "left parotid"
  assert one.tg263 == "Parotid_L"
  assert structures.get("parotid_right").tg263 == "Parotid_R"


def test_open_ended():
  ends = {s.name for s in EVERY if s.open_ended}
  assert {"spinal_cord", "esophagus", "neck_left", "neck_right"} <= ends
  assert ends.isdisjoint({"brainstem", "parotid_left", "brain", "larynx"})
  assert {n.removesuffix("_left").removesuffix("_right") for n in ends} == {
    "carotid_artery", "esophagus", "internal_jugular_vein", "neck",
    "spinal_canal", "spinal_cord", "trachea",
    # Of the trunk.
    "aorta", "bone_marrow", "bowel", "bowel_bag", "bowel_large", "bowel_small",
    "cauda_equina", "chest_wall", "colon", "femur", "great_vessels", "humerus",
    "inferior_vena_cava", "peritoneum", "sacral_plexus", "superior_vena_cava",
    "thecal_sac",
  }  # fmt: skip


def test_targets_are_never_organs():
  targets = structures.names(kind="target")
  assert targets == ("ctv", "gtv", "itv", "ptv", "ptv_56", "ptv_63", "ptv_70")
  assert not set(targets) & set(structures.names())
  for members in structures.SETS.values():
    assert set(members) <= set(structures.names())


def test_sets():
  assert len(set(structures.SETS["hn1"])) == 10
  assert len(set(structures.SETS["openkbp"])) == 7
  with pytest.raises(TypeError):
    structures.SETS["hn1"] = ()


def test_unknown_kind():
  with pytest.raises(errors.ConfigError, match="kind 'bone'"):
    structures.names(kind="bone")


def test_medulla_and_brainstem_are_two():
  medulla, brainstem = map(structures.get, ("medulla_oblongata", "brainstem"))
  assert structures.resolve("Medulla-Oblongata") == medulla.name
  assert not set(medulla.aliases) & set(brainstem.aliases)
  assert medulla.tg263 != brainstem.tg263


def test_get_takes_canonical_names_only():
  with pytest.raises(errors.StructureNotFoundError, match="parotid_left"):
    structures.get("Parotid_L")
  with pytest.raises(errors.StructureNotFoundError, match="parotid_left"):
    structures.get("Parotid_L", own=True)


def test_a_structure_of_ones_own():
  with pytest.raises(errors.StructureNotFoundError):
    structures.get("tumour_bed")
  one = structures.get("tumour_bed", own=True)
  assert (one.label, one.side, one.kind) == ("tumour bed", None, "organ")
  other = structures.get("rotator_cuff_left", own=True)
  assert (other.label, other.side) == ("left rotator cuff", "left")
  assert one.color != other.color
  assert structures.get("brain", own=True) is structures.get("brain")
