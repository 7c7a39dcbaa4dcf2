"""How queues are set up: when a job counts as done, how long it may take, and where it goes when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.deployment.scalars import Stated
from analyzers.model.errands import Errand, Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.requests.work import celery, laravel, messenger
from analyzers.model.schema.schema import Schema
from analyzers.model.tables.models import ModelIndex


def flaws(
    code: Codebase, models: ModelIndex, schema: Schema, stated: Sequence[Stated], errands: Sequence[Errand]
) -> Iterator[Flaw]:
    """What the configurations of a revision's queues, with these scalars, and its jobs are found to lack."""
    yield from celery.flaws(code, stated, errands)
    yield from messenger.flaws(code, models, stated)
    yield from laravel.flaws(code, schema, stated)
