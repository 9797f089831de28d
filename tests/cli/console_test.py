"""Tables and progress on the console."""

import concurrent.futures
import io
import math
import threading

import rich.console

from jaxseg.cli import _console


def printed(monkeypatch, *args, width=80):
  out = io.StringIO()
  console = rich.console.Console(file=out, width=width)
  with monkeypatch.context() as patch:
    patch.setattr(rich.console, "Console", lambda: console)
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


def test_a_name_does_not_steer_the_terminal(monkeypatch):
  text = printed(monkeypatch, "", [{"name": "a\x1b[31m\nb"}], ["name"])
  assert r"a\x1b[31m\nb" in text and "\x1b" not in text


def test_a_table_takes_headings(monkeypatch):
  assert "Alpha" in printed(monkeypatch, "", [{"a": 1}], {"a": "Alpha"})


def test_long_names_are_shown_whole(monkeypatch):
  row = {str(k): f"{k}" * 30 for k in range(4)}
  text = printed(monkeypatch, "", [row], list(row))
  assert all(text.count(f"{k}") >= 30 for k in range(4))


def test_no_heading_and_no_number_is_broken(monkeypatch):
  row = {"structure": "submandibular_left", "n": 12345, "dice": 0.5}
  row |= {"interval": "0.123 to 0.456", "hd95_mm": 12.3, "missed": 1, "made": 2}
  columns = {"structure": "structure", "n": "n", "dice": "Dice"}
  columns |= {"interval": "95 %", "hd95_mm": "HD95, mm", "missed": "missed"}
  columns["made"] = "made up"
  text = printed(monkeypatch, "", [row], columns)
  assert max(map(len, text.splitlines())) <= 80
  assert "submandibular" in text and "HD95, mm" in text
  text = printed(monkeypatch, "", [row], columns, width=60)
  for whole in ("structure", "HD95", "missed", "made", "12345", "0.500"):
    assert whole in text, text


def test_numbers_that_do_not_fit_are_not_cut_off(monkeypatch):
  row = {str(k): 10**20 + k for k in range(5)}
  text = printed(monkeypatch, "", [row], list(row))
  assert all(f"{value}" in text for value in row.values())


def test_progress_without_a_terminal_is_one_line(capsys):
  with _console.progress("counting") as on_item:
    on_item("a", 1, 2)
    on_item("b", 2, 2)
  assert capsys.readouterr().err == "counting: 2 done\n"


def test_models_at_once_have_a_bar_each():
  out = io.StringIO()
  console = rich.console.Console(file=out, width=120, force_terminal=True)
  both = threading.Barrier(2, timeout=60)
  with _console.Training(console) as reporter:

    def train(title):
      reporter.start(title, steps=2, done=0)
      both.wait()
      reporter.step(0.25, 10.0)
      reporter.epoch({"dice_half": 0.1, "dice_best": 0.2})
      both.wait()
      reporter.finish(f"{title}: done")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
      list(pool.map(train, ("brain, bce", "brain, dice")))
  said = out.getvalue()
  for title in ("brain, bce", "brain, dice"):
    assert f"{title} " in said
    assert f"{title}: done" in said


def test_without_a_terminal_each_model_says_its_own_name():
  out = io.StringIO()
  reporter = _console.Training(rich.console.Console(file=out, width=200))
  row = {"epoch": 0, "loss": 0.5, "dice_half": 0.1, "dice_best": 0.2}
  row |= {"threshold": 0.4, "slices_per_s": 9.0}
  reporter.start("brain, bce", 1, 0)
  other = threading.Thread(target=reporter.start, args=("brain, dice", 1, 0))
  other.start()
  other.join()
  reporter.epoch(row)
  assert out.getvalue().startswith("brain, bce: epoch 0, loss 0.5000")
