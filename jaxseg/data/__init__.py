"""From patients to batches: preparation, store, split, sampling."""

from jaxseg.data._batches import around
from jaxseg.data._batches import batches
from jaxseg.data._batches import draw
from jaxseg.data._batches import known_slices
from jaxseg.data._batches import negatives_drawn
from jaxseg.data._batches import neighbours
from jaxseg.data._batches import Samples
from jaxseg.data._batches import select
from jaxseg.data._fit import fit
from jaxseg.data._fit import SPACING_MM
from jaxseg.data._folds import finished
from jaxseg.data._folds import fold_folders
from jaxseg.data._folds import make_folds
from jaxseg.data._placement import BEYOND
from jaxseg.data._placement import place
from jaxseg.data._placement import Placement
from jaxseg.data._placement import prepare_image
from jaxseg.data._placement import PrepareConfig
from jaxseg.data._run import check_new
from jaxseg.data._run import prepare_run
from jaxseg.data._run import Run
from jaxseg.data._scopes import SCOPES
from jaxseg.data._scopes import scopes
from jaxseg.data._split import make_split
from jaxseg.data._split import Split
from jaxseg.data._stack import Stack
from jaxseg.data._store import Patient
from jaxseg.data._store import Store
from jaxseg.data._write_store import write_store

__all__ = [
  "BEYOND",
  "SCOPES",
  "SPACING_MM",
  "Patient",
  "Placement",
  "PrepareConfig",
  "Run",
  "Samples",
  "Split",
  "Stack",
  "Store",
  "around",
  "batches",
  "check_new",
  "draw",
  "finished",
  "fit",
  "fold_folders",
  "known_slices",
  "make_folds",
  "make_split",
  "negatives_drawn",
  "neighbours",
  "place",
  "prepare_image",
  "prepare_run",
  "scopes",
  "select",
  "write_store",
]
