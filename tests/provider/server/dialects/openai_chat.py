"""OpenAI Chat Completions: /v1/chat/completions, /v1/models. Also what compatible servers speak."""

from __future__ import annotations

import re
from typing import Any, Iterator

from ..neutral import Message, Piece, Reply, Request, ToolCall, ToolResult, Usage, size, tokens
from .base import Refusal, block, check_tool_results, parts, require, sse, text_of
from .openai import BREAKPOINT, CREATED, WRITE_TTL, OpenAI
from .openai_batches import OpenAIBatches
from .quirks import Quirks

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "refusal": "stop",  # told by the refusal field, not by the finish reason
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}


class OpenAIChat(OpenAI):
    quirks = Quirks()  # of the compatible server this one plays
    name = "openai-chat"
    clerk = OpenAIBatches()
    routes = (
        ("POST", re.compile(r"/v1/chat/completions"), "reply"),
        ("GET", re.compile(r"/v1/models(?:/(?P<model>.+))?"), "models"),
        *OpenAIBatches.routes,
    )

    def recognises(self, headers: dict[str, str]) -> bool:
        return True  # the lingua franca: last in the table, so everything not claimed is this

    # --- the request ---

    def parse(self, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
        request = Request(self.name, endpoint, body=body)
        if endpoint == "models":
            request.model = found.get("model") or ""
            return request
        request.model = require(body, "model", str, "a string is")
        self.quirks.check(body)
        request.stream = body.get("stream") is True
        if "stream_options" in body and not request.stream:
            raise Refusal(400, "stream_options: only allowed when stream is true")
        limits = [body[k] for k in ("max_completion_tokens", "max_tokens") if body.get(k) is not None]
        if len(limits) > 1:
            raise Refusal(400, "max_tokens and max_completion_tokens: give one of them")
        if limits and (not isinstance(limits[0], int) or limits[0] < 1):
            raise Refusal(400, "max_completion_tokens: must be a positive integer")
        request.max_tokens = limits[0] if limits else None
        for tool in body.get("tools") or []:
            self._read_tool(request, tool)
        self._read_messages(request, require(body, "messages", list, "a list is"))
        self.mark(request, body)
        return request

    @staticmethod
    def _read_tool(request: Request, tool: Any) -> None:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Refusal(400, "tools: each needs type function and function.name")
        request.tools.append(
            {
                "name": function["name"],
                "description": function.get("description", ""),
                "schema": function.get("parameters"),
            }
        )
        request.blocks.append(block("tools", tool))

    def _read_messages(self, request: Request, messages: list) -> None:
        if not messages:
            raise Refusal(400, "messages: at least one message is required")
        system = []
        for number, message in enumerate(messages):
            role = message.get("role") if isinstance(message, dict) else None
            if role not in ("system", "developer", "user", "assistant", "tool"):
                raise Refusal(400, f"messages[{number}].role: unknown role {role!r}")
            content = parts(message.get("content"), f"messages[{number}]")
            seed = f"{role}{message.get('tool_call_id', '')}"
            for part in content:
                ttl = WRITE_TTL if BREAKPOINT in part else None
                request.blocks.append(block(seed, part, ttl, BREAKPOINT))
            for call in message.get("tool_calls") or []:
                request.blocks.append(block(seed, call))
            if role in ("system", "developer"):
                system.append(text_of(content))
            else:
                request.add(self._message(message, text_of(content)))
        request.system = "\n".join(system)
        check_tool_results(request.messages)

    @staticmethod
    def _message(message: dict, text: str) -> Message:
        if message["role"] == "tool":
            return Message("user", "", tool_results=[ToolResult(message.get("tool_call_id", ""), text)])
        calls = []
        for call in message.get("tool_calls") or []:
            function = call.get("function") or {}
            name, arguments = function.get("name", ""), function.get("arguments", "")
            calls.append(ToolCall(name, arguments, call.get("id", "")))
        return Message(message["role"], text, tool_calls=calls)

    # --- the reply ---

    @staticmethod
    def _usage(usage: Usage) -> dict:
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.out,
            "total_tokens": usage.prompt + usage.out,
            "prompt_tokens_details": {
                "cached_tokens": usage.cache_read,
                "cache_write_tokens": usage.cache_write,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        }

    @staticmethod
    def _call(call: ToolCall, arguments: str) -> dict:
        function = {"name": call.name, "arguments": arguments}
        return {"id": f"call_{call.id}", "type": "function", "function": function}

    def whole(self, request: Request, reply: Reply) -> dict:
        refused = reply.stop == "refusal"
        message = {
            "role": "assistant",
            "content": None if refused else reply.text,
            "refusal": reply.text if refused else None,
        }
        if reply.thinking is not None:
            message["reasoning_content"] = reply.thinking
        if reply.tool_calls:
            message["tool_calls"] = [self._call(call, call.arguments) for call in reply.tool_calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": FINISH.get(reply.stop, reply.stop),
        }
        whole = self._chunk(request, reply, [choice])
        whole["object"] = "chat.completion"
        if reply.usage:
            whole["usage"] = self._usage(reply.usage)
        return self.quirks.whole(whole, reply)

    @staticmethod
    def _chunk(request: Request, reply: Reply, choices: list) -> dict:
        return {
            "id": f"chatcmpl-{reply.id}",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": request.model,
            "choices": choices,
        }

    def tells_usage(self, request: Request) -> bool:
        wish = request.body.get("stream_options") or {}
        return self.quirks.tells_usage(not request.stream or bool(wish.get("include_usage")))

    def pieces(self, request: Request, reply: Reply) -> Iterator[Piece]:
        yield from self.quirks.before()
        for kind, chunk, count in self.quirks.chunks(self._chunks(request, reply), reply):
            yield Piece(kind, sse(chunk), count)
        yield Piece("end", sse("[DONE]"))

    def _chunks(self, request: Request, reply: Reply) -> Iterator[tuple[str, dict, int]]:
        """(kind of piece, chunk, tokens in it), all but the end."""
        tell = self.tells_usage(request)

        def piece(kind: str, delta: dict, text: str = "", finish: str | None = None) -> tuple[str, dict, int]:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            chunk = self._chunk(request, reply, [choice])
            if tell:
                chunk["usage"] = None
            return kind, chunk, tokens(size(text))

        yield piece("start", {"role": "assistant", "content": "", "refusal": None})
        for text in reply.slices(reply.thinking or ""):
            yield piece("delta", {"reasoning_content": text}, text)
        field = "refusal" if reply.stop == "refusal" else "content"
        for text in reply.slices(reply.text or ""):
            yield piece("delta", {field: text}, text)
        for index, call in enumerate(reply.tool_calls):
            yield piece("delta", {"tool_calls": [{"index": index, **self._call(call, "")}]})
            for text in reply.slices(call.arguments):
                grown = {"index": index, "function": {"arguments": text}}
                yield piece("delta", {"tool_calls": [grown]}, text)
        yield piece("finish", {}, finish=FINISH.get(reply.stop, reply.stop))
        if tell and reply.usage:
            chunk = self._chunk(request, reply, [])
            chunk["usage"] = self._usage(reply.usage)
            yield "usage", chunk, 0

    # --- errors and noise ---

    def error(
        self, status: int, message: str | None, kind: str | None, request_id: str, param: str | None = None
    ) -> dict:
        return self.quirks.error(super().error(status, message, kind, request_id, param), status)

    def error_piece(self, body: dict) -> Piece:
        return Piece("error", sse(self.quirks.error_chunk(body)))

    def noise(self) -> bytes:
        return self.quirks.comment
