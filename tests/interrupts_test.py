"""Signals: at once, or held until the work can be saved; twice is the end."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from jaxseg import _interrupts
from tests.conftest import ROOT


def send(number=signal.SIGTERM):
  os.kill(os.getpid(), number)
  time.sleep(0.01)


def test_a_held_signal_waits_until_the_block_has_run():
  before = signal.getsignal(signal.SIGTERM)
  with pytest.raises(KeyboardInterrupt):
    with _interrupts.watched():
      with _interrupts.held():
        with _interrupts.held():
          send()
          assert _interrupts.asked()
        send()  # The same request, sent twice, as `timeout` does.
        whole = True
      pytest.fail("it went on")
  assert whole
  assert signal.getsignal(signal.SIGTERM) is before
  with _interrupts.watched():
    _interrupts.check()  # And then it is over.


def test_one_that_is_held_back_is_raised_nowhere():
  with _interrupts.watched():
    with _interrupts.held_back():
      with _interrupts.held():
        send()
      _interrupts.check()
    assert _interrupts.asked()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_others_raise_at_once(number):
  with pytest.raises(KeyboardInterrupt):
    with _interrupts.watched():
      send(number)
      pytest.fail("it went on")


def test_one_that_gets_lost_in_a_finalizer_comes_again(capfd):
  class Late:
    def __del__(self):
      send()

  with pytest.raises(KeyboardInterrupt):
    with _interrupts.watched():
      Late()
      time.sleep(5)
      pytest.fail("it went on")
  assert capfd.readouterr().err == ""


def test_a_programs_own_handlers_stay():
  mine = signal.signal(signal.SIGTERM, lambda *_: None)
  try:
    own = signal.getsignal(signal.SIGTERM)
    with _interrupts.watched(unless_taken=True):
      assert signal.getsignal(signal.SIGTERM) is own
      send()
      _interrupts.check()
  finally:
    signal.signal(signal.SIGTERM, mine)


def test_other_threads_leave_signals_alone():
  before = signal.getsignal(signal.SIGTERM)
  found = []

  def work():
    with _interrupts.watched(), _interrupts.held():
      found.append(signal.getsignal(signal.SIGTERM))

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert found == [before]


def started(code):
  """A process that runs some code."""
  inherited = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
  return subprocess.Popen(
    [sys.executable, "-c", code],
    cwd=ROOT,
    env=inherited,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def test_a_second_signal_ends_at_once():
  process = started(
    "import time\n"
    "from jaxseg import _interrupts\n"
    "with _interrupts.watched(), _interrupts.held():\n"
    "  print('ready', flush=True)\n"
    "  time.sleep(60)\n"
    "  time.sleep(60)\n"
  )
  assert process.stdout.readline() == "ready\n"
  process.send_signal(signal.SIGTERM)
  time.sleep(0.7)
  assert process.poll() is None
  process.send_signal(signal.SIGTERM)
  _, err = process.communicate(timeout=10)
  assert (process.returncode, err) == (3, "interrupted twice, ended at once\n")


def test_a_second_signal_ends_at_once_if_nobody_listens():
  process = started(
    "import time\n"
    "from jaxseg import _interrupts\n"
    "with _interrupts.watched(), _interrupts.held():\n"
    "  print('ready', flush=True)\n"
    "  time.sleep(60)\n"
    "  time.sleep(60)\n"
  )
  assert process.stdout.readline() == "ready\n"
  process.stderr.close()
  process.send_signal(signal.SIGTERM)
  time.sleep(0.7)
  process.send_signal(signal.SIGTERM)
  assert process.wait(10) == 3
  process.stdout.close()


def test_a_reader_that_pauses_does_not_keep_an_interrupted_process():
  process = started(
    "from jaxseg import _interrupts\n"
    "def work():\n"
    "  for _ in range(10_000):\n"  # More than a pipe holds.
    "    print('x' * 99, flush=True)\n"
    "  return 0\n"
    "print('ready', flush=True)\n"
    "_interrupts.run(work)\n"
  )
  assert process.stdout.readline() == "ready\n"
  time.sleep(0.3)
  process.send_signal(signal.SIGINT)
  time.sleep(0.7)
  process.send_signal(signal.SIGINT)
  try:
    assert process.wait(5) == 3
  finally:
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
  ("work", "code", "said"),
  [
    # As if the imports of a command were under way.
    ("wait('now', 60)", 3, "interrupted; the same command goes on from here"),
    # A second request, once the first has been heard.
    ("heard()", 3, ""),
    # Whatever libraries do at exit.
    ("atexit.register(wait, 'now', 60)", 0, ""),
    # Python itself, when no handler of ours is called any more.
    ("builtins.last = Last()", 0, ""),
  ],
)
def test_a_process_ends_with_a_code_of_ours(work, code, said):
  process = started(
    "import atexit, builtins, os, signal, time\n"
    "from jaxseg import _interrupts\n"
    "def wait(text, seconds, write=os.write, sleep=time.sleep):\n"
    "  write(1, text.encode() + b'\\n')\n"
    "  sleep(seconds)\n"
    "class Last:\n"
    "  def __del__(self, wait=wait):\n"
    "    wait('now', 0.5)\n"
    "def heard():\n"
    "  try:\n"
    "    with _interrupts.watched():\n"
    "      os.kill(os.getpid(), signal.SIGTERM)\n"
    "      time.sleep(60)\n"
    "  except KeyboardInterrupt:\n"
    "    wait('now', 0.2)\n"
    "    return 3\n"
    "def work():\n"
    f"  code = {work}\n"
    "  return code if isinstance(code, int) else 0\n"
    "_interrupts.run(work)\n"
  )
  assert process.stdout.readline() == "now\n"
  process.send_signal(signal.SIGTERM)
  _, err = process.communicate(timeout=10)
  assert (process.returncode, err.strip()) == (code, said)


def interrupted_within(module, call):
  """How a process ends that is interrupted while it loads an extension module.

  The signal comes with the n-th call of Python code that the module makes.
  """
  process = started(
    "import os, signal, sys, time\n"
    "from importlib import machinery\n"
    "from jaxseg import _interrupts\n"
    "load = machinery.ExtensionFileLoader.exec_module.__code__\n"
    f"left = {call}\n"
    "def count(frame, event, _):\n"
    "  global left\n"
    "  inside = frame\n"
    "  while inside and not (inside.f_code is load and\n"
    f"      inside.f_locals['module'].__name__ == {module!r}):\n"
    "    inside = inside.f_back\n"
    "  if event == 'call' and inside and frame.f_code is not load:\n"
    "    left -= 1\n"
    "    if not left:\n"
    "      sys.setprofile(None)\n"
    "      print('sent', flush=True)\n"
    "      os.kill(os.getpid(), signal.SIGINT)\n"
    "def work():\n"
    "  sys.setprofile(count)\n"
    f"  import {module}\n"
    "  time.sleep(5)\n"
    "  return 0\n"
    "_interrupts.run(work)\n"
  )
  out, err = process.communicate(timeout=60)
  assert out == "sent\n"
  return process.returncode, err


# Of jaxlib's initialisation the 2nd call lost an interrupt, the 20th made an
# ImportError of it; under load one aborted the process.
@pytest.mark.parametrize("call", [2, 20])
def test_an_interrupt_waits_until_an_extension_is_loaded(call):
  code, err = interrupted_within("jaxlib._jax", call)
  assert (code, err) == (3, f"{_interrupts.INTERRUPTED}\n")
