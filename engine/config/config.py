"""The frozen values that config.yaml becomes. Paths are absolute, durations are seconds."""

import ipaddress
import itertools
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.config.http import HttpConfig
from engine.config.receiving import (
    Endpoint,
    HeaderPattern,
    MonitorConfig,
    ProxyNetwork,
    SenderNetwork,
    TlsConfig,
    Tokens,
)
from engine.events.json_body import DEEPEST, ITEMS
from engine.events.kept import HEADERS
from engine.flashduty.limiter import PER_MINUTE, PER_SECOND
from engine.playbooks.parameters import Duration, Flag, Model, Size
from engine.playbooks.schema import Name
from engine.playbooks.step_schema import Identifier
from engine.playbooks.units import parse_duration, parse_size
from engine.runs.retention import YOUNGEST

CONNECTIONS: Final = 500  # a process may often have 1024 files, and steps need some
_SMALLEST_LEDGER: Final = 16 * 1024**2
_PUBLIC_HOST: Final = "//api.flashcat.cloud"
_ALLOWED_ENVIRONMENT: Final = ["PATH", "LANG", "LC_ALL", "TZ"]


def _interval(value: object) -> float | None:
    """Seconds; None for `off`, which YAML 1.2 takes for a text."""
    if value in ("off", False):
        return None
    try:
        seconds = value if isinstance(value, float) else parse_duration(value)
    except ValueError as error:
        said = f"{error}; `off` looks for nothing"
        raise PydanticCustomError("duration", "{said}", {"said": said}) from None
    shortest = 60.0
    if seconds < shortest:
        raise PydanticCustomError(
            "duration", "it is looked for missed events once a minute at the most", {}
        )
    return seconds


def _age(value: object) -> float | None:
    if value in ("off", False):
        return None
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        said = f"{error}; `off` keeps what is over whatever its age"
        raise PydanticCustomError("duration", "{said}", {"said": said}) from None
    if seconds < YOUNGEST:
        said = "what is over is kept for a day at least: until then Flashduty may deliver it again"
        raise PydanticCustomError("duration", "{said}", {"said": said, "hint": "such as 30d"})
    return seconds


def _size(value: object) -> int | None:
    if value in ("off", False):
        return None
    try:
        size = parse_size(value)
    except ValueError as error:
        said = f"{error}; `off` keeps what is over whatever its size"
        raise PydanticCustomError("size", "{said}", {"said": said}) from None
    if size < _SMALLEST_LEDGER:
        said = "a ledger takes 16MiB at least"
        raise PydanticCustomError("size", "{said}", {"said": said, "hint": "such as 2GiB"})
    return size


def _kept_output(value: object) -> int | None:
    """Bytes; None for `off`."""
    if value in ("off", False, None):
        return None
    try:
        size = parse_size(value)
    except ValueError as error:
        said = f"{error}; `off` keeps no files"
        raise PydanticCustomError("size", "{said}", {"said": said}) from None
    if size == 0:
        raise PydanticCustomError("size", "files of 0 bytes keep nothing", {"hint": "off"})
    return size


def _address(value: object) -> object:
    if not isinstance(value, str) or ":" not in value:
        raise PydanticCustomError(
            "listen-address",
            "an address to listen on is written host:port",
            {"hint": "such as 127.0.0.1:8787, or [::1]:8787"},
        )
    host, _, port = value.rpartition(":")
    if not host:
        raise PydanticCustomError(
            "listen-address",
            "an address to listen on names a host",
            {"hint": "127.0.0.1 for this machine alone, 0.0.0.0 for all"},
        )
    highest_port = 65535
    if not port.isdecimal() or int(port) > highest_port:
        raise PydanticCustomError("listen-address", "the port has to be a number up to 65535", {})
    return {"host": host.strip("[]"), "port": int(port)}


