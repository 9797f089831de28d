"""What the operating system refuses, in one line; streams without readers."""

import errno
import io
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import types

import pytest

from jaxseg import _files
from jaxseg import _unfinished
from jaxseg import cli
from jaxseg.cli import _call
from jaxseg.cli import _failures
from jaxseg.cli import _streams
from tests.cli import command
from tests.conftest import ROOT

TENSORSTORE = (
  'RESOURCE_EXHAUSTED: Error writing local file "/a/b": Failed to write'
  " [OS error 28: ENOSPC No space left on device] [source locations='x']"
)
ORBAX = (
  'OUT_OF_RANGE: Error writing "key/0" in OCDBT database at local file "/a/":'
  " Failed writing: \"/a/d\": Failed to write 9 bytes [os_error_code='27']"
)


@pytest.mark.parametrize(
  ("error", "parts"),
  [
    (OSError(errno.EFBIG, "File too large", "a.npz"), ("a.npz: F", "ulimit")),
    (OSError(errno.EDQUOT, "Quota exceeded", "a"), ("a: Quota", "quota")),
    (OSError(errno.EROFS, "Read-only", "a"), ("a: Read-only", "--output")),
    (OSError(errno.EIO, "I/O error", "a"), ("a: I/O", "once mended")),
    (OSError(errno.EMFILE, "Too many open files", "a"), ("ulimit -n",)),
    (OSError("4800 requested and 1920 written"), ("in part only", "ulimit")),
    (FileNotFoundError(errno.ENOENT, "No such file"), ("working folder",)),
    (ValueError(TENSORSTORE), ("/a/b: No space left on device; free",)),
    (ValueError(ORBAX), ("/a/d: File too large; raise",)),
    (
      MemoryError("Unable to allocate 3.1 GiB for an array with shape (9, 9)"),
      ("out of memory: Unable to allocate 3.1 GiB", "used up to", "--batch"),
    ),
    (MemoryError(), ("out of memory: this process has used up to",)),
    (
      RuntimeError(
        "RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes."
      ),
      ("out of memory: 16 GiB more were wanted", "the machine has"),
    ),
    (RuntimeError("can't start new thread"), ("ulimit -u",)),
  ],
  ids=lambda x: str(x)[:30],
)
def test_each_is_one_line_with_a_remedy(error, parts, capsys):
  def work():
    try:
      raise error
    except type(error) as e:  # As libraries wrap it.
      raise RuntimeError("could not save") from e

  assert _call.guarded(work) == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert all(part in line for part in parts), line
  assert "; " in line


@pytest.mark.parametrize(
  "error", [ValueError("ours"), OSError("x"), KeyError("a")], ids=repr
)
def test_a_fault_of_ours_is_none_of_them(error):
  assert _failures.said(error) is None


def test_what_was_written_is_named(tmp_path, monkeypatch, capsys):
  def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(os, "replace", full)
  path = tmp_path / "table.csv"
  assert _call.guarded(lambda: _files.write_text(path, "x")) == 2
  assert capsys.readouterr().err.startswith(f"{path}: No space left")


@pytest.mark.parametrize("place", ["", "inside", "inside/below"])
def test_a_file_in_the_way_is_named(tmp_path, place, capsys):
  (tmp_path / "file").write_text("")
  path = tmp_path / "file" / place / "x.json"
  assert _call.guarded(lambda: _files.write_json(path, {})) == 2
  line = capsys.readouterr().err
  assert line.startswith(f"{tmp_path / 'file'}: is a file where a folder")


@pytest.mark.skipif(
  not pathlib.Path("/proc/self").is_dir(), reason="there is no /proc here"
)
@pytest.mark.parametrize("place", ["/proc/x", "/proc/x/y/z", "/proc/self/x"])
def test_where_nothing_can_be_made_is_named(place, capsys):
  path = pathlib.Path(place)
  assert _call.guarded(lambda: _files.write_json(path / "a.json", {})) == 2
  line = capsys.readouterr().err
  assert line.startswith("/proc/") and "; name another place" in line


def test_a_file_of_ours_that_is_missing_stays_our_fault(tmp_path):
  missing = FileNotFoundError(errno.ENOENT, "No such file", str(tmp_path / "x"))
  assert _failures.said(missing) is None
  assert not list(tmp_path.iterdir())


def test_what_is_unfinished_is_called_as_it_will_be(tmp_path, capsys):
  def full():
    with _files.new_folder(tmp_path / "a.b") as folder:
      path = str(folder / "c")
      raise OSError(errno.ENOSPC, "No space left on device", path)

  assert _call.guarded(full) == 2
  assert capsys.readouterr().err.startswith(f"{tmp_path / 'a.b' / 'c'}: No sp")

  def alone():
    with _unfinished.file(tmp_path / "x.json") as path:
      raise OSError(errno.ENOSPC, "No space left on device", str(path))

  assert _call.guarded(alone) == 2
  assert capsys.readouterr().err.startswith(f"{tmp_path / 'x.json'}: No sp")


