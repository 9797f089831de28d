"""Binaries that repeat each analysis; all of them take --help."""
