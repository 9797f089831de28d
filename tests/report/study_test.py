"""The page of a run: its summary and the few numbers in large print."""

import types

from jaxseg import report


def test_summary_and_facts(tmp_path, provenance, objective_rows):
  run = types.SimpleNamespace(
    store=types.SimpleNamespace(
      cohort="phantom", patients=dict.fromkeys("abc")
    ),
    split=types.SimpleNamespace(train="a", validation="b", test="c"),
  )
  objective_rows[0]["objective"] = "focal_tversky"
  medians = [
    {
      "objective": objective,
      "aggregate": aggregate,
      "perturbation": shift,
      "median_reduction": value,
    }
    for objective in ("bce", "dice", "bce_dice", "focal_tversky")
    for aggregate, shift, value in (
      ("pooled", 0.05, 0.118),
      ("pooled", 0.1, 0.5),
      ("mean_case", 0.05, 0.6),
    )
  ]
  path = tmp_path / "index.html"
  report.write_study(path, run, medians, objective_rows, [], provenance)
  text = path.read_text()
  assert "3 patients of the cohort phantom: 1 for training" in text
  assert "trained on BCE, 2D Dice, BCE + 2D Dice, focal tversky." in text
  assert "<dt>median Dice lost at ±0.05, BCE</dt><dd>11.8 %</dd>" in text
  assert "<dd>+0.110</dd>" in text
