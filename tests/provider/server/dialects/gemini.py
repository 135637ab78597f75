"""Google Gemini: /v1beta/models/{id}:generateContent, :streamGenerateContent?alt=sse, :countTokens, /v1beta/models.

Every event is a whole response and function calls never come in pieces; the stream has no end event. The
first call of a turn carries a thoughtSignature and is refused without it when it comes back.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Iterator

from ..neutral import Message, Piece, Reply, Request, ToolCall, ToolResult, Usage, dumps, size, tokens
from .base import Dialect, Refusal, block, check_tool_results, require
from .gemini_batches import GeminiBatches

CACHE_SECONDS = 600.0
SKIP_SIGNATURE = "skip_thought_signature_validator"  # the vendor's word for calls that another model made
MODES = ("AUTO", "ANY", "NONE", "VALIDATED")
FOREIGN = ("messages", "system", "model", "stream", "max_tokens", "temperature")  # refused by name: unknown here

FINISH = {
    "end_turn": "STOP",
    "stop_sequence": "STOP",
    "tool_use": "STOP",
    "max_tokens": "MAX_TOKENS",
    "model_context_window_exceeded": "MAX_TOKENS",
    "refusal": "SAFETY",
    "pause_turn": "CONTINUATION",
}
STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TYPE = "type.googleapis.com/google.rpc."


def _quota(name: str, value: str) -> list:
    violation = {"quotaMetric": "generate_content_requests", "quotaId": name, "quotaValue": value}
    return [{"@type": TYPE + "QuotaFailure", "violations": [violation]}]


def _reason(name: str) -> list:
    return [{"@type": TYPE + "ErrorInfo", "reason": name, "domain": "googleapis.com"}]


def signature(call_id: str) -> str:
    return base64.b64encode(f"thoughts before {call_id}".encode()).decode()


class Gemini(Dialect):
    name = "gemini"
    home = "/v1beta/"
    clerk = GeminiBatches()
    routes = (
        ("POST", re.compile(r"/v1(?:beta)?/models/(?P<model>[^:]+):(?P<verb>generateContent)"), "reply"),
        ("POST", re.compile(r"/v1(?:beta)?/models/(?P<model>[^:]+):(?P<verb>streamGenerateContent)"), "reply"),
        ("POST", re.compile(r"/v1(?:beta)?/models/(?P<model>[^:]+):(?P<verb>countTokens)"), "count"),
        ("GET", re.compile(r"/v1(?:beta)?/models(?:/(?P<model>[^:/]+))?"), "models"),
        *GeminiBatches.routes,
    )
    request_id_header = "x-gemini-request"
    cache_lookback = 10_000  # any earlier prefix is found
    cache_writes_told = False

    # kind -> (status, (message, details))
    kinds = {
        "quota": (
            429,
            ("You exceeded your current quota.", _quota("GenerateRequestsPerDayPerProjectPerModel", "1500")),
        ),
        "credit": (402, ("The prepayment credits are used up.", [])),
        "contract": (
            429,
            ("Quota exceeded, limit: 0", _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0")),
        ),
        "ramp": (429, ("Quota exceeded for requests per minute.", _quota("GenerateRequestsPerMinute", "60"))),
        "spend_cap": (402, ("The project's spending cap is reached.", [])),
        "overflow": (400, ("The input token count exceeds the maximum number of tokens allowed.", [])),
        "model": (404, ("models/unknown is not found for API version v1beta.", [])),
        "key": (400, ("API key not valid. Please pass a valid API key.", _reason("API_KEY_INVALID"))),
        "no_key": (403, ("Method doesn't allow unregistered callers.", [])),
    }

    def cache_minimum(self, model: str) -> int:
        return 2048 if "2.5" in model else 4096

    def recognises(self, headers: dict[str, str]) -> bool:
        return "x-goog-api-key" in headers

    def credential(self, headers: dict[str, str]) -> tuple[str | None, str | None]:
        if "x-goog-api-key" in headers:
            return "x-goog-api-key", headers["x-goog-api-key"]
        return None, None

    def refuse_key(self, sent: bool) -> Refusal:
        kind = "key" if sent else "no_key"
        return Refusal(self.kinds[kind][0], self.kinds[kind][1][0], kind)

    # --- the request ---

    def parse(self, endpoint: str, found: dict, headers: dict, body: dict) -> Request:
        request = Request(self.name, endpoint, model=found.get("model") or "", body=body)
        if endpoint == "models":
            return request
        request.stream = found.get("verb") == "streamGenerateContent"
        if request.stream and found.get("query", {}).get("alt") != "sse":
            raise Refusal(400, "streamed without alt=sse this would be one JSON array: not served here")
        if endpoint == "count" and "generateContentRequest" in body:
            body = body["generateContentRequest"]
        for name in FOREIGN:
            if name in body and not (endpoint == "count" and name == "model"):
                raise Refusal(400, f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
        config = body.get("generationConfig") or {}
        request.max_tokens = config.get("maxOutputTokens")
        if request.max_tokens is not None and (type(request.max_tokens) is not int or request.max_tokens < 1):
            raise Refusal(400, "generationConfig.maxOutputTokens: must be a positive integer")
        schemas = {"responseSchema", "responseJsonSchema"} & set(config)
        if len(schemas) > 1 or schemas and config.get("responseMimeType") != "application/json":
            raise Refusal(400, "generationConfig: one schema, and responseMimeType application/json with it")
        for tool in body.get("tools") or []:
            self._read_tool(request, tool)
        mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode", "AUTO")
        if mode not in MODES:
            raise Refusal(400, f"toolConfig.functionCallingConfig.mode: must be one of {', '.join(MODES)}")
        system = (body.get("systemInstruction") or {}).get("parts") or []
        request.system = "\n".join(part["text"] for part in system if "text" in part)
        request.blocks += [block("system", part, CACHE_SECONDS) for part in system]
        contents = require(body, "contents", list, "a list is")
        if not contents:
            raise Refusal(400, "contents is not specified")
        for number, content in enumerate(contents):
            self._read_content(request, content, f"contents[{number}]")
        if request.last.role == "assistant":
            raise Refusal(400, "contents: the last one must be a user turn")
        check_tool_results(request.messages)
        return request

    @staticmethod
    def _read_tool(request: Request, tool: Any) -> None:
        declarations = tool.get("functionDeclarations") if isinstance(tool, dict) else None
        if not isinstance(declarations, list):
            raise Refusal(400, "tools: functionDeclarations is required")
        for item in declarations:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}", item.get("name", "")):
                raise Refusal(400, "functionDeclarations.name: must start with a letter or an underscore")
            if "parameters" in item and "parametersJsonSchema" in item:
                raise Refusal(400, "functionDeclarations: parameters or parametersJsonSchema, not both")
            schema = item.get("parametersJsonSchema", item.get("parameters"))
            request.tools.append(
                {"name": item["name"], "description": item.get("description", ""), "schema": schema}
            )
            request.blocks.append(block("tools", item, CACHE_SECONDS))

    def _read_content(self, request: Request, content: Any, where: str) -> None:
        role = content.get("role", "user")
        if role not in ("user", "model"):
            raise Refusal(400, "Please use a valid role: user, model.")
        given = content.get("parts")
        if not isinstance(given, list) or not given:
            raise Refusal(400, f"{where}.parts: must not be empty")
        message = Message("assistant" if role == "model" else "user", "")
        asked = [call.id for call in request.last.tool_calls]
        for part in given:
            request.blocks.append(block(role, part, CACHE_SECONDS))
            if part.get("thought"):
                continue
            if "functionCall" in part:
                message.tool_calls.append(self._call(part, not message.tool_calls, len(message.tool_calls)))
            elif "functionResponse" in part:
                message.tool_results.append(self._result(part["functionResponse"], asked, message, where))
            elif "text" in part:
                message.text += part["text"]
            elif "inlineData" not in part:
                raise Refusal(400, f"{where}.parts: contents.parts.data required oneof field 'data' is missing")
        request.add(message)

    @staticmethod
    def _call(part: dict, first: bool, number: int) -> ToolCall:
        call = part["functionCall"]
        call_id = call.get("id") or f"{call.get('name')}#{number}"
        given = part.get("thoughtSignature")
        if first and not given:
            raise Refusal(400, "Function call is missing a thought_signature in functionCall parts.")
        if given and call.get("id") and given not in (signature(call_id), SKIP_SIGNATURE):
            raise Refusal(400, "Thought signature is not valid.")
        return ToolCall(call.get("name", ""), dumps(call.get("args", {})), call_id)

    @staticmethod
    def _result(result: dict, asked: list[str], message: Message, where: str) -> ToolResult:
        if not isinstance(result.get("response"), dict):
            raise Refusal(400, f"{where}.functionResponse.response: must be an object")
        at = len(message.tool_results)
        by_place = asked[at] if at < len(asked) else str(result.get("name"))
        return ToolResult(result.get("id") or by_place, dumps(result["response"]))

    # --- the reply ---

    @staticmethod
    def _usage(usage: Usage, out: int) -> dict:
        thoughts = min(out, usage.reasoning)
        prompt = usage.prompt
        told = {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": usage.cache_read,
            "candidatesTokenCount": out - thoughts,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": prompt + out,
        }
        return {name: count for name, count in told.items() if count}  # zeroes are left out

    def _response(self, request: Request, reply: Reply, parts: list, finish: str | None, out: int) -> dict:
        candidate: dict[str, Any] = {"content": {"role": "model"}, "index": 0}
        if parts:
            candidate["content"]["parts"] = parts
        if finish:
            candidate["finishReason"] = finish
        if finish == "MALFORMED_FUNCTION_CALL":
            candidate["finishMessage"] = "Malformed function call"
        response: dict[str, Any] = {"candidates": [candidate]}
        blocked = re.fullmatch(r"blocked(?::(.+))?", reply.stop)
        if blocked:  # the prompt itself was refused: no candidate at all
            response = {"promptFeedback": {"blockReason": blocked[1] or "PROHIBITED_CONTENT"}}
            out = 0
        if reply.usage:
            response["usageMetadata"] = self._usage(reply.usage, out)
        return {**response, "modelVersion": request.model, "responseId": f"r{reply.id}"}

    @staticmethod
    def _parts(request: Request, reply: Reply) -> list[dict]:
        config = (request.body.get("generationConfig") or {}).get("thinkingConfig") or {}
        found: list[dict] = []
        if reply.thinking is not None and config.get("includeThoughts"):
            found += [{"text": text, "thought": True} for text in reply.slices(reply.thinking)]
        found += [{"text": text} for text in reply.slices(reply.text or "")]
        first = True
        for call in reply.tool_calls:
            if not _whole_json(call.arguments):
                continue
            part = {"functionCall": {"id": f"fc-{call.id}", "name": call.name, "args": call.input}}
            if first:
                part["thoughtSignature"] = signature(f"fc-{call.id}")
            found, first = [*found, part], False
        return found

    @staticmethod
    def _finish(reply: Reply) -> str:
        if reply.stop == "tool_use" and not all(_whole_json(call.arguments) for call in reply.tool_calls):
            return "MALFORMED_FUNCTION_CALL"
        return FINISH.get(reply.stop, reply.stop)

    def _tail(self, reply: Reply) -> list[dict]:
        """The last part of an answer without calls: thoughts are signed there, with no text."""
        if reply.thinking is None or reply.tool_calls:
            return [{"text": ""}]
        return [{"text": "", "thoughtSignature": signature(reply.id)}]

    def whole(self, request: Request, reply: Reply) -> dict:
        joined: list[dict] = []
        for part in self._parts(request, reply):
            if joined and set(part) == set(joined[-1]) and "text" in part:
                joined[-1]["text"] += part["text"]
            else:
                joined.append(dict(part))
        if reply.thinking is not None and not reply.tool_calls and joined:
            joined[-1]["thoughtSignature"] = signature(reply.id)
        out = reply.usage.out if reply.usage else 0
        return self._response(request, reply, joined, self._finish(reply), out)

    def pieces(self, request: Request, reply: Reply) -> Iterator[Piece]:
        told, total = tokens(reply.thinking_size), reply.usage.out if reply.usage else 0
        if not reply.stop.startswith("blocked"):
            for part in self._parts(request, reply):
                count = tokens(size(part.get("text") or dumps(part)))
                told = told if part.get("thought") else told + count
                response = self._response(request, reply, [part], None, min(told, total))
                yield Piece("delta", _event(response), count)
        last = self._response(request, reply, self._tail(reply), self._finish(reply), total)
        yield Piece("finish", _event(last))

    def count(self, request: Request) -> dict:
        return {"totalTokens": request.prompt_tokens}

    def models(self, names: list[str], wanted: str | None) -> dict:
        def entry(name: str) -> dict:
            return {
                "name": f"models/{name}",
                "version": "001",
                "displayName": name,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens", "batchGenerateContent"],
            }

        if wanted:
            if wanted not in names:
                raise Refusal(404, f"models/{wanted} is not found for API version v1beta.")
            return entry(wanted)
        return {"models": [entry(name) for name in names]}

    # --- errors and noise ---

    def error(
        self, status: int, message: str | None, kind: str | None, request_id: str, param: str | None = None
    ) -> dict:
        words, details = self.kinds[kind][1] if kind in self.kinds else (None, [])
        named = kind if kind and kind not in self.kinds else None
        word = named or STATUS_WORDS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
        error = {"code": status, "message": message or words or word, "status": word}
        if details:
            error["details"] = [dict(detail) for detail in details]
        return {"error": error}

    def ask_to_wait(self, body: dict, seconds: str) -> dict[str, str]:
        error = body["error"]
        error["message"] += f" Please retry in {seconds}s."
        error.setdefault("details", []).append({"@type": TYPE + "RetryInfo", "retryDelay": f"{seconds}s"})
        return {}

    def error_piece(self, body: dict) -> Piece:
        return Piece("error", _event(body))


def _event(data: dict) -> bytes:
    return f"data: {dumps(data)}\r\n\r\n".encode("utf-8", "surrogatepass")


def _whole_json(arguments: str) -> bool:
    return isinstance(ToolCall("", arguments or "{}", "").parsed, dict)
