"""How commands start and end: help, exit codes, one clear line, signals."""

import errno
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pytest

import jaxseg
from jaxseg import cli
from jaxseg import errors
from jaxseg.cli import _call
from tests import quick_networks
from tests.cli import command
from tests.conftest import ROOT

HEAVY = ("jax", "numpy", "rich", "matplotlib", "flax", "scipy", "pydicom")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_alone_it_lists_the_commands(arguments, capsys):
  assert cli.main(arguments) == 0
  out = capsys.readouterr().out
  for name, text in cli.COMMANDS.items():
    assert f"  {name}" in out and text in out
  assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [(), ("sweep",), ("sweep", "--seed=1")])
def test_it_says_its_version(arguments, capsys):
  assert cli.main([*arguments, "--version"]) == 0
  assert capsys.readouterr() == (f"jaxseg {jaxseg.__version__}\n", "")


def test_an_empty_output_is_not_the_working_folder(tmp_path):
  for name in ("evaluate", "export", "sweep"):
    line = command.refused(name, "--output=", folder=tmp_path)
    assert line == "--output: is empty; name a folder"


def test_an_unknown_command_is_one_line_and_2(tmp_path):
  assert "'segment' is no command" in command.refused(
    "segment", "--help", folder=tmp_path
  )


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_tells_what_it_does_and_each_default(name, tmp_path, monkeypatch):
  monkeypatch.setattr(sys, "argv", [str(ROOT / "experiments" / f"{name}.py")])
  code, out, err = command.call(name, "--help", folder=tmp_path)
  assert (code, err) == (0, "")
  assert out.startswith(f"Usage: python -m experiments.{name}")
  assert "--output=FOLDER" in out
  assert ("--epochs" in out) == (name in ("train", "reproduce"))
  assert ("--on_two" in out) == (
    name in ("inspect", "prepare", "train", "evaluate", "reproduce")
  )
  flags = [line for line in out.splitlines() if line.startswith("  --")]
  assert len(flags) == out.count("(default:") + out.count("(required)")
  assert "None" not in out and "absl" not in out


@pytest.mark.parametrize("width", [20, 72, 80, 300])
def test_help_fits_the_terminal(width, tmp_path, monkeypatch):
  monkeypatch.setattr(sys, "argv", ["jaxseg"])
  for name in cli.COMMANDS:
    monkeypatch.setenv("COLUMNS", str(width))
    with monkeypatch.context() as patch:
      patch.setattr(
        "shutil.get_terminal_size", lambda: os.terminal_size((width, 24))
      )
      _, out, _ = command.call(name, "--help", folder=tmp_path)
    assert out.startswith(f"Usage: jaxseg {name}")
    flags = out[out.index("(default") :]
    longest = max(len(line) for line in flags.splitlines() if "|" not in line)
    assert longest <= max(40, min(width, 100))


def test_examples_fit_however_the_command_is_called(tmp_path, monkeypatch):
  monkeypatch.setattr(sys, "argv", ["experiments/some.py"])
  monkeypatch.setattr(
    "shutil.get_terminal_size", lambda: os.terminal_size((80, 24))
  )
  for name in cli.COMMANDS:
    _, out, _ = command.call(name, "--help", folder=tmp_path)
    assert f"    python -m experiments.{name} " in out
    assert max(map(len, out.splitlines())) <= 80, name


