"""Other people's text is shown on one line and makes no path."""

import numpy as np
import pytest

from jaxseg import _text


@pytest.mark.parametrize(
  ("text", "said"),
  [
    ("plain", "'plain'"),
    ("Rückenmark", "'Rückenmark'"),
    ("a\nb\x1b[31m\u202e", r"'a\nb\x1b[31m\u202e'"),
    ("x" * 81, f"'{'x' * 80}...'"),
    (None, "'None'"),
  ],
)
def test_shown(text, said):
  assert _text.shown(text) == said


def test_controls_do_not_steer_the_terminal():
  text = "R\u00fccken\xa0mark \x1b[31m\u202e\udcff\u2028"
  said = "R\u00fccken\xa0mark " + r"\x1b[31m\u202e\udcff\u2028"
  assert _text.harmless(text) == said


@pytest.mark.parametrize(
  ("text", "name"),
  [
    ("Müller, A.", "muller-a"),
    ("../../etc/passwd", "etc-passwd"),
    ("..", "case"),
    ("", "case"),
    ("日本", "case"),
    ("a_b-1", "a_b-1"),
    ("x" * 100, "x" * 64),
  ],
)
def test_slug(text, name):
  assert _text.slug(text, fallback="case") == name


def test_clean():
  assert _text.clean(" LEFT \0") == "LEFT"
  assert _text.clean(None) == ""


def test_notes_are_one_line():
  note = _text.Note("duplicate-slice", "two slices at 3 mm")
  assert str(note) == "duplicate-slice: two slices at 3 mm"


@pytest.mark.parametrize(
  ("found", "said"),
  [
    ("lacels", ("lacels", "labels")),
    ("Labels", ("Labels", "labels")),
    ("label", ("label", "labels")),
    ("xlabels", ("xlabels", "labels")),
    ("laebls", ("", "")),
    ("", ("", "")),
  ],
)
def test_misspelt(found, said):
  assert _text.misspelt([found, "name"], ["labels"]) == said
  assert _text.misspelt([found, "labels"], ["labels"]) == ("", "")


def test_remarks_that_many_share_are_told_once():
  of = {"p1": ["merged: a.dcm", "odd"], "p2": ["merged: b.dcm"]}
  assert _text.remarks(of) == [
    "'p1': merged: a.dcm; odd",
    "'p2': merged: b.dcm",
  ]
  assert _text.remarks(of, brief=True) == [
    "'p1': merged: a.dcm (and so of 1 more)",
    "'p1': odd",
  ]


def test_names_are_given_once_each():
  """The first free one is taken, however they come."""
  generator = np.random.default_rng(0)
  pool = ["a", "a-2", "a-3", "a-2-2", "b", "a-10", "image"]
  for _ in range(50):
    names, taken = _text.Names(["image"]), {"image"}
    for name in generator.choice(pool, 40).tolist():
      numbered = [name, *(f"{name}-{k}" for k in range(2, 50))]
      expected = next(one for one in numbered if one not in taken)
      assert names.new(name) == expected
      taken.add(expected)


def test_twenty_thousand_of_one_name():
  names = _text.Names()
  given = [names.new("patient") for _ in range(20_000)]
  assert len(set(given)) == 20_000 and given[-1] == "patient-20000"
