"""OpenAI Responses: /v1/responses, streamed as named events or whole, and /v1/responses/input_tokens.

Stateless use is checked as closely as the vendor does it: a call that came with reasoning must come back
with that reasoning item and its sealed content, which is only given to those who ask for it.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Iterator

from ..neutral import Message, Piece, Reply, Request, ToolCall, ToolResult, Usage, size, tokens
from .base import Refusal, block, check_tool_results, parts, require, sse, text_of
from .openai import BREAKPOINT, CREATED, WRITE_TTL, OpenAI, check_strict

# Spelt so in Chat Completions only.
FOREIGN = ("messages", "max_tokens", "max_completion_tokens", "response_format", "reasoning_effort")
CONTENT = {  # role -> types of its content parts
    "assistant": ("output_text", "refusal"),
    "user": ("input_text", "input_image", "input_file"),
    "system": ("input_text",),
    "developer": ("input_text",),
}
ECHOED = {  # what a response repeats of its request, with the defaults
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
COMPLETED = ("end_turn", "stop_sequence", "tool_use", "refusal")
INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "content_filter": "content_filter",
    "max_messages": "max_messages",
    "steered": "steered",
}


def sealed(reply_id: str) -> str:
    return base64.b64encode(f"sealed thoughts of {reply_id}".encode()).decode()


class OpenAIResponses(OpenAI):
    name = "openai-responses"
    home = "/v1/responses"
    routes = (
        ("POST", re.compile(r"/v1/responses"), "reply"),
        ("POST", re.compile(r"/v1/responses/input_tokens"), "count"),
    )

    def __init__(self) -> None:
        self._reasoned: set[str] = set()  # replies that held reasoning
        self._stored: dict[str, list] = {}  # response -> its input and output

    def recognises(self, headers: dict[str, str]) -> bool:
        return False  # by its paths alone

    # --- the request ---

    def parse(self, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
        request = Request(self.name, endpoint, body=body)
        for name in FOREIGN:
            if name in body:
                raise Refusal(400, f"Unknown parameter: '{name}'.", None, name)
        request.model = require(body, "model", str, "a string is")
        request.stream = endpoint == "reply" and body.get("stream") is True
        request.max_tokens = self._limit(body)
        effort = (body.get("reasoning") or {}).get("effort")
        for name in ("temperature", "top_p"):
            if name in body and effort not in (None, "none"):
                raise Refusal(400, f"Unsupported parameter: '{name}' is not supported with this model.", None, name)
        self._read_format((body.get("text") or {}).get("format") or {"type": "text"})
        for number, tool in enumerate(body.get("tools") or []):
            self._read_tool(request, number, tool)
        items = [*self._earlier(body), *self._items(body.get("input"))]
        if body.get("instructions"):
            items.insert(0, {"role": "system", "content": body["instructions"]})
        self._read_items(request, items)
        self.mark(request, body)
        return request

    @staticmethod
    def _limit(body: dict) -> int | None:
        if body.get("prewarm") is True:
            return 0
        limit = body.get("max_output_tokens")
        if limit is not None and (type(limit) is not int or limit < 1):
            raise Refusal(400, "max_output_tokens: must be a positive integer", None, "max_output_tokens")
        return limit

    @staticmethod
    def _read_format(form: dict) -> None:
        if form.get("type") not in ("text", "json_object", "json_schema"):
            raise Refusal(400, "text.format.type: must be text, json_object or json_schema", None, "text.format")
        if form["type"] == "json_schema":
            for name, kind in (("name", str), ("schema", dict)):
                if not isinstance(form.get(name), kind):
                    where = f"text.format.{name}"
                    raise Refusal(400, f"Missing required parameter: '{where}'.", None, where)
            if form.get("strict"):
                check_strict(form["schema"], "text.format.schema")

    @staticmethod
    def _read_tool(request: Request, number: int, tool: Any) -> None:
        where = f"tools[{number}]"
        if not isinstance(tool, dict) or tool.get("type") not in ("function", "custom"):
            raise Refusal(400, f"{where}.type: must be function or custom", None, f"{where}.type")
        if not isinstance(tool.get("name"), str):
            raise Refusal(400, f"Missing required parameter: '{where}.name'.", None, f"{where}.name")
        if tool.get("strict"):
            check_strict(tool.get("parameters"), f"{where}.parameters")
        schema = tool.get("parameters")
        request.tools.append(
            {"name": tool["name"], "description": tool.get("description", ""), "schema": schema}
        )
        request.blocks.append(block("tools", tool))

    @staticmethod
    def _items(given: Any) -> list:
        if isinstance(given, str):
            return [{"role": "user", "content": given}]
        if not isinstance(given, list) or not given:
            raise Refusal(400, "input: a string or a list of items is required", None, "input")
        return given

    def _earlier(self, body: dict) -> list:
        earlier = body.get("previous_response_id")
        if earlier is None:
            return []
        if earlier not in self._stored:
            message = f"Previous response with id '{earlier}' not found."
            raise Refusal(400, message, None, "previous_response_id")
        return self._stored[earlier]

    def _read_items(self, request: Request, items: list) -> None:
        system: list[str] = []
        reasoning: set[str] = set()
        for number, item in enumerate(items):
            kind = item.get("type", "message") if isinstance(item, dict) else None
            where = f"input[{number}]"
            if kind == "message":
                self._read_message(request, item, where, system)
                continue
            request.blocks.append(block("item", item))
            if kind == "reasoning":
                reasoning.add(self._reasoning(item))
            elif kind == "function_call":
                self._check_reasoning(item, reasoning)
                call = ToolCall(item.get("name", ""), item.get("arguments", ""), item.get("call_id", ""))
                request.add(Message("assistant", "", tool_calls=[call]))
            elif kind == "function_call_output":
                output = item.get("output")
                if not isinstance(output, (str, list)):
                    raise Refusal(400, f"{where}.output: a string or a list is required", None, where)
                result = ToolResult(item.get("call_id", ""), text_of(output))
                request.add(Message("user", "", tool_results=[result]))
            else:
                raise Refusal(400, f"{where}.type: unknown item {kind!r}", None, where)
        request.system = "\n".join(system)
        check_tool_results(request.messages)

    @staticmethod
    def _read_message(request: Request, item: dict, where: str, system: list[str]) -> None:
        role = item.get("role")
        if role not in CONTENT:
            raise Refusal(400, f"{where}.role: unknown role {role!r}", None, where)
        content = parts(item.get("content"), where)
        for part in content:
            if isinstance(item["content"], list):
                if part.get("type") not in CONTENT[role]:
                    raise Refusal(400, f"{where}.content: type must be one of {CONTENT[role]}", None, where)
            ttl = WRITE_TTL if BREAKPOINT in part else None
            request.blocks.append(block(role, part, ttl, BREAKPOINT))
        if role in ("system", "developer"):
            system.append(text_of(content))
        else:
            request.add(Message(role, text_of(content)))

    def _reasoning(self, item: dict) -> str:
        """The reply whose thoughts [item] brings back."""
        found = re.fullmatch(r"rs_(.+)", str(item.get("id", "")))
        reply_id = found[1] if found else ""
        content = item.get("encrypted_content")
        if reply_id not in self._reasoned:
            raise Refusal(404, f"Item with id '{item.get('id')}' not found.", None, "input")
        if not content and f"resp_{reply_id}" not in self._stored:
            raise Refusal(404, f"Item with id '{item['id']}' not found: store was false.", None, "input")
        if content and content != sealed(reply_id):
            raise Refusal(400, f"The encrypted content of '{item['id']}' could not be verified.", None, "input")
        return reply_id

    def _check_reasoning(self, item: dict, given: set[str]) -> None:
        found = re.fullmatch(r"call_(.+)_\d+", str(item.get("call_id", "")))
        if found and found[1] in self._reasoned and found[1] not in given:
            needed = f"'function_call' {item['call_id']} was provided without its 'reasoning' item"
            raise Refusal(400, f"{needed} 'rs_{found[1]}'.", None, "input")

    # --- the reply ---

    def _output(self, request: Request, reply: Reply) -> list[dict]:
        if request.body.get("prewarm") is True:
            return []
        cut, output = "incomplete" if reply.stop in INCOMPLETE else "completed", []
        if reply.thinking is not None:
            self._reasoned.add(reply.id)
            told = (request.body.get("reasoning") or {}).get("summary")
            summary = [{"type": "summary_text", "text": reply.thinking}] if told else []
            item = {"type": "reasoning", "id": f"rs_{reply.id}", "summary": summary}
            if "reasoning.encrypted_content" in (request.body.get("include") or []):
                item["encrypted_content"] = sealed(reply.id)
            output.append(item)
        if reply.text is not None:
            refused = {"type": "refusal", "refusal": reply.text}
            said = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
            content = [refused if reply.stop == "refusal" else said]
            item = {"type": "message", "id": f"msg_{reply.id}", "status": "completed", "role": "assistant"}
            output.append({**item, "content": content})
        for call in reply.tool_calls:
            item = {"type": "function_call", "id": f"fc_{call.id}", "call_id": f"call_{call.id}"}
            output.append({**item, "status": "completed", "name": call.name, "arguments": call.arguments})
        if output and "status" in output[-1]:
            output[-1]["status"] = cut
        return output

    @staticmethod
    def _usage(usage: Usage) -> dict:
        return {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
            "output_tokens": usage.out,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt + usage.out,
        }

    def _response(self, request: Request, reply: Reply, status: str, output: list) -> dict:
        echoed = {name: request.body.get(name, default) for name, default in ECHOED.items()}
        return {
            "id": f"resp_{reply.id}",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "model": request.model,
            "output": output,
            "error": None,
            "incomplete_details": None,
            **echoed,
            "usage": None,
        }

    def whole(self, request: Request, reply: Reply) -> dict:
        output = self._output(request, reply)
        stop = "end_turn" if request.body.get("prewarm") is True else reply.stop
        status = "completed" if stop in COMPLETED else "incomplete" if stop in INCOMPLETE else stop
        response = self._response(request, reply, status, output)
        if stop in INCOMPLETE:
            response["incomplete_details"] = {"reason": INCOMPLETE[stop]}
        if stop == "failed":
            response["error"] = {"code": "server_error", "message": "The model failed to answer."}
        if reply.usage:
            response["usage"] = self._usage(reply.usage)
        if response["store"] is not False:
            given = [*self._earlier(request.body), *self._items(request.body["input"])]
            self._stored[response["id"]] = [*given, *output]
        return response

    def pieces(self, request: Request, reply: Reply) -> Iterator[Piece]:
        response = self.whole(request, reply)
        number = -1

        def piece(kind: str, event: str, text: str = "", /, **fields: Any) -> Piece:
            nonlocal number
            number += 1
            name = event if event == "error" else f"response.{event}"
            return Piece(kind, sse({"type": name, "sequence_number": number, **fields}, name), tokens(size(text)))

        begun = self._response(request, reply, "in_progress", [])
        yield piece("start", "created", response=begun)
        yield piece("delta", "in_progress", response=begun)
        for at, item in enumerate(response["output"]):
            yield piece("delta", "output_item.added", output_index=at, item=_hollow(item))
            where = {"item_id": item["id"], "output_index": at}
            for event, text, fields in _inside(item, reply):
                yield piece("delta", event, text, **where, **fields)
            yield piece("delta", "output_item.done", output_index=at, item=item)
        ending = response["status"] if response["status"] in ("incomplete", "failed") else "completed"
        yield piece("finish", ending, response=response)

    def count(self, request: Request) -> dict:
        return {"object": "response.input_tokens", "input_tokens": request.prompt_tokens}

    def error_piece(self, body: dict) -> Piece:
        error = body["error"]
        fields = {"code": error["code"] or error["type"], "message": error["message"], "param": error["param"]}
        return Piece("error", sse({"type": "error", "sequence_number": 99999, **fields}, "error"))


def _hollow(item: dict) -> dict:
    """[item] as it is announced, before anything of it has arrived."""
    emptied = {"content": [], "summary": [], "arguments": "", "encrypted_content": "", "status": "in_progress"}
    return {key: emptied.get(key, value) for key, value in item.items()}


def _inside(item: dict, reply: Reply) -> Iterator[tuple[str, str, dict]]:
    """(event, text that counts as tokens, fields) for what fills [item]."""
    if item["type"] == "function_call":
        for text in reply.slices(item["arguments"]):
            yield "function_call_arguments.delta", text, {"delta": text}
        yield "function_call_arguments.done", "", {"name": item["name"], "arguments": item["arguments"]}
        return
    reasoning = item["type"] == "reasoning"
    index, field = ("summary_index", "summary") if reasoning else ("content_index", "content")
    group = "reasoning_summary_part" if reasoning else "content_part"
    for at, part in enumerate(item[field]):
        key = "refusal" if part["type"] == "refusal" else "text"
        name = "reasoning_summary_text" if reasoning else "refusal" if key == "refusal" else "output_text"
        more = {"logprobs": []} if name == "output_text" else {}
        yield f"{group}.added", "", {index: at, "part": {**part, key: ""}}
        for text in reply.slices(part[key]):
            yield f"{name}.delta", text, {index: at, "delta": text, **more}
        yield f"{name}.done", "", {index: at, key: part[key], **more}
        yield f"{group}.done", "", {index: at, "part": part}
