"""A rate limit as the vendors keep it: a token bucket per key and model, for requests and for tokens.

    requests  one each; refused when the bucket is empty
    tokens    the prompt is asked for beforehand, the answer is charged afterwards and may overdraw
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .neutral import Refusal


@dataclass
class Level:
    """One bucket at one moment, for headers."""

    name: str  # requests or tokens
    limit: int  # per minute
    remaining: int
    reset: float  # seconds until it is full


class Bucket:
    def __init__(self, per_minute: int, burst: int):
        self.limit = per_minute
        self._rate, self._size = per_minute / 60, float(burst)
        self._level, self._when = float(burst), time.monotonic()

    def _fill(self) -> None:
        now = time.monotonic()
        self._level = min(self._size, self._level + (now - self._when) * self._rate)
        self._when = now

    def wait_for(self, count: float) -> float:
        """Seconds until [count] can be taken; 0 = now. More than the bucket holds waits for a full one."""
        self._fill()
        return max(0.0, (min(count, self._size) - self._level) / self._rate)

    def take(self, count: float) -> None:
        self._fill()
        self._level -= count

    def level(self, name: str) -> Level:
        self._fill()
        return Level(name, self.limit, max(0, int(self._level)), (self._size - self._level) / self._rate)


class Limiter:
    """0 = no limit. A bucket holds [burst] requests, by default a tenth of a minute's."""

    def __init__(self, rpm: int = 0, tpm: int = 0, burst: int = 0):
        self._limits = [("requests", rpm, burst or max(1, rpm // 10)), ("tokens", tpm, tpm)]
        self._buckets: dict[str, dict[str, Bucket]] = {}

    def buckets(self, owner: str) -> dict[str, Bucket]:
        if owner not in self._buckets:
            made = {name: Bucket(limit, burst) for name, limit, burst in self._limits if limit}
            self._buckets[owner] = made
        return self._buckets[owner]

    def admit(self, owner: str, prompt: int) -> None:
        """Takes one request and its prompt, or raises a 429 that says how long to wait."""
        costs = {"requests": 1, "tokens": prompt}
        buckets = self.buckets(owner)
        for name, bucket in buckets.items():
            wait = bucket.wait_for(costs[name])
            if wait > 0:
                refusal = Refusal(429, f"Rate limit reached: {bucket.limit} {name} per minute.")
                refusal.wait = str(math.ceil(wait))
                raise refusal
        for name, bucket in buckets.items():
            bucket.take(costs[name])

    def charge(self, owner: str, out: int) -> None:
        bucket = self.buckets(owner).get("tokens")
        if bucket:
            bucket.take(out)

    def levels(self, owner: str) -> list[Level]:
        return [bucket.level(name) for name, bucket in self.buckets(owner).items()]
