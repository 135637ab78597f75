"""Batch jobs: many requests handed in at once, answered after so many polls. Clerks put it in words.

    Clerk (dialects/*_batches.py)   reads orders, shapes jobs and results
    Office (here)                   keeps jobs and files, counts polls, decides what has come of each item

Every item is answered by the script's rules when the job is created, one after the other, and told when it ends.
A cancelled job keeps what was done by then; an expired one keeps the first half.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any, Callable

from .neutral import Refusal

PLAN_KEYS = {"polls": (int,), "end": (str,), "share": (int, float), "states": (str,)}
ENDS = ("completed", "expired", "failed", "cancelled")


@dataclass
class Order:
    """One item as it was handed in."""

    custom_id: str
    path: str  # where it would have been sent alone
    params: dict
    extra: Any = None  # the clerk's own


@dataclass
class Item:
    order: Order
    outcome: str = "succeeded"  # succeeded, errored, expired, canceled
    status: int = 200
    body: dict = field(default_factory=dict)
    log: dict = field(default_factory=dict)  # what the log tells of it: rule, usage, ...


@dataclass
class Plan:
    """How a job goes, as the rule for its creation says."""

    polls: int  # so many polls find it unfinished
    end: str = "completed"
    share: float = 0.5  # of the items that were done when it expired
    states: str = ""  # how state names begin, where a vendor has two ways


@dataclass
class Job:
    id: str
    sequence: int  # of the request that created it
    dialect: str
    model: str
    items: list[Item]
    plan: Plan
    extra: dict  # the clerk's own: names, files, ...
    polled: int = 0
    cancelling: bool = False
    ended: bool = False

    @property
    def end(self) -> str:
        """completed, expired, failed or cancelled, once it has ended."""
        return "cancelled" if self.cancelling else self.plan.end

    def count(self, *outcomes: str) -> int:
        return sum(item.outcome in outcomes for item in self.items)

    def shuffled(self) -> list[Item]:
        """Results in another order than they were handed in, the same for the same job."""
        items = list(self.items)
        random.Random(self.id).shuffle(items)
        if len(items) > 1 and all(a is b for a, b in zip(items, self.items)):
            items.reverse()
        return items


@dataclass
class Call:
    """One request to a batch endpoint."""

    sequence: int
    path: str
    found: dict  # the named groups of the path
    headers: dict[str, str]
    body: dict  # {} when it is not JSON
    raw: bytes
    plan: Plan | None = None

    @property
    def base(self) -> str:
        """The address the client used, for links in answers; proxies tell it in X-Forwarded-Proto."""
        return f"{self.headers.get('x-forwarded-proto', 'http')}://{self.headers.get('host', '127.0.0.1')}"


Answerer = Callable[[Call, Order, int], Item]
Logger = Callable[[Job, Item], None]


class Office:
    def __init__(self, answer: Answerer, log: Logger, polls: int):
        self._answer, self._log, self._polls = answer, log, polls
        self.jobs: dict[str, Job] = {}
        self.files: dict[str, dict] = {}  # id -> {"name", "purpose", "data"}

    def plan(self, written: dict | None) -> Plan:
        return Plan(**{"polls": self._polls, **(written or {})})

    def open(self, call: Call, name: str, dialect: str, model: str, orders: list[Order], extra: dict) -> Job:
        plan = call.plan or self.plan(None)
        items = [] if plan.end == "failed" else [self._answer(call, order, at) for at, order in enumerate(orders)]
        if plan.end == "failed":
            items = [Item(order, "errored", 500) for order in orders]
        job = self.jobs[name] = Job(name, call.sequence, dialect, model, items, plan, extra)
        return job

    def find(self, name: str) -> Job:
        if name not in self.jobs:
            raise Refusal(404, f"batch {name}: not found")
        return self.jobs[name]

    def poll(self, name: str) -> Job:
        job = self.find(name)
        job.polled += 1
        if job.cancelling or job.polled > job.plan.polls:
            self._finish(job)
        return job

    def cancel(self, name: str) -> Job:
        job = self.find(name)
        if not job.ended:
            job.cancelling = True
        return job

    def _finish(self, job: Job) -> None:
        if job.ended:
            return
        job.ended = True
        done = len(job.items)
        if job.end != "completed" and job.extra.get("all_or_nothing"):
            done = 0
        elif job.cancelling:
            done = int(done * min(1.0, (job.polled - 1) / max(1, job.plan.polls)))
        elif job.plan.end == "expired":
            done = int(done * job.plan.share)
        for item in job.items[done:]:
            item.outcome = "canceled" if job.cancelling else "expired"
        for item in job.items:
            if item.outcome != "succeeded":
                item.log["usage"] = None  # free
            self._log(job, item)


class Clerk:
    """One vendor's way with batches. [routes] join those of the dialect it belongs to."""

    routes: tuple[tuple[str, re.Pattern, str], ...]

    def subject(self, call: Call, endpoint: str, office: Office) -> tuple[str, str]:
        """(model, text) for rules to match."""
        return str(call.body.get("model", "")), call.raw.decode("utf-8", "replace")

    def serve(self, call: Call, endpoint: str, office: Office) -> tuple[Any, str]:
        """(answer, content type); raises Refusal."""
        raise NotImplementedError


def check_ids(names: list) -> None:
    seen = set()
    for at, name in enumerate(names):
        if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            raise Refusal(400, f"requests.{at}.custom_id: 1 to 64 letters, digits, _ or -")
        if name in seen:
            raise Refusal(400, f"requests.{at}.custom_id: {name} is given twice")
        seen.add(name)
