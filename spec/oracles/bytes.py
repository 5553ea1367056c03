"""The chunks of a body (chapter bytes)."""


def chunks(body: bytes, size: int) -> list[bytes]:
    """What aiter_bytes(size) yields: each chunk has this size, but for a shorter last one."""
    return [body[start : start + size] for start in range(0, len(body), size)]
