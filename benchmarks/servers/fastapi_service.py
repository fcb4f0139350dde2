"""The service that most people write: a field for each feature, a NumPy row, `predict` and `predict_proba`.

MODEL_FILE=model.txt uvicorn --app-dir benchmarks/servers fastapi_service:app --workers 2
"""

import os

import lightgbm as lgb
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, create_model


def load_classifier(path: str) -> lgb.LGBMClassifier:
    """Return the classifier that `joblib.load` would have given.

    One thread: with LightGBM's default each of two workers on two cores starts threads for every row, and is slower.
    """
    booster = lgb.Booster(model_file=path)
    model = lgb.LGBMClassifier(objective="binary", n_jobs=1, n_estimators=1, verbose=-1)
    model.fit(np.zeros((2, booster.num_feature())), [0, 1])
    model._Booster = booster  # noqa: SLF001  the one way to make it from a model file
    return model


model = load_classifier(os.environ["MODEL_FILE"])
names = model.booster_.feature_name()
Request: type[BaseModel] = create_model("Request", **dict.fromkeys(names, (float | None, None)))


class Response(BaseModel):
    """What is answered."""

    prediction: int
    probability: float


app = FastAPI()


@app.get("/ready")
def ready() -> bool:
    """Say that the model is loaded."""
    return True


@app.post("/predict")
def predict(request: Request) -> Response:
    """Predict the label of one row."""
    row = np.array([[getattr(request, name) for name in names]], dtype=float)
    prediction = model.predict(row)[0]
    probability = model.predict_proba(row)[0, 1]
    return Response(prediction=int(prediction), probability=float(probability))
