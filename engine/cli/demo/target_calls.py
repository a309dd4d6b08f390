"""What the demo's targets demand of a call: a body, a bearer token, a key that is used once."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

BUSY: Final = 1.5  # seconds of the clock that a reboot or a rollback takes

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4096)]


class TargetBody(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


_AnyBody = TypeVar("_AnyBody", bound=TargetBody)


class Once:
    """Answers a repeated Idempotency-Key with what the first request was answered."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[bytes, dict[str, Any]]] = {}

    async def answer(self, request: Request, act: Callable[[], dict[str, Any]]) -> Response:
        key = (request.url.path, request.headers.get("idempotency-key", ""))
        body = await request.body()
        if not key[1]:
            return JSONResponse(act(), 202)
        if key not in self._answers:
            self._answers[key] = (body, act())
        first, answer = self._answers[key]
        if first != body:
            raise HTTPException(422, "This Idempotency-Key was used with another body before.")
        return JSONResponse(answer, 202)


async def read_body(kind: type[_AnyBody], request: Request) -> _AnyBody:
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise HTTPException(422, f"In {where}: {first['msg']}.") from None


def demand_bearer(request: Request) -> None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise HTTPException(
            401, "This call needs a bearer token.", headers={"WWW-Authenticate": "Bearer"}
        )
