"""Whether Flashduty can be reached, knows the app_key, and has the same time.

Nothing but what any member may read is asked, and what is read is not looked at.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from engine.cli.doctor.finding import Finding
from engine.config.config import Config
from engine.flashduty.answer import Answer, FlashdutyError
from engine.flashduty.exchange import Exchange, open_session
from engine.flashduty.operations import operation_at
from engine.flashduty.proxy import proxy_for
from engine.playbooks.units import format_duration

PATIENCE: Final = 10.0  # seconds for one answer
OFF: Final = 5.0  # seconds between the clocks that are worth a word
FAR_OFF: Final = 60.0
_MINUTE: Final = 60
_MEMBER: Final = "/member/info"  # fact: whoever has a valid app_key may call it
# What the engine reads by itself, and the permission that the vendor's reference names for it.
_INCIDENTS: Final = ("/incident/list", "Incidents Read")  # in seconds
_WEBHOOKS: Final = ("/webhook/history/list", "Integrations Read")  # in milliseconds

# What no harmless call can find out.
_UNTOLD: Final = {"Incidents Read": "; Incidents Manage shows when a step writes to an incident"}


@dataclass(slots=True)
class _Clocks:
    """How far the clock of a server is ahead of ours, as its answers tell: at least, in seconds.

    A `Date` is cut to the second, and was written between the question and the answer.
    """

    now: Callable[[], float]
    asked: float = 0.0
    ahead: float | None = None

    def ask(self) -> None:
        self.asked = self.now()

    def hear(self, headers: Mapping[str, str]) -> None:
        try:
            said = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        least, most = said - self.now(), said + 1 - self.asked
        self.ahead = max(0.0, least) + min(0.0, most)


async def look_at_flashduty(config: Config, now: Callable[[], float]) -> list[Finding]:
    """Ask. `now` is the clock that is compared with Flashduty's, in Unix seconds."""
    flashduty = config.flashduty
    found = list(_base_url(flashduty.base_url))
    if flashduty.app_key is None:
        seen = "none is set: no step can call Flashduty, and nothing that was missed is found"
        return [*found, Finding("app_key", "warn", seen, "set flashduty.app_key")]
    clocks = _Clocks(now)
    async with open_session() as session:
        proxy = proxy_for(flashduty.base_url)
        exchange = Exchange(
            lambda: session, flashduty.base_url, flashduty.app_key, proxy, clocks.hear
        )

        async def ask(path: str, parameters: Mapping[str, Any]) -> Answer | FlashdutyError:
            clocks.ask()
            try:
                return await exchange.once(operation_at(path), parameters, PATIENCE)
            except FlashdutyError as error:
                return error

        answer = await ask(_MEMBER, {})
        found += _reached(answer, config)
        if isinstance(answer, Answer):
            second = int(now())
            window = {"start_time": second - _MINUTE, "end_time": second, "limit": 1}
            found.append(_permission(await ask(_INCIDENTS[0], window), _INCIDENTS[1]))
            if flashduty.reconcile is not None:
                times = {"start_time": (second - _MINUTE) * 1000, "end_time": second * 1000}
                found.append(
                    _permission(await ask(_WEBHOOKS[0], {**times, "limit": 1}), _WEBHOOKS[1])
                )
    return [*found, *_clock(clocks.ahead)]


def _base_url(base_url: str) -> Iterator[Finding]:
    """The key is in the URL of every call (fact: the vendor takes it nowhere else)."""
    parts = urlsplit(base_url)
    if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
        seen = f"{base_url} has no TLS: app_key goes out readable with every call"
        yield Finding("flashduty", "fail", seen, "set flashduty.base_url to an https:// address")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reached(answer: Answer | FlashdutyError, config: Config) -> Iterator[Finding]:
    base_url = config.flashduty.base_url
    match answer:
        case Answer(data):
            yield Finding("flashduty", "ok", f"{base_url} answers")
            seen = f"it is {_member(data)}, whose doings start nothing without `own: true`"
            yield Finding("app_key", "ok", seen)
        case FlashdutyError(status=None):
            todo = "see whether this machine may go there: DNS, firewall, https_proxy"
            yield Finding("flashduty", "fail", answer.message, todo)
        case FlashdutyError(status=HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN):
            yield Finding("flashduty", "ok", f"{base_url} answers")
            todo = "make one in the console (Account, APP Keys) and set flashduty.app_key"
            yield Finding("app_key", "fail", f"it is refused: {answer}", todo)
        case _:
            yield _not_now("flashduty", answer)


def _member(data: object) -> str:
    known = data if isinstance(data, Mapping) else {}
    return f"member {known.get('member_name')} ({known.get('member_id')})"


def _permission(answer: Answer | FlashdutyError, name: str) -> Finding:
    if isinstance(answer, Answer):
        return Finding("permission", "ok", f"{name}: yes{_UNTOLD.get(name, '')}")
    if answer.status == HTTPStatus.FORBIDDEN:
        seen = f"{name}: no; what was missed while the engine was down is not found again"
        todo = "give the member of the app_key a role that has it, or set flashduty.reconcile: off"
        return Finding("permission", "warn", seen, todo)
    return _not_now("permission", answer)


def _not_now(check: str, error: FlashdutyError) -> Finding:
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        seen = f"the account has asked too much of Flashduty just now: {error}"
        todo = "try again in a minute; if it lasts, lower flashduty.per_minute or see who else asks"
        return Finding(check, "warn", seen, todo)
    if error.may_pass:
        todo = "try again in a minute; the engine does so by itself"
    else:
        todo = "see what this code means for the account, in Flashduty's documentation"
    return Finding(check, "warn", str(error), todo)


def _clock(ahead: float | None) -> Iterator[Finding]:
    if ahead is None:
        return  # nobody answered, or without a Date
    if abs(ahead) < OFF:
        yield Finding("clock", "ok", "the same as Flashduty's, to a few seconds")
        return
    which = "behind" if ahead > 0 else "ahead of"
    seen = f"this machine's is {format_duration(abs(ahead))} {which} Flashduty's"
    todo = "set it, and keep it so with chrony or ntpd; what was missed is looked for by it"
    yield Finding("clock", "fail" if abs(ahead) > FAR_OFF else "warn", seen, todo)