@pytest.mark.parametrize(
  ("raised", "code", "text"),
  [
    (None, 0, ""),
    (
      errors.DataError("a.csv: torn;\nreplace it"),
      2,
      "a.csv: torn; replace it",
    ),
    (KeyboardInterrupt(), 3, "interrupted; the same command goes on"),
    (ZeroDivisionError(), 1, "Traceback"),
    (PermissionError(errno.EACCES, "Permission denied", "a"), 2, "a: Perm"),
    (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left"),
    (FileNotFoundError(errno.ENOENT, "No such file", "ours"), 1, "Traceback"),
  ],
  ids=str,
)
def test_exit_codes(raised, code, text, capsys):
  def work():
    if raised is not None:
      raise raised

  assert _call.guarded(work) == code
  err = capsys.readouterr().err
  assert text in err
  assert code == 1 or len(err.splitlines()) == (code > 0)


def test_signals_interrupt_even_if_the_first_exception_is_lost(capsys):
  before = signal.getsignal(signal.SIGTERM)

  def work():
    try:
      os.kill(os.getpid(), signal.SIGTERM)
      time.sleep(5)
    except KeyboardInterrupt:
      pass  # As a callback of the garbage collector would lose it.
    _call.check_interrupt()

  assert _call.guarded(work) == 3
  assert signal.getsignal(signal.SIGTERM) is before
  assert _call.guarded(_call.check_interrupt) == 0  # And then it is over.


def test_an_interrupted_import_ends_with_3_too():
  code = (
    "import sys; from jaxseg.cli import _call\n"
    "def work(): exec('raise KeyboardInterrupt')\n"
    "sys.exit(_call.guarded(work))"
  )
  _, found = spent("-c", code)
  assert (found.returncode, found.stderr[:11]) == (3, "interrupted")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
  code = "from jaxseg import cli; raise SystemExit(cli.main(['train', '-h']))"
  process = subprocess.Popen(
    [sys.executable, "-c", code],
    cwd=ROOT,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
  )
  process.stdout.close()
  assert (process.wait(60), process.stderr.read()) == (0, b"")
  process.stderr.close()


@pytest.mark.parametrize(
  ("raised", "code"), [("errors.DataError('bad')", 2), ("KeyboardInterrupt", 3)]
)
def test_nor_is_it_one_for_a_command_that_fails(raised, code):
  process = subprocess.Popen(
    [
      sys.executable,
      "-c",
      "import sys; from jaxseg import errors; from jaxseg.cli import _call\n"
      f"def work(): print('told'); sys.stdin.read(); raise {raised}\n"
      "sys.exit(_call.guarded(work))",
    ],
    cwd=ROOT,
    env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )
  process.stdout.close()
  _, err = process.communicate(timeout=60)
  assert (process.returncode, len(err.splitlines())) == (code, 1)


def spent(*arguments):
  """CPU seconds, exit code, standard output and errors of a process."""
  before = resource.getrusage(resource.RUSAGE_CHILDREN)
  found = subprocess.run(
    [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True
  )
  after = resource.getrusage(resource.RUSAGE_CHILDREN)
  seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
  return seconds, found


def test_help_and_refusals_are_quick():
  imports = ("-c", "import numpy, absl.flags")
  usual = min(spent(*imports)[0] for _ in range(3))
  for flags, code in (("--help",), 0), (("--structure=a", "--norm=odd"), 2):
    times = []
    for _ in range(3):
      seconds, found = spent("-m", "experiments.train", *flags)
      assert found.returncode == code, found.stderr
      times.append(seconds)
    assert min(times) < 1.3 * usual
  assert len(found.stderr.splitlines()) == 1 and "--norm" in found.stderr


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_flags_are_defined_without_slow_imports(name):
  code = (
    "import sys; from jaxseg import cli;"
    f" cli.main([{name!r}, '--help']); cli.main([{name!r}, '--nothing']);"
    f" print(*set({HEAVY}) & set(sys.modules), file=sys.stderr)"
  )
  _, found = spent("-c", code)
  assert found.stderr.splitlines()[1:] == [""]


def test_a_process_interrupted_ends_with_3_and_resumes(prepared):
  flags = ("--structure=brain", "--output=runs/phantom")
  flags += ("--base=4", "--batch=8", "--epochs=6", "--steps_per_epoch=2")
  flags += ("--devices=1",)
  process = command.start("train", *flags, folder=prepared, by=quick_networks)
  metrics = prepared / "runs/phantom/models/brain/bce/0/metrics.csv"
  deadline = time.monotonic() + 240
  while not metrics.exists() and process.poll() is None:
    assert time.monotonic() < deadline
    time.sleep(0.05)
  process.send_signal(signal.SIGINT)
  _, err = process.communicate(timeout=120)
  assert process.returncode == 3, err
  assert "the same command goes on" in err
  kept = len(command.rows(metrics))
  assert 0 < kept < 6
  out = command.done("train", *flags, folder=prepared)
  assert "phantom: Dice of the test patients" in out
  epochs = [int(row["epoch"]) for row in command.rows(metrics)]
  assert epochs == list(range(len(epochs)))
  assert len(epochs) >= kept


def test_a_checkout_has_a_file_for_each_command():
  for name in cli.COMMANDS:
    text = pathlib.Path(ROOT, "experiments", f"{name}.py").read_text()
    assert f'cli.console("{name}")' in text
    assert len(text.splitlines()) < 10
