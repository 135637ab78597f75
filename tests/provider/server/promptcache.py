"""A prompt cache as the vendors describe theirs, so that cost tests see real counters.

A prompt is a row of blocks; the hash of block n covers all blocks up to n. A breakpoint writes its
hash; a later prompt reads the longest written prefix it finds while walking back from each of its own
breakpoints. What is written becomes readable only when the writing reply starts to stream: two calls
sent at once both pay for the write. Model and key are part of the hash, order and spelling of JSON
keys too: a client that shuffles them loses its cache here as it would there.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from .neutral import Block, Usage, tokens


@dataclass
class Lookup:
    usage: Usage  # the input side; out and reasoning are filled in later
    digest: str | None  # of the prefix up to the last breakpoint
    writes: list[tuple[str, float]]  # (hash, lifetime): to commit when the reply starts
    touched: str | None  # hash that was read: its lifetime starts anew


class PromptCache:
    def __init__(self) -> None:
        self._expiry: dict[str, tuple[float, float]] = {}  # hash -> (when, lifetime)

    def lookup(self, owner: str, blocks: list[Block], minimum: int, lookback: int) -> Lookup:
        digests, sums = [], []
        rolling, total = hashlib.sha256(owner.encode()), 0
        for item in blocks:
            rolling.update(len(item.data).to_bytes(8, "big") + item.data)
            total += item.size
            digests.append(rolling.hexdigest())
            sums.append(tokens(total))
        marked = [at for at, item in enumerate(blocks) if item.ttl is not None]
        digest = digests[marked[-1]] if marked else None
        usable = [at for at in marked if sums[at] >= minimum]
        whole = tokens(total)
        if not usable:
            return Lookup(Usage(fresh_in=whole), digest, [], None)

        hit = self._longest(digests, usable, lookback)
        read = sums[hit] if hit is not None else 0
        end = max(sums[usable[-1]], read)
        usage = Usage(whole - end, end - read, read, write_ttl=blocks[usable[-1]].ttl or 0)
        writes = [(digests[at], blocks[at].ttl) for at in usable if hit is None or at > hit]
        return Lookup(usage, digest, writes, digests[hit] if hit is not None else None)

    def _longest(self, digests: list[str], marked: list[int], lookback: int) -> int | None:
        now = time.monotonic()
        for mark in reversed(marked):
            for at in range(mark, max(-1, mark - lookback - 1), -1):
                if self._expiry.get(digests[at], (0, 0))[0] > now:
                    return at
        return None

    def commit(self, found: Lookup) -> None:
        """The reply has begun: what it wrote can be read from now on."""
        now = time.monotonic()
        for digest, lifetime in found.writes:
            self._expiry[digest] = (now + lifetime, lifetime)
        if found.touched in self._expiry:
            lifetime = self._expiry[found.touched][1]
            self._expiry[found.touched] = (now + lifetime, lifetime)
