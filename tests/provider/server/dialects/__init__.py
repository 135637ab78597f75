"""The table of dialects, and which of them a request is meant for."""

from __future__ import annotations

from .anthropic import Anthropic
from .base import Dialect, Refusal
from .gemini import Gemini
from .ollama import Ollama
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses

# Order matters only where two dialects share a path: the first that recognises the headers wins.
DIALECTS: tuple[Dialect, ...] = (Anthropic(), Gemini(), Ollama(), OpenAIResponses(), OpenAIChat())


def pick(method: str, path: str, headers: dict[str, str]) -> tuple[Dialect, str | None, dict, bool]:
    """(dialect, endpoint, named groups of the path, whether the path exists for another method).

    The endpoint is None when nobody serves the path; the dialect then only shapes the error.
    """
    matches, other_method = [], []
    for dialect in DIALECTS:
        for verb, pattern, endpoint in dialect.routes:
            found = pattern.fullmatch(path)
            if found:
                row = (dialect, endpoint, found.groupdict())
                (matches if verb == method else other_method).append(row)
    for dialect, endpoint, groups in matches:
        if len(matches) == 1 or dialect.recognises(headers):
            return dialect, endpoint, groups, False
    if other_method:
        return other_method[0][0], None, {}, True
    at_home = [d for d in DIALECTS if d.home and path.startswith(d.home)]
    return next((d for d in DIALECTS if d in at_home or not at_home and d.recognises(headers))), None, {}, False


__all__ = ["DIALECTS", "Dialect", "Refusal", "pick"]
