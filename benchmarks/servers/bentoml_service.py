"""BentoML as its tutorial has it: a pydantic model for the request, NumPy, LightGBM's `predict`.

MODEL_FILE=model.txt bentoml serve bentoml_service:Plain --working-dir benchmarks/servers
"""

import os

import bentoml
import lightgbm as lgb
import numpy as np
from pydantic import BaseModel, create_model

names = lgb.Booster(model_file=os.environ["MODEL_FILE"]).feature_name()
Features: type[BaseModel] = create_model("Features", **dict.fromkeys(names, (float | None, None)))


@bentoml.service(workers=int(os.environ["WORKERS"]))
class Plain:
    """Predicts the probability of one row."""

    def __init__(self) -> None:
        """Load the model."""
        self.model = lgb.Booster(model_file=os.environ["MODEL_FILE"])

    @bentoml.api
    def predict(self, features: Features) -> dict[str, float]:
        """Predict one row."""
        row = np.array([[getattr(features, name) for name in names]], dtype=float)
        return {"probability": float(self.model.predict(row)[0])}
