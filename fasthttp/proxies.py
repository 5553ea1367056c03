"""Which proxy a request goes through: the one given, or what the environment says."""

from __future__ import annotations

from urllib import request as environment

import httpx

from .headers import basic


class Proxies:
    """Chooses the proxy of a URL.

    With `proxy` it is always that one; else HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in
    either case, are read once, here. Raises `ValueError` for a proxy that is not http(s).
    """

    def __init__(self, proxy: str | None) -> None:
        self._proxy = None if proxy is None else _checked(proxy)
        self._environment = {} if proxy is not None else environment.getproxies()

    def of(self, url: httpx.URL) -> httpx.URL | None:
        """Return the proxy for `url`, None for a direct connection."""
        if self._proxy is not None or not self._environment:
            return self._proxy
        named = self._environment.get(url.scheme) or self._environment.get("all")
        if not named or _bypassed(url.host, self._environment):
            return None
        return _checked(named)


def authorization(proxy: httpx.URL) -> str | None:
    """Return the Proxy-Authorization value for the userinfo of the proxy's URL, if it has any."""
    return basic(proxy) if proxy.userinfo else None


def _checked(proxy: str) -> httpx.URL:
    url = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
    if url.scheme not in {"http", "https"} or not url.host:
        shown = url.copy_with(userinfo=b"") if url.userinfo else url
        raise ValueError(f"proxy {str(shown)!r} must be an http:// or https:// URL with a host")
    return url


def _bypassed(host: str, proxies: dict[str, str]) -> bool:
    # In the standard library since 3.5, but not in typeshed.
    return bool(environment.proxy_bypass_environment(host, proxies))  # type: ignore[attr-defined]
