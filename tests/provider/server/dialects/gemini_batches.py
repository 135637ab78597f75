"""Gemini's batch mode with requests in the body: a long-running operation that holds its responses when done."""

from __future__ import annotations

import re
from typing import Any

from ..batches import Call, Clerk, Item, Job, Office, Order
from .base import Refusal

MADE = "2026-01-01T00:00:00Z"
TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."
STATES = {"completed": "SUCCEEDED", "expired": "EXPIRED", "failed": "FAILED", "cancelled": "CANCELLED"}


class GeminiBatches(Clerk):
    routes = (
        ("POST", re.compile(r"/v1(?:beta)?/models/(?P<model>[^:]+):batchGenerateContent"), "batch"),
        ("GET", re.compile(r"/v1(?:beta)?/batches"), "batch_list"),
        ("GET", re.compile(r"/v1(?:beta)?/batches/(?P<batch>[^/:]+)"), "batch_poll"),
        ("DELETE", re.compile(r"/v1(?:beta)?/batches/(?P<batch>[^/:]+)"), "batch_delete"),
        ("POST", re.compile(r"/v1(?:beta)?/batches/(?P<batch>[^/:]+):cancel"), "batch_cancel"),
    )

    def subject(self, call: Call, endpoint: str, office: Office) -> tuple[str, str]:
        return call.found.get("model", ""), super().subject(call, endpoint, office)[1]

    def serve(self, call: Call, endpoint: str, office: Office) -> tuple[Any, str]:
        if endpoint == "batch":
            answer = self._shape(self._create(call, office))
        elif endpoint == "batch_list":
            answer = {"operations": [self._shape(job) for job in office.jobs.values() if job.dialect == "gemini"]}
        elif endpoint == "batch_poll":
            answer = self._shape(office.poll(call.found["batch"]))
        else:
            office.cancel(call.found["batch"])
            if endpoint == "batch_delete":
                del office.jobs[call.found["batch"]]
            answer = {}
        return answer, "application/json"

    @staticmethod
    def _create(call: Call, office: Office) -> Job:
        batch = call.body.get("batch") or {}
        source = batch.get("inputConfig") or {}
        if "fileName" in source:
            raise Refusal(400, "batch.input_config.file_name: files are not served here")
        requests = (source.get("requests") or {}).get("requests")
        if not isinstance(requests, list) or not requests:
            raise Refusal(400, "batch.input_config.requests.requests: at least one is required")
        model, orders = call.found["model"], []
        for at, given in enumerate(requests):
            params = dict(given.get("request") or {})
            if params.pop("model", f"models/{model}") != f"models/{model}":
                raise Refusal(400, f"requests[{at}].model: must be the model of the batch")
            key = str((given.get("metadata") or {}).get("key", at))
            orders.append(Order(key, f"/v1beta/models/{model}:generateContent", params, given.get("metadata")))
        extra = {"name": batch.get("displayName", ""), "all_or_nothing": True}
        return office.open(call, f"{call.sequence:06d}", "gemini", model, orders, extra)

    @staticmethod
    def _shape(job: Job) -> dict:
        state = STATES[job.end] if job.ended else "RUNNING" if job.polled else "PENDING"
        good, bad = (job.count(*names) for names in (("succeeded",), ("errored", "expired", "canceled")))
        counts = {"requestCount": len(job.items)}
        counts |= {"successfulRequestCount": good, "failedRequestCount": bad} if job.ended else {}
        counts |= {} if job.ended else {"pendingRequestCount": len(job.items)}
        metadata: dict[str, Any] = {
            "@type": f"{TYPE}GenerateContentBatch",
            "name": f"batches/{job.id}",
            "displayName": job.extra["name"],
            "model": f"models/{job.model}",
            "state": (job.plan.states or "BATCH_STATE_") + state,
            "createTime": MADE,
            "updateTime": MADE,
            "batchStats": {name: str(count) for name, count in counts.items() if count},
        }
        shape: dict[str, Any] = {"name": f"batches/{job.id}", "metadata": metadata}
        if not job.ended:
            return shape
        metadata["endTime"] = MADE
        shape["done"] = True
        if state == "SUCCEEDED":
            output = {"inlinedResponses": {"inlinedResponses": [_response(item) for item in job.items]}}
            metadata["output"] = output
            shape["response"] = {"@type": f"{TYPE}GenerateContentBatchOutput", **output}
        else:
            shape["error"] = {"code": 13, "message": f"The batch ended as {state}."}
        return shape


def _response(item: Item) -> dict:
    told = {"response": item.body} if item.outcome == "succeeded" else {"error": _error(item)}
    return {**told, **({"metadata": item.order.extra} if item.order.extra else {})}


def _error(item: Item) -> dict:
    if item.outcome == "errored":
        return {"code": {400: 3, 404: 5, 429: 8, 503: 14}.get(item.status, 13), **_words(item.body)}
    return {"code": 4, "message": "The request expired before it was processed."}


def _words(body: dict) -> dict:
    return {"message": body["error"]["message"]}
