"""What the jobs of a process share (`Context`), and how each of them reads the repository that it is about."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

import analyzers
from analyzers import BlobReader, FactStore, Place, Problem, Revision
from bot import limits, organisation
from bot.cache import fact_store
from bot.configuration import configuration
from bot.errors import Broken
from bot.github import GitHub
from bot.jobs import Job
from bot.mirror import Mirror, Mirrors, Snapshot, Source, clone_url
from bot.settings import Settings
from bot.squawk import Squawk
from bot.tokens import Tokens


class Compare(Protocol):
    """`analyzers.compare`, or what a test puts in its place."""

    def __call__(
        self,
        base: Revision,
        head: Revision,
        blobs: BlobReader,
        *,
        store: FactStore,
        settings: analyzers.Settings,
        linter: analyzers.Linter,
        reader: analyzers.Reader | None,
    ) -> analyzers.Analysis: ...


class Audit(Protocol):
    """`analyzers.audit`, or what a test puts in its place."""

    def __call__(
        self,
        head: Revision,
        blobs: BlobReader,
        *,
        store: FactStore,
        settings: analyzers.Settings,
        reader: analyzers.Reader | None,
    ) -> analyzers.Analysis: ...


@dataclass(frozen=True)
class Context:
    """What the jobs of a process share. `of` makes it from the settings; tests replace parts."""

    settings: Settings
    tokens: Tokens
    mirrors: Mirrors
    facts: FactStore
    compare: Compare = analyzers.compare
    audit: Audit = analyzers.audit
    linter: analyzers.Linter = field(default_factory=Squawk)
    connect: Callable[[Context, Job], GitHub] | None = None
    pause: float = 2.0

    def defaults(self, job: Job, connection: Any) -> tuple[bytes, ...]:
        """What counts in the repository of a job where its own files say nothing, the operator's before its organisation's."""
        own = self.settings.defaults.read_bytes() if self.settings.defaults is not None else None
        return tuple(text for text in (own, organisation.default(connection, job.installation)) if text)

    @classmethod
    def of(cls, settings: Settings) -> Context:
        if settings.app_id is None or settings.private_key is None:
            raise Broken("No GitHub App is configured: CLIFFGUARD_APP_ID and CLIFFGUARD_PRIVATE_KEY are not set.")
        mirrors = Mirrors(
            settings.data_dir / "mirrors",
            limit_bytes=settings.mirror_bytes,
            max_blob_bytes=settings.max_blob_bytes,
            max_files=settings.max_repository_files,
            timeout=min(120.0, settings.job_timeout / 2),
        )
        tokens = Tokens(settings.app_id, settings.private_key.get_secret_value())
        return cls(settings, tokens, mirrors, fact_store(settings.data_dir, settings.facts_url))

    def github(self, job: Job, connection: Any) -> GitHub:
        """The repository of a job; `connection` is that to Valkey, where writers agree."""
        if self.connect is not None:
            return self.connect(self, job)
        return GitHub(
            self.tokens,
            api_url=self.settings.api_url,
            installation=job.installation,
            repository_id=job.repository_id,
            owner=job.owner,
            repository=job.repository,
            turn=limits.Writing(connection, job.installation, self.settings.write_spacing),
        )

    def mirror(self, job: Job, github: GitHub) -> AbstractContextManager[Mirror]:
        """The mirror of the job's repository, fetched from with a token that can only read."""
        source = Source(clone_url(self.settings.github_url, job.owner, job.repository), github.git_token)
        return self.mirrors.open(job.repository_id, source)

    def link(self, job: Job, commit: str) -> Callable[[Place], str]:
        """Where a reader sees a place of the job's repository, as it is in `commit`."""
        page = f"{self.settings.github_url.rstrip('/')}/{job.owner}/{job.repository}/blob/{commit}"
        return lambda place: f"{page}/{quote(place.path)}#L{place.span.start_line}-L{place.span.end_line}"


@functools.lru_cache(maxsize=2)
def context_of(settings: Settings) -> Context:
    """The context of these settings, made once a process."""
    return Context.of(settings)


def needed(revision: Revision) -> Iterable[str]:
    """The blobs a review may read of a revision, before its settings are known, which only ever exclude some."""
    return [*analyzers.needed(revision), *(revision.files[path] for path in analyzers.settings_files(revision.files))]


def repository_settings(snapshot: Snapshot, defaults: Sequence[bytes]) -> tuple[analyzers.Settings, tuple[Problem, ...]]:
    """What the base's configuration says, and what is to be said of it: a change cannot silence its own review."""
    base, head = configuration(snapshot.blobs, snapshot.base), configuration(snapshot.blobs, snapshot.head)
    return analyzers.settings_of(base, head, known_rules=analyzers.RULES, defaults=defaults)
