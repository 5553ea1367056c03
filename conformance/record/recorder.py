"""Record one topic into one file: ask the real server with http.client, let vcrpy write it down.

http.client, because only there does vcrpy keep header names as they were sent. What it wrote is
read back and compared with what the server sent: a cassette that does not say the same is an error.
"""

import http.client
from pathlib import Path
from typing import Any

import vcr  # type: ignore[import-untyped]  # vcrpy has no type information

from conformance import cassettes
from conformance.record.normalise import ADDRESS, Answer, normalise
from conformance.record.servers import Server
from conformance.record.topics import Exchange, Topic

ANSWER_SECONDS = 30

COMMON = {
    "User-Agent": "cassette-recorder",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br",
}


class RecordingError(Exception):
    """A server did not answer, or the file does not say what it answered."""


class Recorder:
    """Records topics from one running server into files below `into`."""

    def __init__(self, server: Server, into: Path) -> None:
        self._server = server
        self._into = into
        self._kept: list[cassettes.Response] = []
        self._rules: set[str] = set()

    def record(self, topic: Topic) -> list[str]:
        """Write the cassette of a topic; returns what was normalised in it."""
        self._kept, self._rules = [], {ADDRESS}
        path = self._into / f"{topic.name}.yaml"
        with self._vcr().use_cassette(path):
            for exchange in topic.exchanges:
                self._exchange(exchange)
        self._verify(topic, path)
        return sorted(self._rules)

    def _vcr(self) -> Any:
        return vcr.VCR(
            record_mode="all",
            before_record_request=self._address,
            before_record_response=self._keep,
            decode_compressed_response=False,
        )

    def _address(self, request: Any) -> Any:
        real = f"http://127.0.0.1:{self._server.port}/"
        request.uri = request.uri.replace(real, f"http://{self._server.kind.host}/", 1)
        return request

    def _keep(self, answer: Answer) -> Answer:
        self._rules |= normalise(answer)
        self._kept.append(_response(answer))  # at once: vcrpy turns the body into text to write it
        return answer

    def _exchange(self, exchange: Exchange) -> None:
        # Looked up in its module at this moment: vcrpy puts its own class there.
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, ANSWER_SECONDS)
        try:
            connection.request(
                exchange.method, exchange.target, exchange.body, self._headers(exchange)
            )
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            asked = f"{exchange.method} {exchange.target}"
            story = self._server.story()
            raise RecordingError(f"no answer to {asked}: {error!r}\n{story}") from error
        finally:
            connection.close()

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        """All that is sent, so that the cassette has it all; http.client adds nothing to these."""
        length = {} if exchange.body is None else {"Content-Length": str(len(exchange.body))}
        return {"Host": self._server.kind.host, **COMMON, **exchange.headers, **length}

    def _verify(self, topic: Topic, path: Path) -> None:
        written = [interaction.response for interaction in cassettes.read(path, topic.name)]
        asked, sent = len(topic.exchanges), len(self._kept)
        if written != self._kept or sent != asked:
            found = f"{len(written)} answers read back, {sent} received, {asked} requests sent"
            raise RecordingError(f"{path} does not say what the server sent: {found}")


def _response(answer: Answer) -> cassettes.Response:
    return cassettes.Response(
        status=answer["status"]["code"],
        reason=answer["status"]["message"],
        headers=tuple((n, v) for n, values in sorted(answer["headers"].items()) for v in values),
        body=answer["body"]["string"],
    )
