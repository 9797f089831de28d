"""Tables and progress on the console."""

import io
import math

import rich.console

from jaxseg.cli import _console


def printed(monkeypatch, *args):
  out = io.StringIO()
  console = rich.console.Console(file=out, width=80)
  monkeypatch.setattr(rich.console, "Console", lambda: console)
  _console.table(*args)
  return out.getvalue()


def test_a_table_shows_labels_and_no_markup(monkeypatch):
  rows = [
    {"structure": "parotid_left", "objective": "[red]bce", "dice": 0.5},
    {"structure": "brain", "objective": None, "dice": math.nan},
  ]
  columns = ("structure", "objective", "dice")
  text = printed(monkeypatch, "Dice [test]", rows, columns)
  for said in ("Dice [test]", "left parotid", "[red]bce", "0.500", "n/a"):
    assert said in text


def test_a_table_takes_headings(monkeypatch):
  assert "Alpha" in printed(monkeypatch, "", [{"a": 1}], {"a": "Alpha"})


def test_long_names_are_shown_whole(monkeypatch):
  row = {str(k): f"{k}" * 30 for k in range(4)}
  text = printed(monkeypatch, "", [row], list(row))
  assert all(text.count(f"{k}") >= 30 for k in range(4))


def test_progress_without_a_terminal_is_one_line(capsys):
  with _console.progress("counting") as on_item:
    on_item("a", 1, 2)
    on_item("b", 2, 2)
  assert capsys.readouterr().err == "counting: 2 done\n"
