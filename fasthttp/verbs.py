"""`Verbs`: `request()`, and a method for each of HTTP's own (chapter session)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from . import headers as header_rules
from . import urls
from .payload import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from .context import StreamContext
    from .response import Response


class Verbs(ABC):
    """The part of a session that returns whole responses; `AsyncSession` has the rest."""

    @abstractmethod
    def _resolve(self, url: str) -> httpx.URL:
        """Return the URL that is meant, or raise what `stream()` raises for one."""

    @abstractmethod
    def _context(
        self,
        method: str,
        url: httpx.URL,
        headers: header_rules.Changes,
        body: bytes | None,
        timeout: float | None,
    ) -> StreamContext:
        """Make the request; everything that can be refused has been when this returns."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send a request and return its `Response`, the whole body read into memory.

        Never raises for a status; `raise_for_status()` does.

        Args:
            method: any method token; sent in upper case.
            url: absolute, or relative to `base_url`.
            params: added to the URL's query, as httpx takes them.
            headers: as in `stream()`.
            content: bytes; or else one of:
            json: anything `json.dumps` takes.
            data: form fields, url-encoded, or in multipart form along with `files`.
            files: as httpx takes them; read into memory.
            timeout: as in `stream()`.

        Raises:
            As `stream()`, and `httpx.TransportError` or `httpx.DecodingError` for a body that
            was cut short.
        """
        target = urls.with_params(self._resolve(url), params)
        pairs = header_rules.check(headers)
        body, kind = encoded(content, json, data, files)
        if kind is not None and "content-type" not in {name.lower() for name, _ in pairs}:
            pairs = (*pairs, ("Content-Type", kind))
        async with self._context(method, target, pairs, body, timeout) as response:
            await response.aread()
        return response

    async def get(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send GET and return the whole response; see `request()`."""
        return await self.request("GET", url, params=params, headers=headers, timeout=timeout)

    async def head(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send HEAD and return the response, which has no body; see `request()`."""
        return await self.request("HEAD", url, params=params, headers=headers, timeout=timeout)

    async def options(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send OPTIONS and return the whole response; see `request()`."""
        return await self.request("OPTIONS", url, params=params, headers=headers, timeout=timeout)

    async def delete(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send DELETE and return the whole response; see `request()`."""
        return await self.request(
            "DELETE",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    async def post(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send POST and return the whole response; see `request()`."""
        return await self.request(
            "POST",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    async def put(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send PUT and return the whole response; see `request()`."""
        return await self.request(
            "PUT",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    async def patch(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send PATCH and return the whole response; see `request()`."""
        return await self.request(
            "PATCH",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )
