"""The log: two JSON lines per request, on arrival and on completion, flushed one by one.

Keys never get here: a credential is told by the header it came in and the first 12 hex digits of its
SHA-256. `ms` is the machine's monotonic clock, the same for every process on it.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def key_digest(key: str) -> str:
    return digest(key.encode("utf-8", "surrogateescape"))[:12]


class Logbook:
    def __init__(self, path: Path | None, bodies: Path | None):
        self._file = path.open("a", encoding="utf-8") if path else None
        self._bodies = bodies
        if bodies:
            bodies.mkdir(parents=True, exist_ok=True)

    def write(self, event: str, sequence: int, **fields: Any) -> None:
        if self._file:
            line = {"event": event, "seq": sequence, "ms": round(time.monotonic() * 1000, 3), **fields}
            self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            self._file.flush()

    def keep_body(self, sequence: int, body: bytes) -> None:
        if self._bodies and body:
            (self._bodies / f"{sequence:06d}.json").write_bytes(body)

    def close(self) -> None:
        if self._file:
            self._file.close()
