"""What a request gets to hear and what it costs: the rule's reply after faults, limits and the prompt cache.

Live requests go through service.py, which also sends; items of a batch are answered here altogether.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from . import faults
from .batches import Call, Item, Order
from .dialects import Dialect, Refusal, pick
from .logbook import key_digest
from .neutral import Reply, Request, tokens
from .promptcache import Lookup, PromptCache
from .rules import Delivery, Script


def parsed(dialect: Dialect, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
    try:
        return dialect.parse(endpoint, found, headers, body)
    except (AttributeError, TypeError, KeyError) as error:
        raise Refusal(400, f"the body has a value of the wrong type: {error}") from None


class Replies:
    def __init__(self, script: Script, cache: PromptCache, cache_min: int | None):
        self._script, self._cache, self._cache_min = script, cache, cache_min

    def look_up(self, dialect: Dialect, request: Request, key: str | None) -> Lookup | None:
        if request.endpoint != "reply":
            return None
        own = self._cache_min
        minimum = dialect.cache_minimum(request.model) if own is None else own
        owner = "\0".join([dialect.name, request.model, key_digest(key or "")])
        return self._cache.lookup(owner, request.blocks, minimum, dialect.cache_lookback)

    def no_rule(self, request: Request) -> str:
        return (
            f"no rule matches: {request.dialect}, model {request.model}, "
            f"role {self._script.role_of(request)}, turn {request.turn}, "
            f"tools {[tool['name'] for tool in request.tools]}, last message {request.last.flat[:300]!r}"
        )

    def content(
        self,
        request: Request,
        cache: Lookup,
        reply: Reply,
        delivery: Delivery,
        context: faults.Context,
    ) -> Reply:
        """[reply] as it will be said and billed."""
        reply = faults.apply("content", reply, delivery.faults, context)
        if request.max_tokens is not None:
            reply = reply.clipped(4 * request.max_tokens)
        usage = replace(cache.usage, out=tokens(reply.size), reasoning=tokens(reply.thinking_size))
        if not context.dialect.cache_writes_told:
            usage = replace(usage, fresh_in=usage.fresh_in + usage.cache_write, cache_write=0)
        reply = replace(reply, usage=replace(usage, **delivery.usage))
        return faults.apply("usage", reply, delivery.faults, context)

    def item(self, call: Call, order: Order, number: int) -> Item:
        """What becomes of one item of a batch."""
        item = Item(order)
        dialect, _, found, _ = pick("POST", order.path, call.headers)
        request_id = f"req_{call.sequence:06d}b{number}"
        try:
            if order.params.get("stream"):
                raise Refusal(400, "stream: not in a batch")
            request = parsed(dialect, "reply", {**found, "query": {}}, call.headers, order.params)
            request.batch = True
            rule = self._script.fire(request)
            item.log = {"role": self._script.role_of(request), "model": request.model, "rule": None, "place": None}
            if rule is None:
                raise Refusal(400, self.no_rule(request))
            item.log |= {"rule": rule.index, "place": rule.place}
            reply, delivery = rule.compose(request, request_id[4:])
            context = faults.Context(dialect, request_id, False)
            key = dialect.credential(call.headers)[1]
            found_cache = self.look_up(dialect, request, key)
            reply = self.content(request, found_cache, reply, delivery, context)
            for one in delivery.faults:
                if one.name == "status":
                    raise faults.refusal(one, context)
                if one.name == "expired":
                    item.outcome = "expired"
            self._cache.commit(found_cache)
            item.log["usage"] = asdict(reply.usage) if reply.usage else None
            item.body = dialect.whole(request, reply)
        except Refusal as refusal:
            item.outcome, item.status = "errored", refusal.status
            item.body = dialect.error(
                refusal.status, refusal.message, refusal.kind, request_id, refusal.param
            )
            item.log["error"] = refusal.message
        return item
