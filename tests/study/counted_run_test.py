"""A run told by its counts."""

import dataclasses
import pathlib

from jaxseg import study
from tests.study import made


def test_it_tells_what_analyses_ask():
  results = [
    dataclasses.replace(one, facts={**one.facts, "training_patients": 9})
    for one in (made.model_counts("brain"), made.model_counts("larynx"))
  ]
  run = study.CountedRun.of(pathlib.Path("out"), results)
  assert (run.store.cohort, run.store.content_hash) == ("made up", "abc")
  assert run.store.synthetic
  split = run.split
  assert [len(p) for p in (split.train, split.validation, split.test)] == [
    9, 6, 6,
  ]  # fmt: skip
  assert len(run.store.patients) == 21
  assert study.missing_models(run) == ()
  rows = study.prominence(None, results)
  assert {r["definition"] for r in rows} == set(study.DEFINITIONS)
