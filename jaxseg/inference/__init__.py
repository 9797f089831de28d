"""From a trained model to probability maps."""

from jaxseg.inference._predict import Predictor

__all__ = ["Predictor"]
