"""The demo's inventory: hosts that can be looked up and rebooted."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.cli.demo.target_calls import BUSY, Once


class Inventory:
    """Hosts and their reboots."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._hosts: Mapping[str, Mapping[str, Any]] = {
            "es.nj.01": {"role": "search", "owner": "team-search", "rack": "nj-a07"},
            "es.nj.02": {"role": "search", "owner": "team-search", "rack": "nj-a08"},
            "db.nj.01": {"role": "database", "owner": "team-storage", "rack": "nj-b01"},
        }
        self._protected = frozenset({"db.nj.01"})
        self._reboots: dict[str, list[float]] = {host: [] for host in self._hosts}
        self._once = Once()
        self._tasks = count(1)

    def routes(self) -> Sequence[Route]:
        return (
            Route("/inventory/hosts/{host}", self._show),
            Route("/inventory/hosts/{host}/reboot", self._reboot, methods=["POST"]),
        )

    async def _show(self, request: Request) -> Response:
        host = self._known(request)
        boots = sum(at + BUSY <= self._clock() for at in self._reboots[host])
        state = "rebooting" if self._is_rebooting(host) else "up"
        protected = host in self._protected
        return JSONResponse(
            {
                "host": host,
                **self._hosts[host],
                "protected": protected,
                "state": state,
                "boots": boots,
            }
        )

    async def _reboot(self, request: Request) -> Response:
        host = self._known(request)
        if host in self._protected:
            raise HTTPException(403, f"The host {host} is protected: it is rebooted by hand only.")

        def act() -> dict[str, Any]:
            if self._is_rebooting(host):
                raise HTTPException(409, f"The host {host} is rebooting already.")
            self._reboots[host].append(self._clock())
            return {"task": f"reboot-{next(self._tasks)}", "state": "rebooting"}

        return await self._once.answer(request, act)

    def _known(self, request: Request) -> str:
        host = str(request.path_params["host"])
        if host not in self._hosts:
            raise HTTPException(404, f"The inventory has no host {host}.")
        return host

    def _is_rebooting(self, host: str) -> bool:
        return any(at + BUSY > self._clock() for at in self._reboots[host])
