"""How an answer goes wrong, as a table of small rewrites.

A fault is written {"name": value, "option": ...}, or just "name". Each rewrites one stage of an answer:

    content   the reply before it is counted          empty_text, max_tokens
    usage     the counted reply                       no_usage
    pieces    the events (or the one whole body)      truncated_stream, error_event_after_200, malformed_json
    steps     what the connection does                status, reset_*, stall, slow_headers, truncated_stream

Several faults apply in the order given, stage by stage. README.md has the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Callable

from .dialects import DIALECTS, Dialect
from .neutral import Piece, Refusal, Reply, dumps
from .steps import Cut, Head, Send, Step, Until, Wait, split

STAGES = ("content", "usage", "pieces", "steps")
EDGE_PAGE = (
    "<html>\r\n<head><title>{status}</title></head>\r\n"
    "<body><center><h1>{status}</h1></center><hr><center>edge</center></body>\r\n</html>\r\n"
)


class FaultError(ValueError):
    """The script spells a fault wrong."""


@dataclass(frozen=True)
class Fault:
    name: str
    value: Any
    options: dict[str, Any]


@dataclass(frozen=True)
class Context:
    dialect: Dialect
    request_id: str
    streamed: bool

    def error(self, status: int, message: str | None = None, kind: str | None = None) -> dict:
        return self.dialect.error(status, message, kind, self.request_id)


Rewrite = Callable[[Any, Fault, Context], Any]
_table: dict[str, dict[str, Rewrite]] = {stage: {} for stage in STAGES}
_options: dict[str, set[str]] = {}


def fault(name: str, stage: str, *options: str) -> Callable[[Rewrite], Rewrite]:
    def register(rewrite: Rewrite) -> Rewrite:
        _table[stage][name] = rewrite
        _options.setdefault(name, set()).update(options)
        return rewrite

    return register


def apply(stage: str, subject: Any, faults: list[Fault], context: Context) -> Any:
    for one in faults:
        rewrite = _table[stage].get(one.name)
        if rewrite:
            subject = rewrite(subject, one, context)
    return subject


def parse(written: Any) -> list[Fault]:
    """Faults as a script writes them: nothing, one, or a list."""
    if written is None:
        return []
    return [_parse_one(item) for item in (written if isinstance(written, list) else [written])]


def _parse_one(item: Any) -> Fault:
    if isinstance(item, str):
        item = {item: True}
    if not isinstance(item, dict):
        raise FaultError(f"a fault is a name or an object, not {item!r}")
    names = [key for key in item if key in _options]
    if len(names) != 1:
        raise FaultError(f"{item!r} must name one fault of: {', '.join(sorted(_options))}")
    name = names[0]
    options = {key: value for key, value in item.items() if key != name}
    unknown = set(options) - _options[name]
    if unknown:
        raise FaultError(f"fault {name} has no option {', '.join(sorted(unknown))}")
    parsed = Fault(name, item[name], options)
    check = _checks.get(name)
    if check:
        check(parsed)
    return parsed


# --- content and usage ---


@fault("empty_text", "content")
def _empty_text(reply: Reply, one: Fault, context: Context) -> Reply:
    return replace(reply, text="", thinking=None, tool_calls=[], stop="end_turn")


@fault("max_tokens", "content")
def _max_tokens(reply: Reply, one: Fault, context: Context) -> Reply:
    share = 0.5 if one.value is True else float(one.value)
    return replace(reply.clipped(int(reply.size * share)), stop="max_tokens")


@fault("expired", "content")
def _expired(reply: Reply, one: Fault, context: Context) -> Reply:
    return reply  # only for items of a batch, which look for it themselves


@fault("no_usage", "usage")
def _no_usage(reply: Reply, one: Fault, context: Context) -> Reply:
    return replace(reply, usage=None)


# --- pieces ---


def _head_of(pieces: list[Piece], limit: int | None) -> list[Piece]:
    """The whole events that fit in [limit] bytes; by default half of those before the finish."""
    if limit is None:
        body = [piece for piece in pieces if piece.kind in ("start", "noise", "delta")]
        return body[: max(1, len(body) // 2)]
    kept, total = [], 0
    for piece in pieces:
        total += len(piece.data)
        if total > limit:
            break
        kept.append(piece)
    return kept


@fault("truncated_stream", "pieces", "after", "keep_finish", "close")
def _truncated_pieces(pieces: list[Piece], one: Fault, context: Context) -> list[Piece]:
    if not context.streamed:
        return pieces  # cut in the steps stage: the length was promised
    if "after" in one.options:
        return _head_of(pieces, one.options["after"])
    lost = ("end",) if one.options.get("keep_finish") else ("finish", "usage", "end")
    return [piece for piece in pieces if piece.kind not in lost]


@fault("error_event_after_200", "pieces", "after", "status", "message")
def _error_event(pieces: list[Piece], one: Fault, context: Context) -> list[Piece]:
    kind = one.value if isinstance(one.value, str) else None
    table = context.dialect.kinds.get(kind or "")
    status = one.options.get("status", table[0] if table else 503 if kind else 529)
    body = context.error(status, one.options.get("message"), kind)
    if not context.streamed:
        return [Piece("whole", dumps(body).encode())]
    return [*_head_of(pieces, one.options.get("after")), context.dialect.error_piece(body)]


@fault("malformed_json", "pieces")
def _malformed_json(pieces: list[Piece], one: Fault, context: Context) -> list[Piece]:
    deltas = [at for at, piece in enumerate(pieces) if piece.kind in ("delta", "whole")] or [0]
    at = deltas[len(deltas) // 2]
    data = pieces[at].data
    body = data.rstrip(b"\r\n")
    broken = body[: len(body) * 2 // 3] + data[len(body) :]
    return [*pieces[:at], replace(pieces[at], data=broken), *pieces[at + 1 :]]


# --- steps ---


def _kind_of(one: Fault, dialect: Dialect) -> tuple[int, str | None]:
    """(status, kind) of a status fault."""
    if isinstance(one.value, str):
        return dialect.kinds[one.value][0], one.value
    return one.value, one.options.get("kind")


def refusal(one: Fault, context: Context) -> Refusal:
    """A status fault for an item of a batch, where nothing but the error itself travels."""
    status, kind = _kind_of(one, context.dialect)
    return Refusal(status, one.options.get("message"), kind)


def _waits(steps: list[Step]) -> list[Step]:
    """What comes before the answer."""
    return list(takewhile(lambda step: isinstance(step, (Wait, Until)), steps))


@fault("status", "steps", "retry_after", "kind", "message", "headers", "html", "body")
def _status(steps: list[Step], one: Fault, context: Context) -> list[Step]:
    status, kind = _kind_of(one, context.dialect)
    headers = {"content-type": "application/json", context.dialect.request_id_header: context.request_id}
    body = context.error(status, one.options.get("message"), kind)
    if "retry_after" in one.options:
        headers |= context.dialect.ask_to_wait(body, str(one.options["retry_after"]))
    if one.options.get("html"):
        headers["content-type"] = "text/html"
        text = EDGE_PAGE.format(status=status)
    elif "body" in one.options:
        headers["content-type"] = "text/plain"
        text = one.options["body"]
    else:
        text = dumps(body)
    headers |= {name.lower(): str(value) for name, value in one.options.get("headers", {}).items()}
    data = text.encode()
    return [*_waits(steps), Head(status, headers, len(data)), Send(data)]


@fault("reset_before", "steps")
def _reset_before(steps: list[Step], one: Fault, context: Context) -> list[Step]:
    return [*_waits(steps), Cut(reset=one.value != "fin")]


@fault("reset_mid_stream", "steps")
def _reset_mid_stream(steps: list[Step], one: Fault, context: Context) -> list[Step]:
    count = _body_size(steps) // 2 if one.value is True else one.value
    return [*split(steps, count)[0], Cut(reset=True)]


@fault("truncated_stream", "steps")
def _truncated_steps(steps: list[Step], one: Fault, context: Context) -> list[Step]:
    if context.streamed:
        return [*steps, Cut(reset=False)] if one.options.get("close") == "fin" else steps
    count = one.options.get("after", _body_size(steps) // 2)
    return [*split(steps, count)[0], Cut(reset=False)]


@fault("stall", "steps", "at")
def _stall(steps: list[Step], one: Fault, context: Context) -> list[Step]:
    pause = Wait(None if one.value in ("forever", True) else one.value / 1000)
    point = one.options.get("at", 0)
    if point == "headers":
        return [pause, *steps]
    before, after = split(steps, point)
    return [*before, pause, *after]


@fault("slow_headers", "steps")
def _slow_headers(steps: list[Step], one: Fault, context: Context) -> list[Step]:
    seconds = (500 if one.value is True else one.value) / 1000
    return [replace(step, spread=seconds) if isinstance(step, Head) else step for step in steps]


def _body_size(steps: list[Step]) -> int:
    return sum(len(step.data) for step in steps if isinstance(step, Send))


# --- checks at load time ---


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _check(good: Callable[[Fault], bool], wanted: str) -> Callable[[Fault], None]:
    def check(one: Fault) -> None:
        if not good(one):
            raise FaultError(f"fault {one.name}: {wanted}")

    return check


def _known_status(one: Fault) -> bool:
    if isinstance(one.value, str):
        return all(one.value in dialect.kinds for dialect in DIALECTS)
    return type(one.value) is int and 200 <= one.value <= 599


_checks: dict[str, Callable[[Fault], None]] = {
    "status": _check(_known_status, f"a status code, or one of {', '.join(DIALECTS[0].kinds)}"),
    "max_tokens": _check(
        lambda f: f.value is True or _number(f.value) and f.value <= 1,
        "true or a share, 0 to 1",
    ),
    "stall": _check(
        lambda f: (f.value in ("forever", True) or _number(f.value))
        and (f.options.get("at", 0) == "headers" or type(f.options.get("at", 0)) is int),
        'milliseconds or "forever"; at: bytes or "headers"',
    ),
    "reset_before": _check(lambda f: f.value in (True, "rst", "fin"), 'true, "rst" or "fin"'),
    "reset_mid_stream": _check(lambda f: f.value is True or type(f.value) is int, "true or bytes"),
    "slow_headers": _check(lambda f: f.value is True or _number(f.value), "true or milliseconds"),
    "truncated_stream": _check(
        lambda f: f.options.get("close", "end") in ("end", "fin"),
        'close: "end" or "fin"',
    ),
}
