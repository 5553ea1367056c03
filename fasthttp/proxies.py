"""Which proxy a request goes through: the one given, or what the environment says."""

from __future__ import annotations

from urllib import request as environment

import httpx

from . import urls
from .headers import basic


class Proxies:
    """Chooses the proxy of a URL.

    With `proxy` it is always that one; else HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in
    either case, are read once, here. Raises `ValueError` for a proxy that is not http(s).
    """

    def __init__(self, proxy: str | None) -> None:
        self._environment = {} if proxy is not None else environment.getproxies()
        named = {
            scheme: proxy or self._environment.get(scheme) or self._environment.get("all")
            for scheme in ("http", "https")
        }
        self._proxies = {scheme: _checked(name) for scheme, name in named.items() if name}

    def of(self, url: httpx.URL) -> httpx.URL | None:
        """Return the proxy for `url`, None for a direct connection."""
        proxy = self._proxies.get(url.scheme)
        return None if proxy is None or _bypassed(url, self._environment) else proxy


def authorization(proxy: httpx.URL) -> str | None:
    """Return the Proxy-Authorization value for the userinfo of the proxy's URL, if it has any."""
    return basic(proxy) if proxy.userinfo else None


def _checked(proxy: str) -> httpx.URL:
    try:
        url = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
    except httpx.InvalidURL as exc:
        why = "user name, host or port" if "@" in proxy else exc  # which may quote a password
        raise ValueError(f"the proxy's URL cannot be right: {why}") from None
    if url.scheme not in {"http", "https"} or not url.raw_host:
        shown = urls.shown(url if url.userinfo else proxy)
        raise ValueError(f"proxy {shown!r} must be an http:// or https:// URL with a host")
    return url.copy_with(raw_path=b"", fragment=None)  # the rest of it means nothing


def _bypassed(url: httpx.URL, proxies: dict[str, str]) -> bool:
    # In the standard library since 3.5, but not in typeshed.
    bypass = environment.proxy_bypass_environment  # type: ignore[attr-defined]
    names = (url.raw_host, url.netloc)  # without the port, and with it
    return "no" in proxies and any(bypass(name.decode("ascii"), proxies) for name in names)
