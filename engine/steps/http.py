"""`http: {method: POST, url: ..., json: {...}}`: one request, one reply.

Result: `{status, headers, body, elapsed}`; header names are lower case, `body` is parsed when the
answer says it is JSON, `elapsed` is in seconds. TLS is verified, redirects are not followed unless
asked for, every attempt carries the same `Idempotency-Key`, and config.yaml's `http` says where it
may go.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote_plus

import aiohttp
import orjson
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override
from yarl import URL

from engine.outward.checks import complaints_about_headers, complaints_about_url, read_url
from engine.outward.exchange import Reply, ask
from engine.outward.failure import NoAnswerError, why_no_answer
from engine.outward.policy import OutwardPolicy, RefusedError
from engine.outward.request import SAFE, Request, shown
from engine.playbooks.command import Command
from engine.playbooks.deferred import Deferred
from engine.playbooks.parameters import ConditionField, Model, Parameters, Size, Text
from engine.playbooks.step_type import Call, Failed, Plan, Report, Succeeded
from engine.problem import Complaint
from engine.rules.condition import Answer
from engine.rules.explain import decide

_FIRST_FAILURE: Final = 400
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"


class BasicAuth(Model):
    """A name and a password, sent as `Authorization: Basic`."""

    user: Text
    password: Text


class HttpParameters(Parameters):
    """One request. `http: https://...` is short for a GET of that URL."""

    shorthand: ClassVar[str | None] = "url"
    constants: ClassVar[frozenset[str]] = frozenset({"expect"})

    url: Text
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    params: dict[str, Text] = Field(default_factory=dict, description="Added to the URL's query")
    headers: dict[str, Text] = Field(default_factory=dict)
    json_: Annotated[Any, Field(alias="json", description="Sent as application/json")] = None
    form: dict[str, Text] | None = Field(default=None, description="Sent as a web form is")
    text: Text | None = Field(default=None, description="Sent as it is, as text/plain")
    basic_auth: BasicAuth | None = None
    follow_redirects: bool = False
    max_body: Size | None = Field(default=None, description="How much of the answer is kept")
    expect: ConditionField | None = Field(
        default=None, description="JMESPath over the result; default: status < `400`"
    )

    @model_validator(mode="after")
    def _one_body(self) -> "HttpParameters":
        given = self.model_fields_set & {"json_", "form", "text"}
        if len(given) > 1:
            named = " and ".join(sorted(name.strip("_") for name in given))
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


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What config.yaml's `http` says. `max_response`: bytes of a body that are kept."""

    max_response: int
    policy: OutwardPolicy = field(default_factory=OutwardPolicy)


class Http:
    """`session` gives the one shared client session, which holds the same policy."""

    parameters = HttpParameters
    timeout: float | None = 30.0
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = {
        "status": "integer",
        "headers": "object",
        "body": "any",
        "elapsed": "number",
        "cut": "string",
    }

    def __init__(
        self, session: Callable[[], aiohttp.ClientSession], settings: HttpSettings
    ) -> None:
        self._session = session
        self._settings = settings

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
            "body": _parsed(reply),
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


def _parsed(reply: Reply) -> Any:
    kind, body = reply.content_type, reply.body
    if not reply.cut and (kind == _JSON or kind.endswith("+json")):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # it says JSON and is not: the text is still worth having
    try:
        return body.decode(reply.charset or "utf-8", errors="replace")
    except (LookupError, ValueError):  # a charset that is none, or that takes no replacements
        return body.decode("utf-8", errors="replace")


def _judged(parameters: HttpParameters, result: dict[str, Any], moved: str) -> Report:
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
