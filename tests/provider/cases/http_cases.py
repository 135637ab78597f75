"""HTTP itself: keep-alive, chunked bodies, caps, refusals, the life of the process."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from .harness import PROVIDER, TIMEOUT, Provider
from .wires import ANTHROPIC, GEMINI, OLLAMA, OPENAI, WIRES

ANY = [{"reply": {"text": "yes"}}]


def raw(provider: Provider, data: bytes, shut: bool = False) -> bytes:
    with provider.connect() as sock:
        sock.sendall(data)
        received = b""
        while part := sock.recv(65536):
            received += part
        return received


class Http(unittest.TestCase):
    def test_keep_alive_serves_many_on_one_connection(self):
        with Provider(ANY) as provider:
            connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=TIMEOUT)
            for stream in (False, True, False):
                body = json.dumps(OPENAI.body("hi", stream=stream))
                connection.request("POST", OPENAI.path, body, OPENAI.headers)
                self.assertEqual(connection.getresponse().read()[:1], b"d" if stream else b"{")
            self.assertEqual({line["connection"] for line in provider.log("arrived", 3)}, {1})
            connection.close()

    def test_connection_close_and_http_1_0(self):
        body = json.dumps(OPENAI.body("hi", stream=True)).encode()
        with Provider(ANY) as provider:
            for version, header in ((b"1.1", b"Connection: close\r\n"), (b"1.0", b"")):
                head = b"POST %b HTTP/%b\r\n%bContent-Length: %d\r\n\r\n"
                answer = raw(provider, head % (OPENAI.path.encode(), version, header, len(body)) + body)
                self.assertIn(b"connection: close", answer)
                self.assertEqual(b"transfer-encoding" in answer, version == b"1.1")
                self.assertIn(b"[DONE]", answer)

    def test_chunked_request_body_in_small_pieces(self):
        body = json.dumps(OPENAI.body("hi")).encode()
        with Provider(ANY) as provider, provider.connect() as sock:
            sock.sendall(b"POST %b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" % OPENAI.path.encode())
            for at in range(0, len(body), 7):
                part = body[at : at + 7]
                sock.sendall(b"%x;ext=1\r\n%b\r\n" % (len(part), part))
            sock.sendall(b"0\r\nTrailer: x\r\n\r\n")
            self.assertIn(b"200 OK", sock.recv(65536))
            self.assertEqual(provider.log("arrived")[0]["body_sha256"], hashlib.sha256(body).hexdigest())

    def test_expect_100_continue(self):
        body = json.dumps(OPENAI.body("hi")).encode()
        with Provider(ANY) as provider, provider.connect() as sock:
            head = b"POST %b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
            sock.sendall(head % (OPENAI.path.encode(), len(body)))
            self.assertEqual(sock.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(body)
            self.assertIn(b"200 OK", sock.recv(65536))

    def test_caps(self):
        with Provider(ANY) as provider:
            path = ANTHROPIC.path.encode()
            head = b"POST %b HTTP/1.1\r\nanthropic-version: 1\r\n" % path
            for status, rest in (
                (b"413", b"Content-Length: 33554433\r\n\r\n" + b"x" * 100_000),
                (b"413", b"Expect: 100-continue\r\nContent-Length: 33554433\r\n\r\n"),
                (b"413", b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n"),
                (b"431", b"X: " + b"y" * 70_000),
                (b"431", b"A: b\r\n" * 101 + b"\r\n"),
            ):
                with provider.connect() as sock:
                    sock.sendall(head + rest)
                    answer = sock.recv(65536)
                    self.assertIn(b"HTTP/1.1 " + status, answer[:13])
                    self.assertIn(b'"error"', answer)
            self.assertIn(b"request_too_large", self._refused(provider, head))

    def _refused(self, provider: Provider, head: bytes) -> bytes:
        with provider.connect() as sock:
            sock.sendall(head + b"Content-Length: 33554433\r\n\r\n")
            return sock.recv(65536)

    def test_malformed_requests(self):
        post = b"POST /v1/messages HTTP/1.1\r\n"
        with Provider(ANY) as provider:
            for status, data in (
                (b"400", b"GET\r\n\r\n"),
                (b"400", b"GET http://elsewhere/ HTTP/1.1\r\n\r\n"),
                (b"505", b"GET / HTTP/2.0\r\n\r\n"),
                (b"400", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"),
                (b"400", b"GET / HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n"),
                (b"400", post + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
                (b"400", post + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                (b"400", post + b"Content-Length: -1\r\n\r\n"),
                (b"501", post + b"Transfer-Encoding: gzip\r\n\r\n"),
                (b"400", post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
                (b"400", post + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"),
            ):
                with self.subTest(data=data), provider.connect() as sock:
                    sock.sendall(data)
                    self.assertEqual(sock.recv(65536)[9:12], status)

    def test_bodies_that_are_not_requests(self):
        with Provider(ANY) as provider:
            for wire in WIRES:
                deep, flat = b"[" * 200_000, b'{"model":"m","messages":3}'
                for body in (b"", b"{", b"[]", b"\xff", deep, b'{"model":1}', flat):
                    answer = provider.send(wire, body)
                    self.assertEqual(answer.status, 400, body[:20])
                    self.assertTrue(wire.error_message(answer.json))
            self.assertEqual(provider.ask(OPENAI).status, 200)

    def test_unknown_paths_and_methods_in_the_right_shape(self):
        with Provider(ANY) as provider:
            for wire in WIRES:
                answer = provider.open(f"{wire.path.rpartition('/')[0]}/absent/thing", {}, wire.headers)
                body = json.loads(answer.read())
                self.assertEqual(answer.status, 404)
                self.assertEqual(body.get("type") == "error", wire is ANTHROPIC)
                self.assertEqual(isinstance(body["error"], str), wire is OLLAMA)
                self.assertEqual("status" in body["error"], wire is GEMINI)
                head = provider.open(wire.path, headers=wire.headers, method="HEAD")
                self.assertEqual((head.status, head.read()), (404, b""))
                self.assertEqual(provider.open(wire.path, headers=wire.headers, method="DELETE").status, 405)

    def test_large_body_is_accepted(self):
        with Provider(ANY) as provider:
            self.assertEqual(provider.ask(OPENAI, "x" * 20_000_000).status, 200)

    def test_required_key(self):
        with Provider(ANY, "--require-key", "test-key") as provider:
            for wire in WIRES:
                self.assertEqual(provider.ask(wire).status, 200)
                stranger = {name: "Bearer no" for name in wire.headers}
                refused = 400 if wire is GEMINI else 401  # with the reason API_KEY_INVALID
                self.assertEqual(provider.send(wire, wire.body("hi"), stranger).status, refused)
            bearer = {"anthropic-version": "2026-10-21", "authorization": "Bearer test-key"}
            self.assertEqual(provider.open(ANTHROPIC.path, ANTHROPIC.body("hi"), bearer).status, 200)
            self.assertEqual(provider.open(OPENAI.path, OPENAI.body("hi")).status, 401)


class Process(unittest.TestCase):
    def test_log_tells_everything_but_the_key(self):
        rule = {"match": {"role": "WORKER"}, "reply": {"text": "yes"}}
        with Provider([rule], "--require-key", "test-key") as provider:
            provider.ask(ANTHROPIC, "hi WORKER")
            arrived, done = provider.log(count=2)
            self.assertEqual((arrived["event"], done["event"]), ("arrived", "done"))
            self.assertEqual((arrived["seq"], done["seq"]), (1, 1))
            self.assertEqual(arrived["role"], "WORKER")
            self.assertEqual(arrived["model"], "small-1")
            self.assertEqual(arrived["auth"]["header"], "x-api-key")
            self.assertEqual(arrived["auth"]["sha256"], hashlib.sha256(b"test-key").hexdigest()[:12])
            self.assertEqual((done["rule"], done["place"], done["status"]), (0, "script.json#0", 200))
            self.assertEqual((done["usage"]["out"], done["complete"], done["client_gone"]), (1, True, False))
            self.assertGreaterEqual(done["ms"], arrived["ms"])
            self.assertNotIn("test-key", (provider.folder / "log").read_text())

    def test_client_that_leaves_is_noticed(self):
        rules = [{"reply": {"text": "never"}, "fault": {"stall": "forever", "at": "headers"}}]
        with Provider(rules) as provider:
            sock = provider.connect()
            body = json.dumps(OPENAI.body("hi")).encode()
            head = b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
            sock.sendall(head % (OPENAI.path.encode(), len(body)) + body)
            provider.log("arrived", 1)
            sock.close()
            done = provider.log("done", 1)[0]
            self.assertEqual((done["client_gone"], done["complete"], done["status"]), (True, False, None))

    def test_bodies_are_kept_on_request(self):
        with Provider(ANY, "--log-bodies", "bodies") as provider:
            provider.ask(OPENAI, "remember me")
            kept = json.loads((provider.folder / "bodies" / "000001.json").read_text())
            self.assertEqual(kept, OPENAI.body("remember me"))

    def test_port_file_and_sigterm_in_mid_stream(self):
        rules = [{"reply": {"text": "x"}, "fault": {"stall": "forever", "at": 5}}]
        with Provider(rules, "--port-file", "port") as provider:
            self.assertEqual(int((provider.folder / "port").read_text()), provider.port)
            answer = provider.open(OPENAI.path, OPENAI.body("hi"))
            provider.process.send_signal(signal.SIGTERM)
            self.assertEqual(provider.process.wait(TIMEOUT), 0)
            answer.owner.close()
            self.assertEqual(provider.log("done")[0]["error"], "the provider was stopped")

    def test_ends_with_its_parent(self):
        parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        with Provider(ANY, "--parent", str(parent.pid)) as provider:
            time.sleep(0.3)
            self.assertIsNone(provider.process.poll())
            os.kill(parent.pid, signal.SIGKILL)  # and not collected: a zombie counts as gone
            self.assertEqual(provider.process.wait(TIMEOUT), 0)
        parent.wait()
        parent.stdin.close()

    def test_as_a_command(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "script.json"
            script.write_text(json.dumps(ANY))
            command = [sys.executable, str(PROVIDER), "--script", str(script), "--parent", str(os.getpid())]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            self.assertTrue(process.stdout.readline().startswith("listening on http://127.0.0.1:"))
            process.terminate()
            self.assertEqual(process.wait(TIMEOUT), 0)
            process.stdout.close()
            script.write_text("{")
            self.assertEqual(subprocess.run(command, capture_output=True, timeout=TIMEOUT).returncode, 2)

    def test_help(self):
        shown = subprocess.run([sys.executable, str(PROVIDER), "--help"], capture_output=True, text=True)
        self.assertIn("--tokens-per-second", shown.stdout)
