"""The organ vocabulary: names, TG-263 names, aliases, sides and colours.

A structure has one canonical name everywhere in jaxseg ("parotid_left"). Other
people's names are translated by one table and one strict rule, `match`;
nothing is guessed, because "Cord" taken for "Chiasm" is a wrong dose.

References:
  AAPM Task Group 263, Standardizing nomenclatures in radiation oncology, 2018.
"""

from jaxseg.structures._match import Match
from jaxseg.structures._match import match
from jaxseg.structures._match import read_aliases
from jaxseg.structures._match import resolve
from jaxseg.structures._match import same_structure
from jaxseg.structures._match import SUGGESTION
from jaxseg.structures._vocabulary import get
from jaxseg.structures._vocabulary import names
from jaxseg.structures._vocabulary import SETS
from jaxseg.structures._vocabulary import similar
from jaxseg.structures._vocabulary import Structure

__all__ = [
  "SETS",
  "SUGGESTION",
  "Match",
  "Structure",
  "get",
  "match",
  "names",
  "read_aliases",
  "resolve",
  "same_structure",
  "similar",
]
