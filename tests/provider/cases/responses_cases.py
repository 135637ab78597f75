"""What is special to OpenAI Responses: flat tools, items there and back, sealed reasoning, event order."""

from __future__ import annotations

import unittest

from .harness import Provider
from .wires import RESPONSES

CLOSED = {"type": "object", "required": ["a"], "additionalProperties": False}
SCHEMA = {**CLOSED, "properties": {"a": {"type": "string"}}}
TOOLS = [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": True}]
CALLS = [{"name": "read", "input": {"a": "ü"}}, {"name": "read", "input_text": ""}]
LOOK = {"thinking": "Hm.", "text": "I look.", "tool_calls": CALLS}
SEALED = {"include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low", "summary": "auto"}}


def user(text: str) -> dict:
    return {"role": "user", "content": [{"type": "input_text", "text": text}]}


class Responses(unittest.TestCase):
    RULES = [
        {"match": {"last_contains": "cut"}, "reply": {"text": "half", "stop": "max_tokens"}},
        {"match": {"last_contains": "filter"}, "reply": {"text": "", "stop": "content_filter"}},
        {"match": {"last_contains": "refuse"}, "reply": {"text": "No.", "stop": "refusal"}},
        {"match": {"last_contains": "break"}, "reply": {"stop": "failed"}},
        {"match": {"turn": 0, "has_tool": "read"}, "reply": LOOK},
        {"match": {"turn": 1, "last_contains": ["one", "two"]}, "reply": {"text": "seen"}},
        {"reply": {"text": "x", "thinking": "Well."}},
    ]

    @classmethod
    def setUpClass(cls) -> None:
        cls.provider = Provider(cls.RULES).__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.provider.__exit__()

    def final(self, stream: bool, text: str = "hi", **more) -> dict:
        answer = self.provider.ask(RESPONSES, text, stream=stream, **more)
        self.assertEqual(answer.status, 200, answer.data)
        return RESPONSES.response(answer.events) if stream else answer.json

    def test_event_order(self):
        more = {"tools": TOOLS, **SEALED}
        events = self.provider.ask(RESPONSES, stream=True, **more).events
        self.assertEqual([event["sequence_number"] for event in events], list(range(len(events))))
        part = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"]
        summary = [name.replace("content_part", "reasoning_summary_part") for name in part]
        summary = [name.replace("output_text", "reasoning_summary_text") for name in summary]
        call = ["function_call_arguments.delta", "function_call_arguments.done"]
        order = ["created", "in_progress"]
        for inside in (summary, part, call, call[1:]):
            order += ["output_item.added", *inside, "output_item.done"]
        names = [f"response.{name}" for name in [*order, "completed"]]
        self.assertEqual([event["type"] for event in events], names)
        items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        self.assertEqual(items, events[-1]["response"]["output"])
        self.assertEqual([item["type"] for item in items], ["reasoning", "message", *["function_call"] * 2])

    def test_items_there_and_back(self):
        for stream in (False, True):
            output = self.final(stream, tools=TOOLS, **SEALED)["output"]
            calls = [item for item in output if item["type"] == "function_call"]
            self.assertEqual([call["arguments"] for call in calls], ['{"a":"ü"}', ""])
            results = [
                {"type": "function_call_output", "call_id": call["call_id"], "output": text}
                for call, text in zip(calls, ("one", "two"))
            ]
            turns = [user("hi"), *output, *results]
            answer = self.final(stream, input=turns, tools=TOOLS, **SEALED)
            self.assertEqual(answer["output"][-1]["content"][0]["text"], "seen")
            forged = {**output[0], "encrypted_content": "Zm9yZ2Vk"}
            bare = {key: value for key, value in output[0].items() if key != "encrypted_content"}
            for status, wrong in (
                (400, [user("hi"), *output[1:], *results]),  # calls without their reasoning
                (400, [user("hi"), *output, *results[:1]]),
                (400, [user("hi"), forged, *output[1:], *results]),
                (404, [user("hi"), bare, *output[1:], *results]),
                (404, [user("hi"), {**output[0], "id": "rs_999"}, *output[1:], *results]),
            ):
                refused = self.provider.ask(RESPONSES, input=wrong, tools=TOOLS)
                self.assertEqual(refused.status, status, refused.data)

    def test_reasoning_is_sealed_only_on_request(self):
        self.assertNotIn("encrypted_content", self.final(False)["output"][0])
        self.assertEqual(self.final(False)["output"][0]["summary"], [])
        usage = self.final(True)["usage"]
        self.assertEqual((usage["output_tokens_details"]["reasoning_tokens"], usage["output_tokens"]), (2, 2))

    def test_stored_responses_are_remembered(self):
        first = self.final(False, tools=TOOLS, store=True)
        results = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": text}
            for item, text in zip(first["output"][2:], ("one", "two"))
        ]
        more = {"input": results, "tools": TOOLS}
        second = self.final(True, previous_response_id=first["id"], **more)
        self.assertEqual(second["output"][-1]["content"][0]["text"], "seen")
        self.assertEqual(self.provider.ask(RESPONSES, previous_response_id="resp_0", **more).status, 400)

    def test_statuses(self):
        for stream in (False, True):
            for text, status, reason in (
                ("cut", "incomplete", "max_output_tokens"),
                ("filter", "incomplete", "content_filter"),
                ("refuse", "completed", None),
                ("break", "failed", None),
            ):
                told = self.final(stream, text)
                self.assertEqual(told["status"], status)
                self.assertEqual((told["incomplete_details"] or {}).get("reason"), reason)
                self.assertEqual(told["error"] is not None, status == "failed")
            refused = self.final(stream, "refuse")["output"][0]["content"]
            self.assertEqual(refused, [{"type": "refusal", "refusal": "No."}])
        events = self.provider.ask(RESPONSES, "refuse", stream=True).events
        self.assertIn("response.refusal.delta", [event["type"] for event in events])

    def test_count_and_prewarm(self):
        counted = self.provider.open("/v1/responses/input_tokens", RESPONSES.body("12345"), RESPONSES.headers)
        self.assertEqual(counted.read(), b'{"object":"response.input_tokens","input_tokens":2}')
        mark = {"type": "input_text", "text": "w" * 8000, "prompt_cache_breakpoint": {"mode": "explicit"}}
        shared = {"role": "user", "content": [mark]}
        options = {"prompt_cache_options": {"mode": "explicit"}}
        warm = self.final(False, input=[shared], prewarm=True, **options)
        self.assertEqual((warm["output"], warm["status"], warm["usage"]["output_tokens"]), ([], "completed", 0))
        self.assertEqual(warm["usage"]["input_tokens_details"]["cache_write_tokens"], 2000)
        used = self.final(True, input=[shared, user("tail")], **options)
        self.assertEqual(used["usage"]["input_tokens_details"]["cached_tokens"], 2000)

    def test_strict(self):
        nested = {"type": "function", "function": {"name": "read", "parameters": SCHEMA}}
        open_schema = {**SCHEMA, "additionalProperties": True}
        chat_format = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
        for more, param in (
            ({"messages": []}, "messages"),
            ({"max_tokens": 5}, "max_tokens"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"input": []}, "input"),
            ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "input[0]"),
            ({"tools": [nested]}, "tools[0].name"),
            ({"tools": [{**TOOLS[0], "parameters": open_schema}]}, "tools[0].parameters"),
            ({"text": {"format": chat_format}}, "text.format.name"),
            ({"temperature": 0.2, "reasoning": {"effort": "low"}}, "temperature"),
        ):
            refused = self.provider.ask(RESPONSES, **more)
            self.assertEqual((refused.status, refused.json["error"]["param"]), (400, param))
        flat = {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA}
        self.assertEqual(self.provider.ask(RESPONSES, text={"format": flat}).status, 200)
