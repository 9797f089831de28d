import re

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
