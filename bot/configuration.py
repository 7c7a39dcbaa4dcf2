"""The files that configure a review of a revision, read from wherever its blobs are."""

from __future__ import annotations

import analyzers
from analyzers import BlobReader, Revision


def configuration(blobs: BlobReader, revision: Revision) -> dict[str, bytes]:
    """Their texts, by their paths."""
    files = {path: revision.files[path] for path in analyzers.settings_files(revision.files)}
    texts = dict(blobs.read(dict.fromkeys(files.values())))
    return {path: texts[blob] for path, blob in files.items() if blob in texts}
