"""Work for other processes to do; quick to import there."""

from multiprocessing import connection
import os
import pathlib
import signal
import time

from jaxseg import errors


def square(x):
  return x * x, os.getpid()


def square_beside_another(item):
  """Squares a number once two workers have begun, however slow one is."""
  x, folder = item
  folder = pathlib.Path(folder)
  (folder / f"{os.getpid()}").touch()
  deadline = time.monotonic() + 60
  while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
    time.sleep(0.05)
  time.sleep(0.05)
  return x * x


def first_is_last(item):
  """Squares a number; the first one waits until all others are done."""
  x, folder, others = item
  folder = pathlib.Path(folder)
  deadline = time.monotonic() + 60
  while x == 0 and len(list(folder.iterdir())) < others:
    assert time.monotonic() < deadline
    time.sleep(0.02)
  (folder / str(x)).touch()
  return x * x


def fail_at_three(x):
  if x == 3:
    raise errors.DataError("three is malformed")
  return x


def die(_):
  os.kill(os.getpid(), signal.SIGKILL)


def count_and_fail(folder):
  with open(pathlib.Path(folder, "calls"), "a") as file:
    file.write("x")
  raise errors.DataError("three is malformed")


def half_a_result(item):
  """The first result ends in its middle: its process dies, or goes on."""
  number, dies = item
  if number == 0:

    def send(self, content, write=os.write):
      write(self.fileno(), content[: len(content) // 2])
      if dies:
        os.kill(os.getpid(), signal.SIGKILL)
      time.sleep(600)

    connection.Connection._send = send
  return number


def for_ever(_):
  time.sleep(600)
