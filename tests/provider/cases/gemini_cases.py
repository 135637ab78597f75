"""What is special to Gemini: whole calls with signatures, usage that adds up its own way, refusals, keys."""

from __future__ import annotations

import unittest

from .harness import Provider
from .wires import GEMINI

TOOLS = [{"functionDeclarations": [{"name": "read", "parametersJsonSchema": {"type": "object"}}]}]
CALLS = [{"name": "read", "input": {"a": ["ü", 1]}}, {"name": "read"}]
LOOK = {"thinking": "Hm.", "text": "I look.", "tool_calls": CALLS}
THINK = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}


def user(*parts: dict) -> dict:
    return {"role": "user", "parts": list(parts)}


class Gemini(unittest.TestCase):
    RULES = [
        {"match": {"last_contains": "block"}, "reply": {"stop": "blocked:SAFETY"}},
        {"match": {"last_contains": "unsafe"}, "reply": {"stop": "refusal"}},
        {"match": {"last_contains": "copied"}, "reply": {"text": "It was", "stop": "RECITATION"}},
        {"match": {"last_contains": "garble"}, "reply": {"tool_calls": [{"name": "read", "input_text": "{"}]}},
        {"match": {"turn": 0, "has_tool": "read"}, "reply": LOOK},
        {"match": {"turn": 1, "last_contains": ["one", "two"]}, "reply": {"text": "seen"}},
        {"reply": {"text": "12345678", "thinking": "abcd"}},
    ]

    @classmethod
    def setUpClass(cls) -> None:
        cls.provider = Provider(cls.RULES, "--require-key", "test-key", "--models", "one,two").__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.provider.__exit__()

    def answer(self, stream: bool, text: str = "hi", **more):
        answer = self.provider.ask(GEMINI, text, stream=stream, **more)
        self.assertEqual(answer.status, 200, answer.data)
        return answer.events if stream else [answer.json]

    def test_calls_there_and_back(self):
        for stream in (False, True):
            parts = GEMINI.parts(self.answer(stream, tools=TOOLS))
            calls = [part for part in parts if "functionCall" in part]
            self.assertEqual([call["functionCall"]["args"] for call in calls], [{"a": ["ü", 1]}, {}])
            self.assertEqual(["thoughtSignature" in call for call in calls], [True, False])
            results = [
                {"functionResponse": {"id": call["functionCall"]["id"], "name": "read", "response": {"out": text}}}
                for call, text in zip(calls, ("one", "two"))
            ]
            said = {"role": "model", "parts": [part for part in parts if part.get("text") != ""]}
            turns = [user({"text": "hi"}), said, user(*results)]
            self.assertEqual(GEMINI.stream_text(self.answer(stream, contents=turns, tools=TOOLS)), "seen")
            unsigned = {"role": "model", "parts": [{"functionCall": call["functionCall"]} for call in calls]}
            forged = {"role": "model", "parts": [{**calls[0], "thoughtSignature": "Zm9yZ2Vk"}, calls[1]]}
            skipped = {**calls[0], "thoughtSignature": "skip_thought_signature_validator"}
            foreign = {"role": "model", "parts": [skipped, calls[1]]}
            for status, model, back in (
                (400, unsigned, results),
                (400, forged, results),
                (400, said, results[:1]),
                (200, foreign, results),
            ):
                turns = [user({"text": "hi"}), model, user(*back)]
                self.assertEqual(self.provider.ask(GEMINI, contents=turns, tools=TOOLS).status, status)

    def test_usage(self):
        for stream in (False, True):
            events = self.answer(stream)
            told = {"promptTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 1, "totalTokenCount": 4}
            self.assertEqual(events[-1]["usageMetadata"], told)
            self.assertTrue(all("usageMetadata" in event for event in events))
        done = self.provider.log("done")[-1]["usage"]
        self.assertEqual((done["fresh_in"], done["out"], done["reasoning"]), (1, 3, 1))

    def test_thoughts_only_on_request(self):
        for stream in (False, True):
            for more, shown in (({}, []), (THINK, ["abcd"])):
                parts = GEMINI.parts(self.answer(stream, **more))
                self.assertEqual([part["text"] for part in parts if part.get("thought")], shown)
                self.assertIn("thoughtSignature", parts[-1])

    def test_frames(self):
        raw = self.provider.ask(GEMINI, stream=True).data
        self.assertTrue(raw.endswith(b"}\r\n\r\n"))
        self.assertNotIn(b"[DONE]", raw)
        bare = GEMINI.target(stream=True).partition("?")[0]
        self.assertEqual(self.provider.open(bare, GEMINI.body("x"), GEMINI.headers).status, 400)

    def test_implicit_cache(self):
        config = {"systemInstruction": {"parts": [{"text": "s" * 20_000}]}}
        first, second = (GEMINI.usage(self.answer(True, tail, **config)) for tail in ("aaaa", "bbbb"))
        self.assertEqual((first["fresh"], first["read"]), (5001, 0))
        self.assertEqual((second["fresh"], second["read"]), (1, 5000))
        self.assertEqual(self.provider.log("done")[-1]["usage"]["cache_write"], 0)

    def test_finish_reasons(self):
        for stream in (False, True):
            malformed = ("garble", "MALFORMED_FUNCTION_CALL")
            for text, reason in (("unsafe", "SAFETY"), ("copied", "RECITATION"), malformed):
                self.assertEqual(GEMINI.stop(self.answer(stream, text, tools=TOOLS)), reason)
            blocked = self.answer(stream, "block")
            self.assertEqual((len(blocked), blocked[0]["promptFeedback"]), (1, {"blockReason": "SAFETY"}))
            self.assertNotIn("candidates", blocked[0])

    def test_count_and_models(self):
        get = lambda path, body=None: self.provider.open(path, body, GEMINI.headers)  # noqa: E731
        body = {"generateContentRequest": {"model": "models/m", **GEMINI.body("12345")}}
        for counted in (GEMINI.body("12345"), body):
            self.assertEqual(get("/v1beta/models/m:countTokens", counted).read(), b'{"totalTokens":2}')
        self.assertIn(b'"models/two"', get("/v1beta/models").read())
        self.assertEqual((get("/v1beta/models/one").status, get("/v1beta/models/six").status), (200, 404))

    def test_both_versions_of_the_path(self):
        answer = self.provider.open("/v1/models/m:generateContent", GEMINI.body("hi"), GEMINI.headers)
        self.assertIn(b'"text":"12345678"', answer.read())
        self.assertEqual(self.provider.open("/v1/batches", headers=GEMINI.headers).read(), b'{"operations":[]}')

    def test_keys(self):
        for headers, status, word in (
            ({"x-goog-api-key": "other"}, 400, b"API_KEY_INVALID"),
            ({}, 403, b"PERMISSION_DENIED"),
        ):
            refused = self.provider.open(GEMINI.path, GEMINI.body("hi"), headers)
            self.assertEqual(refused.status, status)
            self.assertIn(word, refused.read())

    def test_strict(self):
        schema = {"responseJsonSchema": {"type": "object"}}
        for more in (
            {"messages": []},
            {"contents": []},
            {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]},
            {"contents": [user({"text": "x"}), {"role": "model", "parts": [{"text": "y"}]}]},
            {"contents": [user({"functionResponse": {"name": "f", "response": "text"}})]},
            {"generationConfig": schema},
            {"generationConfig": {**schema, "responseSchema": {}, "responseMimeType": "application/json"}},
            {"tools": [{"functionDeclarations": [{"name": "9lives"}]}]},
            {"toolConfig": {"functionCallingConfig": {"mode": "auto"}}},
        ):
            refused = self.provider.ask(GEMINI, **more)
            self.assertEqual((refused.status, refused.json["error"]["status"]), (400, "INVALID_ARGUMENT"), more)
