"""What is special to Ollama's native interface: lines, streaming by default, prompts cut without a word."""

from __future__ import annotations

import json
import unittest

from .harness import Provider
from .wires import OLLAMA

TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]

CALLS = [{"name": "read", "input": {"a": 1}}]


class Ollama(unittest.TestCase):
    RULES = [
        {"match": {"last_contains": "break"}, "reply": {"text": "half a"}, "fault": "error_event_after_200"},
        {"match": {"last_contains": "busy"}, "fault": {"status": 503}},
        {"match": {"contains": "beginning"}, "reply": {"text": "all of it"}},
        {"match": {"contains": "tail"}, "reply": {"text": "the rest"}},
        {"match": {"turn": 0, "has_tool": "read"}, "reply": {"thinking": "Hm.", "tool_calls": CALLS}},
        {"match": {"turn": 1, "last_contains": "one"}, "reply": {"text": "seen"}},
        {"reply": {"text": "x"}},
    ]

    @classmethod
    def setUpClass(cls) -> None:
        cls.provider = Provider(cls.RULES, "--models", "one").__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.provider.__exit__()

    def test_streams_unless_told_not_to(self):
        body = OLLAMA.body("hi", stream=True)
        answer = self.provider.send(OLLAMA, body)
        self.assertNotIn("stream", body)
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        lines = [json.loads(line) for line in answer.data.splitlines()]
        self.assertEqual([line["done"] for line in lines], [False, True])
        self.assertEqual((lines[-1]["done_reason"], lines[-1]["eval_count"]), ("stop", 1))
        self.assertTrue(self.provider.log("arrived")[-1]["stream"])

    def test_tools_there_and_back(self):
        for stream in (False, True):
            answer = self.provider.ask(OLLAMA, stream=stream, tools=TOOLS)
            messages = [line["message"] for line in (answer.events if stream else [answer.json])]
            self.assertEqual("".join(message.get("thinking", "") for message in messages), "Hm.")
            calls = [call for message in messages for call in message.get("tool_calls", [])]
            self.assertEqual(calls[0]["function"], {"index": 0, "name": "read", "arguments": {"a": 1}})
            self.assertEqual(answer.stop, "stop")
            turns = [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "", "tool_calls": calls},
                {"role": "tool", "tool_name": "read", "content": "one"},
            ]
            self.assertEqual(self.provider.ask(OLLAMA, messages=turns, stream=stream).text, "seen")

    def test_long_prompts(self):
        turns = [
            {"role": "user", "content": "beginning " + "x" * 8000},
            {"role": "assistant", "content": "y" * 8000},
            {"role": "user", "content": "z" * 8000 + " tail"},
        ]
        ask = lambda **more: self.provider.ask(OLLAMA, messages=turns, **more)  # noqa: E731
        self.assertEqual(ask(options={"num_ctx": 10_000}).text, "all of it")
        cut = ask(options={})  # 4096 by default, and not a word about it
        self.assertEqual((cut.status, cut.text, cut.usage["fresh"]), (200, "the rest", 4002))
        shorter = ask(options={"num_ctx": 100})
        self.assertEqual((shorter.text, shorter.usage["fresh"]), ("the rest", 100))
        refused = ask(options={"num_ctx": 100}, truncate=False)
        self.assertEqual(refused.status, 400)
        self.assertIn("context", refused.json["error"])

    def test_errors(self):
        last = self.provider.ask(OLLAMA, "break", stream=True).data.splitlines()[-1]
        self.assertEqual(json.loads(last), {"error": "internal server error"})
        busy = self.provider.ask(OLLAMA, "busy")
        self.assertEqual((busy.status, "server busy" in busy.json["error"]), (503, True))
        for more in ({"messages": None}, {"messages": [{"role": "robot"}]}, {"format": "xml"}, {"tools": [{}]}):
            self.assertEqual(self.provider.ask(OLLAMA, **more).status, 400)

    def test_models(self):
        tags = json.loads(self.provider.open("/api/tags").read())
        self.assertEqual([model["name"] for model in tags["models"]], ["one"])
        show = json.loads(self.provider.open("/api/show", {"model": "one"}).read())
        self.assertIn("tools", show["capabilities"])
        self.assertEqual(show["model_info"]["llama.context_length"], 131072)
        self.assertEqual(self.provider.open("/api/show", {"model": "six"}).status, 404)
