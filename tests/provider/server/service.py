"""One exchange, from a request to the steps that answer it, and the two log lines about it.

    HttpRequest -> dialect.parse -> Request -> rule -> Reply -> faults -> usage -> Pieces -> Steps -> Player
    HttpRequest -> Call -> clerk -> its answer      -> Pieces -> Steps -> Player         (batches and files)

Whatever is refused on the way (bad HTTP, bad key, bad body, no rule) is answered in the error shape of
the dialect the request most likely speaks.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from dataclasses import asdict, dataclass, field
from typing import Callable

from . import faults
from .batches import Call, Item, Job, Office
from .coding import packed
from .dialects import Dialect, Refusal, pick
from .http1 import Connection, HttpRequest
from .limits import Limiter
from .logbook import Logbook, digest, key_digest
from .neutral import Message, Piece, Reply, Request, dumps, tokens
from .promptcache import Lookup, PromptCache
from .replies import Replies, parsed
from .rules import Delivery, Rule, Script
from .steps import Head, Player, Send, Step, Until, Wait

DEFAULT_MODELS = ["big-1", "small-1"]
ENDPOINTS = (None, "reply", "count", "models")  # parsed by a dialect; all others are a clerk's


@dataclass
class Options:
    latency_ms: float = 0
    tokens_per_second: float = 0  # 0 = as fast as it goes
    require_key: str | None = None
    cache_min: int | None = None  # None = the dialect's own
    models: list[str] = field(default_factory=list)
    batch_polls: int = 1  # how often a batch is found unfinished
    gzip: str | None = None  # flush or end, for clients that accept it
    limit_rpm: int = 0  # requests per minute, key and model; 0 = no limit
    limit_tpm: int = 0
    limit_burst: int = 0


@dataclass
class Exchange:
    """All that is known of one request while it is answered."""

    sequence: int
    http: HttpRequest
    dialect: Dialect
    endpoint: str | None
    request: Request | None = None
    refusal: Refusal | None = None
    key_header: str | None = None
    key: str | None = None
    call: Call | None = None  # of a clerk
    cache: Lookup | None = None
    rule: Rule | None = None
    faults: list[faults.Fault] = field(default_factory=list)
    usage: dict | None = None  # as told to the client
    error: str | None = None
    content_type: str | None = None  # where it is not the usual one

    @property
    def owner(self) -> str:
        """Who a rate limit counts: model and key."""
        return f"{self.request.model if self.request else ''}\0{self.key or ''}"

    @property
    def request_id(self) -> str:
        return f"req_{self.sequence:06d}"


class Service:
    def __init__(self, script: Script, log: Logbook, options: Options):
        self._script, self._log, self._options = script, log, options
        self._cache = PromptCache()
        self._replies = Replies(script, self._cache, options.cache_min)
        self._office = Office(self._replies.item, self._log_item, options.batch_polls)
        self._limiter = Limiter(options.limit_rpm, options.limit_tpm, options.limit_burst)
        self._sequence = self._in_flight = 0

    async def __call__(self, http: HttpRequest, connection: Connection) -> bool:
        """Answers one request; returns whether the connection may be used again."""
        self._sequence += 1
        exchange = self._open(http)
        player = Player(http, connection, self._options.tokens_per_second)
        self._in_flight += 1
        self._log_arrival(exchange, connection)
        try:
            await player.play(self._answer(exchange), self._on_body(exchange, player))
        except asyncio.CancelledError:
            exchange.error = "the provider was stopped"
            raise
        finally:
            self._in_flight -= 1
            self._log_done(exchange, player)
        return player.keep

    # --- from bytes to a request ---

    def _open(self, http: HttpRequest) -> Exchange:
        dialect, endpoint, found, other_method = pick(http.method, http.path, http.headers)
        exchange = Exchange(self._sequence, http, dialect, endpoint)
        exchange.key_header, exchange.key = dialect.credential(http.headers)
        try:
            if http.problem:
                raise Refusal(http.problem.status, http.problem.message)
            if endpoint is None:
                wrong_method = other_method and http.method != "HEAD"
                raise Refusal(405 if wrong_method else 404, f"{http.method} {http.path}: not served here")
            wanted = self._options.require_key
            if wanted is not None and exchange.key != wanted:
                raise dialect.refuse_key(bool(exchange.key))
            if endpoint in ENDPOINTS:
                exchange.request = self._parse(exchange, {**found, "query": http.query})
                exchange.cache = self._replies.look_up(dialect, exchange.request, exchange.key)
            else:
                self._hand_over(exchange, found)
        except Refusal as refusal:
            exchange.refusal = refusal
        return exchange

    @staticmethod
    def _json(http: HttpRequest) -> dict:
        try:
            body = json.loads(http.body)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise Refusal(400, "the body must be a JSON object")
        return body

    def _parse(self, exchange: Exchange, found: dict) -> Request:
        http = exchange.http
        body = self._json(http) if http.method == "POST" else {}
        return parsed(exchange.dialect, exchange.endpoint, found, http.headers, body)

    # --- batches ---

    def _hand_over(self, exchange: Exchange, found: dict) -> None:
        """For the endpoints of a clerk: no dialect parses them."""
        http, dialect = exchange.http, exchange.dialect
        is_json = http.body and "multipart" not in http.headers.get("content-type", "")
        body = self._json(http) if is_json else {}
        exchange.call = Call(self._sequence, http.path, found, http.headers, body, http.body)
        try:
            model, text = dialect.clerk.subject(exchange.call, exchange.endpoint, self._office)
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise Refusal(400, f"the body has a value of the wrong type: {error}") from None
        exchange.request = Request(dialect.name, exchange.endpoint, model, messages=[Message("user", text)])

    def _serve_call(self, exchange: Exchange, delivery: Delivery) -> bytes:
        if any(one.name == "status" for one in delivery.faults):
            return b"{}"  # refused: nothing is to happen
        exchange.call.plan = self._office.plan(delivery.batch)
        try:
            body, exchange.content_type = exchange.dialect.clerk.serve(
                exchange.call, exchange.endpoint, self._office
            )
        except (AttributeError, TypeError, KeyError) as error:
            raise Refusal(400, f"the body has a value of the wrong type: {error}") from None
        return body if isinstance(body, bytes) else dumps(body).encode("utf-8", "surrogatepass")

    def _log_item(self, job: Job, item: Item) -> None:
        fields = {"batch": job.id, "custom_id": item.order.custom_id, "outcome": item.outcome, "usage": None}
        self._log.write("item", job.sequence, **{**fields, **item.log})

    # --- from a request to steps ---

    def _answer(self, exchange: Exchange) -> list[Step]:
        delivery = Delivery()  # of a refusal
        request = exchange.request
        try:
            if exchange.refusal:
                raise exchange.refusal
            if request.endpoint == "reply":
                self._limiter.admit(exchange.owner, request.prompt_tokens)
            exchange.rule = self._script.fire(request)
            if exchange.rule is None and request.endpoint == "reply":
                raise Refusal(400, f"request {exchange.sequence}: {self._replies.no_rule(exchange.request)}")
            reply_id = f"{exchange.sequence:06d}"
            if exchange.rule:
                return self._steps(exchange, *exchange.rule.compose(request, reply_id))
            return self._steps(exchange, Reply(reply_id), Delivery())
        except Refusal as refusal:
            exchange.error = refusal.message
            status, body = refusal.status, self._error(exchange, refusal)
            if refusal.wait is not None:
                delivery.headers |= exchange.dialect.ask_to_wait(body, refusal.wait)
        except Exception as problem:  # a script's function or a bug here: say so, stay up
            traceback.print_exc()
            exchange.error = f"script error: {problem!r}"
            status, body = 500, self._error(exchange, Refusal(500, exchange.error))
        return self._finish(exchange, delivery, status, [Piece("whole", dumps(body).encode())], False)

    @staticmethod
    def _error(exchange: Exchange, refusal: Refusal) -> dict:
        return exchange.dialect.error(
            refusal.status, refusal.message, refusal.kind, exchange.request_id, refusal.param
        )

    def _steps(self, exchange: Exchange, reply: Reply, delivery: Delivery) -> list[Step]:
        request, dialect = exchange.request, exchange.dialect
        exchange.faults = delivery.faults
        streamed = request.endpoint == "reply" and request.stream
        context = faults.Context(dialect, exchange.request_id, streamed)
        if request.endpoint == "reply":
            reply = self._replies.content(request, exchange.cache, reply, delivery, context)
            if reply.usage:
                self._limiter.charge(exchange.owner, reply.usage.out)
            if reply.usage and dialect.tells_usage(request):
                exchange.usage = asdict(reply.usage)
        if exchange.call:
            pieces = [Piece("whole", self._serve_call(exchange, delivery))]
        else:
            pieces = list(self._pieces(exchange, reply, streamed))
        if delivery.noise and streamed:
            pieces = [noisy for piece in pieces for noisy in (Piece("noise", dialect.noise()), piece)]
        pieces = faults.apply("pieces", pieces, delivery.faults, context)
        steps = self._finish(exchange, delivery, 200, pieces, streamed)
        steps = faults.apply("steps", steps, delivery.faults, context)
        if not any(isinstance(step, Head) and step.status == 200 for step in steps):
            exchange.usage = None
        return steps

    def _pieces(self, exchange: Exchange, reply: Reply, streamed: bool):
        request, dialect = exchange.request, exchange.dialect
        if streamed:
            return dialect.pieces(request, reply)
        if request.endpoint == "count":
            body = dialect.count(request)
        elif request.endpoint == "models":
            names = self._options.models or self._script.model_names() or DEFAULT_MODELS
            body = dialect.models(names, request.model or None)
        else:
            body = dialect.whole(request, reply)
        return [Piece("whole", dumps(body).encode("utf-8", "surrogatepass"), tokens(reply.size))]

    def _finish(
        self, exchange: Exchange, delivery: Delivery, status: int, pieces: list[Piece], streamed: bool
    ) -> list[Step]:
        dialect = exchange.dialect
        headers = {
            "content-type": exchange.content_type or (dialect.stream_type if streamed else "application/json"),
            dialect.request_id_header: exchange.request_id,
            **(dialect.limit_headers(self._limiter.levels(exchange.owner)) if exchange.endpoint == "reply" else {}),
            **{name.lower(): str(value) for name, value in delivery.headers.items()},
        }
        if streamed:
            headers["cache-control"] = "no-cache"
        if status == 405:
            headers["allow"] = "GET, POST, DELETE"
        gzip = delivery.gzip or self._options.gzip
        if gzip and status == 200 and "gzip" in exchange.http.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            pieces = packed(pieces, gzip)
        body_size = sum(len(piece.data) for piece in pieces)
        length = None if streamed or delivery.chunks else body_size
        delay = (self._options.latency_ms + delivery.delay_ms) / 1000
        steps: list[Step] = [Wait(delay)] if delay else []
        steps += [Until(delivery.until)] if delivery.until else []
        steps.append(Head(status, headers, length))
        if not delivery.chunks:
            return steps + [Send(piece.data, piece.tokens) for piece in pieces]
        return steps + _cut(b"".join(piece.data for piece in pieces), delivery)

    # --- the cache and the log ---

    def _on_body(self, exchange: Exchange, player: Player) -> Callable[[], None]:
        def on_body() -> None:
            if exchange.cache and exchange.rule and player.status == 200:
                self._cache.commit(exchange.cache)

        return on_body

    def _log_arrival(self, exchange: Exchange, connection: Connection) -> None:
        http, request = exchange.http, exchange.request
        self._log.keep_body(exchange.sequence, http.body)
        auth = {"header": exchange.key_header, "sha256": key_digest(exchange.key)} if exchange.key else None
        self._log.write(
            "arrived",
            exchange.sequence,
            connection=connection.number,
            in_flight=self._in_flight,
            method=http.method,
            path=http.path,
            dialect=exchange.dialect.name,
            endpoint=exchange.endpoint,
            model=request.model if request else None,
            stream=request.stream if request else None,
            role=self._script.role_of(request) if request else None,
            turn=request.turn if request else None,
            auth=auth,
            body_bytes=len(http.body),
            body_sha256=digest(http.body) if http.body else None,
            prefix_sha256=exchange.cache.digest if exchange.cache else None,
        )

    def _log_done(self, exchange: Exchange, player: Player) -> None:
        self._log.write(
            "done",
            exchange.sequence,
            rule=exchange.rule.index if exchange.rule else None,
            place=exchange.rule.place if exchange.rule else None,
            faults=[one.name for one in exchange.faults],
            status=player.status,
            first_ms=round(player.first_ms, 3) if player.first_ms else None,
            bytes=player.sent,
            usage=exchange.usage,
            complete=player.complete,
            client_gone=player.gone,
            error=exchange.error,
        )


def _cut(data: bytes, delivery: Delivery) -> list[Step]:
    """[data] in the chunk sizes asked for, each a write of its own."""
    steps: list[Step] = []
    at = turn = 0
    while at < len(data):
        count = delivery.chunks[turn % len(delivery.chunks)]
        if steps and delivery.chunk_ms:
            steps.append(Wait(delivery.chunk_ms / 1000))
        steps.append(Send(data[at : at + count], alone=True))
        at, turn = at + count, turn + 1
    return steps
