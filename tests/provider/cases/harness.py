"""What the cases share: a provider of their own, raw requests to it, and both dialects as data.

The client side is plain sockets and http.client on purpose: nothing here is code the provider uses,
so a mistake cannot cancel itself out.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

PROVIDER = Path(__file__).resolve().parent.parent / "provider.py"
TIMEOUT = 10.0


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
        command = [sys.executable, str(PROVIDER), "--script", str(scripts), "--log", str(self._log)]
        command += ["--parent", str(os.getpid()), *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )

    def __enter__(self) -> Provider:
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://127.0.0.1:"):
            raise RuntimeError(self.process.communicate()[1])
        self.port = int(line.rpartition(":")[2])
        return self

    def __exit__(self, *ignored: Any) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=TIMEOUT)
        self._folder.cleanup()

    def refuses_to_start(self) -> str:
        """For wrong scripts: what it says before it exits with 2."""
        errors = self.process.communicate(timeout=TIMEOUT)[1]
        self._folder.cleanup()
        assert self.process.returncode == 2, self.process.returncode
        return errors

    def log(self, event: str | None = None, count: int = 0) -> list[dict]:
        """The log's lines; waits until [count] of them are there (they follow the answer)."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            lines = [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]
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

    def ask(self, dialect: Wire, text: str = "hi", **more: Any) -> Answer:
        return self.send(dialect, dialect.body(text, **more))

    def send(self, dialect: Wire, body: Any, headers: dict | None = None) -> Answer:
        response = self.open(dialect.path, body, {**dialect.headers, **(headers or {})})
        data = response.read()
        response.owner.close()
        return Answer(dialect, response.status, dict(response.getheaders()), data)


@dataclass
class Answer:
    wire: Wire
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def streamed(self) -> bool:
        return self.headers["content-type"].startswith("text/event-stream")

    @property
    def events(self) -> list[Any]:
        """The data of each event of a stream; "[DONE]" as text."""
        found = []
        for event in self.data.decode("utf-8").split("\n\n"):
            lines = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
            if lines:
                found.append(lines[0] if lines[0] == "[DONE]" else json.loads(lines[0]))
        return found

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


@dataclass(frozen=True)
class Wire:
    """One dialect as a client sees it."""

    name: str
    path: str
    headers: dict[str, str]
    error_type: Callable[[dict], str]
    stops: dict[str, str]  # neutral -> on the wire
    whole_text: Callable[[dict], str]
    stream_text: Callable[[list], str]
    stop: Callable[[list], str | None]
    ended: Callable[[list], bool]
    usage: Callable[[list], dict | None]
    extra: dict[str, Any]
    stream_extra: dict[str, Any]

    def body(self, text: str, stream: bool = False, **more: Any) -> dict:
        body = {"model": "small-1", "messages": [{"role": "user", "content": text}], **self.extra}
        if stream:
            body |= {"stream": True, **self.stream_extra}
        return body | more


def _anthropic_usage(events: list) -> dict | None:
    told = [event["usage"] for event in events if event.get("usage")]
    if not told:
        return None
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    return dict(zip(("fresh", "write", "read", "out"), (told[-1][name] for name in names)))


def _openai_usage(events: list) -> dict | None:
    told = [event["usage"] for event in events if isinstance(event, dict) and event.get("usage")]
    if not told:
        return None
    last, details = told[-1], told[-1]["prompt_tokens_details"]
    write, read = details["cache_write_tokens"], details["cached_tokens"]
    fresh = last["prompt_tokens"] - write - read
    return {"fresh": fresh, "write": write, "read": read, "out": last["completion_tokens"]}


def _choices(events: list) -> list[dict]:
    return [choice for event in events if isinstance(event, dict) for choice in event.get("choices", [])]


ANTHROPIC = Wire(
    name="anthropic",
    path="/v1/messages",
    headers={"anthropic-version": "2026-10-21", "x-api-key": "test-key"},
    error_type=lambda body: body["error"]["type"],
    stops={"end_turn": "end_turn", "max_tokens": "max_tokens", "tool_use": "tool_use"},
    whole_text=lambda body: "".join(b["text"] for b in body["content"] if b["type"] == "text"),
    stream_text=lambda events: "".join(
        e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta"
    ),
    stop=lambda events: next(
        filter(None, (e.get("stop_reason") or e.get("delta", {}).get("stop_reason") for e in events)),
        None,
    ),
    ended=lambda events: events[-1].get("type") == "message_stop",
    usage=_anthropic_usage,
    extra={"max_tokens": 10_000},
    stream_extra={},
)

OPENAI = Wire(
    name="openai-chat",
    path="/v1/chat/completions",
    headers={"authorization": "Bearer test-key"},
    error_type=lambda body: body["error"]["code"] or body["error"]["type"],
    stops={"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"},
    whole_text=lambda body: body["choices"][0]["message"]["content"] or "",
    stream_text=lambda events: "".join(c["delta"].get("content") or "" for c in _choices(events)),
    stop=lambda events: next((c["finish_reason"] for c in _choices(events) if c["finish_reason"]), None),
    ended=lambda events: events[-1] == "[DONE]",
    usage=_openai_usage,
    extra={},
    stream_extra={"stream_options": {"include_usage": True}},
)

WIRES = (ANTHROPIC, OPENAI)
EVERY = [(wire, stream) for wire in WIRES for stream in (False, True)]
