"""Scripts: which rule answers a request, and the reply it stands for.

A script is a JSON list of rules, tried in order; the first whose `match` holds and whose `times` is not
used up fires. Everything is checked when the script is loaded: a misspelt key must not become a test
that passes for the wrong reason.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

from . import faults
from .batches import ENDS, PLAN_KEYS
from .coding import WAYS
from .dialects import DIALECTS
from .neutral import Reply, Request, ToolCall, dumps


class ScriptError(ValueError):
    """The script is wrong; the text says where."""


def _all_in(wanted: Any, text: str) -> bool:
    return all(item in text for item in ([wanted] if isinstance(wanted, str) else wanted))


MATCHERS: dict[str, Callable[[Request, Any], bool]] = {
    "dialect": lambda request, value: request.dialect == value,
    "endpoint": lambda request, value: request.endpoint == value,
    "model": lambda request, value: fnmatch.fnmatchcase(request.model, value),
    "role": lambda request, value: value in request.opening,
    "contains": lambda request, value: _all_in(value, request.text),
    "last_contains": lambda request, value: _all_in(value, request.last.flat),
    "regex": lambda request, value: re.search(value, request.text, re.MULTILINE) is not None,
    "turn": lambda request, value: request.turn == value,
    "has_tool": lambda request, value: _all_in_names(value, request.tools),
    "stream": lambda request, value: request.stream == value,
    "batch": lambda request, value: request.batch == value,
}

TYPES: dict[str, tuple[type, ...]] = {
    "contains": (str, list),
    "last_contains": (str, list),
    "has_tool": (str, list),
    "turn": (int,),
    "stream": (bool,),
    "batch": (bool,),
}
ENDPOINTS = {"reply", "count", "models"} | {
    endpoint for dialect in DIALECTS if dialect.clerk for _, _, endpoint in dialect.clerk.routes
}

USAGE_KEYS = {"fresh_in", "cache_write", "cache_read", "out", "reasoning", "cost"}

# Everything a reply may say, and of which type.
REPLY: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "text_file": (str,),
    "tool_calls": (list,),
    "python": (str,),
    "thinking": (str,),
    "stop": (str,),
    "usage": (dict,),
    "chunks": (int, list),
    "chunk_ms": (int, float),
    "delay_ms": (int, float),
    "until": (str,),
    "delta_chars": (int,),
    "noise": (bool,),
    "headers": (dict,),
    "gzip": (str,),
    "batch": (dict,),
    "fault": (str, dict, list),
}


def _all_in_names(wanted: Any, tools: list[dict]) -> bool:
    names = {tool["name"] for tool in tools}
    return names.issuperset([wanted] if isinstance(wanted, str) else wanted)


@dataclass
class Delivery:
    """How a reply travels, as opposed to what it says."""

    chunks: list[int] = field(default_factory=list)  # bytes per chunk, repeated; empty = an event each
    chunk_ms: float = 0
    delay_ms: float = 0
    until: Path | None = None  # nothing is sent before this file exists
    noise: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)  # overrides
    gzip: str | None = None
    batch: dict[str, Any] = field(default_factory=dict)  # how the job goes that the request creates
    faults: list[faults.Fault] = field(default_factory=list)


@dataclass
class Rule:
    index: int  # over all files of the script
    place: str  # file#n, for the log and for messages
    match: dict[str, Any]
    reply: dict[str, Any]
    times: int | None
    folder: Path
    function: Callable[[Request], dict] | None = None
    fired: int = 0

    def holds(self, request: Request) -> bool:
        if self.times is not None and self.fired >= self.times:
            return False
        if request.endpoint != self.match.get("endpoint", "reply"):
            return False
        return all(MATCHERS[key](request, value) for key, value in self.match.items())

    def compose(self, request: Request, reply_id: str) -> tuple[Reply, Delivery]:
        """The reply and its delivery; runs the rule's Python function when it has one."""
        spec = self.reply
        if self.function:
            answer = self.function(request)
            if not isinstance(answer, dict):
                raise ScriptError(f"{self.place}: the function returned {type(answer).__name__}, not a dict")
            spec = {**spec, **answer}
            _check_reply(spec, self.place)
        if "text_file" in spec and "text" not in spec:
            spec = {**spec, "text": _read_text(self.folder / spec["text_file"], self.place)}
        calls = [_tool_call(item, f"{reply_id}_{n}") for n, item in enumerate(spec.get("tool_calls", []))]
        reply = Reply(
            id=reply_id,
            text=spec.get("text"),
            thinking=spec.get("thinking"),
            tool_calls=calls,
            stop=spec.get("stop", "tool_use" if calls else "end_turn"),
            delta_chars=spec.get("delta_chars", 24),
        )
        chunks = spec.get("chunks", [])
        delivery = Delivery(
            chunks=[chunks] if isinstance(chunks, int) else chunks,
            chunk_ms=spec.get("chunk_ms", 0),
            delay_ms=spec.get("delay_ms", 0),
            until=self.folder / spec["until"] if "until" in spec else None,
            noise=spec.get("noise", False),
            headers=dict(spec.get("headers", {})),
            usage=spec.get("usage", {}),
            gzip=spec.get("gzip"),
            batch=spec.get("batch", {}),
            faults=faults.parse(spec.get("fault")),
        )
        return reply, delivery


def _tool_call(item: dict, call_id: str) -> ToolCall:
    arguments = item["input_text"] if "input_text" in item else dumps(item.get("input", {}))
    return ToolCall(item["name"], arguments, call_id)


