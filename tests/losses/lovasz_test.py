"""Lovasz losses against their definition."""

import numpy as np
import pytest

from jaxseg import losses
from tests.quick import jit


@jit
def both(logits, labels):
  """The hinge, and the loss of probabilities."""
  return (
    losses.lovasz_hinge(logits, labels),
    losses.lovasz(logits, labels, activation="sigmoid"),
  )


def extension(errors, labels):
  """The Lovasz extension pixel by pixel: sorted errors times Jaccard steps."""
  order = np.argsort(-errors, kind="stable")
  found, before = 0.0, 0.0
  for k in range(len(order)):
    wrong = np.zeros(len(order), np.bool_)
    wrong[order[: k + 1]] = True
    inside = labels > 0
    union = (inside | wrong).sum()
    loss = 1 - (inside & ~wrong).sum() / union
    found += errors[order[k]] * (loss - before)
    before = loss
  return found


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_both_are_the_extension_of_their_errors(share):
  generator = np.random.default_rng(2)
  z = generator.normal(size=(2, 3, 4, 1)).astype(np.float32)
  t = (generator.random(z.shape) < share).astype(np.float32)
  hinge = np.maximum(0, 1 - z * (2 * t - 1))
  distance = np.abs(t - 1 / (1 + np.exp(-z)))
  for errors, found in zip((hinge, distance), both(z, t), strict=True):
    expected = [
      extension(e.ravel(), y.ravel()) for e, y in zip(errors, t, strict=True)
    ]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)


def test_of_an_empty_reference_the_hinge_is_the_largest_error():
  z = np.zeros((2, 3, 4, 1), np.float32)
  z[0, 1, 2], z[0, 2, 0], z[1, 0, 3] = 2.0, 0.5, -4.0
  assert both(z, np.zeros_like(z))[0].tolist() == [[3.0], [1.0]]
