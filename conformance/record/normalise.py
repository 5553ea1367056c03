"""What is made constant in a recording, rule by rule; the manifest names the rules that applied.

A rule changes a response, in vcrpy's form, and says whether it applied. Everything else is as the
server sent it. Host names need no rule: the recorder asks for `httpbin.test` and `sse.test` in its
Host header, so whatever a server derives from that (Location, JSON) has these names by itself.
"""

import re
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
NO_UUID = "0" * 32


def date(answer: Answer) -> bool:
    return _fix(answer, "date", DATE)


def last_modified(answer: Answer) -> bool:
    return _fix(answer, "last-modified", DATE)


def random_etag(answer: Answer) -> bool:
    return _fix(answer, "etag", NO_UUID, only=re.compile(r"[0-9a-f]{32}"))


def gzip_time(answer: Answer) -> bool:
    """A gzip header holds the time of compression in its bytes 4 to 7."""
    codings = [v for name, v in answer["headers"].items() if name.lower() == "content-encoding"]
    if codings != [["gzip"]]:
        return False
    body = answer["body"]["string"]
    answer["body"]["string"] = body[:4] + bytes(4) + body[8:]
    return True


RULES: dict[str, Callable[[Answer], bool]] = {
    f"Date is {DATE}": date,
    f"Last-Modified is {DATE}": last_modified,
    "an ETag that is a random UUID is 32 zeros": random_etag,
    "the time in the gzip header is 0": gzip_time,
}

ADDRESS = "scheme, host and port of the request URL are the reserved name that its Host header has"


def normalise(answer: Answer) -> set[str]:
    """Apply the rules; returns the descriptions of those that applied."""
    return {description for description, rule in RULES.items() if rule(answer)}


def _fix(answer: Answer, name: str, value: str, only: re.Pattern[str] | None = None) -> bool:
    fixed = False
    for sent, values in answer["headers"].items():
        if sent.lower() == name and (only is None or only.fullmatch(values[0])):
            answer["headers"][sent] = [value]
            fixed = True
    return fixed