class Script:
    """All rules of a file, or of the *.json files of a folder in the order of their names."""

    def __init__(self, path: Path):
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise ScriptError(f"{path}: no *.json here")
        self._modules: dict[Path, ModuleType] = {}
        self.rules: list[Rule] = []
        for file in files:
            self._load(file)
        self._markers = list(dict.fromkeys(r.match["role"] for r in self.rules if "role" in r.match))

    def fire(self, request: Request) -> Rule | None:
        for rule in self.rules:
            if rule.holds(request):
                rule.fired += 1
                return rule
        return None

    def role_of(self, request: Request) -> str | None:
        """The first role marker of the script that the request carries."""
        return next((marker for marker in self._markers if marker in request.opening), None)

    def model_names(self) -> list[str]:
        named = [rule.match["model"] for rule in self.rules if "model" in rule.match]
        return [name for name in dict.fromkeys(named) if not set(name) & set("*?[")]

    def _load(self, file: Path) -> None:
        try:
            rules = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ScriptError(f"{file.name}: {error}") from None
        if not isinstance(rules, list):
            raise ScriptError(f"{file.name}: a script is a list of rules")
        for number, written in enumerate(rules):
            self.rules.append(self._rule(file, f"{file.name}#{number}", written))

    def _rule(self, file: Path, place: str, written: Any) -> Rule:
        _check_keys(written, {"match", "times", "reply", "fault", "note"}, place)
        match, reply = written.get("match", {}), dict(written.get("reply", {}))
        _check_match(match, place)
        if "fault" in written:
            if "fault" in reply:
                raise ScriptError(f"{place}: fault given twice")
            reply["fault"] = written["fault"]
        if not reply:
            raise ScriptError(f"{place}: a rule needs a reply or a fault")
        _check_reply(reply, place)
        times = written.get("times")
        if times is not None and (type(times) is not int or times < 1):
            raise ScriptError(f"{place}: times must be a positive number")
        rule = Rule(len(self.rules), place, match, reply, times, file.parent)
        if "python" in reply:
            rule.function = self._function(file.parent, reply["python"], place)
        if "text_file" in reply:
            _read_text(file.parent / reply["text_file"], place)
        return rule

    def _function(self, folder: Path, written: str, place: str) -> Callable[[Request], dict]:
        name, _, function = written.partition(":")
        path = (folder / name).resolve()
        if path not in self._modules:
            spec = importlib.util.spec_from_file_location(f"script_{len(self._modules)}_{path.stem}", path)
            if not spec or not spec.loader or not path.is_file():
                raise ScriptError(f"{place}: no such module {name}")
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            self._modules[path] = module
        found = getattr(self._modules[path], function, None)
        if not callable(found):
            raise ScriptError(f"{place}: {name} has no function {function!r}")
        return found


def _read_text(path: Path, place: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        raise ScriptError(f"{place}: {path.name}: {error}") from None


def _check_keys(written: Any, known: Any, place: str) -> None:
    if not isinstance(written, dict):
        raise ScriptError(f"{place}: an object is expected, not {written!r}")
    unknown = set(written) - set(known)
    if unknown:
        raise ScriptError(f"{place}: unknown key {', '.join(sorted(unknown))}")


def _check_types(written: dict, types: Callable[[str], tuple[type, ...]], place: str) -> None:
    for key, value in written.items():
        wanted = types(key)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            names = " or ".join(kind.__name__ for kind in wanted)
            raise ScriptError(f"{place}: {key} must be {names}")


def _check_match(match: Any, place: str) -> None:
    _check_keys(match, MATCHERS, place)
    _check_types(match, lambda key: TYPES.get(key, (str,)), place)
    try:
        re.compile(match.get("regex", ""))
    except re.error as error:
        raise ScriptError(f"{place}: regex: {error}") from None
    if match.get("endpoint", "reply") not in ENDPOINTS:
        raise ScriptError(f"{place}: endpoint must be one of {', '.join(sorted(ENDPOINTS))}")


def _check_reply(reply: Any, place: str) -> None:
    _check_keys(reply, REPLY, place)
    _check_types(reply, REPLY.__getitem__, place)
    chunks = reply.get("chunks", 1)
    if not all(type(n) is int and n > 0 for n in ([chunks] if isinstance(chunks, int) else chunks)):
        raise ScriptError(f"{place}: chunks are positive numbers of bytes")
    if reply.get("delta_chars", 1) < 1:
        raise ScriptError(f"{place}: delta_chars must be positive")
    if reply.get("gzip", "end") not in WAYS:
        raise ScriptError(f"{place}: gzip must be one of {', '.join(WAYS)}")
    for call in reply.get("tool_calls", []):
        _check_keys(call, {"name", "input", "input_text"}, place)
        if "name" not in call:
            raise ScriptError(f"{place}: a tool call needs a name")
    _check_keys(reply.get("usage", {}), USAGE_KEYS, place)
    job = reply.get("batch", {})
    _check_keys(job, PLAN_KEYS, place)
    _check_types(job, PLAN_KEYS.__getitem__, place)
    if job.get("end", "completed") not in ENDS:
        raise ScriptError(f"{place}: batch.end must be one of {', '.join(ENDS)}")
    try:
        faults.parse(reply.get("fault"))
    except faults.FaultError as error:
        raise ScriptError(f"{place}: {error}") from None
