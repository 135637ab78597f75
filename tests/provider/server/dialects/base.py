"""What every dialect must offer, and what they share.

A dialect knows one vendor's wire format and nothing about scripts, faults or sockets. To add one:
subclass Dialect in a new file and list it in __init__.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Iterator

from ..neutral import Block, Message, Piece, Refusal, Reply, Request, dumps, size


if TYPE_CHECKING:
    from ..batches import Clerk
    from ..limits import Level


class Dialect:
    name: str
    routes: tuple[tuple[str, re.Pattern, str], ...]  # method, whole path, endpoint
    home = ""  # where all its paths begin, when they are its own: unknown ones there are refused in its words
    stream_type = "text/event-stream; charset=utf-8"
    request_id_header = "x-request-id"
    cache_min = 1024  # tokens; a shorter prefix is silently not cached
    cache_lookback = 20  # blocks looked at before a breakpoint
    clerk: Clerk | None = None  # who serves its batches
    cache_writes_told = True  # False: what is written counts as fresh input

    def cache_minimum(self, model: str) -> int:
        return self.cache_min

    # --- the request ---

    def recognises(self, headers: dict[str, str]) -> bool:
        """Whether [headers] look like this dialect: decides on shared and on unknown paths."""
        raise NotImplementedError

    def credential(self, headers: dict[str, str]) -> tuple[str | None, str | None]:
        """(header name, key)."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return ("authorization", token.strip()) if scheme.lower() == "bearer" else (None, None)

    def parse(self, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
        """[found]: the named groups of the route, and "query". Raises Refusal as the vendor would."""
        raise NotImplementedError

    def refuse_key(self, sent: bool) -> Refusal:
        return Refusal(401, "invalid key" if sent else "no key was sent")

    # --- the reply ---

    def whole(self, request: Request, reply: Reply) -> dict:
        raise NotImplementedError

    def pieces(self, request: Request, reply: Reply) -> Iterator[Piece]:
        raise NotImplementedError

    def tells_usage(self, request: Request) -> bool:
        return True

    def count(self, request: Request) -> dict:
        raise NotImplementedError

    def models(self, names: list[str], wanted: str | None) -> dict:
        raise NotImplementedError

    # --- errors and noise ---

    # kind -> (status, the dialect's own words for it)
    kinds: dict[str, tuple[int, Any]]

    def error(
        self, status: int, message: str | None, kind: str | None, request_id: str, param: str | None = None
    ) -> dict:
        raise NotImplementedError

    def ask_to_wait(self, body: dict, seconds: str) -> dict[str, str]:
        """Headers that say when to come back; a dialect that tells it in the body adds to [body]."""
        return {"retry-after": seconds}

    def limit_headers(self, levels: list[Level]) -> dict[str, str]:
        """What is left of a rate limit, on every answer; by default nothing is told."""
        return {}

    def error_piece(self, body: dict) -> Piece:
        """The same error as an event inside a stream that began with status 200."""
        raise NotImplementedError

    def noise(self) -> bytes:
        """Bytes a correct client skips: keep-alives, comments, events of unknown type."""
        return b": keep-alive\n\n"


def sse(data: Any, event: str | None = None) -> bytes:
    head = f"event: {event}\n" if event else ""
    text = data if isinstance(data, str) else dumps(data)
    return f"{head}data: {text}\n\n".encode("utf-8", "surrogatepass")


def require(body: dict, key: str, kind: type, what: str) -> Any:
    value = body.get(key)
    if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
        raise Refusal(400, f"{key}: {what} required")
    return value


def block(seed: str, value: Any, ttl: float | None = None, leave_out: str = "") -> Block:
    """A prefix block for [value], a string or a content part. [leave_out]: the breakpoint's own key."""
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key != leave_out}
    plain = value.get("text") if isinstance(value, dict) else value
    text = dumps(value)
    weight = size(plain) if isinstance(plain, str) else size(text)
    return Block(f"{seed}\0{text}".encode("utf-8", "surrogatepass"), weight, ttl)


def parts(content: Any, where: str) -> list[dict]:
    """A content field as a list of parts; a plain string is one text part."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if content is None:
        return []
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Refusal(400, f"{where}: content must be a string or a list of objects")
    return content


def text_of(content: Any) -> str:
    return "\n".join(
        part["text"]
        for part in parts(content, "content")
        if isinstance(part.get("text"), str)
    )


def check_tool_results(messages: list[Message]) -> None:
    """Every tool call must be answered in the very next message, and nothing else may be."""
    asked: set[str] = set()
    for number, message in enumerate(messages):
        answered = {result.id for result in message.tool_results}
        if answered - asked:
            raise Refusal(400, f"messages.{number}: tool result without its call: {answered - asked}")
        if asked - answered:
            raise Refusal(400, f"messages.{number}: tool call without a result: {asked - answered}")
        asked = {call.id for call in message.tool_calls}
    if asked:
        raise Refusal(400, f"messages: the last message leaves tool calls unanswered: {asked}")
