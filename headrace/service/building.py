"""One BentoML service for every pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bentoml

from headrace.service.bodies import answer_body, outcomes, request_body
from headrace.service.contents import read_contents
from headrace.service.media import JsonOnly
from headrace.service.refusing import log_refusals_in_a_line

if TYPE_CHECKING:
    from pathlib import Path


def make_service(folder: Path) -> Any:
    """Return the BentoML service of a package.

    Args:
        folder: The package's folder.

    Raises:
        IntegrityError: A file of the package is missing, or is not the one that was written.
    """
    contents = read_contents(folder)
    request, answer, labels = request_body(contents), answer_body(contents), outcomes(contents)
    log_refusals_in_a_line()

    class Pipeline:
        def __init__(self) -> None:
            # Only a worker loads the model: BentoML's main process and a build need its declaration alone.
            from headrace.service.predictor import Predictor

            self.predictor = Predictor(folder, contents)

        @bentoml.api(route="/predict", input_spec=request, output_spec=answer)  # type: ignore[untyped-decorator]
        def predict(self, instance: dict[str, Any]) -> Any:
            """Predict the label of one row."""
            probability = float(self.predictor.predict([instance])[0])
            return answer(
                prediction=labels[probability >= self.predictor.threshold],
                probability=probability,
                threshold=self.predictor.threshold,
                model=contents.lineage.candidate,
                model_version=contents.version,
            )

    Pipeline.__doc__ = description = f"{contents.pipeline}: predicts {contents.target.column} of a row."
    service = bentoml.service(name=contents.pipeline, description=description)(Pipeline)
    service.add_asgi_middleware(JsonOnly)
    return service
