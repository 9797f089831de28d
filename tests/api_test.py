"""The public API reads alike: names, options, docstrings, examples."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import losses
from tests.conftest import ROOT

# Need JAX, NumPy and SciPy alone.
CORE = ("contours", "losses", "metrics", "structures", "thresholds", "volume")
# Whose public functions and classes are held to all rules of docstrings.
PACKAGES = (*CORE, "cohorts", "dicom", "formats")
# Whose functions work on arrays alone, so that each has an example.
WITH_EXAMPLES = ("losses", "metrics", "thresholds")
# Not held to the rules of docstrings, and why.
NOT_YET = {
  "data": "functions without Returns, arguments without a description",
  "models": "Flax modules: Linen adds fields of its own",
  "report": "draws and writes; most of it is for the study's page alone",
  "study": "rows without Returns, arguments without a description",
  "training": "functions without Returns, arguments without a description",
}
# Fields that say all by their name.
WITHOUT_ATTRIBUTES = {"jaxseg.dicom.Code"}


def public(package):
  """The public names of a package, or of a module without a list of them."""
  module = importlib.import_module(f"jaxseg.{package}")
  if hasattr(module, "__all__"):
    return {name: getattr(module, name) for name in module.__all__}
  return {
    name: value
    for name, value in vars(module).items()
    if not name.startswith("_")
    and getattr(value, "__module__", None) == module.__name__
  }


PUBLIC = {
  f"jaxseg.{package}.{name}": value
  for package in PACKAGES
  for name, value in public(package).items()
}
FUNCTIONS = {n: f for n, f in PUBLIC.items() if inspect.isfunction(f)}
CLASSES = {n: c for n, c in PUBLIC.items() if inspect.isclass(c)}
ON_ARRAYS = [n for n in FUNCTIONS if n.split(".")[1] in WITH_EXAMPLES]
MODULES = sorted(
  module.name
  for package in CORE
  for path in [importlib.import_module(f"jaxseg.{package}")]
  if hasattr(path, "__path__")
  for module in pkgutil.walk_packages(path.__path__, f"jaxseg.{package}.")
)
# Longer than others, for it is the only code of places.
LONG = {"jaxseg/volume.py"}
SOURCES = sorted((ROOT / "jaxseg").rglob("*.py"))

# What may be given without its name though it has a default; promised so.
POSITIONAL = {
  "jaxseg.losses.signed_distance": {"spacing"},
  "jaxseg.thresholds.bootstrap": {"statistic"},
  "jaxseg.thresholds.fine_grid": {"n"},
  "jaxseg.thresholds.grid": {"n"},
}
# Names that mean something else elsewhere, or hide what an argument is.
BANNED = {"rng", "gt", "y_pred", "reduction", "kwargs"}
# Metrics that have a value where a mask is empty, or are not of two masks.
WITHOUT_EMPTY = {
  "jaxseg.metrics.distance_transform",  # Of one mask: inf if it is empty.
  "jaxseg.metrics.volume_difference",  # An empty mask has 0 mL.
  "jaxseg.metrics.expected_calibration_error",  # Of maps: any mask will do.
  "jaxseg.metrics.maximum_calibration_error",
  "jaxseg.metrics.brier_score",
  "jaxseg.metrics.negative_log_likelihood",
}
# Arguments that are arrays: their description tells a shape.
ARRAYS = {
  "distances", "labels", "logits", "mask", "prediction", "probabilities",
  "reference", "thresholds", "values", "where",
}  # fmt: skip
SHAPE = re.compile(
  r"`\[|any shape|same shape|`?logits`?' shape|broadcast|2D or 3D|shape of"
)
UNIT = re.compile(r"\bmm\b|mm\^3|mL")
SECTIONS = ("Args", "Returns", "Yields", "Raises", "References")


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


@pytest.mark.parametrize("package", [*PACKAGES, *NOT_YET])
def test_public_names_are_listed(package):
  module = importlib.import_module(f"jaxseg.{package}")
  if hasattr(module, "__path__"):
    assert len(set(module.__all__)) == len(module.__all__)
  if package in PACKAGES and hasattr(module, "__all__"):
    # Constants, classes, functions, as the linter sorts them.
    kinds = [
      (not name.isupper(), not name[:1].isupper(), name)
      for name in module.__all__
    ]
    assert kinds == sorted(kinds)
  assert not any(inspect.ismodule(v) for v in public(package).values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_named(name):
  for parameter in inspect.signature(FUNCTIONS[name]).parameters.values():
    assert parameter.name not in BANNED
    if parameter.default is not parameter.empty:
      named = parameter.kind is parameter.KEYWORD_ONLY
      allowed = parameter.name in POSITIONAL.get(name, ())
      assert named != allowed, parameter.name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_types_are_declared(name):
  signature = inspect.signature(FUNCTIONS[name])
  assert signature.return_annotation is not signature.empty
  for parameter in signature.parameters.values():
    assert parameter.annotation is not parameter.empty, parameter.name


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
  order = [part for part in parts if part in SECTIONS]
  assert order == sorted(order, key=SECTIONS.index)
  if inspect.signature(function).return_annotation is not None:
    assert "Returns" in parts or not parameters
  if name in ON_ARRAYS:
    for argument in said.keys() & ARRAYS:
      assert SHAPE.search(said[argument]), f"{argument} has no shape"
    if "spacing" in said:
      assert UNIT.search(said["spacing"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_names_its_errors(name):
  parts = sections(FUNCTIONS[name])
  source = inspect.getsource(FUNCTIONS[name])
  if re.search(r"^\s+raise ", source, flags=re.MULTILINE):
    assert "Raises" in parts
  builtins = {"TypeError", "ValueError", "OverflowError", "OSError"}
  for error in arguments(parts.get("Raises", "")):
    assert error in builtins or hasattr(errors, error), error


@pytest.mark.parametrize("name", ON_ARRAYS)
def test_there_is_an_example(name):
  assert doctest.DocTestParser().get_examples(inspect.getdoc(FUNCTIONS[name]))


@pytest.mark.parametrize("name", CLASSES)
def test_classes_tell_their_attributes(name):
  parts = sections(CLASSES[name])
  assert parts[""].partition("\n")[0].endswith(".")
  fields = getattr(CLASSES[name], "__dataclass_fields__", {})
  said = arguments(parts.get("Attributes", ""))
  assert set(fields) <= set(said) or name in WITHOUT_ATTRIBUTES


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module):
  found = doctest.testmod(importlib.import_module(module))
  assert not found.failed


@pytest.mark.parametrize("package", CORE)
def test_the_core_needs_jax_numpy_and_scipy_alone(package):
  allowed = {"jax", "numpy", "scipy", "jaxseg", *sys.stdlib_module_names}
  for path in SOURCES:
    part = path.relative_to(ROOT / "jaxseg").parts[0]
    if part.removesuffix(".py") != package:
      continue
    # What a function imports when called may be missing till then.
    for node in ast.parse(path.read_text("utf-8")).body:
      names = []
      if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
      elif isinstance(node, ast.ImportFrom):
        names = [str(node.module)]
      assert {name.partition(".")[0] for name in names} <= allowed, path


def test_modules_are_short_and_errors_are_raised():
  wrong = []
  for path in SOURCES:
    text, name = path.read_text("utf-8"), str(path.relative_to(ROOT))
    if len(text.splitlines()) > 400 and name not in LONG:
      wrong.append(f"{name} has more than 400 lines")
    for node in ast.walk(ast.parse(text)):
      if isinstance(node, ast.Assert):  # Gone under `python -O`.
        wrong.append(f"{name}:{node.lineno} asserts; raise an error")
      if isinstance(node, ast.ExceptHandler) and node.type is None:
        wrong.append(f"{name}:{node.lineno} catches everything; name an error")
  assert not wrong


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
  more = {"spacing": (3.0, 1.0, 1.0), "tolerance": 1.0, "width": 1.0}
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


@pytest.mark.slow
def test_programs_of_users_pass_a_type_checker(tmp_path):
  pytest.importorskip("mypy")
  program = tmp_path / "program.py"
  program.write_text(
    """
from typing import assert_type
import jax
import jax.numpy as jnp
import numpy as np
from jaxseg import metrics
from jaxseg import thresholds

p = np.random.default_rng(0).random((4, 5, 6))
y = p > 0.5
q = jnp.asarray(p)
device = thresholds.count(p, y, thresholds.grid(101))
assert_type(device, thresholds.Counts[jax.Array])
assert_type(thresholds.curve(device), jax.Array)
host = thresholds.count_case(q, y, thresholds.fine_grid())
assert_type(host, thresholds.Counts[np.ndarray])
assert_type(thresholds.curve(host), np.ndarray)
best: float = thresholds.optimum(device + host).threshold
assert_type(thresholds.binarize(q, best), jax.Array)
index: int = host.index(0.5)
thresholds.bootstrap(thresholds.Counts.stack([host] * 2), thresholds.optimum)
metrics.dice(thresholds.binarize(p, best), y, axis=(0, 1))
metrics.hausdorff(y, y, np.array([3.0, 1.0, 1.0]), percentile=95)
"""
  )
  found = subprocess.run(
    [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent",
     "--cache-dir", str(tmp_path), str(program)],
    cwd=ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert found.returncode == 0, found.stdout + found.stderr
