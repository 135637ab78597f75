"""What each dialect says on the wire: text, tools, stops, usage, the simulated cache, strictness."""

from __future__ import annotations

import json
import threading
import time
import unittest

from .harness import Provider
from .wires import ANTHROPIC, EVERY, GEMINI, OPENAI

TEXT = "Grüße – 日本語 🎈, and a line\nof \"quotes\" \\ and more, to make some deltas."


class Replies(unittest.TestCase):
    def test_text_whole_and_streamed(self):
        with Provider([{"reply": {"text": TEXT}}]) as provider:
            for wire, stream in EVERY:
                with self.subTest(wire=wire.name, stream=stream):
                    answer = provider.ask(wire, "hi", stream=stream)
                    self.assertEqual((answer.status, answer.streamed, answer.text), (200, stream, TEXT))
                    self.assertEqual(answer.stop, wire.stops["end_turn"])
                    out = -(-len(TEXT.encode()) // 4)
                    self.assertEqual(answer.usage, {"fresh": 1, "write": 0, "read": 0, "out": out})
                    if stream:
                        self.assertTrue(answer.ended)

    def test_anthropic_event_order(self):
        with Provider([{"reply": {"text": "a", "thinking": "b", "tool_calls": [{"name": "f"}]}}]) as provider:
            events = provider.ask(ANTHROPIC, stream=True).events
            block = ["content_block_start", "content_block_delta", "content_block_stop"]
            signed = [block[0], block[1], *block[1:]]
            arguments = [block[0], block[1], *block[1:]]  # an empty piece comes first
            order = ["message_start", "ping", *signed, *block, *arguments, "message_delta", "message_stop"]
            self.assertEqual([event["type"] for event in events], order)
            blocks = [event["content_block"]["type"] for event in events if "content_block" in event]
            self.assertEqual(blocks, ["thinking", "text", "tool_use"])
            self.assertEqual({e["index"] for e in events if "index" in e}, {0, 1, 2})

    def test_openai_usage_only_when_asked(self):
        with Provider([{"reply": {"text": "a"}}]) as provider:
            silent = provider.ask(OPENAI, stream=True, stream_options={"include_usage": False})
            self.assertIsNone(silent.usage)
            self.assertTrue(all("usage" not in event for event in silent.events[:-1]))
            told = provider.ask(OPENAI, stream=True).events
            self.assertEqual((told[-2]["choices"], told[-1]), ([], "[DONE]"))
            self.assertIsNone(provider.log("done", 2)[0]["usage"])

    def test_tools_there_and_back(self):
        wanted = {"path": "a ü.c", "lines": [1, 2]}
        calls = [{"name": "read", "input": wanted}, {"name": "read", "input": {}}]
        rules = [
            {"match": {"turn": 0, "has_tool": "read"}, "reply": {"tool_calls": calls}},
            {"match": {"turn": 1, "last_contains": ["first", "second"]}, "reply": {"text": "seen"}},
        ]
        schema = {"type": "object", "properties": {}}
        with Provider(rules) as provider:
            for stream in (False, True):
                tools = [{"name": "read", "input_schema": schema}]
                answer = provider.ask(ANTHROPIC, stream=stream, tools=tools)
                uses = self._anthropic_calls(answer)
                self.assertEqual([use["input"] for use in uses], [wanted, {}])
                self.assertEqual(answer.stop, "tool_use")
                results = [
                    {"type": "tool_result", "tool_use_id": use["id"], "content": text}
                    for use, text in zip(uses, ("first", "second"))
                ]
                messages = [
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": uses},
                    {"role": "user", "content": results},
                ]
                self.assertEqual(provider.ask(ANTHROPIC, messages=messages, tools=tools).text, "seen")
                messages[2]["content"] = results[:1]
                self.assertEqual(provider.ask(ANTHROPIC, messages=messages, tools=tools).status, 400)

                tools = [{"type": "function", "function": {"name": "read", "parameters": schema}}]
                answer = provider.ask(OPENAI, stream=stream, tools=tools)
                uses = self._openai_calls(answer)
                self.assertEqual([json.loads(use["function"]["arguments"]) for use in uses], [wanted, {}])
                self.assertEqual(answer.stop, "tool_calls")
                messages = [
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": None, "tool_calls": uses},
                ]
                messages += [
                    {"role": "tool", "tool_call_id": use["id"], "content": text}
                    for use, text in zip(uses, ("first", "second"))
                ]
                self.assertEqual(provider.ask(OPENAI, messages=messages, tools=tools).text, "seen")
                self.assertEqual(provider.ask(OPENAI, messages=messages[:-1], tools=tools).status, 400)

    def _anthropic_calls(self, answer) -> list[dict]:
        if not answer.streamed:
            return [part for part in answer.json["content"] if part["type"] == "tool_use"]
        blocks, pieces = {}, {}
        for event in answer.events:
            if event["type"] == "content_block_start":
                blocks[event["index"]] = event["content_block"]
            elif event["type"] == "content_block_delta":
                piece = event["delta"]["partial_json"]
                pieces[event["index"]] = pieces.get(event["index"], "") + piece
        return [{**block, "input": json.loads(pieces[at] or "{}")} for at, block in blocks.items()]

    def _openai_calls(self, answer) -> list[dict]:
        if not answer.streamed:
            return answer.json["choices"][0]["message"]["tool_calls"]
        calls: dict[int, dict] = {}
        for event in answer.events[:-1]:
            for delta in (choice["delta"] for choice in event["choices"]):
                for piece in delta.get("tool_calls", []):
                    at = piece.pop("index")
                    if at in calls:
                        calls[at]["function"]["arguments"] += piece["function"]["arguments"]
                    else:
                        calls[at] = piece
        return list(calls.values())

    def test_broken_tool_arguments(self):
        with Provider([{"reply": {"tool_calls": [{"name": "f", "input_text": '{"a": '}]}}]) as provider:
            call = provider.ask(OPENAI).json["choices"][0]["message"]["tool_calls"][0]
            self.assertEqual(call["function"]["arguments"], '{"a": ')
            events = provider.ask(ANTHROPIC, stream=True).events
            deltas = [event.get("delta", {}).get("partial_json", "") for event in events]
            self.assertEqual("".join(deltas), '{"a": ')

    def test_max_tokens_of_the_request_is_kept(self):
        with Provider([{"reply": {"text": "ü" * 100}}]) as provider:
            for wire, stream in EVERY:
                answer = provider.ask(wire, stream=stream, **wire.limit(10))
                self.assertEqual((answer.text, answer.stop), ("ü" * 20, wire.stops["max_tokens"]))
                self.assertEqual(answer.usage["out"], 10)

    def test_refusal(self):
        with Provider([{"reply": {"text": "No.", "stop": "refusal"}}]) as provider:
            refused = provider.ask(ANTHROPIC).json
            self.assertEqual((refused["stop_reason"], refused["stop_details"]["type"]), ("refusal", "refusal"))
            self.assertEqual(provider.ask(OPENAI).json["choices"][0]["message"]["refusal"], "No.")
            streamed = provider.ask(OPENAI, stream=True).events
            self.assertIn("No.", [e["choices"][0]["delta"].get("refusal") for e in streamed[:-2]])

    def test_models_and_counting(self):
        with Provider([{"reply": {"text": "x"}}], "--models", "one,two") as provider:
            for wire in (ANTHROPIC, OPENAI):
                listed = json.loads(provider.open("/v1/models", headers=wire.headers).read())
                self.assertEqual([model["id"] for model in listed["data"]], ["one", "two"])
                self.assertEqual(provider.open("/v1/models/two", headers=wire.headers).status, 200)
                self.assertEqual(provider.open("/v1/models/six", headers=wire.headers).status, 404)
            named = json.loads(provider.open("/v1/models", headers=GEMINI.headers).read())["models"]
            self.assertEqual([model["name"] for model in named], ["models/one", "models/two"])
            body = {"model": "m", "messages": [{"role": "user", "content": "12345"}]}
            counted = provider.open("/v1/messages/count_tokens", body, ANTHROPIC.headers)
            self.assertEqual(json.loads(counted.read()), {"input_tokens": 2})

    def test_anthropic_is_strict(self):
        user = {"role": "user", "content": "hi"}
        marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
        wrong = [
            {"temperature": 1},
            {"max_tokens": None},
            {"messages": []},
            {"messages": [user, {"role": "assistant", "content": "{"}]},
            {"messages": [{"role": "tool", "content": "x"}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
            {"tools": [{"name": "f"}]},
            {"system": [marked] * 5},
        ]
        with Provider([{"reply": {"text": "x"}}]) as provider:
            for more in wrong:
                self.assertEqual(provider.ask(ANTHROPIC, **more).status, 400, more)
            version = {"anthropic-version": "2023-06-01"}
            old = provider.send(ANTHROPIC, ANTHROPIC.body("hi", temperature=1), version)
            self.assertEqual(old.status, 200)
            self.assertEqual(provider.open(ANTHROPIC.path, ANTHROPIC.body("hi"), {"x-api-key": "k"}).status, 400)

    def test_openai_is_strict(self):
        wrong = [
            {"messages": []},
            {"messages": [{"role": "robot", "content": "x"}]},
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]},
            {"max_tokens": 5, "max_completion_tokens": 5},
            {"stream_options": {"include_usage": True}},
        ]
        with Provider([{"reply": {"text": "x"}}]) as provider:
            for more in wrong:
                self.assertEqual(provider.ask(OPENAI, **more).status, 400, more)


class Cache(unittest.TestCase):
    RULES = [{"reply": {"text": "x"}}]

    @staticmethod
    def _marked(text: str, ttl: str = "5m") -> list[dict]:
        return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}]

    def test_anthropic_writes_once_then_reads(self):
        system = self._marked("s" * 4000)
        with Provider(self.RULES) as provider:
            for expected in ({"write": 1000, "read": 0}, {"write": 0, "read": 1000}):
                usage = provider.ask(ANTHROPIC, "tail", system=system, stream=True).usage
                self.assertEqual(usage, {"fresh": 1, "out": 1, **expected})
            changed = provider.ask(ANTHROPIC, "tail", system=self._marked("s" * 3999 + "t")).usage
            self.assertEqual((changed["write"], changed["read"]), (1000, 0))
            other_model = provider.ask(ANTHROPIC, "tail", system=system, model="big-1").usage
            self.assertEqual(other_model["read"], 0)
            prefixes = [line["prefix_sha256"] for line in provider.log("arrived", 4)]
            self.assertEqual(prefixes[0], prefixes[1])
            self.assertNotEqual(prefixes[0], prefixes[2])

    def test_hour_long_writes_are_told_apart(self):
        with Provider(self.RULES) as provider:
            usage = provider.ask(ANTHROPIC, system=self._marked("s" * 4000, "1h")).json["usage"]
            told = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000}
            self.assertEqual(usage["cache_creation"], told)

    def test_short_prefixes_are_silently_not_cached(self):
        with Provider(self.RULES) as provider:
            for _ in range(2):
                usage = provider.ask(ANTHROPIC, "tail", system=self._marked("s" * 2000)).usage
                self.assertEqual(usage, {"fresh": 501, "write": 0, "read": 0, "out": 1})

    def test_a_growing_conversation_reads_its_own_past(self):
        with Provider(self.RULES, "--cache-min", "1") as provider:
            turns = [{"role": "user", "content": self._marked("a" * 40)}]
            self.assertEqual(provider.ask(ANTHROPIC, messages=turns).usage["write"], 10)
            del turns[0]["content"][0]["cache_control"]
            turns.append({"role": "assistant", "content": "b" * 40})
            turns.append({"role": "user", "content": self._marked("c" * 40)})
            usage = provider.ask(ANTHROPIC, messages=turns).usage
            self.assertEqual((usage["read"], usage["write"], usage["fresh"]), (10, 20, 0))

    def test_readable_only_once_the_writer_streams(self):
        rules = [
            {"match": {"last_contains": "slow"}, "reply": {"text": "x", "delay_ms": 400}},
            {"match": {"last_contains": "failing"}, "fault": {"status": 529}},
            *self.RULES,
        ]
        system = self._marked("s" * 4000)
        with Provider(rules) as provider:
            self.assertEqual(provider.ask(ANTHROPIC, "failing", system=system).status, 529)
            slow = lambda: provider.ask(ANTHROPIC, "slow", system=system)  # noqa: E731
            writer = threading.Thread(target=slow)
            writer.start()
            provider.log("arrived", 2)
            early = provider.ask(ANTHROPIC, "early", system=self._marked("s" * 4000), model="small-1")
            self.assertEqual((early.usage["write"], early.usage["read"]), (1000, 0))
            writer.join()
            self.assertEqual(provider.log("done", 3)[-1]["usage"]["cache_read"], 0)
            self.assertEqual(provider.ask(ANTHROPIC, "late", system=system).usage["read"], 1000)

    def test_openai_breakpoints(self):
        def body(tail: str, mode: str | None, mark: bool) -> dict:
            shared = {"type": "text", "text": "s" * 8000}
            if mark:
                shared["prompt_cache_breakpoint"] = {"mode": "explicit"}
            content = [shared, {"type": "text", "text": tail}]
            options = {"prompt_cache_options": {"mode": mode}} if mode else {}
            return OPENAI.body("", messages=[{"role": "user", "content": content}], **options)

        with Provider(self.RULES) as provider:
            unmarked = [provider.send(OPENAI, body(t, None, False)).usage for t in ("aaaa", "bbbb", "aaaa")]
            self.assertEqual([u["read"] for u in unmarked], [0, 0, 2001])
            nothing = [provider.send(OPENAI, body("cccc", "explicit", False)).usage for _ in range(2)]
            self.assertEqual([(u["read"], u["write"]) for u in nothing], [(0, 0), (0, 0)])
            marked = [provider.send(OPENAI, body(t, "explicit", True)).usage for t in ("dddd", "eeee")]
            self.assertEqual([(u["read"], u["write"]) for u in marked], [(0, 2000), (2000, 0)])

    def test_pace(self):
        with Provider([{"reply": {"text": "x" * 400}}], "--tokens-per-second", "200") as provider:
            took = []
            while not took or min(took) > 0.7 and len(took) < 20:  # a busy machine only makes it longer
                started = time.monotonic()
                provider.ask(OPENAI, stream=True)
                took.append(time.monotonic() - started)
            self.assertAlmostEqual(min(took), 0.5, delta=0.2)
