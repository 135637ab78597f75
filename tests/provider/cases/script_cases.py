"""Scripts: matching, order, times, reply sources, and the mistakes a script may not get away with."""

from __future__ import annotations

import json
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.rules import Script, ScriptError

from .harness import Provider, leave
from .wires import ANTHROPIC, EVERY, OLLAMA, OPENAI, WIRES


def say(text: str, match: dict | None = None, **more) -> dict:
    return {"match": match or {}, "reply": {"text": text}, **more}


class Matching(unittest.TestCase):
    def test_each_matcher(self):
        rules = [
            say("dialect", {"dialect": "anthropic", "contains": "which dialect"}),
            say("model", {"model": "big-*"}),
            say("role", {"role": "You plan"}),
            say("regex", {"regex": r"^line \d+$"}),
            say("contains", {"contains": ["alpha", "beta"]}),
            say("last", {"last_contains": "gamma"}),
            say("stream", {"stream": True, "contains": "plain"}),
            say("turn", {"turn": 1}),
        ]
        with Provider(rules) as provider:
            for wire in WIRES:
                answer = lambda *a, **k: provider.ask(wire, *a, **k).text  # noqa: E731
                self.assertEqual(answer("x", model="big-7"), "model")
                self.assertEqual(answer("", **wire.talk("You plan.", "x")), "role")
                self.assertEqual(answer("see\nline 12\nthere"), "regex")
                self.assertEqual(answer("beta, alpha"), "contains")
                self.assertEqual(answer("gamma"), "last")
                self.assertEqual(answer("plain", stream=True), "stream")
                self.assertEqual(answer("", **wire.talk("", "gamma", "a", "b")), "turn")
            self.assertEqual(provider.ask(ANTHROPIC, "which dialect").text, "dialect")
            self.assertEqual(provider.ask(OPENAI, "which dialect").status, 400)

    def test_no_rule_is_an_error_that_names_the_request(self):
        with Provider([say("x", {"model": "big-*"})]) as provider:
            for wire in WIRES:
                answer = provider.ask(wire, "where is Waldo", stream=True)
                self.assertEqual(answer.status, 400)
                for part in ("no rule matches", "small-1", "where is Waldo", wire.name):
                    self.assertIn(part, wire.error_message(answer.json))
            done = provider.log("done", len(WIRES))[1]
            self.assertEqual((done["rule"], done["status"]), (None, 400))
            self.assertIn("no rule matches", done["error"])

    def test_order_and_times(self):
        rules = [say("once", times=1), say("twice", times=2), say("always")]
        with Provider(rules) as provider:
            answers = [provider.ask(OPENAI).text for _ in range(5)]
            self.assertEqual(answers, ["once", "twice", "twice", "always", "always"])
            self.assertEqual([line["rule"] for line in provider.log("done", 5)], [0, 1, 1, 2, 2])

    def test_faults_on_other_endpoints(self):
        rule = {"match": {"endpoint": "models"}, "times": 1, "fault": {"status": 401}}
        with Provider([rule]) as provider:
            statuses = [provider.open("/v1/models", headers=OPENAI.headers).status for _ in range(2)]
            self.assertEqual(statuses, [401, 200])

    def test_folder_in_the_order_of_names(self):
        files = {"b.json": json.dumps([say("b")]), "a.json": json.dumps([say("a", {"contains": "first"})])}
        with Provider(files=files) as provider:
            self.assertEqual(provider.ask(OPENAI, "first").text, "a")
            self.assertEqual(provider.ask(OPENAI, "second").text, "b")
            self.assertEqual([line["place"] for line in provider.log("done", 2)], ["a.json#0", "b.json#0"])


