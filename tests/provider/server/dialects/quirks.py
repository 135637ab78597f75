"""How servers that speak Chat Completions differ from OpenAI's: one flag each, any number at once.

The dialect asks at its five corners (request, whole reply, chunks, errors, comments) and knows no server by name.
"""

from __future__ import annotations

from typing import Any, Iterator

from ..neutral import Piece, Refusal, Reply

Chunk = tuple[str, dict, int]  # kind of piece, chunk, tokens in it

# quirk -> (field that is refused, when it has one of these values, or None for any)
REFUSED: dict[str, tuple[str, tuple | None]] = {
    "no-tools": ("tools", None),
    "no-tool-choice": ("tool_choice", None),
    "no-stream-options": ("stream_options", None),
    "max-tokens-only": ("max_completion_tokens", None),
    "max-completion-tokens-only": ("max_tokens", None),
    "no-schema": ("response_format", ("json_schema",)),
    "no-json": ("response_format", ("json_schema", "json_object")),
    "no-forced-tool": ("tool_choice", ("required", "function")),
    "no-sampling": ("temperature", None),
    "no-effort": ("reasoning_effort", None),
    "no-parallel": ("parallel_tool_calls", None),
    "no-store": ("store", None),
    "no-cache-key": ("prompt_cache_key", None),
    "no-strict": ("strict", None),
}
NAMES = {
    **{name: f"{field} is refused" for name, (field, _) in REFUSED.items()},
    "no-developer": "the role developer is refused",
    "no-usage": "usage is never told",
    "bare-errors": "errors name the field in their message only",
    "openrouter": "cost in usage, comments while waiting, errors as a last chunk, numbers as codes",
    "deepseek": "prompt_cache_hit_tokens; reasoning_content must come back with tool calls",
    "groq": "x_groq.usage in the last chunk, reasoning instead of reasoning_content",
    "mistral": "content as parts when there is reasoning, usage beside the finish, 422 with detail",
}


