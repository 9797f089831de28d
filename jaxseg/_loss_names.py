"""The losses' names, where those who only list them need not wait for JAX."""

# By name, the function of `jaxseg.losses`. What stands here is registered:
# `losses.get` finds it, commands offer it, and all common tests are of it.
LOSSES = {
  "bce": "binary_cross_entropy",
  "bce_dice": "bce_dice",
  "binary_cross_entropy": "binary_cross_entropy",
  "combo": "combo",
  "dice": "dice",
  "focal": "focal",
  "focal_tversky": "focal_tversky",
  "generalized_dice": "generalized_dice",
  "jaccard": "jaccard",
  "log_cosh_dice": "log_cosh_dice",
  "lovasz": "lovasz",
  "lovasz_hinge": "lovasz_hinge",
  "softmax_cross_entropy": "softmax_cross_entropy",
  "softmax_focal": "softmax_focal",
  "tversky": "tversky",
}
# Of classes that exclude each other, for which a network has a channel each.
OF_CLASSES = ("softmax_cross_entropy", "softmax_focal")
