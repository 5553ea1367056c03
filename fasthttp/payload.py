"""What a call may be given to send: a method, and content or what becomes content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from . import headers

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOWHERE = httpx.URL("http://nowhere.invalid/")


def checked_method(method: str) -> str:
    """Return the method in upper case; raise `ValueError` or `TypeError` for what is no token."""
    if not isinstance(method, str):
        raise TypeError(f"method must be a str, not {type(method).__name__}")
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"method {method!r} is not a token")
    return method.upper()


def checked_content(content: bytes | None) -> bytes | None:
    """Return the content as bytes; raise `TypeError` for what is not bytes-like."""
    if content is None or type(content) is bytes:
        return content
    if not isinstance(content, bytearray | memoryview):
        raise TypeError(f"content must be bytes, not {type(content).__name__}")
    return bytes(content)


def encoded(
    content: bytes | None, json: Any, data: Mapping[str, Any] | None, files: Any
) -> tuple[bytes | None, str | None]:
    """Return the body of a request, and the Content-Type that belongs to it, if one does.

    Raises `TypeError` or `ValueError` for what cannot be sent.
    """
    body = checked_content(content)
    if json is None and data is None and files is None:
        return body, None
    if body is not None:
        raise TypeError("content cannot go along with json, data or files: give one")
    if data is not None and not isinstance(data, Mapping):
        raise TypeError(f"data must be a mapping of form fields, not {type(data).__name__}")
    _check_parts(files or ())
    try:
        form = httpx.Request("POST", _NOWHERE, json=json, data=data, files=files)
        return form.read(), form.headers.get("content-type")  # an empty form has none
    except AttributeError as exc:  # httpx has tried to read what is no file
        raise TypeError(f"files must be bytes, or files opened in binary mode: {exc}") from exc


def _check_parts(files: Any) -> None:
    """Refuse what would end a header early: parts of a form have headers of their own."""
    for name, part in files.items() if isinstance(files, Mapping) else files:
        kind, more = (*part[2:4], None, None)[:2] if isinstance(part, tuple) else (None, None)
        try:
            headers.check({"Content-Type": kind})
            headers.check(more)
        except (ValueError, TypeError) as exc:
            raise type(exc)(f"file {name!r}: {exc}") from exc