class Quirks:
    def __init__(self, names: Any = ()):
        self._on = frozenset(names)
        self.comment = b": OPENROUTER PROCESSING\n\n" if "openrouter" in self._on else b": keep-alive\n\n"

    # --- the request ---

    def check(self, body: dict) -> None:
        for name in self._on & set(REFUSED):
            field, values = REFUSED[name]
            if field in _fields(body) and (values is None or _word(body[field]) in values):
                raise self._refusal(field)
        if "no-developer" in self._on and any(one.get("role") == "developer" for one in body.get("messages") or []):
            raise Refusal(400, "messages[0].role: unknown variant `developer`", None, "messages")
        if "deepseek" in self._on:
            for message in body.get("messages") or []:
                if message.get("tool_calls") and "reasoning_content" not in message:
                    missing = "Missing `reasoning_content` field in the assistant message"
                    raise Refusal(400, missing, None, "messages")

    def _refusal(self, field: str) -> Refusal:
        hints = {
            "max_completion_tokens": " Use 'max_tokens' instead.",
            "max_tokens": " Use 'max_completion_tokens' instead.",
        }
        status = 422 if "mistral" in self._on else 400
        message = f"Unsupported parameter: '{field}' is not supported with this model.{hints.get(field, '')}"
        return Refusal(status, message, None, field)

    def tells_usage(self, asked: bool) -> bool:
        if "no-usage" in self._on:
            return False
        return asked or bool(self._on & {"openrouter", "groq", "mistral"})

    # --- the reply ---

    def whole(self, whole: dict, reply: Reply) -> dict:
        if "no-usage" in self._on:
            whole.pop("usage", None)
        message = whole["choices"][0]["message"]
        thoughts = message.get("reasoning_content")
        if thoughts is not None and "groq" in self._on:
            message["reasoning"] = message.pop("reasoning_content")
        if thoughts is not None and "mistral" in self._on:
            del message["reasoning_content"]
            message["content"] = [_thinking(thoughts), {"type": "text", "text": message["content"] or ""}]
        self._finish(whole["choices"][0], reply)
        self._usage(whole, reply)
        if "groq" in self._on:
            whole["x_groq"] = {"id": f"req_{reply.id}"}
        if "openrouter" in self._on:
            whole["provider"] = "Script"
        return whole

    def chunks(self, chunks: Iterator[Chunk], reply: Reply) -> Iterator[Chunk]:
        held: Chunk | None = None
        for kind, chunk, count in chunks:
            for choice in chunk["choices"]:
                self._delta(choice["delta"])
                self._finish(choice, reply)
            self._usage(chunk, reply)
            if "openrouter" in self._on:
                chunk["provider"] = "Script"
            if kind == "finish" and self._on & {"groq", "mistral"}:
                held = (kind, chunk, count)  # usage belongs to it
                continue
            if kind == "usage" and held:
                told = {"usage": chunk["usage"]}
                held[1].update({"x_groq": {"id": f"req_{reply.id}", **told}} if "groq" in self._on else told)
                continue
            yield kind, chunk, count
        if held:
            yield held

    def _delta(self, delta: dict) -> None:
        if "reasoning_content" in delta and "groq" in self._on:
            delta["reasoning"] = delta.pop("reasoning_content")
        elif "reasoning_content" in delta and "mistral" in self._on:
            delta["content"] = [_thinking(delta.pop("reasoning_content"))]

    def _finish(self, choice: dict, reply: Reply) -> None:
        finish = choice.get("finish_reason")
        if finish and "mistral" in self._on and reply.stop == "model_context_window_exceeded":
            choice["finish_reason"] = "model_length"
        if finish and "openrouter" in self._on:
            choice["native_finish_reason"] = finish

    def _usage(self, told: dict, reply: Reply) -> None:
        usage = told.get("usage")
        if not usage or not reply.usage:
            return
        if "openrouter" in self._on:
            usage["cost"] = reply.usage.price
            usage["cost_details"] = {"upstream_inference_cost": None}
        if "deepseek" in self._on:
            hit = reply.usage.cache_read
            usage |= {"prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": reply.usage.prompt - hit}
            del usage["prompt_tokens_details"]
        if "groq" in self._on:
            usage |= {"queue_time": 0.01, "prompt_time": 0.01, "completion_time": 0.1, "total_time": 0.11}

    def before(self) -> Iterator[Piece]:
        if "openrouter" in self._on:
            yield Piece("noise", self.comment)
            yield Piece("noise", self.comment)

    # --- errors ---

    def error(self, body: dict, status: int) -> dict:
        error = body["error"]
        if "mistral" in self._on and status == 422:
            where = {"type": "extra_forbidden", "loc": ["body", error["param"]], "msg": error["message"]}
            return {"detail": [where]}
        if "openrouter" in self._on:
            raw = {"raw": error["code"] or error["type"], "provider_name": "Script"}
            return {"error": {"code": status, "message": error["message"], "metadata": raw}, "user_id": "user_1"}
        if "bare-errors" in self._on:
            error |= {"param": None, "code": None}
        return body

    def error_chunk(self, body: dict) -> dict:
        if "openrouter" not in self._on:
            return body
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"}
        choice["native_finish_reason"] = "error"
        chunk = {"id": "gen-script", "object": "chat.completion.chunk", "provider": "Script", "choices": [choice]}
        return {**chunk, "error": body["error"]}


def _fields(body: dict) -> set[str]:
    """The names in [body]; strict hides inside tools and formats."""
    schema = (body.get("response_format") or {}).get("json_schema") or {}
    functions = [tool.get("function") or {} for tool in body.get("tools") or []]
    deep = any("strict" in one for one in (schema, *functions))
    return {name for name, value in body.items() if value is not None} | ({"strict"} if deep else set())


def _word(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else value


def _thinking(text: str) -> dict:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