class Sources(unittest.TestCase):
    def test_text_file(self):
        text = "from a file\n\twith ü\r\n"
        with Provider([{"reply": {"text_file": "reply.md"}}], files={"reply.md": text}) as provider:
            for wire, stream in EVERY:
                self.assertEqual(provider.ask(wire, stream=stream).text, text)

    def test_python(self):
        module = (
            "import re\n"
            "count = 0\n"
            "def answer(request):\n"
            "    global count\n"
            "    count += 1\n"
            "    if 'broken' in request.last.text: return {'fault': {'status': 529}}\n"
            "    if 'bug' in request.last.text: return {'txet': 'x'}\n"
            "    name = re.search(r'target (\\w+)', request.text)[1]\n"
            "    return {'text': f'{count} {name} {request.dialect}', 'stop': 'max_tokens'}\n"
        )
        rules = [{"reply": {"python": "module.py:answer", "delay_ms": 1}}]
        with Provider(rules, files={"module.py": module}) as provider:
            answers = [provider.ask(wire, f"target {wire.name[:4]}") for wire in WIRES]
            self.assertEqual([a.text for a in answers[:2]], ["1 anth anthropic", "2 open openai-chat"])
            self.assertEqual([a.stop for a in answers], [wire.stops["max_tokens"] for wire in WIRES])
            self.assertEqual(provider.ask(OPENAI, "broken").status, 529)
            for text in ("bug", "no such thing"):
                failed = provider.ask(OPENAI, text)
                self.assertEqual(failed.status, 500)
                self.assertIn("script error", failed.json["error"]["message"])
            self.assertIn("txet", provider.log("done", len(WIRES) + 3)[len(WIRES) + 1]["error"])

    def test_usage_overrides_and_headers(self):
        reply = {"text": "x", "usage": {"fresh_in": 7, "cache_read": 5000, "out": 9}, "headers": {"X-Left": 3}}
        with Provider([{"reply": reply}]) as provider:
            for wire, stream in EVERY:
                answer = provider.ask(wire, stream=stream)
                told = {"fresh": 7, "write": 0, "read": 5000, "out": 9}
                if wire is OLLAMA:  # knows one number for the prompt
                    told |= {"fresh": 5007, "read": 0}
                self.assertEqual(answer.usage, told)
                self.assertEqual(answer.headers["x-left"], "3")

    def test_chunks_cut_anywhere(self):
        text = "日本語 🎈 ü" * 3
        for chunks in (1, [1, 2, 3], 4096):
            with Provider([{"reply": {"text": text, "chunks": chunks}}]) as provider:
                for wire, stream in EVERY:
                    self.assertEqual(provider.ask(wire, stream=stream).text, text)
                with provider.connect() as sock:
                    body = json.dumps(OPENAI.body("hi")).encode()
                    head = b"POST %b HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                    sock.sendall(head % (OPENAI.path.encode(), len(body)) + body)
                    received = b""
                    while part := sock.recv(65536):
                        received += part
                first = received.partition(b"\r\n\r\n")[2].partition(b"\r\n")[0]
                self.assertEqual(int(first, 16) if chunks != 4096 else 1, 1)

    def test_chunks_arrive_one_by_one(self):
        # A minute apart: the first is here although the second has not left.
        with Provider([{"reply": {"text": "x" * 60, "chunks": 90, "chunk_ms": 60_000}}]) as provider:
            for wire, stream in EVERY:
                response = provider.start(wire, stream=stream)
                self.assertEqual(len(response.read1(65536)), 90)
                leave(response)
            for line in provider.log("done", len(EVERY)):
                self.assertEqual((line["bytes"], line["complete"], line["client_gone"]), (90, False, True))

    def test_chunks_wait_between_them(self):
        # From the request to the last chunk: a reader that comes late only makes it longer.
        with Provider([{"reply": {"text": "x" * 60, "chunks": 90, "chunk_ms": 20}}]) as provider:
            for wire, stream in EVERY:
                started = time.monotonic()
                response = provider.start(wire, stream=stream)
                sizes = []
                while part := response.read1(65536):
                    sizes.append(len(part))
                self.assertGreater(time.monotonic() - started, 0.019 * (len(sizes) - 1))
                self.assertGreater(len(sizes), 1)
                self.assertEqual(set(sizes[:-1]), {90})
                response.owner.close()

    def test_noise_is_skipped_by_a_correct_client(self):
        with Provider([{"reply": {"text": "a longer text in some deltas", "noise": True}}]) as provider:
            for wire in WIRES:
                answer = provider.ask(wire, stream=True)
                self.assertIn(b"\n\n" if wire is OLLAMA else b": keep-alive\n", answer.data)
                self.assertEqual(answer.text, "a longer text in some deltas")

    def test_delays(self):
        with Provider([{"reply": {"text": "x", "delay_ms": 150}}], "--latency-ms", "100") as provider:
            started = time.monotonic()
            provider.ask(OPENAI)
            self.assertGreaterEqual(time.monotonic() - started, 0.25)


    def test_held_until_a_file_is_there(self):
        rules = [say("yes", {"contains": "yes"}), {"match": {"contains": "no"}, "fault": {"status": 529}, "reply": {}},
                 say("ahead")]
        for rule in rules[:2]:
            rule["reply"]["until"] = "go"
        with Provider(rules) as provider, ThreadPoolExecutor() as pool:
            held = [pool.submit(provider.ask, OPENAI, text, stream=text == "yes") for text in ("yes", "no")]
            provider.log("arrived", 2)
            self.assertEqual(provider.ask(OPENAI).text, "ahead")  # who comes later and is not held is served
            self.assertEqual([line["seq"] for line in provider.log("done", 1)], [3])
            (provider.folder / "scripts/go").touch()
            answers = [one.result() for one in held]
            self.assertEqual((answers[0].text, answers[1].status), ("yes", 529))
            self.assertEqual(provider.ask(OPENAI, "yes").text, "yes")

    def test_who_is_held_may_leave(self):
        with Provider([{"reply": {"text": "x", "until": "go"}}]) as provider:
            with provider.connect() as sock:
                body = json.dumps(OPENAI.body("hi")).encode()
                sock.sendall(b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (OPENAI.path.encode(), len(body)) + body)
                provider.log("arrived", 1)
            done = provider.log("done", 1)[0]
            self.assertEqual((done["client_gone"], done["status"]), (True, None))

