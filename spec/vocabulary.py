"""The keys that examples may use: what each takes, and in which chapters it stands.

`KEYS` maps a key to its kind, in words and as a check; `ALLOWED` maps a chapter to its keys.
`OUTCOME` are the keys that say what must come of an example, `DEFAULTS` maps a chapter to what it
takes for granted. spec/README.md explains them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]
Keys = dict[str, tuple[str, Check]]


def raw(text: str) -> bytes:
    """The bytes that a field such as `body-bytes` stands for: each character is one byte."""
    return text.encode("latin-1")


def _kind(kind: type) -> Check:
    return lambda value: type(value) is kind


def _raw(value: Any) -> bool:
    return isinstance(value, str) and all(character <= "\xff" for character in value)


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _list(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _fields(**checks: Check) -> Check:
    return lambda value: (
        isinstance(value, dict)
        and all(key in checks and checks[key](item) for key, item in value.items())
    )


def _all_fields(**checks: Check) -> Check:
    return lambda value: _fields(**checks)(value) and len(value) == len(checks)


def _by_name(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _anything(value: Any) -> bool:  # noqa: ARG001 - a check takes the value
    return True


_text, _count, _flag = _kind(str), _kind(int), _kind(bool)
_null = _kind(type(None))
_texts = _list(_text)
_text_or_texts = _either(_text, _texts)
_session = _fields(
    base_url=_text,
    headers=_by_name(_text),
    timeout=_anything,
    security=_flag,
    follow_redirects=_flag,
)
_request = _fields(
    call=_text,
    method=_text,
    url=_text,
    headers=_either(_by_name(_either(_text, _null)), _null),
    content=_raw,
    timeout=_anything,
    params=_by_name(_text),
    json=_anything,
    data=_by_name(_text),
)
_event = _all_fields(event=_text, data=_text, id=_text, retry=_either(_count, _null))

# key -> what its value has to be, in words and as a check
CALL: Keys = {
    "session": ("a mapping of constructor arguments", _session),
    "request": ("a mapping of request arguments", _request),
    "earlier": ("a mapping of request arguments", _request),
    "base_url": ("a string or null", _either(_text, _null)),
    "url": ("a string", _text),
    "chunk-size": ("given", _anything),
    "first": ("a read mode or a list of them", _text_or_texts),
    "progress": ("before, amid or after, or a list of them", _text_or_texts),
    "then": ("a read mode or a list of them", _text_or_texts),
}
RESPONSE: Keys = {
    "status": ("an integer", _count),
    "content-type": ("a string", _text),
    "response-headers": ("a mapping of strings or lists of them", _by_name(_text_or_texts)),
    "body": ("a string", _text),
    "body-bytes": ("a string of characters up to U+00FF", _raw),
    "codings": ("a list of codings", _texts),
    "flush-at": ("a list of integers", _list(_count)),
    "content-encoding": ("a string or a list of them", _text_or_texts),
    "coded-add": ("a string of characters up to U+00FF", _raw),
    "coded-drop": ("an integer", _count),
    "framing": ("a framing or a list of them", _text_or_texts),
    "end": ("{close: n} or {reset: n}", _fields(close=_count, reset=_count)),
    "before": ("a string of characters up to U+00FF", _raw),
    "extra": ("a string of characters up to U+00FF", _raw),
    "wire": ("a string of characters up to U+00FF", _raw),
    "held": ("true or false", _flag),
}
OUTCOME: Keys = {
    "bytes": ("a string of characters up to U+00FF", _raw),
    "text": ("a string", _text),
    "lines": ("a list of strings", _texts),
    "chunks": ("{size: n, of: [...]}", _all_fields(size=_count, of=_list(_raw))),
    "events": ("a list of {event, data, id, retry}", _list(_event)),
    "last-id": ("a string", _text),
    "retry": ("an integer or null", _either(_count, _null)),
    "error": ("the name of an exception or a list of them", _text_or_texts),
    "refused": ("the name of an exception or a list of them", _text_or_texts),
    "gives": ("whole or the name of an exception", _text),
    "sent": ("a mapping of strings or lists of them", _by_name(_text_or_texts)),
    "absent": ("a list of strings", _texts),
    "request-line": ("a string", _text),
    "sent-body": ("a string of characters up to U+00FF", _raw),
    "target": ("a string", _text),
    "effective": ("a number or null", _either(_count, _kind(float), _null)),
}
COMMENT: Keys = {
    "message": ("a list of strings", _texts),
    "note": ("a string", _text),
}

_READ = frozenset({"request", "session", *RESPONSE, "error", *COMMENT})
_SENT = frozenset({"session", "request", "earlier", "sent", "absent", "refused", *COMMENT})

# chapter -> the keys that its examples take
ALLOWED: dict[str, frozenset[str]] = {
    "session": _SENT | _READ | {"request-line", "sent-body", "bytes", "text", "lines"},
    "headers": _SENT,
    "urls": frozenset({"base_url", "url", "target", "refused", *COMMENT}),
    "timeouts": frozenset({"session", "request", "earlier", "effective", "refused", *COMMENT}),
    "bytes": _READ | {"chunk-size", "bytes", "chunks", "refused", "sent", "absent"},
    "text": _READ | {"text"},
    "lines": _READ | {"lines"},
    "body": _READ | {"bytes", "text", "lines", "first", "progress", "then", "gives"},
    "events": _READ
    | _SENT
    | {"events", "last-id", "retry", "first", "progress", "then", "gives", "request-line"},
    "errors": _READ | {"bytes", "refused"},
    "lifecycle": _READ | {"bytes", "lines"},
    "security": _READ | _SENT | {"bytes", "base_url", "url", "target", "request-line"},
}

# chapter -> what its examples give unless they say otherwise
DEFAULTS: dict[str, dict[str, Any]] = {"events": {"content-type": "text/event-stream"}}

KEYS = {**CALL, **RESPONSE, **OUTCOME, **COMMENT}
