"""`http: {method: POST, url: ..., json: {...}}`: one request, one reply.

Result: `{status, headers, body, elapsed}`; header names are lower case, `body` is parsed when the
answer says it is JSON, `elapsed` is in seconds. TLS is verified, redirects are not followed unless
asked for, every attempt carries the same `Idempotency-Key`, and config.yaml's `http` says where it
may go.
"""

import codecs
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote_plus

import aiohttp
import orjson
from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from engine.outward.checks import complaints_about_headers, complaints_about_url, read_url
from engine.outward.curl import ByHand
from engine.outward.exchange import Reply, ask
from engine.outward.failure import NoAnswerError, why_no_answer
from engine.outward.policy import OutwardPolicy, RefusedError
from engine.outward.request import SAFE, Request, shown
from engine.playbooks.command import Command
from engine.playbooks.deferred import Deferred
from engine.playbooks.parameters import (
    ConditionField,
    Flag,
    Model,
    Parameters,
    Result,
    Size,
    Text,
)
from engine.playbooks.step_type import Call, Failed, Outside, Plan, Report, Succeeded
from engine.problem import Complaint
from engine.rules.condition import Answer
from engine.rules.explain import decide

_FIRST_FAILURE: Final = 400
_BODIES: Final = ("json", "form", "text")
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"


class BasicAuth(Model):
    """A name and a password, sent as `Authorization: Basic`."""

    user: Text = Field(description="The name", examples=["engine"])
    password: Text = Field(
        description="The password, out of a secret", examples=["{{ secrets.PASSWORD }}"]
    )


class HttpParameters(Parameters):
    """One request. `http: https://...` is short for a GET of that URL."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                "{{ config.inventory_url }}/hosts/{{ vars.host }}",
                {
                    "method": "POST",
                    "url": "{{ config.lb_url }}/drain",
                    "json": {"host": "{{ vars.host }}"},
                },
            ],
            "not": {"anyOf": [{"required": list(two)} for two in combinations(_BODIES, 2)]},
        }
    )
    shorthand: ClassVar[str | None] = "url"
    constants: ClassVar[frozenset[str]] = frozenset({"expect"})

    url: Text = Field(
        description="Begins with http:// or https://; TLS is verified, always",
        examples=["{{ config.lb_url }}/drain"],
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="A body does not make it a POST"
    )
    params: dict[str, Text] = Field(
        default={},
        description="Added to the URL's query, and encoded for you",
        examples=[{"service": "{{ labels.service }}"}],
    )
    headers: dict[str, Text] = Field(
        default={},
        description="Beside `Idempotency-Key`, which each attempt carries",
        examples=[{"Authorization": "Bearer {{ secrets.LB_TOKEN }}"}],
    )
    json_: Annotated[
        Any,
        Field(
            alias="json",
            description="The body, sent as application/json",
            examples=[{"host": "{{ vars.host }}"}],
        ),
    ] = None
    form: dict[str, Text] | None = Field(
        default=None,
        description="The body, sent as a web form is",
        examples=[{"host": "{{ vars.host }}"}],
    )
    text: Text | None = Field(
        default=None,
        description="The body, sent as it is, as text/plain",
        examples=["{{ vars.summary }}"],
    )
    basic_auth: BasicAuth | None = Field(
        default=None,
        description="Not together with an Authorization header",
        examples=[{"user": "engine", "password": "{{ secrets.PASSWORD }}"}],
    )
    follow_redirects: Flag = Field(
        default=False, description="Without it a redirect is an answer with status 3xx"
    )
    max_body: Size | None = Field(
        default=None,
        description="How much of the answer is kept; default: http.max_response of config.yaml",
    )
    expect: ConditionField | None = Field(
        default=None,
        description="A JMESPath condition over the result alone; default: status < `400`",
        examples=["status == `200`", "body.state == 'up'"],
    )

    @model_validator(mode="after")
    def _one_body(self) -> "HttpParameters":
        given = {name.strip("_") for name in self.model_fields_set} & {*_BODIES}
        if len(given) > 1:
            named = " and ".join(sorted(given))
            raise PydanticCustomError(
                "two-bodies", "a request has one body; this one has {named}", {"named": named}
            )
        return self

    @override
    def complaints(self) -> Iterator[Complaint]:
        """What would make another request of this one than the playbook means."""
        yield from complaints_about_url(self.url)
        yield from complaints_about_headers(self.headers)
        auth: object = self.basic_auth  # a Deferred when all of it is a template
        user: object = auth.user if isinstance(auth, BasicAuth) else None
        if isinstance(user, str) and ":" in user:
            said = "has a colon in it, and the password would begin there"
            yield Complaint("bad-login", ("basic_auth", "user"), said)
        headers: object = self.headers  # a Deferred when all of it is a template
        names = [name.lower() for name in headers] if isinstance(headers, dict) else []
        if self.basic_auth is not None and "authorization" in names:
            said = "cannot stand beside an Authorization header"
            yield Complaint("two-credentials", ("basic_auth",), said)


class HttpResult(Result):
    """One answer."""

    status: int = 200
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = ""
    elapsed: float = 0.0
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What config.yaml's `http` says. `max_response`: bytes of a body that are kept."""

    max_response: int
    policy: OutwardPolicy = field(default_factory=OutwardPolicy)
    cut: Callable[[str], str] = str  # masks the beginning of a body whose rest is not read