def test_a_folder_in_the_way_is_named(tmp_path, capsys):
  (tmp_path / "x.json").mkdir()
  path = tmp_path / "x.json"
  assert _call.guarded(lambda: _files.write_json(path, {})) == 2
  assert "a folder is where a file belongs" in capsys.readouterr().err


def test_what_ends_a_thread_is_told_once(capsys):
  def fail():
    raise OSError(errno.ENOSPC, "No space left on device", "events")

  def work():
    threads = [threading.Thread(target=fail) for _ in range(3)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()

  assert _call.guarded(work) == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith("events: No space left")


class Gone(io.StringIO):
  """A pipe whose reader has left after some lines."""

  def write(self, text):
    if len(self.getvalue()) > 20:
      raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    return super().write(text)


def test_work_goes_on_when_nobody_listens(monkeypatch):
  monkeypatch.setattr(sys, "stdout", Gone())
  done = []

  def work():
    for k in range(50):
      print(f"line {k}")
      done.append(k)

  assert _call.guarded(work) == 0
  assert done == list(range(50))


def test_a_full_output_is_an_error(monkeypatch, capsys):
  class Full(io.StringIO):
    def write(self, _):
      raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(sys, "stdout", Full())
  assert _call.guarded(lambda: print("x")) == 2
  assert "standard output: No space left" in capsys.readouterr().err


def test_a_stream_that_lasts_is_like_its_stream():
  inner = io.StringIO()
  stream = _streams.Lasting(inner, "it")
  stream.writelines(["a", "b"])
  assert (inner.getvalue(), stream.isatty(), stream.closed) == (
    "ab", False, False
  )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="no /bin/sh")
def test_closed_and_broken_streams_of_a_process(tmp_path):
  jaxseg = f"{sys.executable} -W error -m experiments.train"
  script = f"""
    cd {ROOT}
    {jaxseg} --help >&- ; echo closed $?
    {jaxseg} --help >&- 2>&- <&- ; echo all $?
    {jaxseg} --helpp 2>/dev/full ; echo refused $?
    {jaxseg} --help >/dev/full ; echo full $?
    ({jaxseg} --help; echo pipe $? >&2) 2>&1 >/dev/null | cat
    ({jaxseg} --help; echo gone $? >&3) 3>{tmp_path}/gone | true
    cat {tmp_path}/gone
  """
  found = subprocess.run(
    ["bash", "-c", script], capture_output=True, text=True, timeout=120
  )
  assert found.stdout.split("\n")[:-1] == [
    "closed 0", "all 0", "refused 2", "full 2", "pipe 0", "gone 0"
  ], found.stderr  # fmt: skip
  assert found.stderr.count("\n") == 1, found.stderr


@pytest.mark.parametrize(
  "name", [name for name in cli.COMMANDS if name != "apply"]
)
def test_a_file_where_output_belongs(tmp_path, name):
  (tmp_path / "file").write_text("")
  flags = {
    "inspect": ["here"],
    "train": ["--structure=brain"],
    "causes": ["--counts=here"],
    "claims": ["--counts=here"],
    "convert": ["--input=here"],
    "evaluate": ["--prediction=here", "--reference=here"],
    "export": ["--model=here"],
    "predict": ["--model=here", "--input=here"],
  }.get(name, [])
  (tmp_path / "here").mkdir()
  for output in ("file", "file/inside"):
    line = command.refused(name, *flags, f"--output={output}", folder=tmp_path)
    assert "file" in line and "; " in line
  assert (tmp_path / "file").read_text() == ""
  left = {path.name for path in pathlib.Path(tmp_path).iterdir()}
  assert left == {"file", "here"}


def test_an_output_that_was_deleted_meanwhile_is_named(tmp_path, capsys):
  path = tmp_path / "run" / "tables"

  def work():
    with _files.new_folder(path) as temporary:
      shutil.rmtree(tmp_path / "run")
      (temporary / "x").write_text("")

  assert _call.guarded(work) == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith(f"{tmp_path / 'run'}: is gone, as if it was moved")


def test_no_memory_is_left_to_tell_of_it(monkeypatch, capsys):
  def none(*_):
    raise MemoryError

  def work():
    raise ImportError("lib.so: failed to map segment from shared object")

  monkeypatch.setattr(pathlib.Path, "read_text", none)
  assert _call.guarded(work) == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith("out of memory: a library could not be loaded")


def test_what_follows_at_exit_is_not_told_again(monkeypatch, capsys):
  told = []
  monkeypatch.setattr(sys, "unraisablehook", told.append)

  def work():
    raise MemoryError

  assert _call.guarded(work) == 2
  for error in (MemoryError(), ValueError("ours")):
    sys.unraisablehook(types.SimpleNamespace(exc_value=error))
  assert [str(about.exc_value) for about in told] == ["ours"]
