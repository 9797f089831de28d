"""Tables and progress on the console."""

import io
import math

import rich.console

from experiments import console


def test_a_table_shows_labels_and_no_markup():
  rows = [
    {"structure": "parotid_left", "objective": "[red]bce", "dice": 0.5},
    {"structure": "brain", "objective": None, "dice": math.nan},
  ]
  table = console.table("Dice [test]", rows, ("structure", "objective", "dice"))
  assert [column.justify for column in table.columns] == [
    "left",
    "left",
    "right",
  ]
  out = rich.console.Console(file=io.StringIO(), width=80)
  out.print(table)
  text = out.file.getvalue()
  for said in ("Dice [test]", "left parotid", "[red]bce", "0.500", "n/a"):
    assert said in text


def test_a_table_takes_headings():
  table = console.table("", [{"a": 1}], {"a": "Alpha"})
  assert str(table.columns[0].header) == "Alpha"


def test_progress_without_a_terminal_is_one_line(capsys):
  with console.progress("counting") as on_item:
    on_item("a", 1, 2)
    on_item("b", 2, 2)
  assert capsys.readouterr().err == "counting: 2 done\n"
