"""Each dialect as a client sees it: how to ask, and how to read what comes back.

Own code on purpose: nothing here is shared with the provider, so a mistake cannot cancel itself out.
"""

from __future__ import annotations

import json
from typing import Any

Events = list[Any]


class Wire:
    name: str
    path: str
    headers: dict[str, str]
    stops = {"end_turn": "stop", "max_tokens": "length", "tool_use": "stop"}  # neutral -> on the wire
    limit_field: str

    def target(self, stream: bool = False, model: str = "small-1") -> str:
        return self.path

    def body(self, text: str, /, stream: bool = False, **more: Any) -> dict:
        raise NotImplementedError

    def limit(self, count: int) -> dict:
        """What limits a reply to [count] tokens."""
        return {self.limit_field: count}

    def talk(self, system: str, *texts: str) -> dict:
        """What goes into the body for a conversation: user, assistant, user, ..."""
        turns = [{"role": role, "content": text} for role, text in zip(["user", "assistant"] * len(texts), texts)]
        return {"messages": [*([{"role": "system", "content": system}] if system else []), *turns]}

    def events(self, data: bytes) -> Events:
        """The data of each event of a stream; "[DONE]" as text."""
        found = []
        for event in data.decode("utf-8").replace("\r\n", "\n").split("\n\n"):
            lines = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
            if lines:
                found.append(lines[0] if lines[0] == "[DONE]" else json.loads(lines[0]))
        return found

    def error_type(self, body: dict) -> str:
        return body["error"]["code"] or body["error"]["type"]

    def error_message(self, body: dict) -> str:
        return body["error"]["message"]

    def whole_text(self, body: dict) -> str:
        raise NotImplementedError

    def stream_text(self, events: Events) -> str:
        raise NotImplementedError

    def stop(self, events: Events) -> str | None:
        raise NotImplementedError

    def ended(self, events: Events) -> bool:
        return self.stop(events) is not None

    def usage(self, events: Events) -> dict | None:
        """fresh, write, read, out; None when not told."""
        raise NotImplementedError


def _usage(fresh: int, write: int, read: int, out: int) -> dict:
    return {"fresh": fresh, "write": write, "read": read, "out": out}


class AnthropicWire(Wire):
    name = "anthropic"
    path = "/v1/messages"
    headers = {"anthropic-version": "2026-10-21", "x-api-key": "test-key"}
    stops = {"end_turn": "end_turn", "max_tokens": "max_tokens", "tool_use": "tool_use"}
    limit_field = "max_tokens"

    def body(self, text: str, /, stream: bool = False, **more: Any) -> dict:
        body = {"model": "small-1", "messages": [{"role": "user", "content": text}], "max_tokens": 10_000}
        return body | ({"stream": True} if stream else {}) | more

    def talk(self, system: str, *texts: str) -> dict:
        return {**super().talk("", *texts), **({"system": system} if system else {})}

    def error_type(self, body: dict) -> str:
        return body["error"]["type"]

    def whole_text(self, body: dict) -> str:
        return "".join(part["text"] for part in body["content"] if part["type"] == "text")

    def stream_text(self, events: Events) -> str:
        return "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")

    def stop(self, events: Events) -> str | None:
        told = (e.get("stop_reason") or e.get("delta", {}).get("stop_reason") for e in events)
        return next(filter(None, told), None)

    def ended(self, events: Events) -> bool:
        return events[-1].get("type") == "message_stop"

    def usage(self, events: Events) -> dict | None:
        told = [event["usage"] for event in events if event.get("usage")]
        if not told:
            return None
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
        return _usage(*(told[-1][name] for name in names))


class OpenAIWire(Wire):
    name = "openai-chat"
    path = "/v1/chat/completions"
    headers = {"authorization": "Bearer test-key"}
    stops = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
    limit_field = "max_completion_tokens"

    def body(self, text: str, /, stream: bool = False, **more: Any) -> dict:
        body = {"model": "small-1", "messages": [{"role": "user", "content": text}]}
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        return body | (streamed if stream else {}) | more

    def whole_text(self, body: dict) -> str:
        return body["choices"][0]["message"]["content"] or ""

    def choices(self, events: Events) -> list[dict]:
        return [choice for e in events if isinstance(e, dict) for choice in e.get("choices", [])]

    def stream_text(self, events: Events) -> str:
        return "".join(choice["delta"].get("content") or "" for choice in self.choices(events))

    def stop(self, events: Events) -> str | None:
        return next((c["finish_reason"] for c in self.choices(events) if c["finish_reason"]), None)

    def ended(self, events: Events) -> bool:
        return events[-1] == "[DONE]"

    def usage(self, events: Events) -> dict | None:
        told = [event["usage"] for event in events if isinstance(event, dict) and event.get("usage")]
        if not told:
            return None
        last, details = told[-1], told[-1]["prompt_tokens_details"]
        write, read = details["cache_write_tokens"], details["cached_tokens"]
        return _usage(last["prompt_tokens"] - write - read, write, read, last["completion_tokens"])


