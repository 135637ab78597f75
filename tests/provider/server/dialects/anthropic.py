"""Anthropic Messages: /v1/messages, /v1/messages/count_tokens, /v1/models.

Strict where the vendor is (version header, removed sampling knobs, prefilled answers, tool results),
so that a client bug is found here and not with a paid request.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator

from ..limits import Level
from ..neutral import Message, Piece, Reply, Request, ToolCall, ToolResult, Usage, dumps, size, tokens
from .anthropic_batches import AnthropicBatches
from .base import Dialect, Refusal, block, check_tool_results, parts, require, sse, text_of

NEWEST_VERSION = "2026-10-21"
REMOVED = ("temperature", "top_p", "top_k")
TTL = {"5m": 300.0, "1h": 3600.0}
SIGNATURE = "c2NyaXB0ZWQgc2lnbmF0dXJl"

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic(Dialect):
    name = "anthropic"
    clerk = AnthropicBatches()
    routes = (
        ("POST", re.compile(r"/v1/messages"), "reply"),
        ("POST", re.compile(r"/v1/messages/count_tokens"), "count"),
        ("GET", re.compile(r"/v1/models(?:/(?P<model>[^/]+))?"), "models"),
        *AnthropicBatches.routes,
    )
    request_id_header = "request-id"
    cache_min = 512
    cache_lookback = 20

    # kind -> (status, (error_code or None, message))
    kinds = {
        "quota": (429, ("enforced_spend_limit_reached", "Your spend limit has been reached.")),
        "contract": (429, ("contract_spend_limit_reached", "The contract's limit is reached.")),
        "ramp": (429, ("ramp_limit_exceeded", "Usage grew too fast; slow down.")),
        "spend_cap": (400, (None, "You have reached your specified API usage limits.")),
        "credit": (402, (None, "Your credit balance is too low.")),
        "overflow": (400, (None, "prompt is too long: more tokens than the maximum")),
        "model": (404, (None, "model: no such model")),
    }

    def recognises(self, headers: dict[str, str]) -> bool:
        return "anthropic-version" in headers or "x-api-key" in headers

    def credential(self, headers: dict[str, str]) -> tuple[str | None, str | None]:
        if "x-api-key" in headers:
            return "x-api-key", headers["x-api-key"]
        return super().credential(headers)

    # --- the request ---

    def parse(self, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
        version = headers.get("anthropic-version")
        if not version:
            raise Refusal(400, "anthropic-version: header is required")
        request = Request(self.name, endpoint, body=body)
        if endpoint == "models":
            request.model = found.get("model") or ""
            return request
        request.model = require(body, "model", str, "a string is")
        request.stream = body.get("stream") is True
        if endpoint == "reply":
            request.max_tokens = require(body, "max_tokens", int, "an integer is")
            if request.max_tokens == 0 and request.stream:
                raise Refusal(400, "max_tokens: 0 cannot be streamed")
        if version >= NEWEST_VERSION:
            for name in REMOVED:
                if name in body:
                    raise Refusal(400, f"{name}: not supported since version {NEWEST_VERSION}")
        self._read_tools(request, body.get("tools") or [])
        self._read_system(request, body.get("system"))
        self._read_messages(request, require(body, "messages", list, "a list is"))
        if sum(item.ttl is not None for item in request.blocks) > 4:
            raise Refusal(400, "cache_control: at most 4 blocks may carry it")
        if "cache_control" in body:
            self._mark_last(request, body["cache_control"])
        return request

    def _read_tools(self, request: Request, tools: list) -> None:
        for tool in tools:
            if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
                raise Refusal(400, "tools: each needs a name")
            if "type" not in tool and not isinstance(tool.get("input_schema"), dict):
                raise Refusal(400, f"tools.{tool['name']}.input_schema: required")
            request.tools.append(
                {
                    "name": tool["name"],
                    "description": tool.get("description", ""),
                    "schema": tool.get("input_schema"),
                }
            )
            request.blocks.append(self._block("tools", tool))

    def _read_system(self, request: Request, system: Any) -> None:
        request.system = text_of(system)
        for part in parts(system, "system"):
            request.blocks.append(self._block("system", part))

    def _read_messages(self, request: Request, messages: list) -> None:
        if not messages:
            raise Refusal(400, "messages: at least one message is required")
        # Other thinking, effort or tool choice: another messages part for the cache.
        knobs = dumps([request.body.get(k) for k in ("thinking", "output_config", "tool_choice")])
        for number, message in enumerate(messages):
            where = f"messages.{number}"
            if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
                raise Refusal(400, f"{where}.role: must be user, assistant or system")
            content = parts(message.get("content"), where)
            if not content:
                raise Refusal(400, f"{where}.content: must not be empty")
            for part in content:
                if part.get("type") == "text" and not part.get("text"):
                    raise Refusal(400, f"{where}: text content blocks must be non-empty")
                request.blocks.append(self._block(f"{knobs}{message['role']}", part))
            if message["role"] == "system":
                request.system += "\n" + text_of(content)
            else:
                request.add(self._message(message["role"], content))
        if request.last.role == "assistant":
            raise Refusal(400, "messages: the conversation must end with a user message")
        check_tool_results(request.messages)

    @staticmethod
    def _message(role: str, content: list[dict]) -> Message:
        message = Message(role, text_of(content))
        for part in content:
            if part.get("type") == "tool_use":
                call = ToolCall(part.get("name", ""), dumps(part.get("input", {})), part.get("id", ""))
                message.tool_calls.append(call)
            elif part.get("type") == "tool_result":
                result = ToolResult(part.get("tool_use_id", ""), text_of(part.get("content")))
                message.tool_results.append(result)
        return message

    def _block(self, seed: str, part: dict):
        return block(seed, part, self._ttl(part.get("cache_control")), "cache_control")

    @staticmethod
    def _ttl(control: Any) -> float | None:
        if control is None:
            return None
        if not isinstance(control, dict) or control.get("type") != "ephemeral":
            raise Refusal(400, "cache_control.type: must be ephemeral")
        if control.get("ttl", "5m") not in TTL:
            raise Refusal(400, "cache_control.ttl: must be 5m or 1h")
        return TTL[control.get("ttl", "5m")]

    def _mark_last(self, request: Request, control: Any) -> None:
        last = request.blocks[-1]
        request.blocks[-1] = type(last)(last.data, last.size, self._ttl(control))

    # --- the reply ---

    def _envelope(self, request: Request, reply: Reply, content: list, stop: str | None) -> dict:
        return {
            "id": f"msg_{reply.id}",
            "type": "message",
            "role": "assistant",
            "model": request.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "stop_details": self._stop_details(stop),
        }

    @staticmethod
    def _stop_details(stop: str | None) -> dict | None:
        refusal = {"type": "refusal", "category": None, "explanation": "scripted refusal"}
        return refusal if stop == "refusal" else None

    @staticmethod
    def _usage(usage: Usage, out: int) -> dict:
        hour = usage.write_ttl > TTL["5m"]
        return {
            "input_tokens": usage.fresh_in,
            "cache_creation_input_tokens": usage.cache_write,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0 if hour else usage.cache_write,
                "ephemeral_1h_input_tokens": usage.cache_write if hour else 0,
            },
            "output_tokens": out,
            "output_tokens_details": {"thinking_tokens": min(out, usage.reasoning)},
            "service_tier": "standard",
        }

    @staticmethod
    def _blocks(reply: Reply) -> Iterator[tuple[dict, list[dict]]]:
        """Each content block as it starts, with the deltas that fill it."""
        if reply.thinking is not None:
            deltas = [{"type": "thinking_delta", "thinking": s} for s in reply.slices(reply.thinking)]
            deltas.append({"type": "signature_delta", "signature": SIGNATURE})
            yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
        if reply.text is not None:
            deltas = [{"type": "text_delta", "text": s} for s in reply.slices(reply.text)]
            yield {"type": "text", "text": ""}, deltas
        for call in reply.tool_calls:
            arguments = ["", *reply.slices(call.arguments)]
            deltas = [{"type": "input_json_delta", "partial_json": s} for s in arguments]
            yield {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": {}}, deltas

    def whole(self, request: Request, reply: Reply) -> dict:
        content = []
        for start, deltas in self._blocks(reply):
            for delta in deltas:
                for key in ("text", "thinking", "signature"):
                    if key in delta:
                        start[key] += delta[key]
            content.append(start)
        uses = [part for part in content if part["type"] == "tool_use"]
        for part, call in zip(uses, reply.tool_calls):
            part["input"] = call.input
        message = self._envelope(request, reply, content, reply.stop)
        if reply.usage:
            message["usage"] = self._usage(reply.usage, reply.usage.out)
        return message

    def pieces(self, request: Request, reply: Reply) -> Iterator[Piece]:
        def piece(kind: str, event: str, count: int = 0, **fields) -> Piece:
            return Piece(kind, sse({"type": event, **fields}, event), count)

        message = self._envelope(request, reply, [], None)
        if reply.usage:
            message["usage"] = self._usage(reply.usage, min(1, reply.usage.out))
        yield piece("start", "message_start", message=message)
        yield piece("noise", "ping")
        for index, (start, deltas) in enumerate(self._blocks(reply)):
            yield piece("delta", "content_block_start", index=index, content_block=start)
            for delta in deltas:
                count = tokens(size("".join(v for k, v in delta.items() if k != "type")))
                yield piece("delta", "content_block_delta", count, index=index, delta=delta)
            yield piece("delta", "content_block_stop", index=index)
        stop = {
            "stop_reason": reply.stop,
            "stop_sequence": None,
            "stop_details": self._stop_details(reply.stop),
        }
        told = {"usage": self._usage(reply.usage, reply.usage.out)} if reply.usage else {}
        yield piece("finish", "message_delta", delta=stop, **told)
        yield piece("end", "message_stop")

    def count(self, request: Request) -> dict:
        return {"input_tokens": request.prompt_tokens}

    def models(self, names: list[str], wanted: str | None) -> dict:
        def entry(name: str) -> dict:
            return {
                "type": "model",
                "id": name,
                "display_name": name,
                "created_at": "2026-01-01T00:00:00Z",
                "max_input_tokens": 1_000_000,
                "max_tokens": 128_000,
                "lifecycle": "active",
            }

        if wanted:
            if wanted not in names:
                raise Refusal(404, f"model: {wanted}")
            return entry(wanted)
        data = [entry(name) for name in names]
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return {"data": data, "has_more": False, **ends}

    # --- errors and noise ---

    def error(
        self, status: int, message: str | None, kind: str | None, request_id: str, param: str | None = None
    ) -> dict:
        code, words = self.kinds[kind][1] if kind in self.kinds else (None, None)
        named = kind if kind and kind not in self.kinds else None
        error_type = named or ERROR_TYPES.get(status, "api_error")
        error = {"type": error_type, "message": message or words or error_type}
        if code:
            error["details"] = {"error_code": code}
        return {"type": "error", "error": error, "request_id": request_id}

    def limit_headers(self, levels: list[Level]) -> dict[str, str]:
        headers = {}
        for level in levels:
            full = datetime.now(timezone.utc) + timedelta(seconds=level.reset)
            for name in ("input-tokens", "tokens") if level.name == "tokens" else (level.name,):
                left = round(level.remaining, -3) if level.name == "tokens" else level.remaining
                told = {"limit": level.limit, "remaining": left, "reset": f"{full:%Y-%m-%dT%H:%M:%SZ}"}
                headers |= {f"anthropic-ratelimit-{name}-{key}": str(value) for key, value in told.items()}
        return headers

    def error_piece(self, body: dict) -> Piece:
        return Piece("error", sse(body, "error"))

    def noise(self) -> bytes:
        return b": keep-alive\n\n" + sse({"type": "ping"}, "ping")
