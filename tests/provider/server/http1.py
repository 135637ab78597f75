"""HTTP/1.1 for one connection: bytes into requests, with caps; writing and waiting for the answer.

Own code instead of a library because the point is to misbehave exactly as told: resets, half heads,
odd cuts. One request at a time per connection; a client that sends ahead simply waits.

    connection -> read_request -> handler(request, connection) -> read_request -> ... -> closed
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Awaitable, Callable
from urllib.parse import parse_qsl, unquote

MAX_HEAD = 64 * 1024
MAX_HEADERS = 100
MAX_BODY = 32 * 1024 * 1024
MAX_CHUNK_LINE = 1024
HIGH_WATER = 256 * 1024  # unread bytes at which the socket is no longer read
LINGER_SECONDS = 2.0  # how long an unread body is still drained after a refusal

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Gone(Exception):
    """The client closed the connection."""


class BadRequest(Exception):
    """What HTTP itself refuses. The connection is closed after the answer."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class HttpRequest:
    method: str = ""
    path: str = ""  # without the query
    query: dict[str, str] = field(default_factory=dict)
    version: str = "HTTP/1.1"
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    problem: BadRequest | None = None  # set when the request could not be read to its end

    @property
    def keep_alive(self) -> bool:
        wish = self.headers.get("connection", "").lower()
        if self.problem or "close" in wish:
            return False
        return self.version == "HTTP/1.1" or "keep-alive" in wish


Handler = Callable[[HttpRequest, "Connection"], Awaitable[bool]]  # returns: keep the connection


