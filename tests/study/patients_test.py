"""Which cases are of one patient: names, patterns, tables."""

import pytest

from jaxseg import errors
from jaxseg import study


@pytest.mark.parametrize(
  ("names", "patients"),
  [
    ("pat00_scan1 pat00_scan2 pat01_scan1", "pat00 pat00 pat01"),
    ("P7-visit_1 P7-visit_2 P8-visit_1", "P7 P7 P8"),
    ("anna_baseline anna_followup ben_baseline", "anna anna ben"),
    ("p1_20200131 p1_2021-03-01 p2_20200131", "p1 p1 p2"),
    ("c1/liver c1/spleen c2/liver c2/spleen", "c1 c1 c2 c2"),
    ("p1/scan1 p1/scan2 p2/scan1 p2/scan2", "p1 p1 p2 p2"),
    ("p1/2020-01-02/l p1/2020-09-02/l p2/2020-01-02/l", "p1 p1 p2"),
    ("sub-01_ses-1_CT sub-01_ses-2_CT sub-02_ses-1_CT", "sub-01 sub-01 sub-02"),
    ("case01_liver case01_spleen case02_liver", "case01 case01 case02"),
    ("7_parotid_left 7_parotid_right 8_brain", "7 7 8"),
    # Neither sites nor studies nor numbers are patients.
    ("siteA/c1 siteB/c1 siteA/c2 siteB/c2 siteA/c3", None),
    ("lung_scan1 lung_scan2 lung_scan3", None),
    ("lung_scan1 lung_scan2 lung_scan3 hip_scan1", None),
    ("amos_0001 amos_0002 amos_0003", None),
    ("liver_1 liver_2 spleen_1 spleen_2", None),
    ("a/seg b/seg c/seg", None),
    ("1 2 3", None),
    ("a", None),
  ],
)
def test_by_names(names, patients):
  found = study.patients(names.split())
  assert found.of == tuple((patients or names).split())
  if patients:
    assert f"{len(set(found.of))} patients" in found.sentence
    assert f"such as {found.of[0]} of {names.split()[0]}" in found.sentence
  else:
    assert "each taken for a patient" in found.sentence


def test_by_pattern_and_table(tmp_path):
  names = ["a-1x", "a-2x", "b-1x"]
  assert study.patients(names, "^[a-z]").of == ("a", "a", "b")
  assert study.patients(names, "-([0-9])").of == ("1", "2", "1")
  assert study.patients(["p_scan1", "p_scan2"], ".*").of == (
    "p_scan1",
    "p_scan2",
  )
  table = tmp_path / "who.csv"
  table.write_text("patient,site,case\nAnna,1,a-1x\nAnna,1,a-2x\nBen,2,b-1x\n")
  assert study.patients(names, str(table)).of == ("Anna", "Anna", "Ben")
  for text, said in (
    ("case,patient\na-1x,Anna\n", "lacks the case 'a-2x' and 1 more"),
    ("case,patient\na-1x,Anna\na-1x,Ben\n", "row 3 gives the case 'a-1x'"),
    ("case,patient\na-1x\n", "row 2 lacks"),
    ("name,who\n", "no columns case and patient"),
    ("", "no columns case and patient"),
  ):
    table.write_text(text)
    with pytest.raises(errors.DataError, match=said):
      study.patients(names, str(table))
  for how, said in (("(", "regular"), ("^b", "no patient in the case 'a-1x'")):
    with pytest.raises(errors.ConfigError, match=said):
      study.patients(names, how)
  with pytest.raises(errors.DataError, match="none.csv: cannot be read"):
    study.patients(names, str(tmp_path / "none.csv"))
