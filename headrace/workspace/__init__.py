"""The files of a project as they stand: what `params.yaml` and `dvc.yaml` name, and where in a file a key is."""

from headrace.workspace.lines import line_of, line_of_item, syntax_problem
from headrace.workspace.memory import digest_of, is_lasting, keep, recall
from headrace.workspace.params import PARAMS, candidates_of, declared_files, pipelines, read_params
from headrace.workspace.stages import Stage, read_stages, stages_of

__all__ = [
    "PARAMS",
    "Stage",
    "candidates_of",
    "declared_files",
    "digest_of",
    "is_lasting",
    "keep",
    "line_of",
    "line_of_item",
    "pipelines",
    "read_params",
    "read_stages",
    "recall",
    "stages_of",
    "syntax_problem",
]
