"""A request as a person would send it by hand. What is not known yet stands there by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from yarl import URL

from engine.playbooks.command import Command


@dataclass(frozen=True, slots=True)
class ByHand:
    """The parts of a request; a part may be Deferred as a whole, where all of it is a template.

    `body` are curl's own arguments for it, `content_type` what it is where no header says so.
    """

    method: str
    url: object
    params: object = None
    headers: object = None
    body: Sequence[str] = ()
    content_type: str | None = None
    user: str | None = None  # name:password
    follow: bool = False

    @property
    def command(self) -> Command:
        """The curl. What stands in the place of a secret is put in by the shell as it is.

        Without an `Idempotency-Key`: by hand, each is one of its own. Where a secret has quotes, or
        letters that a URL has not, a body in JSON and a query have to be looked at.
        """
        argv = ["curl"]
        if self.method == "HEAD" and not self.body:
            argv.append("--head")
        elif self.method != "GET" or self.body:
            argv += ["--request", self.method]
        for name, value in self._headers.items():
            argv += ["--header", f"{name}: {value}" if str(value) else f"{name};"]
        if self.user is not None:
            argv += ["--user", self.user]
        if self.follow:
            argv.append("--location")
        return Command((*argv, *self.body, self._url))

    @property
    def _headers(self) -> dict[str, object]:
        headers = self.headers
        given = dict(headers) if isinstance(headers, dict) else {str(headers): ""}
        known = {name.lower() for name in given}
        if self.content_type is not None and "content-type" not in known:
            return {"Content-Type": self.content_type, **given}
        return given

    @property
    def _url(self) -> str:
        """With `params` in it, and the names of what is not known yet to be read."""
        url, params = str(self.url), self.params
        if not isinstance(params, dict):
            return f"{url}?{params}"
        try:
            whole = URL(url).extend_query({name: str(value) for name, value in params.items()})
        except ValueError:
            return url
        return str(whole).replace("%E2%80%B9", "‹").replace("%E2%80%BA", "›")
