"""The proxy that the environment names: `https_proxy`, `http_proxy`; `no_proxy` excepts hosts."""

import ipaddress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(base_url: str) -> str | None:
    """The proxy's URL for what is asked under `base_url`; never one for this machine itself."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:  # the client says what is wrong with it when it is asked
        return None
    proxy = getproxies().get(parts.scheme)
    if not proxy or _is_this_machine(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
