"""Several processes that train one model: who they are, what they tell.

Each process runs the same command. Process 0 prepares, decides and writes; the
others are told. What takes long, such as preparing, is waited for by messages
through JAX's coordination service, which no collective's time limit ends; only
states and batches go from device to device.

    _distributed.join("10.0.0.1:1234", processes=2, process=0)
    run = _distributed.first("prepared", prepare)
    _distributed.leave()

Alone, every function here does nothing, or calls what it is given.
"""

from collections.abc import Callable, Sequence
import json
import socket
import time
from typing import Any, TypeVar

import jax
import numpy as np

from jaxseg import _extras
from jaxseg import errors

_Result = TypeVar("_Result")

# A wait is cut into pieces, so that Ctrl-C is heard and others' ends are seen.
_PIECE_MS = 500
# What a process waits for the others at its end, seconds.
_GOODBYE_S = 2
# Texts of the errors that a collective or a message ends with when another
# process is gone: Gloo on CPUs, NCCL on GPUs, the coordination service.
_GONE = (
  "gloo",
  "nccl",
  "connection closed",
  "connection reset",
  "coordination",
  "heartbeat",
  "unavailable:",
  "socket closed",
)
_turn = 0  # Counts what the processes do together, in the same order.


class LostError(Exception):
  """Another process is gone; the same command goes on where it stopped.

  Attributes:
    code: Exit code that the other process ended with; 3 where nobody knows.
  """

  def __init__(self, text: str, code: int = 3):
    super().__init__(text)
    self.code = code


def join(
  coordinator: str | None = None,
  *,
  processes: int | None = None,
  process: int | None = None,
  start_timeout: int = 300,
  lost_timeout: int = 30,
) -> None:
  """Meets the other processes; to be called before JAX computes anything.

  Where JAX cannot meet them it does not raise, but ends this process: see
  `jaxseg.cli`, which has another one that says so.

  Args:
    coordinator: "host:port" of process 0; None where JAX finds all three by
      itself: on TPU pods and under SLURM, Open MPI and Kubernetes.
    processes: How many they are.
    process: Which one this is, from 0.
    start_timeout: Seconds to wait for the others.
    lost_timeout: Seconds without a sign of life after which one is lost.

  Raises:
    ConfigError: JAX finds no cluster, or the port is taken.
  """
  if coordinator is not None and process == 0:
    _check_port(coordinator)
  # It would take SIGTERM for itself.
  jax.config.update("jax_enable_preemption_service", False)
  try:
    jax.distributed.initialize(
      coordinator,
      processes,
      process,
      cluster_detection_method=None if coordinator is None else "deactivate",
      initialization_timeout=start_timeout,
      heartbeat_timeout_seconds=lost_timeout,
      shutdown_timeout_seconds=lost_timeout,
    )
  except (ValueError, RuntimeError, KeyError, OSError) as e:
    first = str(e).splitlines()[0] if str(e) else type(e).__name__
    raise errors.ConfigError(
      f"--distributed=auto: JAX finds no cluster here ({first}); give"
      " --coordinator, --processes and --process"
      if coordinator is None
      else f"--coordinator={coordinator}: {first}; give the host of process 0"
      " and a port that is free there"
    ) from e
  # Gloo gives up if one process comes half a minute later than another to the
  # first exchange, as one that compiles for longer would; later ones wait.
  broadcast(np.zeros(1, np.int32))


def _check_port(coordinator: str) -> None:
  """Refuses a taken port, on which JAX would crash."""
  port = int(coordinator.rpartition(":")[2])
  with socket.socket() as found:
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      found.bind(("", port))
    except OSError as e:
      raise errors.ConfigError(
        f"--coordinator={coordinator}: port {port} of process 0 cannot be used"
        f" ({e.strerror}); end what holds it, or give another port"
      ) from e


def processes() -> int:
  """How many processes there are; 1 alone."""
  return jax.process_count() if _joined() else 1


def process() -> int:
  """Which one this is, from 0."""
  return jax.process_index() if _joined() else 0


def first(what: str, function: Callable[[], _Result]) -> _Result:
  """Calls a function in process 0, and gives its result to all.

  What it raises of ours is raised in all processes.

  Args:
    what: Said if the wait is cut short.
    function: Its result is JSON-able; only process 0 calls it.

  Raises:
    LostError: Process 0 ended while the others waited.
  """
  if processes() == 1:
    return function()
  name = key(what)
  if process() != 0:
    return _result(0, get(name))
  try:
    result = function()
  except errors.JaxsegError as e:
    put(name, _as_message(e))
    raise
  put(name, [None, result])
  return result


def each(what: str, function: Callable[[], _Result]) -> list[_Result]:
  """Calls a function in each process, and gives all results to all.

  What it raises of ours in any process is raised in all.

  Args:
    what: Said if the wait is cut short.
    function: Its result is JSON-able.

  Returns:
    The results in the order of the processes.

  Raises:
    LostError: A process ended while the others waited.
  """
  if processes() == 1:
    return [function()]
  name = key(what)
  try:
    result = function()
  except errors.JaxsegError as e:
    put(f"{name}/{process()}", _as_message(e))
    raise
  put(f"{name}/{process()}", [None, result])
  return [_result(k, get(f"{name}/{k}")) for k in range(processes())]


