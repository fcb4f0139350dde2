"""Files that are written whole or not at all."""

from headrace.storage.digests import MEND, check_files, digest
from headrace.storage.parts import DAY_FORMAT, WHOLE, list_parts, part_path
from headrace.storage.reading import read_json
from headrace.storage.writing import link_or_copy, open_private, write_beside, write_json

__all__ = [
    "DAY_FORMAT",
    "MEND",
    "WHOLE",
    "check_files",
    "digest",
    "link_or_copy",
    "list_parts",
    "open_private",
    "part_path",
    "read_json",
    "write_beside",
    "write_json",
]
