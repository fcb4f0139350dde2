"""From rows to the declarations of a pipeline: every guess is written beside the line that it made."""

from headrace.drafting.draft import Asked, Draft, draft
from headrace.drafting.laying import Laid, lay
from headrace.drafting.opening import open_source
from headrace.drafting.parameters import refuse_taken
from headrace.drafting.saying import describe

__all__ = ["Asked", "Draft", "Laid", "describe", "draft", "lay", "open_source", "refuse_taken"]
