"""Flags of one call: parsed by absl, apart from each other, with their help."""

import pytest

from jaxseg import errors
from jaxseg.cli import _flags


def some():
  flags = _flags.Flags()
  flags.heading("Numbers")
  flags.integer("count", 3, "N", "How many.")
  flags.number("rate", None, "RATE", "How fast.", default="the recipe's")
  flags.heading("Names")
  flags.string("input", None, "FOLDER", "From where.", default="none")
  flags.choice("norm", "batch", ("none", "batch"), "Which norm.")
  flags.names("repair", [], "WHAT", "What to repair.")
  flags.switch("loud", False, "Whether it sounds.")
  return flags


def test_values_and_what_was_given():
  flags = some()
  flags.parse(["--count=5", "--repair=a,b", "--loud", "--input="])
  assert (flags.count, flags.rate, flags.norm) == (5, None, "batch")
  assert flags.loud is True
  assert flags.given("count", "rate", "norm", "input", "no_such") == {
    "count": 5
  }
  assert flags.repair == ["a", "b"]
  with pytest.raises(AttributeError, match="--colour"):
    _ = flags.colour


def test_calls_know_nothing_of_each_other():
  first, other = some(), some()
  first.parse(["--count=5"])
  other.parse([])
  assert (first.count, other.count) == (5, 3)


@pytest.mark.parametrize(
  ("arguments", "text"),
  [
    (["--colour=red"], "Unknown command line flag 'colour'"),
    (["--count=many"], "--count=many: no whole number; --help"),
    (["--count"], "--count"),
    (["--norm=odd"], "should be one of <none|batch>"),
    (["--loud=perhaps"], "--loud"),
    (["odd"], "unexpected argument 'odd'"),
    (["--flagfile=no.txt"], "no.txt"),
  ],
)
def test_what_cannot_be_parsed_is_refused(arguments, text):
  with pytest.raises(errors.ConfigError, match=text):
    some().parse(arguments)


@pytest.mark.parametrize(
  ("arguments", "text"),
  [
    (["--structure=a"], "FOLDER is missing"),
    (["a"], "--structure: missing"),
    (["a", "--structure="], "--structure: missing"),
    (["a", "--structure=b"], None),
  ],
)
def test_what_must_be_given_is_asked_for(arguments, text):
  flags = _flags.Flags()
  flags.positional("FOLDER", "Where.")
  flags.names("structure", None, "NAME", "Which.", default="required")
  if text is None:
    flags.parse(arguments)
    assert (flags.argument, flags.structure) == ("a", ["b"])
  else:
    with pytest.raises(errors.ConfigError, match=text):
      flags.parse(arguments)
  assert "(required)" in flags.help("Text.", "jaxseg a", width=80)


def test_headings_keep_the_order_in_which_they_were_first_given():
  flags = _flags.Flags()
  for heading in ("First", "Second", "First"):
    flags.heading(heading)
    flags.switch(f"{heading}_{len(flags._shown)}".lower(), False, "On.")
  told = flags.help("Text.", "jaxseg a", width=80)
  assert told.index("first_2") < told.index("Second") < told.index("second_2")


def test_help_has_headings_and_defaults():
  assert some().help("What it does.", "jaxseg a", width=80) == (
    """Usage: jaxseg a [--flag=value ...]

What it does.

Numbers
  --count=N             How many. (default: 3)
  --rate=RATE           How fast. (default: the recipe's)

Names
  --input=FOLDER        From where. (default: none)
  --norm=none|batch     Which norm. (default: batch)
  --repair=WHAT,...     What to repair. (default: none)
  --[no]loud            Whether it sounds. (default: off)
"""
  )


def test_a_message_is_one_line_that_steers_no_terminal():
  assert _flags.one_line("a\n b\x1b[31m") == r"a b\x1b[31m"