class Mistakes(unittest.TestCase):
    def test_wrong_scripts_are_refused(self):
        good = {"reply": {"text": "x"}}
        wrong = {
            "unknown key mtach": {"mtach": {}, **good},
            "unknown key contain": {"match": {"contain": "x"}, **good},
            "unknown key txt": {"reply": {"txt": "x"}},
            "turn must be int": {"match": {"turn": "1"}, **good},
            "needs a reply or a fault": {"match": {}},
            "times must be": {"times": 0, **good},
            "regex": {"match": {"regex": "("}, **good},
            "name one fault": {"fault": "exploded"},
            "has no option retry": {"fault": {"status": 429, "retry": 1}},
            "a status code, or one of": {"fault": {"status": "broke"}},
            "no such module": {"reply": {"python": "absent.py:f"}},
            "absent.txt": {"reply": {"text_file": "absent.txt"}},
            "chunks": {"reply": {"text": "x", "chunks": [0]}},
            "unknown key output": {"reply": {"text": "x", "usage": {"output": 1}}},
            "needs a name": {"reply": {"tool_calls": [{"input": {}}]}},
            "unknown key pools": {"reply": {"batch": {"pools": 1}}},
            "batch.end must be one of": {"reply": {"batch": {"end": "soon"}}},
            "endpoint must be one of": {"match": {"endpoint": "batches"}, **good},
            "gzip must be one of": {"reply": {"text": "x", "gzip": "br"}},
            "fault given twice": {"reply": {"text": "x", "fault": "no_usage"}, "fault": "no_usage"},
        }
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "script.json"
            for words, rule in wrong.items():
                with self.subTest(words=words):
                    file.write_text(json.dumps([good, rule]))
                    with self.assertRaises(ScriptError) as caught:
                        Script(file)
                    self.assertIn(words, str(caught.exception))
                    self.assertIn("script.json#1", str(caught.exception))

    def test_a_wrong_script_is_refused_at_start(self):
        said = Provider([{"reply": {"txt": "x"}}]).refuses_to_start()
        self.assertIn("script.json#0: unknown key txt", said)

    def test_files_that_are_no_scripts(self):
        for text, words in (("{", "x.json"), ("{}", "a list of rules")):
            self.assertIn(words, Provider(files={"x.json": text}).refuses_to_start())
        self.assertIn("no *.json", Provider().refuses_to_start())
