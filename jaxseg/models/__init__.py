"""Networks (Flax Linen), from images to one logit per pixel and structure."""
# ruff: noqa: E402 (What is missing is told before anything needs it.)

from jaxseg import _extras

_extras.load("flax", extra="train")

from jaxseg.models._bice2020 import Bice2020UNet
from jaxseg.models._fast import compiler_options
from jaxseg.models._fast import init_options
from jaxseg.models._forward import Forward
from jaxseg.models._forward import window
from jaxseg.models._layers import batch_over
from jaxseg.models._networks import create
from jaxseg.models._networks import parameter_count
from jaxseg.models._networks import settings
from jaxseg.models._unet import COARSE
from jaxseg.models._unet import coarse_logits
from jaxseg.models._unet import UNet
from jaxseg.models._views import check_views
from jaxseg.models._views import mean_of_views

__all__ = [
  "COARSE",
  "Bice2020UNet",
  "Forward",
  "UNet",
  "batch_over",
  "check_views",
  "coarse_logits",
  "compiler_options",
  "create",
  "init_options",
  "mean_of_views",
  "parameter_count",
  "settings",
  "window",
]
