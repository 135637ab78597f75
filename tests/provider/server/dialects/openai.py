"""What OpenAI's two formats share: errors, breakpoints of the prompt cache, strict schemas, models."""

from __future__ import annotations

from typing import Any

from ..limits import Level
from ..neutral import Piece, Request
from .base import Dialect, Refusal, sse

CREATED = 1_790_000_000
WRITE_TTL = 1800.0
BREAKPOINT = "prompt_cache_breakpoint"

ERROR_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "permission_denied"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "server_is_overloaded"),
}


class OpenAI(Dialect):
    cache_min = 1024
    cache_lookback = 80

    # kind -> (status, (type, code, message))
    kinds = {
        "quota": (429, ("insufficient_quota", "insufficient_quota", "You exceeded your current quota.")),
        "credit": (429, ("insufficient_quota", "credit_balance_exhausted", "No credit is left.")),
        "contract": (
            429,
            (
                "insufficient_quota",
                "organization_spend_limit_exceeded",
                "The organization's limit is reached.",
            ),
        ),
        "ramp": (429, ("requests", "slow_down", "Usage grew too fast; slow down.")),
        "spend_cap": (429, ("insufficient_quota", "insufficient_quota", "The project's budget is spent.")),
        "overflow": (
            400,
            ("invalid_request_error", "context_length_exceeded", "The prompt is longer than the context."),
        ),
        "model": (404, ("invalid_request_error", "model_not_found", "The model does not exist.")),
    }

    @staticmethod
    def mark(request: Request, body: dict) -> None:
        """Which breakpoints count: the latest 4 explicit ones, or the end and the latest 3."""
        explicit = (body.get("prompt_cache_options") or {}).get("mode") == "explicit"
        marked = [at for at, item in enumerate(request.blocks) if item.ttl]
        keep = set(marked[-4:] if explicit else marked[-3:])
        if not explicit and request.blocks:
            keep.add(len(request.blocks) - 1)
        request.blocks = [
            type(item)(item.data, item.size, WRITE_TTL if at in keep else None)
            for at, item in enumerate(request.blocks)
        ]

    def models(self, names: list[str], wanted: str | None) -> dict:
        def entry(name: str) -> dict:
            return {"id": name, "object": "model", "created": CREATED, "owned_by": "script"}

        if wanted:
            if wanted not in names:
                raise Refusal(404, f"The model '{wanted}' does not exist", "model")
            return entry(wanted)
        return {"object": "list", "data": [entry(name) for name in names]}

    # --- errors ---

    def error(
        self, status: int, message: str | None, kind: str | None, request_id: str, param: str | None = None
    ) -> dict:
        error_type, code = ERROR_TYPES.get(
            status, ("server_error" if status >= 500 else "invalid_request_error", None)
        )
        words = None
        if kind in self.kinds:
            error_type, code, words = self.kinds[kind][1]
        elif kind:
            error_type = kind
        text = message or words or code or error_type
        return {"error": {"message": text, "type": error_type, "param": param, "code": code}}

    def limit_headers(self, levels: list[Level]) -> dict[str, str]:
        headers = {}
        for level in levels:
            told = {"limit": level.limit, "remaining": level.remaining, "reset": _duration(level.reset)}
            headers |= {f"x-ratelimit-{key}-{level.name}": str(value) for key, value in told.items()}
        return headers

    def error_piece(self, body: dict) -> Piece:
        return Piece("error", sse(body))


def _duration(seconds: float) -> str:
    """As the vendor writes it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m{rest:.0f}s" if minutes else f"{rest:.3f}".rstrip("0").rstrip(".") + "s"


def check_strict(schema: Any, where: str) -> None:
    """What strict mode asks of a schema: objects closed, every property required."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            raise Refusal(400, f"Invalid schema for {where}: additionalProperties must be false", None, where)
        missing = set(properties) - set(schema.get("required") or [])
        if missing:
            raise Refusal(400, f"Invalid schema for {where}: required lacks {sorted(missing)}", None, where)
    nested = [*(properties or {}).values(), *(schema.get("$defs") or {}).values()]
    nested += schema.get("anyOf") or []
    for inner in [*nested, schema.get("items")]:
        check_strict(inner, where)
