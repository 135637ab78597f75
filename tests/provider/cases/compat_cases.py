"""Compatible servers and their quirks, compression, rate limits, connections that close when idle."""

from __future__ import annotations

import gzip
import http.client
import json
import time
import unittest
import zlib
from datetime import datetime, timedelta, timezone

from .harness import TIMEOUT, Provider, leave
from .wires import ANTHROPIC, EVERY, GEMINI, OLLAMA, OPENAI, RESPONSES, WIRES

ANY = [{"reply": {"text": "some text in a few deltas, say three", "thinking": "Hm."}}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


def quirky(*names: str, rules: list | None = None) -> Provider:
    options = [word for name in names for word in ("--quirk", name)]
    return Provider(rules or ANY, *options)


class Refusals(unittest.TestCase):
    FIELDS = {
        "no-tools": {"tools": TOOLS},
        "no-tool-choice": {"tool_choice": "auto"},
        "max-tokens-only": {"max_completion_tokens": 9},
        "no-schema": {"response_format": SCHEMA},
        "no-sampling": {"temperature": 0},
        "no-effort": {"reasoning_effort": "low"},
        "no-parallel": {"parallel_tool_calls": True},
        "no-store": {"store": False},
        "no-cache-key": {"prompt_cache_key": "k"},
    }

    def test_each_names_its_field(self):
        with quirky(*self.FIELDS, "no-stream-options", "no-developer") as provider:
            for fields in self.FIELDS.values():
                refused = provider.ask(OPENAI, **fields)
                name = next(iter(fields))
                self.assertEqual((refused.status, refused.json["error"]["param"]), (400, name))
                self.assertIn(f"'{name}'", refused.json["error"]["message"])
            refused = provider.ask(OPENAI, stream=True)
            self.assertEqual((refused.status, refused.json["error"]["param"]), (400, "stream_options"))
            self.assertEqual(provider.ask(OPENAI, stream=True, stream_options=None).status, 200)
            self.assertEqual(provider.ask(OPENAI, max_tokens=9).status, 200)
            self.assertEqual(provider.ask(OPENAI, response_format={"type": "json_object"}).status, 200)
            developer = [{"role": "developer", "content": "x"}, {"role": "user", "content": "y"}]
            self.assertEqual(provider.ask(OPENAI, messages=developer).status, 400)
            for wire in (ANTHROPIC, RESPONSES):  # only Chat Completions has quirks
                self.assertEqual(provider.ask(wire, temperature=0).status, 400 if wire is ANTHROPIC else 200)

    def test_others(self):
        names = ("max-completion-tokens-only", "no-json", "no-forced-tool", "no-strict", "bare-errors")
        with quirky(*names) as provider:
            for fields, status in (
                ({"max_tokens": 9}, 400),
                ({"max_completion_tokens": 9}, 200),
                ({"response_format": {"type": "json_object"}}, 400),
                ({"response_format": {"type": "text"}}, 200),
                ({"tool_choice": {"type": "function", "function": {"name": "f"}}, "tools": TOOLS}, 400),
                ({"tool_choice": "required", "tools": TOOLS}, 400),
                ({"tool_choice": "auto", "tools": TOOLS}, 200),
                ({"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]}, 400),
            ):
                answer = provider.ask(OPENAI, **fields)
                self.assertEqual(answer.status, status, fields)
                if status == 400:
                    error = answer.json["error"]
                    self.assertEqual((error["param"], error["code"]), (None, None))
                    self.assertIn("Unsupported parameter: '", error["message"])


class Vendors(unittest.TestCase):
    def test_no_usage(self):
        with quirky("no-usage") as provider:
            for stream in (False, True):
                answer = provider.ask(OPENAI, stream=stream)
                self.assertNotIn(b"usage", answer.data)
                self.assertTrue(answer.text)
            self.assertEqual([line["usage"] for line in provider.log("done", 2)], [None, None])

    def test_openrouter(self):
        priced = {"match": {"last_contains": "priced"}, "reply": {"text": "x", "usage": {"cost": 0.25}}}
        broken = {"match": {"last_contains": "broken"}, "reply": {"text": "half a text"}}
        broken["fault"] = "error_event_after_200"
        with quirky("openrouter", rules=[priced, broken, *ANY]) as provider:
            for stream in (False, True):
                answer = provider.ask(OPENAI, stream=stream, **({"stream_options": None} if stream else {}))
                told = [event for event in (answer.events[:-1] if stream else [answer.json]) if event.get("usage")]
                self.assertEqual(told[-1]["usage"]["cost"], 4.1e-05)
                self.assertEqual(answer.data.startswith(b": OPENROUTER PROCESSING\n\n"), stream)
            self.assertEqual(provider.ask(OPENAI, "priced").json["usage"]["cost"], 0.25)
            self.assertEqual(provider.log("done", 3)[2]["usage"]["cost"], 0.25)
            last = provider.ask(OPENAI, "broken", stream=True).events[-1]
            self.assertEqual((last["error"]["code"], last["choices"][0]["finish_reason"]), (529, "error"))
            refused = provider.ask(OPENAI, max_tokens=1, max_completion_tokens=1).json["error"]
            self.assertEqual((refused["code"], refused["metadata"]["provider_name"]), (400, "Script"))

    def test_deepseek(self):
        with quirky("deepseek") as provider:
            usage = [provider.ask(OPENAI, "x" * 8000, stream=True).events[-2]["usage"] for _ in range(2)]
            counts = [(one["prompt_cache_hit_tokens"], one["prompt_cache_miss_tokens"]) for one in usage]
            self.assertEqual(counts, [(0, 2000), (2000, 0)])
            self.assertNotIn("prompt_tokens_details", usage[0])
            call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            said = {"role": "assistant", "content": "", "tool_calls": [call]}
            turns = [{"role": "user", "content": "x"}, said, {"role": "tool", "tool_call_id": "c", "content": "y"}]
            self.assertEqual(provider.ask(OPENAI, messages=turns).status, 400)
            said["reasoning_content"] = "Hm."
            self.assertEqual(provider.ask(OPENAI, messages=turns).status, 200)

    def test_groq(self):
        with quirky("groq") as provider:
            events = provider.ask(OPENAI, stream=True).events[:-1]
            self.assertEqual(events[-1]["choices"][0]["finish_reason"], "stop")
            self.assertEqual(events[-1]["x_groq"]["usage"]["prompt_tokens"], 1)
            self.assertEqual([e["choices"][0]["delta"]["reasoning"] for e in events[1:2]], ["Hm."])
            self.assertEqual(provider.ask(OPENAI).json["choices"][0]["message"]["reasoning"], "Hm.")

    def test_mistral(self):
        long = {"match": {"last_contains": "long"}, "reply": {"text": "x", "stop": "model_context_window_exceeded"}}
        with quirky("mistral", "no-store", rules=[long, *ANY]) as provider:
            content = provider.ask(OPENAI).json["choices"][0]["message"]["content"]
            self.assertEqual([part["type"] for part in content], ["thinking", "text"])
            self.assertEqual(content[0]["thinking"], [{"type": "text", "text": "Hm."}])
            events = provider.ask(OPENAI, stream=True).events[:-1]
            self.assertIsInstance(events[1]["choices"][0]["delta"]["content"], list)
            self.assertEqual(events[-1]["choices"][0]["finish_reason"], "stop")
            self.assertEqual(events[-1]["usage"]["prompt_tokens"], 1)
            self.assertEqual(provider.ask(OPENAI, "long").stop, "model_length")
            refused = provider.ask(OPENAI, store=False)
            self.assertEqual((refused.status, refused.json["detail"][0]["loc"]), (422, ["body", "store"]))

    def test_unknown_quirk(self):
        self.assertIn("no-sense", quirky("no-sense").refuses_to_start())


class Gzip(unittest.TestCase):
    def test_both_ways_for_those_who_accept(self):
        rules = [{"reply": {"text": "a text of some length " * 3, "gzip": "end"}}]
        for provider in (Provider(ANY, "--gzip", "flush"), Provider(rules)):
            with provider:
                for wire, stream in EVERY:
                    plain = provider.ask(wire, stream=stream)
                    body, headers = wire.body("hi", stream=stream), {**wire.headers, "accept-encoding": "gzip"}
                    packed = provider.open(wire.target(stream), body, headers)
                    self.assertEqual(packed.headers["content-encoding"], "gzip")
                    self.assertNotIn("content-encoding", plain.headers)
                    data = gzip.decompress(packed.read())
                    packed.owner.close()
                    events = wire.events(data) if stream else [json.loads(data)]
                    self.assertEqual(wire.stream_text(events) if stream else wire.whole_text(events[0]), plain.text)

    def test_flushed_per_event_or_not(self):
        # The first text that can be unpacked: some of it, while the next token is minutes away; or all of it.
        for way, pace in (("flush", "0.01"), ("end", "50")):
            with Provider([{"reply": {"text": "word " * 20, "gzip": way}}], "--tokens-per-second", pace) as provider:
                headers = {**ANTHROPIC.headers, "accept-encoding": "gzip"}
                response = provider.open(ANTHROPIC.path, ANTHROPIC.body("hi", stream=True), headers)
                unpacker, first = zlib.decompressobj(wbits=31), b""
                while not first:
                    part = response.read1(65536)
                    self.assertTrue(part)
                    first = unpacker.decompress(part)
                leave(response)
                events = ANTHROPIC.events(first)
                self.assertEqual(events[0]["type"], "message_start")
                self.assertEqual(ANTHROPIC.ended(events), way == "end")


class Limits(unittest.TestCase):
    def test_requests_per_minute(self):
        # A request comes back after a minute: none does while this runs.
        with Provider(ANY, "--limit-rpm", "1", "--limit-burst", "2") as provider:
            for wire in WIRES:
                started = datetime.now(timezone.utc)
                answers = [provider.ask(wire, model=f"m-{wire.name}") for _ in range(3)]
                if wire is GEMINI:  # the model is in the path
                    ask = (wire.target(False, "m"), wire.body("x"), wire.headers)
                    answers = [provider.open(*ask) for _ in range(3)]
                self.assertEqual([answer.status for answer in answers], [200, 200, 429])
                if wire is GEMINI:
                    self.assertIsNone(answers[2].headers["retry-after"])
                    delay = json.loads(answers[2].read())["error"]["details"][-1]["retryDelay"]
                    self.assertTrue(delay.endswith("s") and 30 < int(delay[:-1]) <= 60, delay)
                    continue
                self.assertTrue(30 < int(answers[2].headers["retry-after"]) <= 60, answers[2].headers)
                if wire in (OPENAI, RESPONSES):
                    told = [answer.headers["x-ratelimit-remaining-requests"] for answer in answers]
                    self.assertEqual(told, ["1", "0", "0"])
                    self.assertEqual(answers[0].headers["x-ratelimit-limit-requests"], "1")
                    self.assertRegex(answers[0].headers["x-ratelimit-reset-requests"], r"^(1m0s|[0-9.]+s)$")
                if wire is ANTHROPIC:
                    reset = datetime.fromisoformat(answers[0].headers["anthropic-ratelimit-requests-reset"])
                    full, rounding = timedelta(seconds=60), timedelta(seconds=1)  # one of two is to come back
                    self.assertGreaterEqual(reset, started + full - rounding)
                    self.assertLessEqual(reset, datetime.now(timezone.utc) + full + rounding)
                if wire is OLLAMA:
                    self.assertFalse([name for name in answers[0].headers if "ratelimit" in name])
            self.assertEqual(provider.ask(OPENAI, model="another").status, 200)

    def test_after_the_time_told_it_is_served(self):
        with Provider(ANY, "--limit-rpm", "60", "--limit-burst", "1") as provider:
            while (refused := provider.ask(OPENAI)).status == 200:
                pass  # this machine takes longer than a second for a request: the next may be quicker
            self.assertEqual((refused.status, refused.headers["retry-after"]), (429, "1"))
            time.sleep(1)
            self.assertEqual(provider.ask(OPENAI).status, 200)

    def test_tokens_per_minute(self):
        with Provider(ANY, "--limit-tpm", "6000") as provider:
            started = time.monotonic()
            first, second = (provider.ask(ANTHROPIC, "x" * 16_000) for _ in range(2))
            self.assertEqual((first.status, second.status), (200, 429))
            self.assertEqual(first.headers["anthropic-ratelimit-tokens-limit"], "6000")
            self.assertEqual(first.headers["anthropic-ratelimit-input-tokens-remaining"], "2000")
            gone = time.monotonic() - started  # 2000 are missing, 100 come back per second
            self.assertGreaterEqual(int(second.headers["retry-after"]), 20 - gone)
            self.assertEqual(provider.ask(ANTHROPIC, "small").status, 200)


class Idle(unittest.TestCase):
    def test_used_connections_close_and_fresh_ones_wait(self):
        def ask(connection):
            connection.request("POST", OPENAI.path, json.dumps(OPENAI.body("hi")), OPENAI.headers)
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.headers["connection"], "keep-alive")

        with Provider(ANY, "--idle-close-ms", "150") as provider:
            connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=TIMEOUT)
            connection.connect()
            time.sleep(0.3)  # not yet used: left alone
            ask(connection)
            self.assertEqual(connection.sock.recv(1), b"")  # closed without a word
            connection.close()
            self.assertEqual(len(provider.log("done")), 1)
        with Provider(ANY, "--idle-close-ms", "60000") as provider:
            connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=TIMEOUT)
            for _ in range(2):
                ask(connection)
            connection.close()
            self.assertEqual([line["connection"] for line in provider.log("arrived", 2)], [1, 1])
