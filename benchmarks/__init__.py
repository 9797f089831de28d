"""Measurements beside named peers, in one run on one machine."""
