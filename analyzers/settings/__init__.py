"""What a reviewed repository says to us.

`values`    what can be said, and how a folder's configuration inherits
`reading`   one file, read tolerantly, every mistake with its line; the JSON schema
`files`     the files of a revision, and the organisation's default, together
"""

from analyzers.settings.files import read_settings, settings_files, settings_of
from analyzers.settings.reading import json_schema, read_file
from analyzers.settings.values import (
    PATH,
    PATHS,
    Acceptance,
    Configuration,
    Declared,
    Level,
    Limits,
    Nested,
    Peak,
    Rules,
    Settings,
    Tables,
    under,
)

__all__ = [
    "PATH",
    "PATHS",
    "Acceptance",
    "Configuration",
    "Declared",
    "Level",
    "Limits",
    "Nested",
    "Peak",
    "Rules",
    "Settings",
    "Tables",
    "json_schema",
    "read_file",
    "read_settings",
    "settings_files",
    "settings_of",
    "under",
]
