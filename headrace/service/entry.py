"""What `bentoml serve` and `bentoml build` import: the service of one pipeline."""

from headrace.service.choosing import chosen_service

Service = chosen_service()
