"""`http: {method: POST, url: ..., json: {...}}`: one request, one answer.

Result: `{status, headers, body, elapsed}`; header names are lower case, `body` is parsed when the
answer says it is JSON, `elapsed` is in seconds. TLS is verified, redirects are not followed unless
asked for, and every attempt carries the same `Idempotency-Key`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote_plus

import aiohttp
import orjson
from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override
from yarl import URL

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
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_BODIES: Final = ("json", "form", "text")
_BEGINNINGS: Final = ("http://", "https://")
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
        """What nobody could send, as far as it is known."""
        url: object = self.url
        if isinstance(url, str) and not url.startswith(_BEGINNINGS):
            said = f"has to begin with {' or '.join(_BEGINNINGS)}"
            yield Complaint("not-a-url", ("url",), said, url[:100])
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


class Http:
    """`session` gives the one shared client session."""

    parameters = HttpParameters
    timeout: float | None = 30.0
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = HttpResult.types()

    def __init__(self, session: Callable[[], aiohttp.ClientSession], max_response: int) -> None:
        self._session = session
        self._max_response = max_response

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
        return isinstance(method, str) and method in _SAFE

    async def perform(self, parameters: HttpParameters, call: Call) -> Report:
        began = time.monotonic()
        try:
            result = await self._exchange(parameters, call)
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            return _no_answer(error)
        result["elapsed"] = round(time.monotonic() - began, 3)
        return _judged(parameters, result)

    async def _exchange(self, parameters: HttpParameters, call: Call) -> dict[str, Any]:
        headers = dict(parameters.headers)
        given = {name.lower() for name in headers}  # a header's name has no case
        if "idempotency-key" not in given:
            headers["Idempotency-Key"] = call.idempotency_key
        if (auth := parameters.basic_auth) is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(auth.user, auth.password, "utf-8")
        data: Any = parameters.form if parameters.form is not None else parameters.text
        if "json_" in parameters.model_fields_set:
            data = orjson.dumps(parameters.json_)
            if "content-type" not in given:
                headers["Content-Type"] = _JSON
        async with self._session().request(
            parameters.method,
            parameters.url,
            params=parameters.params or None,
            headers=headers,
            data=data,
            allow_redirects=parameters.follow_redirects,
        ) as response:
            limit = self._max_response if parameters.max_body is None else parameters.max_body
            body, cut = await _read(response, limit)
            result: dict[str, Any] = {
                "status": response.status,
                "headers": {name.lower(): _text(it) for name, it in response.headers.items()},
                "body": _parsed(body, response, cut=cut),
            }
            if cut:
                result["cut"] = f"the body is longer than {limit} bytes; the rest was not read"
            return result


def _curl(parameters: HttpParameters) -> Command:
    """The same request by hand. Without an `Idempotency-Key`: by hand, each is one of its own.

    What stands in the place of a secret is put in by the shell as it is: where it has quotes, or
    letters that a URL has not, a body in JSON and a query have to be looked at.
    """
    argv = ["curl"]
    body = list(_body_by_hand(parameters))
    method = str(parameters.method)
    if method == "HEAD" and not body:
        argv.append("--head")
    elif method != "GET" or body:
        argv += ["--request", method]
    headers: object = parameters.headers  # a Deferred when all of it is a template
    given = headers if isinstance(headers, dict) else {str(headers): ""}
    known = {name.lower() for name in given}
    if "--data-raw" in body and "content-type" not in known:
        text = "json_" not in parameters.model_fields_set
        given = {"Content-Type": _TEXT if text else _JSON, **given}
    for name, value in given.items():
        argv += ["--header", f"{name}: {value}" if str(value) else f"{name};"]
    if (auth := parameters.basic_auth) is not None:
        user: object = auth
        argv += [
            "--user",
            f"{auth.user}:{auth.password}" if isinstance(user, BasicAuth) else str(user),
        ]
    if parameters.follow_redirects is True:
        argv.append("--location")
    return Command((*argv, *body, _url_by_hand(parameters)))


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


def _url_by_hand(parameters: HttpParameters) -> str:
    """With `params` in it, and the names of what is not known yet to be read."""
    url, params = str(parameters.url), parameters.params
    shown: object = params  # a Deferred when all of it is a template
    if not isinstance(shown, dict):
        return f"{url}?{shown}"
    try:
        whole = URL(url).extend_query({name: str(value) for name, value in params.items()})
    except ValueError:
        return url
    return str(whole).replace("%E2%80%B9", "‹").replace("%E2%80%BA", "›")


def _no_answer(error: Exception) -> Failed:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "no reason was given")
            return Failed(f"the certificate of {error.host}:{error.port} is not trusted: {reason}")
        case aiohttp.ClientConnectorError():
            reason = error.os_error.strerror or str(error.os_error) or "no reason was given"
            return Failed(f"no connection to {error.host}:{error.port}: {reason}")
        case aiohttp.InvalidURL():
            return Failed(f"this is no URL: {error}", retryable=False)
        case aiohttp.NonHttpUrlClientError():
            return Failed(f"the redirect leads to no web address: {error}", retryable=False)
        case aiohttp.ClientError() | OSError():
            return Failed(f"{type(error).__name__}: {error}")
        case _:  # a header with a newline, a host no name can have, a number JSON has no room for
            return Failed(f"this request cannot be sent: {error}", retryable=False)


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _parsed(body: bytes, response: aiohttp.ClientResponse, *, cut: bool) -> Any:
    kind = response.content_type
    if not cut and (kind == "application/json" or kind.endswith("+json")):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # it says JSON and is not: the text is still worth having
    try:
        return body.decode(response.charset or "utf-8", errors="replace")
    except (LookupError, ValueError):  # a charset that is none, or that takes no replacements
        return body.decode("utf-8", errors="replace")


def _text(header: str) -> str:
    """Bytes that are no UTF-8 arrive as lone surrogates, which nothing could write down."""
    return header.encode(errors="surrogateescape").decode(errors="replace")


def _judged(parameters: HttpParameters, result: dict[str, Any]) -> Report:
    if parameters.expect is None:
        if result["status"] < _FIRST_FAILURE:
            return Succeeded(result)
        return Failed(f"{_exchange_text(parameters, result)}", result)
    verdict = decide(parameters.expect, result)
    if verdict.yes:
        return Succeeded(result)
    said = "is not true" if verdict.answer is Answer.NO else "cannot be told"
    return Failed(
        f"expect {said}: {parameters.expect.text}, and {verdict.reason}; "
        f"{_exchange_text(parameters, result)}",
        result,
    )


def _exchange_text(parameters: HttpParameters, result: dict[str, Any]) -> str:
    body = result["body"]
    shown = body if isinstance(body, str) else orjson.dumps(body, default=str).decode()
    answered = f"{parameters.method} {parameters.url} answered {result['status']}"
    return f"{answered}: {shown}" if shown else answered
