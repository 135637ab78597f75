"""Anthropic's Message Batches: created with all requests in the body, results as JSON lines in any order."""

from __future__ import annotations

import re
from typing import Any

from ..batches import Call, Clerk, Item, Job, Office, Order, check_ids
from ..neutral import dumps
from .base import Refusal

MADE, ENDED, EXPIRES = "2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z", "2026-01-02T00:00:00Z"
ROOT = "/v1/messages/batches"


class AnthropicBatches(Clerk):
    routes = (
        ("POST", re.compile(ROOT), "batch"),
        ("GET", re.compile(ROOT), "batch_list"),
        ("GET", re.compile(ROOT + r"/(?P<batch>[^/]+)"), "batch_poll"),
        ("DELETE", re.compile(ROOT + r"/(?P<batch>[^/]+)"), "batch_delete"),
        ("POST", re.compile(ROOT + r"/(?P<batch>[^/]+)/cancel"), "batch_cancel"),
        ("GET", re.compile(ROOT + r"/(?P<batch>[^/]+)/results"), "batch_results"),
    )

    def subject(self, call: Call, endpoint: str, office: Office) -> tuple[str, str]:
        first = (call.body.get("requests") or [{}])[0]
        return str(first.get("params", {}).get("model", "")), super().subject(call, endpoint, office)[1]

    def serve(self, call: Call, endpoint: str, office: Office) -> tuple[Any, str]:
        json_type = "application/json"
        if "anthropic-version" not in call.headers:
            raise Refusal(400, "anthropic-version: header is required")
        if endpoint == "batch":
            return self._shape(call, self._create(call, office)), json_type
        if endpoint == "batch_list":
            jobs = [self._shape(call, job) for job in office.jobs.values() if job.dialect == "anthropic"]
            ends = {"first_id": jobs[0]["id"], "last_id": jobs[-1]["id"]} if jobs else {}
            return {"data": jobs, "has_more": False, "first_id": None, "last_id": None, **ends}, json_type
        name = call.found["batch"]
        if endpoint == "batch_cancel":
            return self._shape(call, office.cancel(name)), json_type
        if endpoint == "batch_poll":
            return self._shape(call, office.poll(name)), json_type
        job = office.find(name)
        if not job.ended:
            raise Refusal(404 if endpoint == "batch_results" else 400, f"batch {name} has not ended")
        if endpoint == "batch_delete":
            del office.jobs[name]
            return {"id": name, "type": "message_batch_deleted"}, json_type
        lines = [dumps({"custom_id": item.order.custom_id, "result": _result(item)}) for item in job.shuffled()]
        return "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"), "application/x-jsonl"

    @staticmethod
    def _create(call: Call, office: Office) -> Job:
        requests = call.body.get("requests")
        if not isinstance(requests, list) or not requests:
            raise Refusal(400, "requests: a list of at least one is required")
        if len(requests) > 100_000:
            raise Refusal(413, "requests: at most 100000")
        check_ids([request.get("custom_id") for request in requests])
        orders = []
        for at, request in enumerate(requests):
            if not isinstance(request.get("params"), dict) or set(request) != {"custom_id", "params"}:
                raise Refusal(400, f"requests.{at}: needs custom_id and params, nothing else")
            orders.append(Order(request["custom_id"], "/v1/messages", request["params"]))
        model = str(orders[0].params.get("model", ""))
        return office.open(call, f"msgbatch_{call.sequence:06d}", "anthropic", model, orders, {})

    @staticmethod
    def _shape(call: Call, job: Job) -> dict:
        outcomes = ("succeeded", "errored", "canceled", "expired")
        counts = {name: job.count(name) if job.ended else 0 for name in outcomes}
        status = "ended" if job.ended else "canceling" if job.cancelling else "in_progress"
        return {
            "id": job.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {"processing": 0 if job.ended else len(job.items), **counts},
            "created_at": MADE,
            "expires_at": EXPIRES,
            "ended_at": ENDED if job.ended else None,
            "cancel_initiated_at": MADE if job.cancelling else None,
            "archived_at": None,
            "results_url": f"{call.base}{ROOT}/{job.id}/results" if job.ended else None,
        }


def _result(item: Item) -> dict:
    if item.outcome == "succeeded":
        return {"type": "succeeded", "message": item.body}
    failed = {"type": "error", "error": {"type": "api_error", "message": "The batch failed."}}
    return {"type": item.outcome, **({"error": item.body or failed} if item.outcome == "errored" else {})}
