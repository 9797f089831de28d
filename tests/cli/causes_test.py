"""Causes of counts alone, and what is refused."""

from tests.cli import claims_test
from tests.cli import command
from tests.study import made


def test_counts_of_several_runs_to_tables(tmp_path):
  for name, network, how in (
    ("with", {"name": "bice2020"}, claims_test.STEEP),
    ("without", {"name": "bice2020", "dropout_at": "rest"}, {}),
  ):
    results = [
      made.model_counts(organ, network=network, **how)
      for organ in ("brain", "larynx")
    ]
    claims_test.write(tmp_path / name, *results)
  done = command.done(
    "causes",
    f"--counts={tmp_path / 'with'},{tmp_path / 'without'}",
    f"--output={tmp_path / 'out'}",
    "--resamples=40",
    folder=tmp_path,
  )
  rows = command.rows(tmp_path / "out" / "tables" / "causes.csv")
  assert len(rows) == 8 and rows[0]["cohort"] == "made up"
  assert {row["beyond_bound"] for row in rows} == {"true", "false"}
  arms = command.rows(tmp_path / "out" / "tables" / "cause_arms.csv")
  assert [row["scope"] for row in arms] == ["kept"] * 2 + ["known"] * 2
  assert float(arms[0]["difference_low"]) > 0.1
  assert "dropout at image, stretch" in done
  legend = done.partition("t*: ")[2].partition("Written")[0].splitlines()
  assert legend and max(map(len, legend)) <= 80
  assert "2 of 2" in done and "Written: " in done
  # The curves, too.
  assert (tmp_path / "out" / "figures" / "cause_curves.svg").is_file()
  curves = command.rows(tmp_path / "out" / "tables" / "cause_curves.csv")
  assert {row["dropout_at"] for row in curves} == {
    "image,stretch,last,rest",
    "rest",
  }


def test_what_tells_no_interval_is_refused(tmp_path):
  claims_test.write(tmp_path / "a", made.model_counts())
  for flag, text in (
    ("--resamples=1", "--resamples: 1"),
    ("--resample_seed=-1", "--resample_seed: -1"),
  ):
    line = command.refused(
      "causes", "--counts=a", "--output=out", flag, folder=tmp_path
    )
    assert text in line
  assert not (tmp_path / "out").exists()


def test_a_model_that_never_learnt_leaves_nothing_to_compare(tmp_path):
  constant = {"inside": (0.02, 0.001), "outside": (0.02, 0.001)}
  stuck = made.model_counts(voxels=(9, 1200), **constant)
  claims_test.write(tmp_path / "a", stuck)
  done = command.done(
    "causes", "--counts=a", "--output=out", "--resamples=9", folder=tmp_path
  )
  assert "nothing can be compared" in done
  assert "Left out: 1 that never learnt" in done
