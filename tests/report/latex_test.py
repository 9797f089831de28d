"""Tables for a paper: headings, signs and hostile names."""

from jaxseg import report

ROWS = [
  {"structure": "parotid_left", "dice": 0.8123, "bias": -0.02, "p": 3e-5},
  {"structure": r"a & 50 % \x{y}^~#$", "dice": None, "bias": 0.1, "p": 0.2},
]


def test_a_table_that_latex_reads(tmp_path, provenance):
  path = report.write_latex(
    tmp_path / "tables" / "t.tex",
    ROWS,
    {"structure": "struct_ure", "dice": "Dice", "bias": "±", "p": "p"},
    "Dice at 50 %.",
    {**provenance, "synthetic": False, "command": "jaxseg x\nrm"},
  )
  text = path.read_text()
  comment, *lines = text.splitlines()
  assert comment.startswith("% cohort ") and "jaxseg x rm" in comment
  assert r"\caption{Dice at 50 \%.}" in lines
  assert r"\begin{tabular}{lrrr}" in lines
  assert r"struct\_ure & Dice & $\pm$ & p \\" in lines
  first, second = lines[lines.index(r"\midrule") + 1 :][:2]
  assert first == (
    r"left parotid & 0.812 & $-$0.020 & 3.0$\times$10$^{-}$$^{5}$ \\"
  )
  assert second.startswith(
    r"a \& 50 \% \textbackslash{}x\{y\}\textasciicircum{}"
    r"\textasciitilde{}\#\$ & -- & "
  )
  for opened, closed in (("{", "}"), (r"\begin{table}", r"\end{table}")):
    assert text.count(opened) == text.count(closed)


def test_made_up_patients_are_told(tmp_path, provenance):
  path = report.write_latex(
    tmp_path / "t.tex",
    ROWS,
    {"dice": "Dice"},
    "Dice.",
    {**provenance, "synthetic": True},
  )
  assert "Synthetic patients: no claim" in path.read_text()
