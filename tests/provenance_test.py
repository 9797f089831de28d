import re

import pytest

import jaxseg
from jaxseg import report


def test_the_origin_says_version_commit_and_day():
  found = report.provenance(
    cohort="c", cohort_hash="h", synthetic=True, seed=3, command="x"
  )
  assert found["version"] == jaxseg.__version__
  assert re.fullmatch(r"([0-9a-f]{12}\+?)?", found["commit"])
  assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
  assert (found["cohort"], found["seed"], found["synthetic"]) == ("c", 3, True)


def told(command):
  found = report.provenance(
    cohort="c", cohort_hash="h", synthetic=True, seed=3, command=command
  )
  return found["command"]


@pytest.mark.parametrize(
  ("given", "kept"),
  [
    ("jaxseg sweep --output=/home/anna/x", "jaxseg sweep --output=.../x"),
    ("jaxseg sweep --merge=/a/b,c,/d/e", "jaxseg sweep --merge=.../b,c,.../e"),
    ("jaxseg inspect /data/p1", "jaxseg inspect .../p1"),
    (
      "jaxseg sweep '--choose=recall>=0.9'",
      "jaxseg sweep '--choose=recall>=0.9'",
    ),
    (
      "jaxseg sweep --shard=1/2 --output=runs/a",
      "jaxseg sweep --shard=1/2 --output=runs/a",
    ),
  ],
)
def test_no_absolute_path_is_kept(given, kept):
  assert told(given) == kept


def test_below_the_current_folder_paths_stay(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  given = f"jaxseg sweep --output={tmp_path}/runs/x"
  assert told(given) == "jaxseg sweep --output=runs/x"
