"""Hidden marks in comments, by which a later run recognises what it said: rule and subject, never a line or a wording."""

from __future__ import annotations

import hashlib
import re

from analyzers.findings import Finding

_MARKER = re.compile(r"<!-- cliffguard:finding:([0-9a-f]{20}) -->")
_HIDDEN = re.compile(r"<!--[^<>]*-->")


def fingerprint(finding: Finding) -> str:
    """Twenty hexadecimal digits of the finding's identity."""
    return hashlib.sha256(f"{finding.rule}\0{finding.subject}".encode(errors="surrogatepass")).hexdigest()[:20]


def marker(finding: Finding) -> str:
    """The last line of a comment that tells `finding`."""
    return f"<!-- cliffguard:finding:{fingerprint(finding)} -->"


def markers_in(body: str) -> set[str]:
    """Fingerprints of the findings that a comment tells. Only the hidden lines at its end count: what stands in the text,
    in a suggestion or a quotation is the text of others."""
    found: set[str] = set()
    for line in reversed(body.splitlines()):
        if line.strip() and not _HIDDEN.fullmatch(line.strip()):
            break
        found.update(match[1] for match in [_MARKER.fullmatch(line.strip())] if match)
    return found
