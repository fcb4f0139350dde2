"""The service of a pipeline, made from what was packaged. It imports nothing that a Bento does not carry."""

from headrace.service.contents import CONTENTS, Contents, Lineage, package_folder, read_contents

__all__ = ["CONTENTS", "Contents", "Lineage", "package_folder", "read_contents"]
