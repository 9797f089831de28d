"""Decoding in a process of its own, whose crash does not end the program.

The only free decoder of lossless JPEG ends its process on some broken images.
Its process is started for the first such image and serves all others.
"""

import atexit
import json
import pathlib
import select
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from jaxseg import errors

_WORKER = pathlib.Path(__file__).with_name("_decode_worker.py")
_lock = threading.Lock()
_workers: list[subprocess.Popen] = []


def decode(path: pathlib.Path, *, expected: int, seconds: float) -> np.ndarray:
  """Stored values of one compressed file, flat.

  Args:
    path: A file whose pixels are compressed.
    expected: Number of values.
    seconds: How long it may take.

  Raises:
    DataError: The image cannot be decoded.
    LimitError: It takes too long.
  """
  with _lock:
    worker = _worker()
    try:
      return _ask(worker, path, expected, time.monotonic() + seconds)
    except BaseException:
      _stop()  # Its pipes may still hold half an answer.
      raise


def _worker() -> subprocess.Popen:
  if not _workers:
    _workers.append(
      subprocess.Popen(
        # With -P, modules of this folder cannot hide those of Python.
        [sys.executable, "-P", str(_WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # Nothing may hide from select in a buffer.
      )
    )
  return _workers[0]


@atexit.register
def _stop() -> None:
  while _workers:
    worker = _workers.pop()
    worker.kill()
    worker.communicate()


def _ask(
  worker: subprocess.Popen, path: pathlib.Path, expected: int, end: float
) -> np.ndarray:
  question: Any = worker.stdin
  try:
    question.write(json.dumps(str(path.resolve())).encode("ascii") + b"\n")
    answer = json.loads(_read(worker, path, end, until_line=True) or b"{}")
    if "bytes" not in answer:
      reason = answer.get("error", "the decoder crashed")
      raise errors.DataError(
        f"{path}: compressed pixel data cannot be decoded ({reason}); export"
        " the image uncompressed"
      )
    content = _read(worker, path, end, size=int(answer["bytes"]))
    array = np.frombuffer(content, np.dtype(answer["dtype"]))
  except (OSError, ValueError) as e:
    raise errors.DataError(
      f"{path}: compressed pixel data cannot be decoded ({type(e).__name__});"
      " export the image uncompressed"
    ) from e
  if array.size != expected:
    raise errors.DataError(
      f"{path}: decodes to {array.size} values, not to {expected}; re-export it"
    )
  return array


def _read(
  worker: subprocess.Popen,
  path: pathlib.Path,
  end: float,
  *,
  size: int = 0,
  until_line: bool = False,
) -> bytes:
  """Reads a line or a number of bytes, until a given time at the latest."""
  stream: Any = worker.stdout
  content = bytearray()
  while not content.endswith(b"\n") if until_line else len(content) < size:
    left = end - time.monotonic()
    if left <= 0 or not select.select([stream], [], [], left)[0]:
      raise errors.LimitError(
        f"{path}: decoding takes too many seconds, as the image is damaged or"
        " the machine is busy; try again, or export the image uncompressed"
      )
    # Byte by byte to the end of the line: what follows is read as values.
    some = stream.read(1 if until_line else size - len(content))
    if not some:
      break  # The process is gone.
    content += some
  return bytes(content)
