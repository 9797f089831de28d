"""Flags that share work out: among processes, a cluster, a job array."""

from jaxseg.cli import _flags


def define(flags: _flags.Flags) -> None:
  """Defines --workers, a process for each core."""
  flags.integer(
    "workers", None, "N", "Number of processes.", default="the number of cores"
  )


def define_scheduler(flags: _flags.Flags) -> None:
  """Defines --scheduler."""
  flags.string(
    "scheduler",
    None,
    "ADDRESS",
    "A dask.distributed scheduler to use instead.",
    default="none",
  )


def define_shard(flags: _flags.Flags, of: str, then: str = "") -> None:
  """Defines --shard.

  Args:
    flags: Of a command.
    of: What is shared out, such as "scans".
    then: What becomes of a part, for the help.
  """
  flags.string(
    "shard",
    None,
    "I/N",
    f"Part I of N of the {of}, for job arrays{then}.",
    default=f"all {of}",
  )
