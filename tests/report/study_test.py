"""The page of a run: its summary and the few numbers in large print."""

import types

from jaxseg import report


def test_summary_and_facts(tmp_path, provenance, objective_rows):
  run = types.SimpleNamespace(
    folder=tmp_path,
    facts={
      "recipe": "quick",
      "prepare": {"size": [64, 64], "spacing": 3.5, "crop": None},
      "split": {"seed": 4},
      "training_flags": {"steps": 500, "batch": None},
    },
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
      "median_reduction": value / 2,
      "median_reduction_test": value,
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
  # What unseen patients lose, not those that the threshold was chosen on.
  said = "<dt>Median Dice lost at ±0.05, BCE, test patients</dt><dd>11.8 %</dd>"
  assert said in text
  assert (
    "<dt>Median gain in Dice over 0.5, 2D Dice, test patients</dt><dd>+0.110"
    in text
  )
  assert "<dt>Slices</dt><dd>64 x 64 pixels of 3.5 mm</dd>" in text
  assert "<dt>Training flags</dt><dd>--steps=500</dd>" in text
  assert text.count(">not tested</td>") == 6


def test_a_section_tells_the_summary_what_it_found(
  tmp_path, provenance, objective_rows
):
  run = types.SimpleNamespace(
    folder=tmp_path,
    store=types.SimpleNamespace(cohort="mine", patients=dict.fromkeys("ab")),
    split=types.SimpleNamespace(train="", validation="a", test="b"),
  )
  row = {
    "network": "unet", "objective": "bce", "method": "organ", "gain_half": 0.06,
    "gain_half_low": -0.01, "gain_half_high": 0.1,
  }  # fmt: skip
  section = report.per_case_section(
    tmp_path,
    {"recommendations": [row, {**row, "method": "half"}]},
    {"unet, bce": "Cut at 0.5."},
    provenance,
  )
  path = tmp_path / "index.html"
  report.write_study(path, run, [], objective_rows, [section], provenance)
  text = path.read_text()
  assert "<p>U-Net, BCE: Cut at 0.5.</p>" in text
  assert "2 patients of the cohort mine: 1 to choose" in text
  assert (
    "<dt>Dice gained over 0.5, U-Net, BCE, unseen patients</dt><dd>+0.060"
    "<small>−0.010 to +0.100</small>" in text
  )
  # What has no interval is not told beside it.
  assert "Median" not in text
