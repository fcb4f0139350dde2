"""What a pipeline is made of: its composed config, with the place where each value was written, and its stages."""

from headrace.explaining.graph import in_order, needed
from headrace.explaining.picture import to_svg
from headrace.explaining.values import Written, written

__all__ = ["Written", "in_order", "needed", "to_svg", "written"]
