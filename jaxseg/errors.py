"""The errors that jaxseg raises for bad input.

Every message says three things in one line: the place (a file, a flag, an
index), the fact found there, and what to do about it.
"""


class JaxsegError(Exception):
  """Base of every error that is the input's fault; binaries exit with 2."""


class ConfigError(JaxsegError, ValueError):
  """A setting or flag has a value that cannot work; change the setting."""


class MissingExtraError(ImportError, ConfigError):
  """An optional dependency is not installed; install the extra named."""


class DataError(JaxsegError):
  """A file is missing, unreadable or malformed; repair or replace the file."""


class GeometryError(JaxsegError):
  """Grids, spacings or orientations do not fit; resample or choose another."""


class StructureNotFoundError(JaxsegError):
  """A structure's name is unknown, or no patient has it; use a listed name."""


class ExistingOutputError(JaxsegError):
  """Output of another configuration is in the way; name another folder."""


class InUseError(JaxsegError):
  """Another process is writing the same output; wait for it, or end it."""


class NotDicomError(DataError):
  """A file is not DICOM, or too broken to be parsed; export it again."""


class TruncatedError(DataError):
  """A file ends before what its header promises; copy it again."""


class SeriesGapError(GeometryError):
  """A slice is missing between two others; find it, or keep the gap."""


class LimitError(DataError):
  """A file is over a bound against hostile input; raise the bound named."""
