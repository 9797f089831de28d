"""Decodes compressed files in a process of its own; see `_isolated`.

It reads paths from standard input, one a line as JSON, and answers each with
one line of JSON, {"bytes": n, "dtype": "<u2"} or {"error": "..."}, and n bytes.
It is started by its path, not as a module of `jaxseg`, which would have to be
imported again after every crash.
"""

import contextlib
import json
import sys
import warnings

import numpy as np
import pydicom
from pydicom import pixels

_MEMORY = 8 * 2**30


def main() -> None:
  """Answers until its input ends."""
  with contextlib.suppress(ImportError, ValueError, OSError):
    import resource  # Where it is missing, there is no limit.

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
  warnings.simplefilter("ignore")
  for line in sys.stdin.buffer:
    try:
      dataset = pydicom.dcmread(json.loads(line), force=True)
      decoder = pixels.get_decoder(dataset.file_meta.TransferSyntaxUID)
      array, _ = decoder.as_array(dataset, raw=True)
      array = np.ascontiguousarray(array)
      answer = {"bytes": array.nbytes, "dtype": array.dtype.str}
      content = array.tobytes()
    except Exception as e:  # Whatever a decoder makes of broken data.
      answer, content = {"error": type(e).__name__}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii") + b"\n")
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
  main()
