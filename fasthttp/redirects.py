"""Where a redirect leads, and what goes along (chapter headers, B84; RFC 9110, 15.4)."""

from __future__ import annotations

import httpx

from . import urls

MAX_REDIRECTS = 20

# To another origin only these go along, whoever set them: every other name may be a secret.
HARMLESS_HEADERS = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "range",
        "user-agent",
    }
)
_BODY_HEADERS = frozenset(
    {"content-encoding", "content-language", "content-length", "content-type", "transfer-encoding"}
)


def next_request(response: httpx.Response) -> httpx.Request | None:
    """Return the request that the response's Location asks for; None if it asks for none.

    Raises `httpx.RemoteProtocolError` for a Location that must not be followed.
    """
    if not response.has_redirect_location:
        return None
    request = response.request
    url = _target(request, response.headers["location"])
    method, content = request.method, request.content
    changed = response.status_code in {301, 302, 303} and method not in {
        "GET",
        "HEAD",
        "OPTIONS",
        "TRACE",
    }
    if changed:
        method, content = "GET", b""
    headers = [
        (name, value)
        for name, value in request.headers.raw
        if _goes_along(name.decode("ascii").lower(), request.url, url, body=not changed)
    ]
    following = httpx.Request(
        method,
        url,
        headers=[(b"Host", url.netloc), *headers],
        stream=httpx.ByteStream(content),
        extensions=request.extensions,
    )
    following.read()
    return following


def too_many(url: httpx.URL, request: httpx.Request) -> httpx.TooManyRedirects:
    """Return the error for one redirect more than `MAX_REDIRECTS`, from `request` to `url`."""
    return httpx.TooManyRedirects(
        f"over {MAX_REDIRECTS} redirects, the last to {urls.shown(url)}", request=request
    )


def _target(request: httpx.Request, location: str) -> httpx.URL:
    try:
        url = urls.absolute(str(request.url.copy_with(userinfo=None).join(location)))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
        why = "it cannot be read" if "@" in location else exc  # which may quote a password
        raise httpx.RemoteProtocolError(
            f"redirect to {urls.shown(location)!r} refused: {why}", request=request
        ) from None
    if url.userinfo:
        raise httpx.RemoteProtocolError(
            f"redirect to a URL with a user name, at {url.raw_host.decode()}, refused",
            request=request,
        )
    if request.url.scheme == "https" and url.scheme == "http":
        raise httpx.RemoteProtocolError(
            f"redirect from https to {urls.shown(url)!r} refused: it would go on in the clear",
            request=request,
        )
    return url


def _goes_along(name: str, old: httpx.URL, new: httpx.URL, *, body: bool) -> bool:
    if name == "host" or (name in _BODY_HEADERS and not body):
        return False
    return urls.origin(old) == urls.origin(new) or name in HARMLESS_HEADERS