def key(what: str) -> str:
  """A name for messages; called by all processes in the same order.

  Args:
    what: Said if the wait is cut short.
  """
  global _turn
  _turn += 1
  return f"jaxseg/{_turn}/{what.replace(' ', '_')}"


def put(name: str, content: Any) -> None:
  """Lets all processes have something JSON-able, under a new name."""
  _client().key_value_set(name, json.dumps(content))


def get(name: str) -> Any:
  """Waits for another process's message, as long as that takes.

  Raises:
    LostError: A process ended meanwhile.
  """
  while True:
    try:
      return json.loads(_client().blocking_key_value_get(name, _PIECE_MS))
    except jax.errors.JaxRuntimeError as e:
      if "DEADLINE_EXCEEDED" not in str(e):
        raise
    _raise_if_ended()


def names(folder: str) -> list[str]:
  """Names of the messages that there are by now; `folder` ends in "/"."""
  return [name for name, _ in _client().key_value_dir_get(folder)]


def together(what: str) -> None:
  """Waits until every process is here."""
  each(what, lambda: None)


def own(names: Sequence[_Result]) -> list[_Result]:
  """This process's share of work that each can do alone."""
  return list(names)[process() :: processes()]


def broadcast(tree: Any) -> Any:
  """Process 0's NumPy arrays, in all processes; the others give their like."""
  if processes() == 1:
    return tree
  from jax.experimental import multihost_utils

  # As one array: on CPUs, several collectives of one program may wait for each
  # other for ever.
  leaves, form = jax.tree.flatten(tree)
  packed = np.concatenate(
    [np.frombuffer(x.tobytes(), np.uint8) for x in leaves]
  )
  packed = multihost_utils.broadcast_one_to_all(packed)
  ends = np.cumsum([x.nbytes for x in leaves])
  parts = np.split(np.asarray(packed), ends[:-1])
  found = [
    np.frombuffer(part.tobytes(), x.dtype).reshape(x.shape)
    for part, x in zip(parts, leaves, strict=True)
  ]
  return jax.tree.unflatten(form, found)


def ended(text: str, code: int) -> None:
  """Tells the others why this process ends, and waits for them a little.

  Args:
    text: One line.
    code: Exit code.
  """
  if processes() == 1:
    return
  try:
    put(f"jaxseg/ended/{process()}", [text, code])
    _client().wait_at_barrier("jaxseg/ended", _GOODBYE_S * 1000)
  except jax.errors.JaxRuntimeError:
    return  # Nobody is left to be told.


def leave() -> None:
  """Parts from the others in good order; every process calls it."""
  if processes() > 1:
    together("the end")
    jax.distributed.shutdown()


def lost(error: BaseException) -> LostError | None:
  """What an error means if it is for another process's end, else None."""
  if isinstance(error, LostError):
    return error
  if processes() == 1 or not isinstance(error, (RuntimeError, ValueError)):
    return None
  text = str(error).lower()
  if not any(word in text for word in _GONE):
    return None
  try:
    time.sleep(_PIECE_MS / 1000)  # It may be telling just now.
    _raise_if_ended()
  except LostError as e:
    return e
  except (jax.errors.JaxRuntimeError, ValueError):
    pass  # Process 0 itself is gone.
  return LostError(
    "another process was lost; the same command in all of them goes on from"
    " the last checkpoint"
  )


def orbax_alone() -> Any:
  """Options by which Orbax does not wait for other processes."""
  ocp = _extras.load("orbax.checkpoint", extra="train")  # Slow to import.

  if jax.process_count() == 1:
    return ocp.options.MultiprocessingOptions()
  own = jax.process_index()
  return ocp.options.MultiprocessingOptions(
    primary_host=own,
    active_processes={own},
    barrier_sync_key_prefix=f"process{own}",
  )


def _as_message(error: errors.JaxsegError) -> list[str]:
  return [type(error).__name__, str(error)]


def _result(number: int, message: list[Any]) -> Any:
  """What a process gave; raises what it raised."""
  name, content = message
  if name is None:
    return content
  kind = getattr(errors, name, errors.JaxsegError)
  raise kind(f"process {number} of {processes()}: {content}")


def _raise_if_ended() -> None:
  """Raises LostError if a process told that it ends."""
  for name, content in _client().key_value_dir_get("jaxseg/ended/"):
    text, code = json.loads(content)
    number = name.rpartition("/")[2]
    raise LostError(f"process {number} of {processes()} ended: {text}", code)


def _joined() -> bool:
  return jax.distributed.is_initialized()


def _client() -> Any:
  """JAX's own way for messages between processes, which it does not publish.

  Orbax goes the same way. A collective would do, but waits on some devices
  with a time limit, and compiles.
  """
  from jax._src import distributed

  return distributed.global_state.client