class ResponsesWire(Wire):
    name = "openai-responses"
    path = "/v1/responses"
    headers = {"authorization": "Bearer test-key"}
    stops = {"end_turn": "completed", "max_tokens": "max_output_tokens", "tool_use": "completed"}
    limit_field = "max_output_tokens"

    def body(self, text: str, /, stream: bool = False, **more: Any) -> dict:
        body = {"model": "small-1", "input": [{"role": "user", "content": text}], "store": False}
        return body | ({"stream": True} if stream else {}) | more

    def talk(self, system: str, *texts: str) -> dict:
        return {"input": super().talk("", *texts)["messages"], **({"instructions": system} if system else {})}

    def error_type(self, body: dict) -> str:
        return body["code"] if body.get("type") == "error" else super().error_type(body)

    def error_message(self, body: dict) -> str:
        return body["message"] if body.get("type") == "error" else super().error_message(body)

    def whole_text(self, body: dict) -> str:
        texts = [part for item in body["output"] if item["type"] == "message" for part in item["content"]]
        return "".join(part["text"] for part in texts if part["type"] == "output_text")

    def stream_text(self, events: Events) -> str:
        return "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")

    def response(self, events: Events) -> dict | None:
        last = events[-1] if events else {}
        if last.get("object") == "response":
            return last
        terminal = ("response.completed", "response.incomplete", "response.failed")
        return last["response"] if last.get("type") in terminal else None

    def stop(self, events: Events) -> str | None:
        response = self.response(events)
        if not response:
            return None
        return (response["incomplete_details"] or {}).get("reason") or response["status"]

    def usage(self, events: Events) -> dict | None:
        told = (self.response(events) or {}).get("usage")
        if not told:
            return None
        details = told["input_tokens_details"]
        write, read = details["cache_write_tokens"], details["cached_tokens"]
        assert told["total_tokens"] == told["input_tokens"] + told["output_tokens"]
        return _usage(told["input_tokens"] - write - read, write, read, told["output_tokens"])


class GeminiWire(Wire):
    name = "gemini"
    path = "/v1beta/models/small-1:generateContent"
    headers = {"x-goog-api-key": "test-key"}
    stops = {"end_turn": "STOP", "max_tokens": "MAX_TOKENS", "tool_use": "STOP"}

    def target(self, stream: bool = False, model: str = "small-1") -> str:
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}"

    def body(self, text: str, /, stream: bool = False, **more: Any) -> dict:
        more.pop("model", None)  # it is in the path
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]} | more

    def limit(self, count: int) -> dict:
        return {"generationConfig": {"maxOutputTokens": count}}

    def talk(self, system: str, *texts: str) -> dict:
        roles = ["user", "model"] * len(texts)
        spoken = {"contents": [{"role": role, "parts": [{"text": text}]} for role, text in zip(roles, texts)]}
        return spoken | ({"systemInstruction": {"parts": [{"text": system}]}} if system else {})

    def error_type(self, body: dict) -> str:
        return body["error"]["status"]

    def parts(self, events: Events) -> list[dict]:
        contents = [c["content"] for e in events for c in e.get("candidates", [])]
        return [part for content in contents for part in content.get("parts", [])]

    def whole_text(self, body: dict) -> str:
        return self.stream_text([body])

    def stream_text(self, events: Events) -> str:
        return "".join(p.get("text", "") for p in self.parts(events) if not p.get("thought"))

    def stop(self, events: Events) -> str | None:
        candidates = [c for e in events for c in e.get("candidates", [])]
        return next((c["finishReason"] for c in candidates if "finishReason" in c), None)

    def usage(self, events: Events) -> dict | None:
        told = [e["usageMetadata"] for e in events if "usageMetadata" in e]
        if not told:
            return None
        names = ("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        prompt, read, said, thought = (told[-1].get(name, 0) for name in names)
        assert told[-1].get("totalTokenCount", 0) == prompt + said + thought
        return _usage(prompt - read, 0, read, said + thought)


class OllamaWire(Wire):
    name = "ollama"
    path = "/api/chat"
    headers: dict[str, str] = {"authorization": "Bearer test-key"}

    def body(self, text: str, /, stream: bool = False, **more: Any) -> dict:
        body = {"model": "small-1", "messages": [{"role": "user", "content": text}], "options": {"num_ctx": 10**7}}
        return body | ({} if stream else {"stream": False}) | more

    def limit(self, count: int) -> dict:
        return {"options": {"num_ctx": 10**7, "num_predict": count}}

    def events(self, data: bytes) -> Events:
        return [json.loads(line) for line in data.decode("utf-8").split("\n") if line]

    def error_type(self, body: dict) -> str:
        return body["error"]

    def error_message(self, body: dict) -> str:
        return body["error"]

    def whole_text(self, body: dict) -> str:
        return body["message"]["content"]

    def stream_text(self, events: Events) -> str:
        return "".join(event["message"]["content"] for event in events if "message" in event)

    def stop(self, events: Events) -> str | None:
        return next((event["done_reason"] for event in events if event.get("done")), None)

    def usage(self, events: Events) -> dict | None:
        last = events[-1]
        if "eval_count" not in last:
            return None
        return _usage(last["prompt_eval_count"], 0, 0, last["eval_count"])


ANTHROPIC, OPENAI = AnthropicWire(), OpenAIWire()
RESPONSES, GEMINI, OLLAMA = ResponsesWire(), GeminiWire(), OllamaWire()
WIRES: tuple[Wire, ...] = (ANTHROPIC, OPENAI, RESPONSES, GEMINI, OLLAMA)
EVERY = [(wire, stream) for wire in WIRES for stream in (False, True)]
