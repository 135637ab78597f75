"""Batches of the three vendors: made, polled, fetched in any order, in part, overdue, or not at all."""

from __future__ import annotations

import json
import unittest
from typing import Any

from .harness import Provider
from .wires import ANTHROPIC, GEMINI, OPENAI, RESPONSES

RULES = [
    {"match": {"endpoint": "batch", "contains": "[slowly]"}, "reply": {"batch": {"polls": 3}}},
    {"match": {"endpoint": "batch", "contains": "[overdue]"}, "reply": {"batch": {"end": "expired"}}},
    {"match": {"endpoint": "batch", "contains": "[fails]"}, "reply": {"batch": {"polls": 0, "end": "failed"}}},
    {"match": {"endpoint": "batch", "contains": "[busy]"}, "times": 1, "fault": {"status": 429}},
    {"match": {"endpoint": "batch", "contains": "[lost]"}, "fault": "reset_before"},
    {"match": {"batch": True, "last_contains": "broken"}, "fault": {"status": 500, "message": "lost"}},
    {"match": {"batch": True, "last_contains": "late"}, "reply": {"text": "x"}, "fault": "expired"},
    {"match": {"batch": False, "contains": "item"}, "reply": {"text": "live"}},
    {"match": {"last_contains": "item"}, "reply": {"text": "batched"}},
]
ITEMS = {f"t{n}": f"item {n}" for n in range(6)} | {"t6": "item broken", "t7": "item late", "t8": "nothing for it"}


