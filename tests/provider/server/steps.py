"""An answer as a list of steps, and the player that carries them out on a connection.

    Head, Send, Send, Wait, Send            a stream that pauses
    Head, Send, Cut(reset=True)             a stream that dies
    Cut(reset=True)                         no answer at all

Faults rewrite the list; nothing else knows how an answer goes wrong. A list that does not end in Cut
ends properly: last chunk sent, or all of content-length.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Union

from .http1 import Connection, Gone, HttpRequest, head_bytes

FLUSH_AT = 64 * 1024
FILE_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Head:
    status: int
    headers: dict[str, str]
    length: int | None = None  # None = chunked
    spread: float = 0.0  # seconds between the first and the second half of the header


@dataclass(frozen=True)
class Send:
    data: bytes
    tokens: int = 0  # what pacing counts
    alone: bool = False  # a chunk and a write of its own


@dataclass(frozen=True)
class Wait:
    seconds: float | None  # None = until the client leaves


@dataclass(frozen=True)
class Until:
    file: Path  # exists


@dataclass(frozen=True)
class Cut:
    reset: bool  # RST, else FIN


Step = Union[Head, Send, Wait, Until, Cut]


def split(steps: Iterable[Step], count: int) -> tuple[list[Step], list[Step]]:
    """[steps] in two, [count] bytes of body into it; a count past the end gives ([all], [])."""
    before: list[Step] = []
    after: list[Step] = []
    for step in steps:
        if after or not isinstance(step, Send):
            (after or before).append(step)
        elif len(step.data) < count:
            count -= len(step.data)
            before.append(step)
        else:
            first, second = step.data[:count], step.data[count:]
            before += [Send(first, 0, True)] if first else []
            # An empty Send keeps "we are past the point" true for the steps that follow.
            after.append(Send(second, step.tokens, step.alone))
    return before, after


class Player:
    """Plays one answer. After play() the public fields tell what came of it."""

    def __init__(self, http: HttpRequest, connection: Connection, rate: float):
        self.status: int | None = None
        self.sent = 0  # bytes of body
        self.complete = False  # the HTTP message was sent to its end
        self.gone = False  # the client left first
        self.first_ms: float | None = None
        self.keep = http.keep_alive  # whether the connection may be used again
        self._old, self._bodyless = http.version == "HTTP/1.0", http.method == "HEAD"
        self._connection, self._rate = connection, rate
        self._pending = bytearray()
        self._chunked = False
        self._tokens, self._began = 0, 0.0

    async def play(self, steps: Iterable[Step], on_body: Callable[[], None] = lambda: None) -> None:
        """[on_body] is called when the first byte of a body is about to leave."""
        try:
            for step in steps:
                if isinstance(step, Send):
                    if self.sent == 0 and step.data:
                        on_body()
                    await self._send(step)
                elif isinstance(step, Wait):
                    await self._flush()
                    await self._connection.wait(step.seconds)
                elif isinstance(step, Until):
                    await self._flush()
                    while not step.file.exists():
                        await self._connection.wait(FILE_POLL_SECONDS)
                elif isinstance(step, Head):
                    await self._head(step)
                else:
                    await self._flush()
                    self.keep = False
                    await self._connection.cut(step.reset)
                    return
            if self._chunked:
                self._pending += b"0\r\n\r\n"
            await self._flush()
            self.complete = True
        except Gone:
            self.keep = False
            self.gone = True

    async def _head(self, step: Head) -> None:
        self.status = step.status
        self._chunked = step.length is None and not self._old and not self._bodyless
        headers = dict(step.headers)
        if self._chunked:
            headers["transfer-encoding"] = "chunked"
        elif step.length is not None:
            headers["content-length"] = str(step.length)
        else:
            self.keep = False
        headers["connection"] = "keep-alive" if self.keep else "close"
        data = head_bytes(step.status, headers)
        if step.spread:
            await self._connection.write(data[: len(data) // 2])
            await self._connection.wait(step.spread)
            data = data[len(data) // 2 :]
        self._pending += data

    async def _send(self, step: Send) -> None:
        if self._bodyless or not step.data:
            return
        if step.tokens and self._rate:
            await self._pace(step.tokens)
        if step.alone:
            await self._flush()
        if self._chunked:
            self._pending += b"%x\r\n%b\r\n" % (len(step.data), step.data)
        else:
            self._pending += step.data
        self.sent += len(step.data)
        if step.alone or len(self._pending) > FLUSH_AT:
            await self._flush()

    async def _pace(self, count: int) -> None:
        now = time.monotonic()
        self._began = self._began or now
        self._tokens += count
        ahead = self._began + self._tokens / self._rate - now
        if ahead > 0.005:
            await self._flush()
            await self._connection.wait(ahead)

    async def _flush(self) -> None:
        if self._pending:
            data, self._pending = bytes(self._pending), bytearray()
            if self.first_ms is None:
                self.first_ms = time.monotonic() * 1000
            await self._connection.write(data)
