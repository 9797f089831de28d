"""Work for other processes to do; quick to import there."""

import os
import pathlib
import signal
import time

from jaxseg import errors


def square(x):
  return x * x, os.getpid()


def slow_square(item):
  x, folder = item
  pathlib.Path(folder, f"{os.getpid()}").touch()
  time.sleep(0.1)
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
