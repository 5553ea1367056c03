"""The oracles: pure functions over whole inputs that say what a correct client gives.

Each is shorter than any implementation and shares no code with one. Where a client has to refuse,
the oracle raises `Refused` with the name of the exception that the client raises.
"""


class Refused(Exception):  # noqa: N818 - it states an outcome, not a failure
    """The input has to be refused; `kind` names the exception."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(f"{kind}: {why}")
        self.kind = kind
