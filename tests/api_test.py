"""The public functions read alike: names, options, docstrings, examples."""

import doctest
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

from jaxseg import losses
from jaxseg import metrics
from jaxseg import thresholds

PACKAGES = (losses, metrics, thresholds)
PUBLIC = {
  f"{package.__name__}.{name}": getattr(package, name)
  for package in PACKAGES
  for name in package.__all__
}
FUNCTIONS = {n: f for n, f in PUBLIC.items() if inspect.isfunction(f)}
CLASSES = {n: c for n, c in PUBLIC.items() if inspect.isclass(c)}
MODULES = sorted(
  f"{package.__name__}.{module.name}"
  for package in PACKAGES
  for module in pkgutil.iter_modules(package.__path__)
)

# What may be given without its name though it has a default; promised so.
POSITIONAL = {
  "jaxseg.losses.signed_distance": {"spacing"},
  "jaxseg.thresholds.bootstrap": {"statistic"},
  "jaxseg.thresholds.fine_grid": {"n"},
  "jaxseg.thresholds.grid": {"n"},
}
# What is of several masks at once, or has a value where a mask is empty.
WITHOUT_EMPTY = {
  "jaxseg.metrics.distance_transform",  # Of one mask: inf if it is empty.
  "jaxseg.metrics.volume_difference",  # An empty mask has 0 mL.
  "jaxseg.metrics.expected_calibration_error",  # Of maps: any mask will do.
  "jaxseg.metrics.maximum_calibration_error",
  "jaxseg.metrics.brier_score",
  "jaxseg.metrics.negative_log_likelihood",
}
# Names of arguments that are arrays: their line tells a shape.
ARRAYS = {
  "distances", "labels", "logits", "mask", "prediction", "probabilities",
  "reference", "thresholds", "values", "where",
}  # fmt: skip
SHAPE = re.compile(
  r"`\[|any shape|same shape|`?logits`?' shape|broadcast|2D or 3D|shape of"
)
UNIT = re.compile(r"\bmm\b|mm\^3|mL")


def sections(function):
  """Docstring by section; "" is what comes before the first."""
  text = inspect.getdoc(function) or ""
  parts = re.split(r"^(\w+):$", text, flags=re.MULTILINE)
  return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def arguments(section):
  """Name -> description of the entries of a section."""
  return {
    m[1]: " ".join(m[2].split())
    for m in re.finditer(
      r"^  (\w+): (.*(?:\n    .*)*)", section, flags=re.MULTILINE
    )
  }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_named(name):
  for parameter in inspect.signature(FUNCTIONS[name]).parameters.values():
    if parameter.default is not parameter.empty:
      named = parameter.kind is parameter.KEYWORD_ONLY
      allowed = parameter.name in POSITIONAL.get(name, ())
      assert named != allowed, parameter.name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_says_what_a_caller_needs(name):
  function = FUNCTIONS[name]
  parts = sections(function)
  first, _, rest = parts[""].partition("\n")
  assert first.endswith("."), "the first line is a sentence"
  assert not rest or rest.startswith("\n"), "the first line stands alone"
  parameters = inspect.signature(function).parameters
  said = arguments(parts.get("Args", ""))
  assert list(said) == list(parameters), "Args in the signature's order"
  if inspect.signature(function).return_annotation is not None:
    assert "Returns" in parts or not parameters
  for argument in said.keys() & ARRAYS:
    assert SHAPE.search(said[argument]), f"{argument} has no shape"
  if "spacing" in said:
    assert UNIT.search(said["spacing"])
  source = inspect.getsource(function)
  if re.search(r"^\s+raise ", source, flags=re.MULTILINE):
    assert "Raises" in parts


@pytest.mark.parametrize("name", FUNCTIONS)
def test_there_is_an_example(name):
  assert doctest.DocTestParser().get_examples(inspect.getdoc(FUNCTIONS[name]))


@pytest.mark.parametrize("name", CLASSES)
def test_classes_tell_their_attributes(name):
  parts = sections(CLASSES[name])
  assert parts[""].partition("\n")[0].endswith(".")
  fields = getattr(CLASSES[name], "__dataclass_fields__", {})
  said = arguments(parts.get("Attributes", ""))
  assert set(fields) <= set(said)


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module):
  found = doctest.testmod(importlib.import_module(module))
  assert not found.failed


@pytest.mark.parametrize("name", losses.names())
def test_every_loss_takes_where(name):
  parameters = inspect.signature(losses.get(name)).parameters
  assert list(parameters)[:2] == ["logits", "labels"]
  where = parameters["where"]
  assert where.default is None
  assert where.kind is where.KEYWORD_ONLY


OF_TWO_MASKS = {
  name: function
  for name, function in FUNCTIONS.items()
  if name.startswith("jaxseg.metrics.")
  and name not in WITHOUT_EMPTY
  and "reference" in inspect.signature(function).parameters
}


def test_every_metric_is_of_two_masks_or_says_why_not():
  rest = {
    name
    for name in FUNCTIONS
    if name.startswith("jaxseg.metrics.") and name not in OF_TWO_MASKS
  }
  assert rest == WITHOUT_EMPTY | {"jaxseg.metrics.aggregate"}


@pytest.mark.parametrize("name", OF_TWO_MASKS)
def test_every_metric_obeys_the_policy(name):
  function = OF_TWO_MASKS[name]
  parameters = inspect.signature(function).parameters
  assert parameters["empty"].default == "nan"
  some, none = np.zeros((2, 3, 4, 5), np.bool_)
  some[1, 1:3, 2:4] = True
  more = {"spacing": (3.0, 1.0, 1.0), "tolerance": 1.0}
  more["thresholds"] = np.array([0.5], np.float32)
  given = {
    key: value
    for key, value in more.items()
    if key in parameters and parameters[key].default is inspect.Parameter.empty
  }

  def value(prediction, reference, empty):
    first = "prediction"
    if "probabilities" in parameters:
      first, prediction = "probabilities", prediction.astype(np.float32)
    found = function(
      **{first: prediction}, reference=reference, empty=empty, **given
    )
    if isinstance(found, dict):
      found = found["assd"]
    return float(np.asarray(found).item())

  best = value(some, some, "nan")
  if name.endswith("specificity"):
    # Undefined where nothing could be left out, and so for full references.
    assert np.isnan(value(some, none | True, "nan"))
    assert value(some, none | True, "perfect") == best
    assert np.isnan(value(some, none, "skip"))
    return
  assert np.isnan(value(none, none, "nan"))
  assert value(none, none, "perfect") == best
  assert np.isnan(value(none, none, "skip"))
  assert np.isnan(value(some, none, "skip"))
  for prediction, reference in ((none, some), (some, none)):
    worse = value(prediction, reference, "nan")
    assert worse != best
    assert not np.isnan(worse)
    assert value(prediction, reference, "perfect") == worse