class Connection(asyncio.Protocol):
    count = 0
    idle_seconds: float | None = None  # a used connection is closed after so long without a request

    def __init__(self, handler: Handler, tasks: set[asyncio.Task]):
        Connection.count += 1
        self.number = Connection.count
        self._handler, self._tasks = handler, tasks
        self._buffer = bytearray()
        self._eof = self._paused = False
        self._waiter: asyncio.Future | None = None
        self._drained: asyncio.Future | None = None

    # --- what asyncio calls ---

    def connection_made(self, transport) -> None:
        self.transport = transport
        loop = asyncio.get_running_loop()
        self.gone: asyncio.Future = loop.create_future()
        self._lost = False
        task = loop.create_task(self._serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._leave()
        return True  # keep writing: a client may close its sending side early

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._leave()

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drained and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def _leave(self) -> None:
        self._eof = True
        if not self.gone.done():
            self.gone.set_result(None)
        if self._lost:
            self.resume_writing()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    # --- for the handler ---

    async def write(self, data: bytes) -> None:
        if self._lost:
            raise Gone
        self.transport.write(data)
        if self._drained:
            await self._drained
            if self._lost:
                raise Gone

    async def wait(self, seconds: float | None) -> None:
        """Sleeps, for ever when [seconds] is None. Raises Gone as soon as the client leaves."""
        done, _ = await asyncio.wait([self.gone], timeout=seconds)
        if done:
            raise Gone

    async def cut(self, reset: bool) -> None:
        """Ends the connection now: by RST, or by a plain FIN. What was written arrives first."""
        while self.transport.get_write_buffer_size() and not self._lost:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)  # on loopback the RST would overtake data the client has not read
        if reset and not self._lost:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    # --- the life of the connection ---

    async def _serve(self) -> None:
        try:
            while True:
                request = await self._read_request()
                if not await self._handler(request, self):
                    break
                if request.problem:
                    await self._linger()
                    break
                if not request.keep_alive or await self._idled():
                    break
        except (Gone, ConnectionError):
            pass
        finally:
            self.transport.close()

    async def _idled(self) -> bool:
        """Waits for the next request; whether it took too long. The client is not told beforehand."""
        if self.idle_seconds is None:
            return False
        try:
            async with asyncio.timeout(self.idle_seconds):
                while not self._buffer:
                    await self._more()
        except TimeoutError:
            return not self._buffer
        return False

    async def _linger(self) -> None:
        """Swallows what the client still sends, else the close would reset and eat our answer."""
        try:
            if self.transport.can_write_eof():
                self.transport.write_eof()
            async with asyncio.timeout(LINGER_SECONDS):
                while True:
                    self._buffer.clear()
                    await self._more()
        except (Gone, TimeoutError, OSError):
            pass

    async def _more(self) -> None:
        if self._eof:
            raise Gone
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    async def _read_request(self) -> HttpRequest:
        request = HttpRequest()
        try:
            await self._read_head(request)
            await self._read_body(request)
        except BadRequest as problem:
            request.problem = problem
        return request

    async def _read_head(self, request: HttpRequest) -> None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            while self._buffer.startswith(b"\r\n"):
                del self._buffer[:2]
            if len(self._buffer) > MAX_HEAD:
                raise BadRequest(431, f"the header is larger than {MAX_HEAD} bytes")
            await self._more()
        if end > MAX_HEAD:
            raise BadRequest(431, f"the header is larger than {MAX_HEAD} bytes")
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        self._parse_request_line(request, first)
        self._parse_headers(request, lines)

    @staticmethod
    def _parse_request_line(request: HttpRequest, line: bytes) -> None:
        words = line.split(b" ")
        if len(words) != 3 or not TOKEN.fullmatch(words[0]) or not words[1].startswith(b"/"):
            raise BadRequest(400, "malformed request line")
        if words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise BadRequest(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
        request.method, target, request.version = (word.decode("latin-1") for word in words)
        path, _, query = target.partition("?")
        request.path, request.query = unquote(path), dict(parse_qsl(query))

    @staticmethod
    def _parse_headers(request: HttpRequest, lines: list[bytes]) -> None:
        if len(lines) > MAX_HEADERS:
            raise BadRequest(431, f"more than {MAX_HEADERS} headers")
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.fullmatch(name):
                raise BadRequest(400, "malformed header line")
            key, text = name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")
            if key in ("content-length", "transfer-encoding") and key in request.headers:
                raise BadRequest(400, f"{key} given twice")
            known = request.headers.get(key)
            request.headers[key] = f"{known}, {text}" if known is not None else text

    async def _read_body(self, request: HttpRequest) -> None:
        coding = request.headers.get("transfer-encoding")
        length = request.headers.get("content-length")
        if coding is not None and length is not None:
            raise BadRequest(400, "both content-length and transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise BadRequest(501, f"transfer-encoding {coding} is not supported")
        if length is not None:
            if not re.fullmatch(r"[0-9]{1,18}", length):
                raise BadRequest(400, "malformed content-length")
            if int(length) > MAX_BODY:
                raise BadRequest(413, f"the body is larger than {MAX_BODY} bytes")
        if request.headers.get("expect", "").lower() == "100-continue":
            if not self._buffer and (coding or int(length or 0)):
                await self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if coding is not None:
            request.body = await self._read_chunked()
        elif length is not None:
            request.body = bytes(await self._take(int(length)))

    async def _read_chunked(self) -> bytes:
        body = bytearray()
        while True:
            line = (await self._line()).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", line):
                raise BadRequest(400, "malformed chunk size")
            count = int(line, 16)
            if len(body) + count > MAX_BODY:
                raise BadRequest(413, f"the body is larger than {MAX_BODY} bytes")
            if count == 0:
                break
            body += await self._take(count)
            if await self._take(2) != b"\r\n":
                raise BadRequest(400, "malformed chunk end")
        trailers = 0
        while await self._line():
            trailers += 1
            if trailers > MAX_HEADERS:
                raise BadRequest(431, "too many trailers")
        return bytes(body)

    async def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_CHUNK_LINE:
                raise BadRequest(400, "chunk line too long")
            await self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def _take(self, count: int) -> bytearray:
        taken = bytearray()
        while True:
            part = self._buffer[: count - len(taken)]
            del self._buffer[: len(part)]
            taken += part
            if len(taken) == count:
                return taken
            await self._more()


def head_bytes(status: int, headers: dict[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Overloaded" if status == 529 else "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
