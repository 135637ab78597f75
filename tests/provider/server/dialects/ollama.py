"""Ollama's native interface: /api/chat as one JSON object per line, /api/tags, /api/show.

Streams unless told not to. A prompt longer than num_ctx loses its oldest messages without a word; with
truncate:false it is an error.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

from ..neutral import Message, Piece, Reply, Request, ToolCall, ToolResult, dumps, size, tokens
from .base import Dialect, Refusal, block, require

DEFAULT_NUM_CTX = 4096
CREATED = "2026-01-01T00:00:00.000000Z"
ROLES = ("system", "user", "assistant", "tool")

DONE = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",  # told by the calls, not by the reason
    "refusal": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
WORDS = {
    401: "unauthorized",
    429: "too many requests",
    503: "server busy, please try again. maximum pending requests exceeded",
}


class Ollama(Dialect):
    name = "ollama"
    home = "/api/"
    routes = (
        ("POST", re.compile(r"/api/chat"), "reply"),
        ("GET", re.compile(r"/api/tags"), "models"),
        ("POST", re.compile(r"/api/show"), "models"),
    )
    stream_type = "application/x-ndjson"

    # kind -> (status, message); a local server knows no money
    kinds = {
        "quota": (429, "you've reached your hourly usage limit"),
        "credit": (402, "this model requires a subscription"),
        "contract": (429, "you've reached your weekly usage limit"),
        "ramp": (429, "too many concurrent requests"),
        "spend_cap": (402, "this model requires a subscription"),
        "overflow": (400, "the prompt is longer than the context window"),
        "model": (404, "model not found, try pulling it first"),
    }

    def recognises(self, headers: dict[str, str]) -> bool:
        return False  # by its paths alone

    # --- the request ---

    def parse(self, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
        request = Request(self.name, endpoint, body=body)
        if endpoint == "models":
            request.model = body.get("model") or body.get("name") or ""
            return request
        request.model = require(body, "model", str, "a string is")
        request.stream = body.get("stream") is not False
        options = body.get("options") or {}
        limit = options.get("num_predict")
        request.max_tokens = limit if type(limit) is int and limit > 0 else None
        form = body.get("format")
        if form is not None and not (isinstance(form, dict) or form in ("json", "")):
            raise Refusal(400, 'invalid format: must be "json" or a schema')
        for tool in body.get("tools") or []:
            self._read_tool(request, tool)
        for message in require(body, "messages", list, "a list is"):
            self._read_message(request, message)
        self._fit(request, options.get("num_ctx", DEFAULT_NUM_CTX), body.get("truncate") is not False)
        return request

    @staticmethod
    def _read_tool(request: Request, tool: Any) -> None:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Refusal(400, "tools: each needs type function and function.name")
        schema = function.get("parameters")
        request.tools.append(
            {"name": function["name"], "description": function.get("description", ""), "schema": schema}
        )
        request.blocks.append(block("tools", tool))

    @staticmethod
    def _read_message(request: Request, message: Any) -> None:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise Refusal(400, f"invalid message role: {role!r}")
        text = message.get("content") or ""
        if not isinstance(text, str):
            raise Refusal(400, "json: cannot unmarshal array into Go struct field ChatRequest.messages.content")
        request.blocks.append(block(role, text))
        if role == "system":
            request.system = "\n".join(filter(None, (request.system, text)))
        elif role == "tool":
            request.add(Message("user", "", tool_results=[ToolResult(message.get("tool_name", ""), text)]))
        else:
            calls = []
            for call in message.get("tool_calls") or []:
                function = call["function"]
                if not isinstance(function.get("arguments", {}), dict):
                    raise Refusal(400, "tool_calls: arguments must be an object")
                arguments = dumps(function.get("arguments", {}))
                request.blocks.append(block(role, arguments))
                calls.append(ToolCall(function["name"], arguments))
            request.add(Message(role, text, tool_calls=calls))

    @staticmethod
    def _fit(request: Request, limit: int, truncate: bool) -> None:
        if request.prompt_tokens <= limit:
            return
        if not truncate:
            raise Refusal(400, Ollama.kinds["overflow"][1])
        while len(request.messages) > 1 and request.prompt_tokens > limit:
            gone = request.messages.pop(0)
            lost = size(gone.text) + sum(size(call.arguments) for call in gone.tool_calls)
            lost += sum(size(result.text) for result in gone.tool_results)
            request.blocks.append(type(request.blocks[0])(b"cut", -lost))
        over = 4 * (request.prompt_tokens - limit)
        if over > 0:  # the server cuts the last one too, at its beginning
            last = request.messages[-1]
            last.text = last.text.encode("utf-8", "surrogatepass")[over:].decode("utf-8", "ignore")
            request.blocks.append(type(request.blocks[0])(b"cut", -over))

    # --- the reply ---

    def _line(self, request: Request, message: dict, **more: Any) -> dict:
        line = {"model": request.model, "created_at": CREATED, "message": {"role": "assistant", **message}}
        return {**line, "done": False, **more}

    @staticmethod
    def _ending(reply: Reply) -> dict:
        ending: dict[str, Any] = {"done": True, "done_reason": DONE.get(reply.stop, reply.stop)}
        if reply.usage:
            prompt, out = reply.usage.prompt, reply.usage.out
            ending |= {
                "total_duration": 1_000_000 * (prompt + 10 * out),
                "load_duration": 1_000_000,
                "prompt_eval_count": prompt,
                "prompt_eval_duration": 1_000_000 * prompt,
                "eval_count": out,
                "eval_duration": 10_000_000 * out,
            }
        return ending

    @staticmethod
    def _calls(reply: Reply) -> list[dict]:
        return [
            {"id": f"call_{call.id}", "function": {"index": at, "name": call.name, "arguments": call.input}}
            for at, call in enumerate(reply.tool_calls)
        ]

    def whole(self, request: Request, reply: Reply) -> dict:
        message: dict[str, Any] = {"content": reply.text or ""}
        if reply.thinking is not None:
            message["thinking"] = reply.thinking
        if reply.tool_calls:
            message["tool_calls"] = self._calls(reply)
        return self._line(request, message, **self._ending(reply))

    def pieces(self, request: Request, reply: Reply) -> Iterator[Piece]:
        def piece(kind: str, message: dict, text: str = "", /, **more: Any) -> Piece:
            return Piece(kind, _line_bytes(self._line(request, message, **more)), tokens(size(text)))

        for text in reply.slices(reply.thinking or ""):
            yield piece("delta", {"content": "", "thinking": text}, text)
        for text in reply.slices(reply.text or ""):
            yield piece("delta", {"content": text}, text)
        for call in self._calls(reply):
            yield piece("delta", {"content": "", "tool_calls": [call]}, dumps(call["function"]))
        yield piece("finish", {"content": ""}, **self._ending(reply))

    def models(self, names: list[str], wanted: str | None) -> dict:
        details = {"format": "gguf", "family": "llama", "parameter_size": "8B", "quantization_level": "Q4_K_M"}
        if wanted:
            if wanted not in names:
                raise Refusal(404, f"model '{wanted}' not found")
            info = {"general.architecture": "llama", "llama.context_length": 131072}
            return {
                "parameters": f"num_ctx {DEFAULT_NUM_CTX}",
                "template": "{{ .Prompt }}",
                "details": details,
                "model_info": info,
                "capabilities": ["completion", "tools", "thinking"],
            }
        return {
            "models": [
                {"name": name, "model": name, "modified_at": CREATED, "size": 5_000_000_000, "digest": "0" * 64}
                | {"details": details}
                for name in names
            ]
        }

    # --- errors and noise ---

    def error(
        self, status: int, message: str | None, kind: str | None, request_id: str, param: str | None = None
    ) -> dict:
        words = self.kinds[kind][1] if kind in self.kinds else kind
        return {"error": message or words or WORDS.get(status) or "internal server error"}

    def error_piece(self, body: dict) -> Piece:
        return Piece("error", _line_bytes(body))

    def noise(self) -> bytes:
        return b"\n"


def _line_bytes(data: dict) -> bytes:
    return dumps(data).encode("utf-8", "surrogatepass") + b"\n"