class Batches(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.provider = Provider(RULES).__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.provider.__exit__()

    def call(self, wire, path: str, body: Any = None, method: str | None = None, headers: dict | None = None):
        response = self.provider.open(path, body, {**wire.headers, **(headers or {})}, method)
        data = response.read()
        response.owner.close()
        return response.status, json.loads(data) if response.headers["content-type"] == "application/json" else data

    def ok(self, *args: Any, **more: Any) -> Any:
        status, answer = self.call(*args, **more)
        self.assertEqual(status, 200, answer)
        return answer

    def items_of(self, batch: str) -> dict[str, dict]:
        return {line["custom_id"]: line for line in self.provider.log("item") if line["batch"] == batch}

    # --- Anthropic ---

    def anthropic(self, items: dict[str, str]) -> dict:
        requests = [{"custom_id": name, "params": ANTHROPIC.body(text)} for name, text in items.items()]
        return self.ok(ANTHROPIC, "/v1/messages/batches", {"requests": requests})

    def test_anthropic(self):
        made = self.anthropic(ITEMS)
        path = f"/v1/messages/batches/{made['id']}"
        self.assertEqual((made["processing_status"], made["request_counts"]["processing"]), ("in_progress", 9))
        self.assertEqual(self.ok(ANTHROPIC, path)["processing_status"], "in_progress")
        self.assertEqual(self.call(ANTHROPIC, f"{path}/results")[0], 404)
        ended = self.ok(ANTHROPIC, path)
        counts = {"processing": 0, "succeeded": 6, "errored": 2, "canceled": 0, "expired": 1}
        self.assertEqual((ended["processing_status"], ended["request_counts"]), ("ended", counts))
        self.assertTrue(ended["results_url"].endswith(f"127.0.0.1:{self.provider.port}{path}/results"))
        lines = [json.loads(line) for line in self.ok(ANTHROPIC, f"{path}/results").splitlines()]
        self.assertEqual({line["custom_id"] for line in lines}, set(ITEMS))
        self.assertNotEqual([line["custom_id"] for line in lines], list(ITEMS))
        results = {line["custom_id"]: line["result"] for line in lines}
        self.assertEqual(ANTHROPIC.whole_text(results["t3"]["message"]), "batched")
        self.assertEqual(results["t6"]["error"]["error"], {"type": "api_error", "message": "lost"})
        self.assertEqual(results["t7"], {"type": "expired"})
        self.assertIn("no rule matches", results["t8"]["error"]["error"]["message"])
        logged = self.items_of(made["id"])
        self.assertEqual(logged["t3"]["usage"]["out"], results["t3"]["message"]["usage"]["output_tokens"])
        self.assertEqual([logged[name]["usage"] for name in ("t6", "t7", "t8")], [None] * 3)
        self.assertEqual(self.provider.ask(ANTHROPIC, "item").text, "live")
        self.assertIn(made["id"], [job["id"] for job in self.ok(ANTHROPIC, "/v1/messages/batches")["data"]])
        self.assertEqual(self.ok(ANTHROPIC, path, method="DELETE")["type"], "message_batch_deleted")
        self.assertEqual(self.call(ANTHROPIC, path)[0], 404)

    def test_anthropic_cancel_keeps_what_was_done(self):
        path = f"/v1/messages/batches/{self.anthropic({f't{n}': 'item [slowly]' for n in range(6)})['id']}"
        self.ok(ANTHROPIC, path)
        self.assertEqual(self.ok(ANTHROPIC, f"{path}/cancel", {})["processing_status"], "canceling")
        counts = self.ok(ANTHROPIC, path)["request_counts"]
        self.assertEqual((counts["succeeded"], counts["canceled"]), (2, 4))
        results = [json.loads(line)["result"] for line in self.ok(ANTHROPIC, f"{path}/results").splitlines()]
        self.assertEqual([r for r in results if r["type"] == "canceled"], [{"type": "canceled"}] * 4)

    def test_anthropic_expiry_and_busy(self):
        before = self.ids()
        self.assertEqual(self.call(ANTHROPIC, "/v1/messages/batches", self.one("item [busy]"))[0], 429)
        self.assertEqual(self.ids(), before)
        self.ok(ANTHROPIC, "/v1/messages/batches", self.one("item [busy]"))
        path = f"/v1/messages/batches/{self.anthropic({f't{n}': 'item [overdue]' for n in range(4)})['id']}"
        self.ok(ANTHROPIC, path)
        counts = self.ok(ANTHROPIC, path)["request_counts"]
        self.assertEqual((counts["succeeded"], counts["expired"]), (2, 2))

    def ids(self) -> set[str]:
        return {job["id"] for job in self.ok(ANTHROPIC, "/v1/messages/batches")["data"]}

    def test_made_but_never_told(self):
        before = self.ids()
        with self.assertRaises(ConnectionResetError):
            self.call(ANTHROPIC, "/v1/messages/batches", self.one("item [lost]"))
        self.assertEqual(len(self.ids() - before), 1)

    @staticmethod
    def one(text: str) -> dict:
        return {"requests": [{"custom_id": "a", "params": ANTHROPIC.body(text)}]}

    def test_anthropic_is_strict(self):
        good = self.one("item")["requests"][0]
        for requests in ([], [good, good], [{**good, "custom_id": "no spaces"}], [{"custom_id": "a"}], 3, [3]):
            self.assertEqual(self.call(ANTHROPIC, "/v1/messages/batches", {"requests": requests})[0], 400)
        bare = self.provider.open("/v1/messages/batches", self.one("item"), {"x-api-key": "k"})
        self.assertEqual(bare.status, 400)
        requests = [
            {"custom_id": "a", "params": ANTHROPIC.body("item", stream=True)},
            {"custom_id": "b", "params": {"model": "m"}},
        ]
        made = self.ok(ANTHROPIC, "/v1/messages/batches", {"requests": requests})  # params are looked at later
        for _ in range(2):
            ended = self.ok(ANTHROPIC, f"/v1/messages/batches/{made['id']}")
        self.assertEqual(ended["request_counts"]["errored"], 2)

    # --- OpenAI ---

    def upload(self, lines: list, purpose: str = "batch") -> dict:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        body = (
            f'--sep\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
            f'--sep\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n'
            f"Content-Type: application/jsonl\r\n\r\n{text}\r\n--sep--\r\n"
        )
        headers = {"content-type": 'multipart/form-data; boundary="sep"'}
        return self.call(OPENAI, "/v1/files", body.encode(), headers=headers)[1]

    def openai(self, wire, items: dict[str, str]) -> dict:
        lines = [
            {"custom_id": name, "method": "POST", "url": wire.path, "body": wire.body(text)}
            for name, text in items.items()
        ]
        return self.submit(self.upload(lines)["id"], wire.path)

    def submit(self, file_id: str, endpoint: str) -> dict:
        order = {"input_file_id": file_id, "endpoint": endpoint, "completion_window": "24h"}
        return self.ok(OPENAI, "/v1/batches", order)

    def test_openai(self):
        for wire in (OPENAI, RESPONSES):
            made = self.openai(wire, ITEMS)
            path = f"/v1/batches/{made['id']}"
            seen = [made["status"], *(self.ok(OPENAI, path)["status"] for _ in range(2))]
            self.assertEqual(seen, ["validating", "in_progress", "completed"])
            ended = self.ok(OPENAI, path)
            self.assertEqual(ended["request_counts"], {"total": 9, "completed": 6, "failed": 2})
            good, bad = (
                [json.loads(line) for line in self.ok(OPENAI, f"/v1/files/{ended[key]}/content").splitlines()]
                for key in ("output_file_id", "error_file_id")
            )
            self.assertEqual({line["custom_id"] for line in good}, {f"t{n}" for n in range(6)})
            self.assertTrue(all(wire.whole_text(line["response"]["body"]) == "batched" for line in good))
            failed = {line["custom_id"]: line for line in bad}
            self.assertEqual(failed["t6"]["response"]["status_code"], 500)
            self.assertEqual((failed["t7"]["response"], failed["t7"]["error"]["code"]), (None, "batch_expired"))
            self.assertEqual(failed["t8"]["response"]["status_code"], 400)
            self.assertEqual(len(self.items_of(made["id"])), 9)

    def test_openai_cancel_and_expiry(self):
        made = self.openai(RESPONSES, {f"t{n}": "item [slowly]" for n in range(6)})
        path = f"/v1/batches/{made['id']}"
        self.assertEqual([self.ok(OPENAI, path)["status"] for _ in range(2)], ["in_progress"] * 2)
        self.assertEqual(self.ok(OPENAI, f"{path}/cancel", {})["status"], "cancelling")
        ended = self.ok(OPENAI, path)
        self.assertEqual((ended["status"], ended["request_counts"]["completed"]), ("cancelled", 4))
        self.assertEqual(self.call(OPENAI, f"{path}/cancel", {})[0], 409)
        path = f"/v1/batches/{self.openai(OPENAI, {'a': 'item [overdue]', 'b': 'item'})['id']}"
        self.ok(OPENAI, path)
        ended = self.ok(OPENAI, path)
        self.assertEqual((ended["status"], ended["request_counts"]["completed"]), ("expired", 1))
        self.assertIn(b"batch_expired", self.ok(OPENAI, f"/v1/files/{ended['error_file_id']}/content"))

    def test_openai_validation_fails_the_whole_batch(self):
        line = {"custom_id": "a", "method": "POST", "url": OPENAI.path, "body": OPENAI.body("item")}
        other = {**line, "custom_id": "b", "body": OPENAI.body("item", model="big-1")}
        for lines, code in (
            ([line, line], "duplicate_custom_id"),
            ([line, other], "mismatched_model"),
            ([{**line, "url": "/v1/responses"}], "invalid_url"),
            (["text"], "invalid_json_line"),
            ([], "empty_file"),
        ):
            made = self.submit(self.upload(lines)["id"], OPENAI.path)
            ended = self.ok(OPENAI, f"/v1/batches/{made['id']}")
            self.assertEqual((ended["status"], ended["errors"]["data"][0]["code"]), ("failed", code))
        self.assertIn("error", self.upload([line], purpose="other"))
        bad = {"input_file_id": "file-0", "endpoint": OPENAI.path, "completion_window": "24h"}
        self.assertEqual(self.call(OPENAI, "/v1/batches", bad)[0], 400)

    def test_openai_files(self):
        made = self.upload([{"ü": 1}])
        self.assertEqual((made["filename"], made["purpose"]), ("in.jsonl", "batch"))
        path = f"/v1/files/{made['id']}"
        self.assertEqual(self.ok(OPENAI, path), made)
        self.assertEqual(len(self.ok(OPENAI, f"{path}/content")), made["bytes"])
        self.assertTrue(self.ok(OPENAI, path, method="DELETE")["deleted"])
        self.assertEqual(self.call(OPENAI, path)[0], 404)

    # --- Gemini ---

    def gemini(self, items: dict[str, str]) -> dict:
        requests = [{"request": GEMINI.body(text), "metadata": {"key": name}} for name, text in items.items()]
        batch = {"displayName": "mine", "inputConfig": {"requests": {"requests": requests}}}
        return self.ok(GEMINI, "/v1beta/models/small-1:batchGenerateContent", {"batch": batch})

    def test_gemini(self):
        made = self.gemini(ITEMS)
        path = f"/v1beta/{made['name']}"
        self.assertEqual((made["metadata"]["state"], "done" in made), ("BATCH_STATE_PENDING", False))
        self.assertEqual(self.ok(GEMINI, path)["metadata"]["state"], "BATCH_STATE_RUNNING")
        ended = self.ok(GEMINI, path)
        self.assertEqual((ended["metadata"]["state"], ended["done"]), ("BATCH_STATE_SUCCEEDED", True))
        responses = ended["response"]["inlinedResponses"]["inlinedResponses"]
        results = {one["metadata"]["key"]: one for one in responses}
        self.assertEqual(set(results), set(ITEMS))
        self.assertEqual(GEMINI.whole_text(results["t3"]["response"]), "batched")
        self.assertEqual([results[name]["error"]["code"] for name in ("t6", "t7", "t8")], [13, 4, 3])

    def test_gemini_other_ends(self):
        overdue = {"a": "item [overdue]", "b": "item"}
        for items, state in ((overdue, "EXPIRED"), ({"a": "item [fails]"}, "FAILED")):
            made = self.gemini(items)
            path = f"/v1beta/{made['name']}"
            self.ok(GEMINI, path)
            ended = self.ok(GEMINI, path)
            self.assertEqual((ended["metadata"]["state"], ended["done"]), (f"BATCH_STATE_{state}", True))
            self.assertNotIn("response", ended)
            logged = self.items_of(made["name"].partition("/")[2]).values()
            self.assertFalse([line for line in logged if line["outcome"] == "succeeded" or line["usage"]])
        path = f"/v1beta/{self.gemini({'a': 'item [slowly]'})['name']}"
        self.assertEqual(self.ok(GEMINI, f"{path}:cancel", {}), {})
        self.assertEqual(self.ok(GEMINI, path)["metadata"]["state"], "BATCH_STATE_CANCELLED")
        self.assertEqual(self.call(GEMINI, "/v1beta/models/m:batchGenerateContent", {"batch": {}})[0], 400)

    def test_items_share_the_prompt_cache(self):
        shared = [{"type": "text", "text": "s" * 4000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
        params = ANTHROPIC.body("item", system=shared)
        requests = [{"custom_id": name, "params": params} for name in "abc"]
        made = self.ok(ANTHROPIC, "/v1/messages/batches", {"requests": requests})
        for _ in range(2):
            self.ok(ANTHROPIC, f"/v1/messages/batches/{made['id']}")
        usage = [line["usage"] for line in self.items_of(made["id"]).values()]
        cached = [(one["cache_write"], one["cache_read"]) for one in usage]
        self.assertEqual(cached, [(1000, 0), (0, 1000), (0, 1000)])
