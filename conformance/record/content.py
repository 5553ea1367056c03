"""What the SSE application says: a story token by token, a feed of events, a log file.

Everything is computed, nothing is random, so that it is the same on every machine.
"""

import json
from collections.abc import Iterator
from typing import Any

MEBIBYTE = 1_048_576

# One token holds U+2028 as it is, between the two halves of a sign: text, not the end of a line.
STORY: tuple[str, ...] = (
    "Once", " a", " small", " lamp", " 🏮", " set", " out", " to", " learn", " how", " every",
    " town", " says", " good", " evening", ".", "\n\n",
    "In", " Köln", " it", " heard", " «", "Guten", " Abend", "»", ",", " in", " Αθήνα", " «",
    "Καλ", "ησπέρα", "»", ",", " in", " Київ", " «", "Добрий", " вечір", "»", ".", "\n",
    "A", " baker", " in", " القاهرة", " called", " مساء", " الخير", ";", " a", " child", " in",
    " חיפה", " sang", " ערב", " טוב", ".", "\n",
    "By", " दिल्ली", " the", " lamp", " could", " answer", " शुभ", " संध्या", ",", " and", " by",
    " กรุงเทพ", " it", " bowed", " สวัสดี", ".", "\n",
    "In", " 東京", " a", " cat", " 🐈\u200d⬛", " said", " こん", "ばんは", ";", " in", " 서울",
    " a", " bus", " said", " 안녕", "하세요", ";", " in", " 成都", " the", " tea", " 🍵", " said",
    " 晚上", "好", "。", "\n",
    "Over", " the", " last", " door", " hung", " a", " sign", ":", " “come", " in\u2028stay",
    " a", " while”", ".", "\n\n",
    "So", " the", " lamp", " stayed", ",", " with", " a", " family", " 👩🏽\u200d👩🏾\u200d👧🏼",
    " who", " asked", " for", " no", " words", " at", " all", " 𝄞", ".",
)  # fmt: skip

Event = dict[str, Any]

FEED: tuple[Event, ...] = (
    {"comment": "connected", "retry": 3000},
    {"id": "1", "event": "status", "data": '{"state": "ready"}'},
    {"data": "an event without a name or an id"},
    {"comment": "ping"},
    {"id": "2", "event": "note", "data": "first line\nsecond line"},
    {"id": "3", "event": "grüße", "data": "schöne Grüße, 你好 👋"},
    {"comment": "ping"},
    {"event": "no-data"},
    {"id": "", "data": "the last id is empty again"},
    {"id": "4", "event": "status", "data": '{"state": "done"}', "retry": 10000},
)

MULTI_LINE_DATA: tuple[Event, ...] = (
    {"data": "one\ntwo\nthree"},
    {"data": "a gap follows\n\nand ends here"},
    {"data": " begins with a space\n\tand with a tab"},
    {"data": "field: value: value\nid: 7\n: no comment"},
    {"data": ""},
    {"data": "\n"},
    {"id": "poem", "event": "poem", "data": "静かな夜\nランプが\u2028一つ\nend"},
)


def completion() -> Iterator[Event]:
    """The chunks of the chat completion, from the role to the reason why it ended."""
    yield _chunk({"role": "assistant", "content": ""}, None)
    for token in STORY:
        yield _chunk({"content": token}, None)
    yield _chunk({}, "stop")


def _chunk(delta: dict[str, str], finish_reason: str | None) -> Event:
    return {
        "id": "chatcmpl-recorded",
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": "story-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


def large_event() -> tuple[Event, ...]:
    """An event whose data is one line of 1 MiB, and a small one after it."""
    rows = (f'{{"row": {number}, "square": {number * number}}}' for number in range(10**6))
    return (
        {"id": "large", "event": "table", "data": _filled("[", rows, "]")},
        {"id": "small", "data": "after the large event"},
    )


def _filled(start: str, rows: Iterator[str], end: str) -> str:
    """As many rows as fit, as JSON, padded with spaces to exactly 1 MiB."""
    line = start + next(rows)
    parts, size = [line], len(line)
    for row in rows:
        if size + len(row) + 2 + len(end) > MEBIBYTE:
            break
        parts.append(f", {row}")
        size += len(row) + 2
    return "".join(parts) + " " * (MEBIBYTE - size - len(end)) + end


_METHODS = ("GET", "GET", "GET", "POST", "GET", "PUT", "DELETE")
_PATHS = ("items", "orders", "sessions", "health", "search")
_STATUSES = (200, 200, 200, 201, 200, 304, 404, 200, 200, 503)


def log(lines: int = 42_000) -> bytes:
    """The log of a service, a line a request: about 4 MB."""
    return "".join(_log_line(number) for number in range(lines)).encode("ascii")


def _log_line(number: int) -> str:
    spread = number * 2_654_435_761 % 2**32  # Knuth's multiplicative hash
    seconds, millis = divmod(number * 137, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}"
    entry = {
        "time": f"2026-01-01T{clock}Z",
        "method": _METHODS[spread % 7],
        "path": f"/{_PATHS[spread % 5]}/{spread % 9973}",
        "status": _STATUSES[spread // 7 % 10],
        "ms": spread // 11 % 480 + 1,
    }
    return json.dumps(entry, separators=(",", ":")) + "\n"
