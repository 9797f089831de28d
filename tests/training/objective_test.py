"""Objectives beyond the study's three."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import _loss_names
from jaxseg import errors
from jaxseg import losses
from jaxseg import model
from jaxseg import study
from jaxseg import training
from jaxseg.training import _compiled
from jaxseg.training import _objective
from tests import quick
from tests import tiny

# Depth is not the point, and each loss compiles a step of its own.
NETWORK = {**tiny.NETWORK, "blocks": 1}
DICE = tuple(f"dice_{form}" for form in ("batch", "present", "smooth"))
MINE = "tests.training.objective_test:squared_error"


def squared_error(logits, labels):
  return jnp.square(jax.nn.sigmoid(logits) - labels)


calls = []


def counted(logits, labels):
  calls.append(1)
  return squared_error(logits, labels)


def whole_numbers(logits, labels):
  return (logits > 0).astype(jnp.int32) - labels.astype(jnp.int32)


def constant(logits, labels):
  return jnp.zeros_like(logits) + jnp.mean(labels)


def endless(logits, labels):
  return jnp.log(jnp.zeros_like(logits)) * logits * labels


def looks(logits, labels):
  return logits * labels if labels.sum() > 0 else logits


def two_classes(logits, labels):
  return logits[..., 1] - labels[..., 1].shape[7]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("run") / "run")


@pytest.mark.parametrize(
  "objective",
  [
    MINE,
    *(pytest.param(x, marks=pytest.mark.slow) for x in ("tversky", "focal")),
  ],
)
def test_they_train_and_repeat_to_the_bit(run, objective, tmp_path):
  config = tiny.config(objective=objective, epochs=4, network=NETWORK)
  histories = []
  for place in ("a", "b"):
    (done,) = tiny.train(run, config, folder=tmp_path / place)
    folder = objective.replace(":", ".")
    assert done.folder == tmp_path / place / "models" / "brain" / folder / "0"
    table = np.genfromtxt(
      done.folder / "metrics.csv", delimiter=",", names=True
    )
    histories.append(table["loss"])
  np.testing.assert_array_equal(*histories)
  assert histories[0][-1] < histories[0][0]


@quick.jit
def slopes_without_the_structure(logits, labels):
  """Name -> steepest slope on the second slice."""

  def slope(name):
    loss = training.loss_of(name)
    gradient = jax.grad(lambda z: jnp.mean(loss(z, labels)))(logits)
    return jnp.abs(gradient[1]).max()

  return {name: slope(name) for name in ("dice", *DICE)}


def test_other_forms_of_dice_learn_on_slices_without_the_structure():
  labels = np.zeros((2, 20, 40, 1), np.float32)
  labels[0, 4:9, 5:12] = 1
  logits = np.where(labels > 0, 4.0, -4.0).astype(np.float32)
  logits[1, :, :20] = 2.0  # 400 false positives, without the structure.
  slopes = slopes_without_the_structure(logits, labels)
  for name in DICE:
    assert slopes[name] > 20 * slopes["dice"], name


def one_slice():
  """Logits and labels of a slice with the structure."""
  labels = np.zeros((1, 16, 16, 1), np.float32)
  labels[0, 4:9, 5:12] = 1
  logits = np.linspace(-2, 2, labels.size, dtype=np.float32)
  return logits.reshape(labels.shape), labels


@quick.jit
def of_one_slice(logits, labels):
  """Forms of Dice: name -> (their loss, by the step's weight, the paper's)."""
  found = {}
  for name in training.FORMED:
    form, weight = _objective.form_of(name)
    smooth = 100.0 if form == "smooth" else 1.0
    found[name] = (
      training.loss_of(name)(logits, labels),
      _objective.formed(form)(logits, labels, weight=weight),
      losses.bce_dice(logits, labels, weight=weight, smooth=smooth)[0, 0],
    )
  return found


def test_other_forms_of_dice_are_the_papers_where_every_slice_has_it():
  found = of_one_slice(*one_slice())
  assert {*DICE} < {*found}
  for name, (loss, _, paper) in found.items():
    np.testing.assert_allclose(np.mean(loss), paper, rtol=1e-6, err_msg=name)


def test_mixes_of_a_form_share_a_compiled_step():
  steps = {
    name: _compiled.functions(tiny.config(objective=name)).step
    for name in (*training.OBJECTIVES, *training.FORMED, "tversky")
  }
  assert steps["bce"] is steps["dice"] is steps["bce_dice"]
  for form in ("batch", "present", "smooth"):
    assert steps[f"dice_{form}"] is steps[f"bce_dice_{form}"]
  assert len({id(step) for step in steps.values()}) == 5
  # And each is its own loss, by the weight.
  for name, (loss, weighted, _) in of_one_slice(*one_slice()).items():
    np.testing.assert_allclose(loss, weighted, rtol=1e-6, err_msg=name)
  assert _objective.form_of("tversky") is None


@pytest.mark.slow
def test_they_differ_from_each_other(run, tmp_path):
  configs = [
    tiny.config(objective=o, epochs=1, network=NETWORK)
    for o in (MINE, "lovasz")
  ]
  done = tiny.train(run, *configs, folder=tmp_path)
  assert done[0].dice_best != done[1].dice_best


def test_the_study_goes_on_with_them(run, monkeypatch):
  (done,) = tiny.train(
    run, tiny.config(objective=MINE, epochs=1, network=NETWORK)
  )
  (swept,) = study.sweep_run(run, folders=[done.folder])
  assert swept.facts["objective"] == MINE
  assert run.counts(done.folder).is_file()
  # To use a model nothing of its training is imported.
  monkeypatch.setattr(losses, "get", None)
  assert model.load_model(done.folder).facts["objective"] == MINE


def test_every_loss_of_the_registry_can_be_asked_for():
  for name in losses.names():
    if name in _loss_names.OF_CLASSES:
      with pytest.raises(errors.ConfigError, match="have one class.*focal"):
        training.check_objective(name)
    else:
      training.check_objective(name)


@pytest.mark.parametrize(
  ("objective", "text"),
  [
    ("fokal", "loss 'fokal' is unknown"),
    ("boundary", "is of distances, not of labels"),
    ("jaxseg.losses:boundary", "needs a region loss beside it"),
    ("no.such:loss", "cannot be imported"),
    ("tests.training.objective_test:whole_numbers", "fails on .*int32"),
    ("tests.training.objective_test:two_classes", "fails on logits and labels"),
    ("tests.training.objective_test:looks", "Attempted boolean conversion"),
    ("tests.training.objective_test:constant", "does not depend on logits"),
    ("tests.training.objective_test:endless", "gradient that is not finite"),
  ],
)
def test_what_cannot_be_learnt_by_is_refused(objective, text):
  with pytest.raises(errors.ConfigError, match=text) as caught:
    training.check_objective(objective)
  assert "\n" not in str(caught.value)


def test_a_loss_that_passed_is_not_called_again():
  calls.clear()
  for _ in range(2):
    training.check_objective("tests.training.objective_test:counted")
  assert len(calls) == 1


def test_names_for_folders():
  assert training.objective_folder("my.losses:edge") == "my.losses.edge"
  assert training.objective_folder("dice") == "dice"
