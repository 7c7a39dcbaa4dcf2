"""How the API says no: a status, a message and, for 422, what exactly was wrong."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer of 4xx. `errors` are strings or objects, whichever GitHub uses on that route."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None, docs: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.docs = status, message, errors, docs

    def json(self, root: str) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return {**body, "documentation_url": f"{root}{self.docs}", "status": str(self.status)}


NOT_FOUND = Refusal(404, "Not Found")
FORBIDDEN = Refusal(403, "Resource not accessible by integration")


def unprocessable(*errors: str, docs: str = "") -> Refusal:
    """A 422 whose errors are sentences."""
    return Refusal(422, "Unprocessable Entity", list(errors), docs)


def invalid(resource: str, field: str, message: str, docs: str = "") -> Refusal:
    """A 422 whose error names a field of a resource."""
    error = {"resource": resource, "code": "custom", "field": field, "message": message}
    return Refusal(422, "Validation Failed", [error], docs)
