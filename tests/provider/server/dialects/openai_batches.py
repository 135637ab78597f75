"""OpenAI's files and batches: JSON lines go up as a multipart file, results and failures come down as two."""

from __future__ import annotations

import json
import re
from typing import Any

from ..batches import Call, Clerk, Item, Job, Office, Order
from ..neutral import dumps
from .base import Refusal

MADE = 1_790_000_000
ENDPOINTS = ("/v1/responses", "/v1/chat/completions")
LOST = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "canceled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}


class OpenAIBatches(Clerk):
    routes = (
        ("POST", re.compile(r"/v1/files"), "file"),
        ("GET", re.compile(r"/v1/files/(?P<file>[^/]+)"), "file_info"),
        ("GET", re.compile(r"/v1/files/(?P<file>[^/]+)/content"), "batch_results"),
        ("DELETE", re.compile(r"/v1/files/(?P<file>[^/]+)"), "file_delete"),
        ("POST", re.compile(r"/v1/batches"), "batch"),
        ("GET", re.compile(r"/v1/batches"), "batch_list"),
        ("GET", re.compile(r"/v1/batches/(?P<batch>[^/]+)"), "batch_poll"),
        ("POST", re.compile(r"/v1/batches/(?P<batch>[^/]+)/cancel"), "batch_cancel"),
    )

    def subject(self, call: Call, endpoint: str, office: Office) -> tuple[str, str]:
        if endpoint != "batch":
            return super().subject(call, endpoint, office)
        text = office.files.get(call.body.get("input_file_id"), {}).get("data", b"").decode("utf-8", "replace")
        model = re.search(r'"model"\s*:\s*"([^"]*)"', text)
        return model[1] if model else "", text

    def serve(self, call: Call, endpoint: str, office: Office) -> tuple[Any, str]:
        if endpoint == "batch_results":
            return self._file(call, office)["data"], "application/octet-stream"
        return getattr(self, f"_{endpoint}")(call, office), "application/json"

    # --- files ---

    @staticmethod
    def _file_shape(name: str, file: dict) -> dict:
        return {
            "id": name,
            "object": "file",
            "bytes": len(file["data"]),
            "created_at": MADE,
            "filename": file["name"],
            "purpose": file["purpose"],
            "status": "processed",
        }

    def _file(self, call: Call, office: Office) -> dict:
        if endpoint_file := call.found.get("file"):
            if endpoint_file not in office.files:
                raise Refusal(404, f"No such File object: {endpoint_file}")
            return office.files[endpoint_file]
        fields = multipart(call.headers.get("content-type", ""), call.raw)
        purpose = fields.get("purpose", ("", b""))[1].decode("utf-8", "replace")
        if "file" not in fields or purpose != "batch":
            raise Refusal(400, "a file and the purpose batch are required", None, "purpose")
        name, data = fields["file"]
        file_id = f"file-{call.sequence:06d}"
        office.files[file_id] = {"name": name, "purpose": purpose, "data": data}
        return self._file_shape(file_id, office.files[file_id])

    def _file_info(self, call: Call, office: Office) -> dict:
        return self._file_shape(call.found["file"], self._file(call, office))

    def _file_delete(self, call: Call, office: Office) -> dict:
        self._file(call, office)
        del office.files[call.found["file"]]
        return {"id": call.found["file"], "object": "file", "deleted": True}

    # --- jobs ---

    def _batch(self, call: Call, office: Office) -> dict:
        given, endpoint = call.body.get("input_file_id"), call.body.get("endpoint")
        if given not in office.files:
            raise Refusal(400, f"Invalid input_file_id: {given}", None, "input_file_id")
        if endpoint not in ENDPOINTS:
            raise Refusal(400, f"endpoint: must be one of {', '.join(ENDPOINTS)}", None, "endpoint")
        if call.body.get("completion_window") != "24h":
            raise Refusal(400, "completion_window: must be 24h", None, "completion_window")
        orders, problems = _orders(office.files[given]["data"], endpoint)
        extra = {"input_file_id": given, "endpoint": endpoint, "problems": problems}
        extra["metadata"] = call.body.get("metadata")
        model = str(orders[0].params.get("model", "")) if orders else ""
        job = office.open(call, f"batch_{call.sequence:06d}", "openai", model, [] if problems else orders, extra)
        if problems:
            job.plan.end, job.plan.polls = "failed", 0
        return self._shape(job)

    def _batch_list(self, call: Call, office: Office) -> dict:
        jobs = [self._shape(job) for job in office.jobs.values() if job.dialect == "openai"]
        ends = {"first_id": jobs[0]["id"], "last_id": jobs[-1]["id"]} if jobs else {}
        return {"object": "list", "data": jobs, "has_more": False, **ends}

    def _batch_poll(self, call: Call, office: Office) -> dict:
        job = office.poll(call.found["batch"])
        if job.ended and "written" not in job.extra and job.end != "failed":
            self._write(job, office)
        return self._shape(job)

    def _batch_cancel(self, call: Call, office: Office) -> dict:
        job = office.find(call.found["batch"])
        if job.ended:
            raise Refusal(409, f"Cannot cancel a batch with status '{self._status(job)}'.")
        return self._shape(office.cancel(job.id))

    @staticmethod
    def _write(job: Job, office: Office) -> None:
        good = [item for item in job.shuffled() if item.outcome == "succeeded"]
        bad = [item for item in job.shuffled() if item.outcome != "succeeded"]
        job.extra["written"] = {}
        for key, items in (("output_file_id", good), ("error_file_id", bad)):
            if items:
                name = f"file-{job.id}-{key.partition('_')[0]}"
                data = "".join(dumps(_line(job, item)) + "\n" for item in items).encode("utf-8", "surrogatepass")
                office.files[name] = {"name": f"{name}.jsonl", "purpose": "batch_output", "data": data}
                job.extra["written"][key] = name

    @staticmethod
    def _status(job: Job) -> str:
        if job.ended:
            return job.end
        if job.cancelling:
            return "cancelling"
        if job.polled == 0:
            return "validating"
        return "finalizing" if job.polled == job.plan.polls and job.polled > 1 else "in_progress"

    def _shape(self, job: Job) -> dict:
        status, problems = self._status(job), job.extra["problems"]
        if status == "failed" and not problems:
            problems = [{"code": "internal_error", "message": "The batch failed.", "param": None, "line": None}]
        done = len(job.items) if job.ended else len(job.items) * job.polled // (job.plan.polls + 1)
        failed = job.count("errored") if job.ended else 0
        completed = job.count("succeeded") if job.ended else done
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": job.extra["endpoint"],
            "model": job.model,
            "errors": {"object": "list", "data": problems} if status == "failed" else None,
            "input_file_id": job.extra["input_file_id"],
            "completion_window": "24h",
            "status": status,
            "output_file_id": None,
            "error_file_id": None,
            **job.extra.get("written", {}),
            "created_at": MADE,
            "expires_at": MADE + 86400,
            f"{status}_at": MADE,
            "request_counts": {"total": len(job.items), "completed": completed, "failed": failed},
            "metadata": job.extra["metadata"],
        }