class Http:
    """`session` gives the one shared client session, which holds the same policy."""

    parameters = HttpParameters
    timeout: float | None = 30.0
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = HttpResult.types()

    def __init__(
        self, session: Callable[[], aiohttp.ClientSession], settings: HttpSettings
    ) -> None:
        self._session = session
        self._settings = settings

    @property
    def outside(self) -> Outside[HttpParameters]:
        return Outside(HttpResult, _judged)

    def plan(self, parameters: HttpParameters, call: Call) -> Plan:
        details: dict[str, Any] = {"method": parameters.method, "url": parameters.url}
        for name in ("params", "headers", "json_", "form", "text"):
            value = getattr(parameters, name)
            sent = name == "json_" and name in parameters.model_fields_set  # null is JSON, too
            if sent or isinstance(value, Deferred) or value not in (None, {}):
                details[name.strip("_")] = value
        if parameters.basic_auth is not None:
            auth: object = parameters.basic_auth  # a Deferred when all of it is a template
            user = auth.user if isinstance(auth, BasicAuth) else auth
            details["basic_auth"] = {"user": user, "password": "******"}
        return Plan(f"{parameters.method} {parameters.url}", details, _curl(parameters))

    def foretell(self, parameters: HttpParameters) -> Report | None:
        return None

    def harmless_to_repeat(self, parameters: HttpParameters) -> bool:
        method: object = parameters.method  # a Deferred in a rehearsal
        return isinstance(method, str) and method in SAFE

    async def perform(self, parameters: HttpParameters, call: Call) -> Report:
        for complaint in parameters.complaints():
            said = f"this request cannot be sent: {complaint.name} {complaint.message}"
            return Failed(said, retryable=False)
        limit = self._settings.max_response if parameters.max_body is None else parameters.max_body
        began = time.monotonic()
        try:
            request = _request(parameters, call)
            reply = await ask(
                self._session(),
                self._settings.policy,
                request,
                follow=parameters.follow_redirects,
                limit=limit,
            )
        except RefusedError as error:
            return Failed(str(error), retryable=False)
        except NoAnswerError as error:
            return Failed(str(error), retryable=error.may_pass)
        except orjson.JSONEncodeError as error:  # a number JSON has no room for
            return Failed(f"this request cannot be sent: json: {error}", retryable=False)
        except UnicodeError as error:
            return Failed(str(why_no_answer(error, "")), retryable=False)
        result: dict[str, Any] = {
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": self._settings.cut(_beginning(reply)) if reply.cut else _parsed(reply),
        }
        if reply.cut:
            result["cut"] = f"the body is longer than {limit} bytes; the rest was not read"
        result["elapsed"] = round(time.monotonic() - began, 3)
        there = reply.asked.origin
        moved = "" if request.origin == there else f", redirected to {there} without its headers,"
        return _judged(parameters, result, moved)


