"""Focal losses: of exclusive classes by their formula, and its limits."""

import jax
import numpy as np

from jaxseg import losses
from tests.losses.registered import batch
from tests.quick import jit

LOGITS, LABELS = (np.array(v) for v in batch())
NUMBERS = np.argmax(LABELS, -1)


def test_softmax_focal_by_its_formula():
  p = np.exp(LOGITS.astype(np.float64))
  p /= p.sum(-1, keepdims=True)
  true = np.take_along_axis(p, NUMBERS[..., None], -1)[..., 0]
  weights = np.array([1.0, 0.5, 3.0])
  for gamma in (0.0, 0.5, 2.0):
    found = losses.softmax_focal(
      LOGITS, NUMBERS, gamma=gamma, class_weights=weights
    )
    expected = -weights[NUMBERS] * (1 - true) ** gamma * np.log(true)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_softmax_focal_of_two_classes_is_focal():
  labels = LABELS[..., :1]
  pairs = np.concatenate([np.zeros_like(labels), LOGITS[..., :1]], -1)
  np.testing.assert_allclose(
    losses.softmax_focal(pairs, labels[..., 0].astype(np.int32)),
    losses.focal(LOGITS[..., :1], labels)[..., 0],
    rtol=1e-5,
  )


def test_softmax_focal_of_soft_labels():
  t = np.array([0.2, 0.3, 0.5], np.float32)
  both = jit(
    jax.value_and_grad(lambda z, gamma: losses.softmax_focal(z, t, gamma=gamma))
  )
  for gamma in (0.0, 0.5, 2.0):
    _, slope = both(np.log(t), gamma)
    np.testing.assert_allclose(slope, 0, atol=1e-3)
    z = np.log(np.array([0.6, 0.2, 0.2], np.float32))
    p = np.exp(z)
    expected = -(abs(t - p) ** gamma * t * np.log(p)).sum()
    np.testing.assert_allclose(both(z, gamma)[0], expected, rtol=1e-5)
