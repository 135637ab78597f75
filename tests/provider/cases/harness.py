"""What the cases share: a provider of their own, and raw requests to it. wires.py knows the dialects.

The client side is plain sockets and http.client on purpose: nothing here is code the provider uses,
so a mistake cannot cancel itself out.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .nursery import TIMEOUT, Child
from .wires import Wire

PROVIDER = Path(__file__).resolve().parent.parent / "provider.py"


class Provider:
    """A running provider: with Provider(rules, "--cache-min", "1") as provider: ..."""

    def __init__(self, rules: list | None = None, *options: str, files: dict[str, str] | None = None):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        scripts = self.folder / "scripts"
        scripts.mkdir()
        for name, text in (files or {}).items():
            (scripts / name).write_text(text, "utf-8")
        if rules is not None:
            (scripts / "script.json").write_text(json.dumps(rules), "utf-8")
        self._log = self.folder / "log"
        arguments = ["--script", str(scripts), "--log", str(self._log), "--parent", str(os.getpid()), *options]
        self.process = Child(arguments, self.folder)

    def __enter__(self) -> Provider:
        line = self.process.first_line()
        if not line.startswith("listening on http://127.0.0.1:"):
            raise RuntimeError(self.process.errors)
        self.port = int(line.rpartition(":")[2])
        return self

    def __exit__(self, *ignored: Any) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._folder.cleanup()

    def refuses_to_start(self) -> str:
        """For wrong scripts: what it says before it exits with 2."""
        status, errors = self.process.wait(), self.process.errors
        self._folder.cleanup()
        assert status == 2, status
        return errors

    def log(self, event: str | None = None, count: int = 0) -> list[dict]:
        """The log's lines; waits until [count] of them are there (they follow the answer)."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            whole = self._log.read_text("utf-8").rpartition("\n")[0]  # a line may be half written
            lines = [json.loads(line) for line in whole.splitlines()]
            lines = [line for line in lines if event in (None, line["event"])]
            if len(lines) >= count:
                return lines
            assert time.monotonic() < deadline, f"{len(lines)} of {count} log lines: {lines}"
            time.sleep(0.01)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT)

    def open(self, path: str, body: Any = None, headers: dict | None = None, method: str | None = None):
        """Sends and returns the http.client response, body unread."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
        connection.request(method or ("GET" if body is None else "POST"), path, data, headers or {})
        response = connection.getresponse()
        response.owner = connection  # keeps the socket open
        return response

    def start(self, wire: Wire, text: str = "hi", /, stream: bool = False, **more: Any):
        """Asks, and returns the http.client response with its body unread."""
        model = more.get("model", "small-1")
        return self.open(wire.target(stream, model), wire.body(text, stream, **more), wire.headers)

    def ask(self, wire: Wire, text: str = "hi", /, stream: bool = False, **more: Any) -> Answer:
        return self._read(wire, self.start(wire, text, stream, **more))

    def send(self, wire: Wire, body: Any, headers: dict | None = None) -> Answer:
        return self._read(wire, self.open(wire.path, body, {**wire.headers, **(headers or {})}))

    @staticmethod
    def _read(wire: Wire, response: Any) -> Answer:
        data = response.read()
        response.owner.close()
        return Answer(wire, response.status, dict(response.getheaders()), data)


def leave(response: Any) -> None:
    """Closes the connection with the rest unread: the provider sees that the client is gone."""
    response.close()
    response.owner.close()


@dataclass
class Answer:
    wire: Wire
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def streamed(self) -> bool:
        return self.headers["content-type"].startswith(("text/event-stream", "application/x-ndjson"))

    @property
    def events(self) -> list[Any]:
        return self.wire.events(self.data)

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def text(self) -> str:
        return self.wire.stream_text(self.events) if self.streamed else self.wire.whole_text(self.json)

    @property
    def stop(self) -> str | None:
        return self.wire.stop(self.events if self.streamed else [self.json])

    @property
    def ended(self) -> bool:
        return self.wire.ended(self.events)

    @property
    def usage(self) -> dict | None:
        """fresh, write, read, out; None when not told."""
        return self.wire.usage(self.events if self.streamed else [self.json])