def _request(parameters: HttpParameters, call: Call) -> Request:
    url = read_url(parameters.url)
    headers = dict(parameters.headers)
    given = {name.lower() for name in headers}  # a header's name has no case
    if "idempotency-key" not in given:
        headers["Idempotency-Key"] = call.idempotency_key
    if (auth := parameters.basic_auth) is not None:
        headers["Authorization"] = aiohttp.encode_basic_auth(auth.user, auth.password, "utf-8")
    body: bytes | str | None = parameters.text
    if "json_" in parameters.model_fields_set:
        body = orjson.dumps(parameters.json_)
        if "content-type" not in given:
            headers["Content-Type"] = _JSON
    if parameters.params:
        url = url.extend_query(parameters.params)
    return Request(parameters.method, url, headers, body, parameters.form)


def _curl(parameters: HttpParameters) -> Command:
    body = tuple(_body_by_hand(parameters))
    kind = _JSON if "json_" in parameters.model_fields_set else _TEXT
    user: str | None = None
    if (auth := parameters.basic_auth) is not None:
        login: object = auth  # a Deferred when all of it is a template
        user = f"{auth.user}:{auth.password}" if isinstance(login, BasicAuth) else str(login)
    return ByHand(
        str(parameters.method),
        parameters.url,
        parameters.params,
        parameters.headers,
        body,
        content_type=kind if "--data-raw" in body else None,
        user=user,
        follow=parameters.follow_redirects is True,
    ).command


def _body_by_hand(parameters: HttpParameters) -> Iterator[str]:
    if "json_" in parameters.model_fields_set:
        data = orjson.dumps(parameters.json_, default=str, option=orjson.OPT_NON_STR_KEYS)
        yield from ("--data-raw", data.decode())
    elif parameters.form is not None:
        form: object = parameters.form  # a Deferred when all of it is a template
        if isinstance(form, dict):
            for name, value in form.items():  # a secret in it is encoded when it is known
                yield from ("--data-urlencode", f"{quote_plus(name)}={value}")
        else:
            yield from ("--data-raw", str(form))
    elif parameters.text is not None:
        yield from ("--data-raw", str(parameters.text))


def _parsed(reply: Reply) -> Any:
    kind, body = reply.content_type, reply.body
    if kind == _JSON or kind.endswith("+json"):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # it says JSON and is not: the text is still worth having
    try:
        return body.decode(reply.charset or "utf-8", errors="replace")
    except (LookupError, ValueError):  # a charset that is none, or that takes no replacements
        return body.decode("utf-8", errors="replace")


def _beginning(reply: Reply) -> str:
    """Without the half of a character at its end, which would hide the half of a secret."""
    charset = reply.charset or "utf-8"
    try:
        b" ".decode(charset, "replace")  # what is no charset, as zlib, is refused here
        return codecs.getincrementaldecoder(charset)("replace").decode(reply.body)
    except (LookupError, ValueError):
        return codecs.getincrementaldecoder("utf-8")("replace").decode(reply.body)


def _judged(parameters: HttpParameters, result: dict[str, Any], moved: str = "") -> Report:
    if parameters.expect is None:
        if result["status"] < _FIRST_FAILURE:
            return Succeeded(result)
        return Failed(_exchange_text(parameters, result, moved), result)
    verdict = decide(parameters.expect, result)
    if verdict.yes:
        return Succeeded(result)
    said = "is not true" if verdict.answer is Answer.NO else "cannot be told"
    return Failed(
        f"expect {said}: {parameters.expect.text}, and {verdict.reason}; "
        f"{_exchange_text(parameters, result, moved)}",
        result,
    )


def _exchange_text(parameters: HttpParameters, result: dict[str, Any], moved: str) -> str:
    body = result["body"]
    said = body if isinstance(body, str) else orjson.dumps(body, default=str).decode()
    answered = f"{parameters.method} {shown(parameters.url)}{moved} answered {result['status']}"
    return f"{answered}: {said}" if said else answered
