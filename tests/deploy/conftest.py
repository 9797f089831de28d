"""Networks that compile quickly."""

from tests.quick_networks import networks  # noqa: F401 (A fixture.)
