"""TLS and HTTP/2 through a real front: skipped where neither nginx nor nghttpx is installed."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import unittest
from pathlib import Path

import front
from front import Front

from .harness import TIMEOUT, Provider
from .wires import ANTHROPIC, EVERY, OPENAI

FRONT = Path(front.__file__)
RULES = [
    {"match": {"last_contains": "together"}, "reply": {"text": "x", "delay_ms": 2000}},
    {"match": {"last_contains": "dies"}, "reply": {"text": "some text " * 20}, "fault": "reset_mid_stream"},
    {"match": {"last_contains": "slow"}, "reply": {"text": "some text", "chunks": 200, "chunk_ms": 60_000}},
    {"reply": {"text": "some text in a few deltas"}},
]
CURL = shutil.which("curl")


@unittest.skipUnless(front.installed(), "needs openssl, and nginx or nghttpx (Debian: nginx or nghttp2-proxy)")
class Fronts(unittest.TestCase):
    """With each kind that is installed."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.provider = Provider(RULES).__enter__()
        cls.fronts = [Front(cls.provider.port, kind).__enter__() for kind in front.installed()]

    @classmethod
    def tearDownClass(cls) -> None:
        for one in cls.fronts:
            one.__exit__()
        cls.provider.__exit__()

    def hand_shake(self, one: Front, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
        sock = socket.create_connection(("127.0.0.1", one.port), TIMEOUT)
        try:
            return context.wrap_socket(sock, server_hostname=name)
        except ssl.SSLError:
            sock.close()
            raise

    def curl(self, one: Front, about: str, *bodies: dict, verify: bool = True) -> list[str]:
        """The transfers side by side; per transfer "HTTP version, connections opened, status"."""
        words = [CURL, "-sS", "--http2", "--parallel", "--parallel-max", "50"]
        for number, body in enumerate(bodies):
            words += ["--next"] if number else []
            words += ["-o", "/dev/null", "-w", "%{http_version} %{num_connects} %{http_code}\n"]
            words += ["--cacert", str(one.ca)] if verify else []
            words += [item for name, value in OPENAI.headers.items() for item in ("-H", f"{name}: {value}")]
            words += ["-d", json.dumps(body), f"{one.url}{OPENAI.path}?{about}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT)
        self.errors = done.stderr
        return done.stdout.splitlines()

    def test_alpn(self):
        for one in self.fronts:
            for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
                context = ssl.create_default_context(cafile=str(one.ca))
                context.set_alpn_protocols(offered)
                with self.hand_shake(one, context) as sock:
                    self.assertEqual(sock.selected_alpn_protocol(), chosen)
        with Front(self.provider.port, http2=False) as old:
            context = ssl.create_default_context(cafile=str(old.ca))
            context.set_alpn_protocols(["h2", "http/1.1"])
            with self.hand_shake(old, context) as sock:
                self.assertEqual(sock.selected_alpn_protocol(), "http/1.1")

    def test_certificates(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "unable to get local issuer|self.signed"):
            self.hand_shake(self.fronts[0], ssl.create_default_context())
        for certificate, words in (("expired", "expired"), ("wrong-host", "[Hh]ostname mismatch")):
            with Front(self.provider.port, certificate=certificate) as bad:
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, words):
                    self.hand_shake(bad, ssl.create_default_context(cafile=str(bad.ca)))

    def test_every_dialect_passes_unchanged(self):
        for one in self.fronts:
            context = ssl.create_default_context(cafile=str(one.ca))
            connection = http.client.HTTPSConnection("localhost", one.port, timeout=TIMEOUT, context=context)
            for wire, stream in EVERY:
                body = json.dumps(wire.body("hi", stream=stream))
                connection.request("POST", wire.target(stream), body, wire.headers)
                data = connection.getresponse().read()
                told = wire.stream_text(wire.events(data)) if stream else wire.whole_text(json.loads(data))
                self.assertEqual(told, "some text in a few deltas")
            connection.close()

    def test_links_in_answers_name_the_front(self):
        one = self.fronts[0]
        context = ssl.create_default_context(cafile=str(one.ca))
        connection = http.client.HTTPSConnection("localhost", one.port, timeout=TIMEOUT, context=context)
        requests = [{"custom_id": "a", "params": ANTHROPIC.body("x")}]
        connection.request("POST", "/v1/messages/batches", json.dumps({"requests": requests}), ANTHROPIC.headers)
        made = json.loads(connection.getresponse().read())
        for _ in range(2):
            connection.request("GET", f"/v1/messages/batches/{made['id']}", headers=ANTHROPIC.headers)
            ended = json.loads(connection.getresponse().read())
        connection.close()
        self.assertTrue(ended["results_url"].startswith(one.url))

    def test_events_arrive_one_by_one(self):
        # The first is here although the second leaves the provider in a minute.
        for one in self.fronts:
            context = ssl.create_default_context(cafile=str(one.ca))
            connection = http.client.HTTPSConnection("localhost", one.port, timeout=TIMEOUT, context=context)
            connection.request("POST", OPENAI.path, json.dumps(OPENAI.body("slow", stream=True)), OPENAI.headers)
            response = connection.getresponse()
            self.assertEqual(len(response.read1(65536)), 200)
            response.close()
            connection.close()

    @unittest.skipUnless(CURL, "needs curl")
    def test_streams_share_a_connection(self):
        for one in self.fronts:
            seen = len(self.provider.log("arrived"))
            told = self.curl(one, "shared", *[OPENAI.body("together")] * 8)
            self.assertEqual([line.split()[0::2] for line in told], [["2", "200"]] * 8, self.errors)
            lines = one.log(8, "shared")
            self.assertEqual({line["alpn"] for line in lines}, {"h2"})
            self.assertEqual(len({line["port"] for line in lines}), 1)
            self.assertGreater(max(line["in_flight"] for line in self.provider.log("arrived")[seen:]), 4)

    @unittest.skipUnless(CURL, "needs curl")
    def test_a_stream_that_dies_leaves_the_others_alone(self):
        for one in self.fronts:
            bodies = [OPENAI.body("together"), OPENAI.body("dies", stream=True), OPENAI.body("together")]
            told = self.curl(one, "dying", *bodies)
            self.assertEqual(sum(line.endswith("200") for line in told), 3)
            self.assertIn("HTTP/2 stream", self.errors)
            self.assertEqual(len({line["port"] for line in one.log(3, "dying")}), 1)

    @unittest.skipUnless(CURL, "needs curl")
    def test_unknown_authority_in_curl_s_words(self):
        self.curl(self.fronts[0], "unknown", OPENAI.body("x"), verify=False)
        self.assertRegex(self.errors, r"curl: \((60|77)\)")


class Command(unittest.TestCase):
    def test_starts_or_says_skip(self):
        with Provider(RULES) as provider:
            command = [sys.executable, str(FRONT), "--to", str(provider.port)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            line = process.stdout.readline()
            if front.installed():
                self.assertTrue(line.startswith("listening on https://localhost:"), line)
                self.assertTrue(process.stdout.readline().startswith("ca /"))
                process.terminate()
                self.assertEqual(process.wait(TIMEOUT), 0)
            else:
                self.assertTrue(line.startswith("skip"), line)
                self.assertEqual(process.wait(TIMEOUT), front.SKIP_STATUS)
            process.stdout.close()