def _orders(data: bytes, endpoint: str) -> tuple[list[Order], list[dict]]:
    """The lines of an input file, and what is wrong with them; anything wrong fails the whole job."""
    orders: list[Order] = []
    problems: list[dict] = []
    seen: set = set()
    for number, text in enumerate(data.splitlines(), 1):
        try:
            line = json.loads(text)
            body, name = line["body"], line["custom_id"]
            wrong = None
            if name in seen:
                wrong = ("duplicate_custom_id", f"The custom_id '{name}' is a duplicate.", "custom_id")
            elif (line.get("method"), line.get("url")) != ("POST", endpoint):
                wrong = ("invalid_url", "The method and URL must be POST and the batch's endpoint.", "url")
            elif orders and body.get("model") != orders[0].params.get("model"):
                wrong = ("mismatched_model", "All lines must name the same model.", "body.model")
            seen.add(name)
            orders.append(Order(name, endpoint, body))
        except (ValueError, KeyError, TypeError):
            wrong = ("invalid_json_line", "This line is not parseable as a valid request.", None)
        if wrong:
            problems.append({"code": wrong[0], "message": wrong[1], "param": wrong[2], "line": number})
    if not orders and not problems:
        problems.append({"code": "empty_file", "message": "The input file is empty.", "param": None, "line": None})
    return orders, problems


def _line(job: Job, item: Item) -> dict:
    number = job.items.index(item)
    line: dict[str, Any] = {"id": f"batch_req_{job.id}_{number}", "custom_id": item.order.custom_id}
    if item.outcome in LOST:
        code, message = LOST[item.outcome]
        return {**line, "response": None, "error": {"code": code, "message": message}}
    response = {"status_code": item.status, "request_id": f"req_{job.id}_{number}", "body": item.body}
    return {**line, "response": response, "error": None}


def multipart(content_type: str, data: bytes) -> dict[str, tuple[str, bytes]]:
    """Field name -> (file name, content) of a multipart/form-data body."""
    found = re.search(r'multipart/form-data.*boundary="?([^";]+)"?', content_type, re.IGNORECASE)
    if not found:
        raise Refusal(400, "multipart/form-data is required")
    fields = {}
    for part in (b"\r\n" + data).split(b"\r\n--" + found[1].encode("latin-1"))[1:]:
        if part.startswith(b"--"):
            return fields
        head, blank, content = part.partition(b"\r\n\r\n")
        names = dict(re.findall(rb'\b(name|filename)="([^"]*)"', head))
        if not blank or b"name" not in names:
            break
        name, file_name = (names.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
        fields[name] = (file_name, content)
    raise Refusal(400, "the multipart body does not end with its boundary")
