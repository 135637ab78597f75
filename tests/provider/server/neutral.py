"""The neutral shapes that stand between scripts and dialects.

A dialect parses bytes into a Request and renders a Reply into bytes; rules, faults, the prompt cache
and the log know only what is defined here. That is what keeps a new dialect down to one new file.

Token counts are an estimate made to be predictable in tests, not to be right:

    tokens(n bytes of UTF-8) = ceil(n / 4)

counted over the text of text blocks and over the compact JSON of everything else (tools, tool calls,
tool results). Prompt totals are rounded once, after adding up all bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any


def tokens(size: int) -> int:
    return -(-size // 4)


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


class Refusal(Exception):
    """The request is answered with an error. [kind] picks a row of the dialect's error table."""

    def __init__(self, status: int, message: str | None, kind: str | None = None, param: str | None = None):
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind
        self.param = param  # the field that is to blame, where the dialect tells
        self.wait: str | None = None  # seconds after which to come back


@dataclass
class ToolCall:
    name: str
    arguments: str  # JSON text, as sent; may be broken on purpose
    id: str = ""

    @property
    def parsed(self) -> Any:
        """The parsed arguments, or None when they are not valid JSON."""
        try:
            return json.loads(self.arguments or "{}")
        except ValueError:
            return None

    @property
    def input(self) -> Any:
        """The parsed arguments, or {} when they are not valid JSON."""
        return {} if self.parsed is None else self.parsed


@dataclass
class ToolResult:
    id: str
    text: str


@dataclass
class Message:
    role: str  # "user" or "assistant"; tool results belong to "user" in every dialect
    text: str
    tool_calls: list[ToolCall] = field(default_factory=list)
    tool_results: list[ToolResult] = field(default_factory=list)

    def absorb(self, other: Message) -> None:
        self.text = "\n".join(filter(None, (self.text, other.text)))
        self.tool_calls += other.tool_calls
        self.tool_results += other.tool_results

    @cached_property
    def flat(self) -> str:
        """All a rule can search: the text, then each tool call, then each tool result."""
        calls = [f"[tool_use {call.name} {call.arguments}]" for call in self.tool_calls]
        results = [result.text for result in self.tool_results]
        return "\n".join([self.text, *calls, *results])


@dataclass(frozen=True)
class Block:
    """One step of the cacheable prefix, in the order the model reads it."""

    data: bytes  # what must be identical for a cache hit
    size: int  # bytes that count as tokens
    ttl: float | None = None  # seconds; None = no breakpoint after this block


@dataclass
class Request:
    dialect: str
    endpoint: str  # reply, count, models, or one of a clerk's
    model: str = ""
    system: str = ""
    messages: list[Message] = field(default_factory=list)
    tools: list[dict] = field(default_factory=list)  # each {name, description, schema}
    max_tokens: int | None = None
    stream: bool = False
    batch: bool = False  # it came as an item of a batch
    body: dict = field(default_factory=dict)  # the parsed JSON, for what is not neutral
    blocks: list[Block] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Appends [message]; neighbours with the same role become one."""
        if self.messages and self.messages[-1].role == message.role:
            self.messages[-1].absorb(message)
        else:
            self.messages.append(message)

    @cached_property
    def opening(self) -> str:
        """Where role markers are looked for: system text and first message."""
        return "\n".join([self.system, *(m.flat for m in self.messages[:1])])

    @cached_property
    def text(self) -> str:
        return "\n".join([self.system, *(m.flat for m in self.messages)])

    @property
    def last(self) -> Message:
        return self.messages[-1] if self.messages else Message("user", "")

    @property
    def turn(self) -> int:
        return sum(m.role == "assistant" for m in self.messages)

    @property
    def prompt_tokens(self) -> int:
        return tokens(sum(block.size for block in self.blocks))


COSTS = (1e-6, 1.25e-6, 0.1e-6, 4e-6)  # dollars per token: fresh, written, read, out


@dataclass
class Usage:
    fresh_in: int = 0  # neither read from nor written to the cache
    cache_write: int = 0
    cache_read: int = 0
    out: int = 0  # reasoning included
    reasoning: int = 0
    write_ttl: float = 300  # which lifetime cache_write was bought for, in seconds
    cost: float | None = None  # dollars, for those who tell it; None = by COSTS

    @property
    def price(self) -> float:
        if self.cost is not None:
            return self.cost
        counts = (self.fresh_in, self.cache_write, self.cache_read, self.out)
        return round(sum(each * count for each, count in zip(COSTS, counts)), 12)

    @property
    def prompt(self) -> int:
        return self.fresh_in + self.cache_write + self.cache_read


@dataclass
class Reply:
    id: str  # unique per request; dialects build their own ids on it
    text: str | None = None  # None = no text block at all, "" = an empty one
    thinking: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    stop: str = "end_turn"
    usage: Usage | None = None  # None = the reply does not tell
    delta_chars: int = 24  # characters per streamed delta

    @property
    def thinking_size(self) -> int:
        return size(self.thinking or "")

    @property
    def size(self) -> int:
        calls = sum(size(call.name) + size(call.arguments) for call in self.tool_calls)
        return self.thinking_size + size(self.text or "") + calls

    def slices(self, text: str) -> list[str]:
        step = self.delta_chars
        return [text[at : at + step] for at in range(0, len(text), step)]

    def clipped(self, limit: int) -> Reply:
        """The reply as a model leaves it when its tokens run out after [limit] bytes."""
        if self.size <= limit:
            return self
        left = limit

        def take(text: str | None) -> str | None:
            nonlocal left
            if text is None:
                return None
            kept = text.encode("utf-8", "surrogatepass")[:left].decode("utf-8", "ignore")
            left -= size(kept)
            return kept

        thinking, text, calls = take(self.thinking), take(self.text), []
        for call in self.tool_calls:
            left -= size(call.name)
            if left <= 0:
                break
            calls.append(replace(call, arguments=take(call.arguments)))
        return replace(self, thinking=thinking, text=text, tool_calls=calls, stop="max_tokens")


@dataclass(frozen=True)
class Piece:
    """One event of a reply (or the whole reply, when it is not streamed) as bytes.

    kind: start, delta, finish (stop reason), usage, end, noise, error; or whole.
    """

    kind: str
    data: bytes
    tokens: int = 0
