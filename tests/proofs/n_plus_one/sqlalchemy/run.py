"""Runs the twins of this project on the PostgreSQL of the first argument, with the sizes of the others."""

from __future__ import annotations

import sys
from typing import Any

from shop import bad, good
from shop.models import Base
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session

from tests.proofs.twins import Size, measure

_ENGINE = create_engine(sys.argv[1].replace("postgresql:", "postgresql+psycopg:", 1))
_TABLES = list(Base.metadata.tables.values())


def fill(size: Size) -> None:
    with _ENGINE.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in _TABLES)}"))
        for statement in size.seed():
            connection.execute(text(statement))


def run(code: Any, users: list[int | None]) -> tuple[int, object]:
    """The number of queries of the calls, and what they gave and left in the tables. Nothing of it stays."""
    sent: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    with _ENGINE.connect() as connection, connection.begin() as transaction:
        event.listen(_ENGINE, "before_cursor_execute", count)
        answer = []
        for user in users:
            with Session(connection, join_transaction_mode="rollback_only") as session:
                answer.append(code(session) if user is None else code(session, user_id=user))
        event.remove(_ENGINE, "before_cursor_execute", count)
        left = [sorted(map(tuple, connection.execute(table.select()))) for table in _TABLES]
        transaction.rollback()
    return len(sent), (answer, left)


Base.metadata.drop_all(_ENGINE)
Base.metadata.create_all(_ENGINE)
measure((bad, good), sys.argv[2:], fill, run)
_ENGINE.dispose()