class Listen(Model):
    """Where the receiver listens."""

    host: str = "127.0.0.1"
    port: int = 8787

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        # Python 3.13 says it of ::ffff:127.0.0.1 by itself.
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback

    @property
    def authority(self) -> str:
        """As it is written in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class FlashdutyConfig(Model):
    """How to reach Flashduty, and how it shows that it is Flashduty."""

    base_url: Annotated[str, Field(pattern=r"^https?://")] = "https://api.flashcat.cloud"
    app_key: str | None = Field(default=None, repr=False)
    webhook_token: Tokens = Field(default_factory=list, repr=False)
    # Of single endpoints, where they are valid instead of the general ones.
    tokens: dict[Endpoint, Tokens] = Field(default_factory=dict, repr=False)
    allow_from: list[SenderNetwork] = Field(default_factory=list)
    keep_headers: list[HeaderPattern] = Field(default_factory=lambda: list(HEADERS))
    reconcile: Annotated[float | None, BeforeValidator(_interval)] = 300.0
    actions: dict[Name, int | str] = Field(default_factory=dict)
    comment_questions: Flag = True  # write into the incident what a run asks of people
    per_second: Annotated[int, Field(ge=1, le=10_000)] = PER_SECOND
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = PER_MINUTE

    @field_validator("per_second", "per_minute")
    @classmethod
    def _within_the_accounts_rate(cls, value: int, info: ValidationInfo) -> int:
        """Fact: the public API lets an account have 50 a second and 1,000 a minute."""
        most = {"per_second": 50, "per_minute": 1000}[info.field_name or ""]
        public = str(info.data.get("base_url")).rstrip("/").lower().endswith(_PUBLIC_HOST)
        if public and value > most:
            raise PydanticCustomError(
                "flashduty-rate",
                "Flashduty lets an account have {most} requests {field}, and refuses the rest",
                {
                    "most": most,
                    "field": "a second" if info.field_name == "per_second" else "a minute",
                    "hint": "only a private deployment, with a base_url of its own, may allow more",
                },
            )
        return value


class SecretSource(Model):
    """Where a secret comes from: an environment variable or a file, read when it is needed."""

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "SecretSource":
        if (self.env is None) == (self.file is None):
            raise PydanticCustomError(
                "secret-source",
                "a secret comes from one of env and file",
                {"hint": "such as {env: LB_TOKEN} or {file: /run/secrets/lb_token}"},
            )
        return self


class ShellConfig(Model):
    """What shell steps get: the environment's allowed names, and how much output is kept."""

    env: list[str] = Field(default_factory=lambda: list(_ALLOWED_ENVIRONMENT))
    # The commands that a step may start; none: any.
    allow: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    max_output: Size = 1024 * 1024
    # Of each stream, in files beside the database; None: there are no files.
    keep_output: Annotated[int | None, BeforeValidator(_kept_output)] = None


class Limits(Model):
    """What keeps one part from taking everything."""

    body: Size = 4 * 1024 * 1024
    depth: Annotated[int, Field(ge=10, le=DEEPEST)] = DEEPEST  # levels of a body
    items: Annotated[int, Field(ge=100)] = ITEMS  # keys and list items of a body
    connections: Annotated[int, Field(ge=10, le=100_000)] = CONNECTIONS
    runs: Annotated[int, Field(ge=1, le=10_000)] = 50
    starts: Annotated[int, Field(ge=1, le=1_000_000)] = 600  # runs that may start in a minute
    answer: Annotated[Duration, Field(gt=0)] = 0.8  # seconds that a call for labels may take


class RetentionConfig(Model):
    """How long and how much the ledger remembers of what is over; `off`: all of it."""

    age: Annotated[float | None, BeforeValidator(_age)] = 30 * 86400.0
    size: Annotated[int | None, BeforeValidator(_size)] = 2 * 1024**3


class ConfigFile(Model):
    """The keys of config.yaml."""

    listen: Annotated[Listen, BeforeValidator(_address)] = Listen()
    tls: TlsConfig | None = None
    trusted_proxies: list[ProxyNetwork] = Field(default_factory=list)
    monitor: MonitorConfig = MonitorConfig()
    database: Path = Path("engine.db")
    playbooks: Path = Path("playbooks")
    strict: Flag = False  # refuse to go by what others can change, rather than warn of it
    flashduty: FlashdutyConfig = FlashdutyConfig()
    vars: dict[Identifier, Any] = Field(default_factory=dict)
    secrets: dict[Identifier, SecretSource] = Field(default_factory=dict)
    http: HttpConfig = HttpConfig()
    shell: ShellConfig = ShellConfig()
    limits: Limits = Limits()
    retention: RetentionConfig = RetentionConfig()


class Config(ConfigFile):
    """All of config.yaml, with absolute paths."""

    file: Path
    folder: Path  # of the file: what relative paths are relative to

    @property
    def url(self) -> str:
        """The receiver's, as a client on this machine writes it."""
        return f"{'http' if self.tls is None else 'https'}://{self.listen.authority}"

    @property
    def tokens(self) -> list[str]:
        """Every token that a sender or a monitor may show."""
        special = itertools.chain.from_iterable(self.flashduty.tokens.values())
        return [*self.flashduty.webhook_token, *special, *self.monitor.token]
