"""The text of a body (chapter text).

The charset counts if it names a text codec; otherwise, and for event streams, pass None: UTF-8.
What cannot be decoded is replaced, so no body is an error.
"""

import codecs

BOMS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
# Python calls these text codecs, but most are known to nobody else, or cannot decode every body;
# browsers refuse UTF-7.
UNUSABLE = {"idna", "mbcs", "oem", "palmos", "punycode", "undefined"}
UNUSABLE |= {"unicode-escape", "raw-unicode-escape", "utf-7", "iso2022-jp-2"}


def text(body: bytes, charset: str | None) -> str:
    """What the chunks of aiter_text() add up to."""
    codec = _codec(charset or "utf-8")
    if not body.startswith(BOMS.get(codec, b"")):
        codec += "-le"  # no byte order mark: as the WHATWG encoding standard reads utf-16
    return body.decode(codec, "replace")


def _codec(charset: str) -> str:
    try:
        codec = codecs.lookup(charset)
    except (LookupError, ValueError):
        return "utf-8"
    name = codec.name.replace("_", "-")
    # The registry has no public way to ask this.
    is_text = codec._is_text_encoding
    return name if is_text and name not in UNUSABLE else "utf-8"
