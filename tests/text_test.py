"""Other people's text is shown on one line and makes no path."""

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
