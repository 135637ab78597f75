"""Every fault, in every dialect, streamed and whole where that makes a difference."""

from __future__ import annotations

import http.client
import json
import socket
import time
import unittest
from typing import Callable

from .harness import Provider, leave
from .wires import ANTHROPIC, EVERY, GEMINI, OLLAMA, OPENAI, RESPONSES, WIRES, Wire

TEXT = "A reply long enough to be cut into a good number of deltas, so that faults find a middle."


def faulty(fault, **reply) -> list[dict]:
    return [{"reply": {"text": TEXT, **reply}, "fault": fault}]


def raw_request(wire: Wire, stream: bool) -> bytes:
    body = json.dumps(wire.body("hi", stream=stream)).encode()
    lines = [f"POST {wire.target(stream)} HTTP/1.1", *(f"{k}: {v}" for k, v in wire.headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def raw_ask(provider: Provider, wire: Wire, stream: bool) -> tuple[bytes, str]:
    """What arrives, byte by byte as it is, and how it ends: "fin" or "rst"."""
    received = b""
    with provider.connect() as sock:
        sock.sendall(raw_request(wire, stream))
        try:
            while part := sock.recv(65536):
                received += part
            return received, "fin"
        except ConnectionResetError:
            return received, "rst"


def raw_until(sock: socket.socket, there: Callable[[bytes], bool]) -> bytes:
    """What arrives until all of it is [there]. Fails when the connection ends before."""
    received = b""
    while not there(received):
        part = sock.recv(65536)
        assert part, received
        received += part
    return received


def payload(received: bytes) -> bytes:
    """The body of a raw answer, chunks joined as far as they go."""
    head, _, rest = received.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return rest
    body = b""
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        count = int(line or b"0", 16)
        body, rest = body + rest[:count], rest[count + 2 :]
    return body


class StatusFaults(unittest.TestCase):
    TYPES = {  # status: in Anthropic's words, OpenAI's, Google's
        400: ("invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
        401: ("authentication_error", "invalid_api_key", "UNAUTHENTICATED"),
        402: ("billing_error", "invalid_request_error", "FAILED_PRECONDITION"),
        403: ("permission_error", "permission_denied", "PERMISSION_DENIED"),
        404: ("not_found_error", "not_found", "NOT_FOUND"),
        413: ("request_too_large", "invalid_request_error", "FAILED_PRECONDITION"),
        429: ("rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
        500: ("api_error", "server_error", "INTERNAL"),
        503: ("api_error", "server_is_overloaded", "UNAVAILABLE"),
        529: ("overloaded_error", "server_error", "INTERNAL"),
    }

    def test_each_status_in_each_dialect(self):
        rules = [
            {"match": {"last_contains": f"[{status}]"}, "fault": {"status": status}} for status in self.TYPES
        ]
        with Provider(rules) as provider:
            for status, types in self.TYPES.items():
                words = dict(zip((ANTHROPIC, OPENAI, GEMINI), types))
                words[RESPONSES] = words[OPENAI]
                for wire, stream in EVERY:
                    answer = provider.ask(wire, f"[{status}]", stream=stream)
                    self.assertEqual(answer.status, status)
                    self.assertEqual(answer.headers["content-type"], "application/json")
                    if wire in words:
                        self.assertEqual(wire.error_type(answer.json), words[wire])
                        self.assertTrue(set(answer.headers) & {"request-id", "x-request-id", "x-gemini-request"})
                    else:
                        self.assertIsInstance(answer.json["error"], str)
            self.assertTrue(all(line["usage"] is None for line in provider.log("done", 100)))

    def test_waiting_hints(self):
        fault = {"status": 429, "retry_after": "1", "headers": {"X-Should-Retry": "false"}, "message": "slowly"}
        with Provider(faulty(fault)) as provider:
            for wire in WIRES:
                answer = provider.ask(wire)
                self.assertEqual(answer.headers["x-should-retry"], "false")
                if wire is GEMINI:  # no header there: it is in the body, twice
                    self.assertNotIn("retry-after", answer.headers)
                    self.assertEqual(wire.error_message(answer.json), "slowly Please retry in 1s.")
                    self.assertEqual(answer.json["error"]["details"][-1]["retryDelay"], "1s")
                else:
                    self.assertEqual(answer.headers["retry-after"], "1")
                    self.assertEqual(wire.error_message(answer.json), "slowly")

    def test_kinds(self):
        expected = {  # kind: (status at Anthropic, OpenAI, Google, Ollama; code at OpenAI)
            "quota": (429, 429, 429, 429, "insufficient_quota"),
            "credit": (402, 429, 402, 402, "credit_balance_exhausted"),
            "contract": (429, 429, 429, 429, "organization_spend_limit_exceeded"),
            "ramp": (429, 429, 429, 429, "slow_down"),
            "spend_cap": (400, 429, 402, 402, "insufficient_quota"),
            "overflow": (400, 400, 400, 400, "context_length_exceeded"),
            "model": (404, 404, 404, 404, "model_not_found"),
        }
        rules = [{"match": {"last_contains": f"[{kind}]"}, "fault": {"status": kind}} for kind in expected]
        with Provider(rules) as provider:
            for kind, (*statuses, code) in expected.items():
                for wire, status in zip((ANTHROPIC, OPENAI, GEMINI, OLLAMA), statuses):
                    self.assertEqual(provider.ask(wire, f"[{kind}]").status, status)
                for wire in (OPENAI, RESPONSES):
                    self.assertEqual(provider.ask(wire, f"[{kind}]").json["error"]["code"], code)
            per_day = provider.ask(GEMINI, "[quota]").json["error"]["details"][0]["violations"][0]
            self.assertIn("PerDay", per_day["quotaId"])
            details = provider.ask(ANTHROPIC, "[quota]").json["error"]["details"]
            self.assertEqual(details, {"error_code": "enforced_spend_limit_reached"})

    def test_bodies_from_the_edge(self):
        for fault, start, content_type in (
            ({"status": 413, "html": True}, b"<html>", "text/html"),
            ({"status": 502, "body": "upstream"}, b"upstream", "text/plain"),
            ({"status": 503, "body": ""}, b"", "text/plain"),
        ):
            with Provider(faulty(fault)) as provider:
                for wire in WIRES:
                    answer = provider.ask(wire)
                    self.assertEqual(answer.status, fault["status"])
                    self.assertTrue(answer.data.startswith(start))
                    self.assertEqual(answer.headers["content-type"], content_type)


class ConnectionFaults(unittest.TestCase):
    def test_reset_before(self):
        for value, ending in ((True, "rst"), ("rst", "rst"), ("fin", "fin")):
            with Provider(faulty({"reset_before": value})) as provider:
                for wire in WIRES:
                    self.assertEqual(raw_ask(provider, wire, True), (b"", ending))
                self.assertIsNone(provider.log("done", 2)[0]["status"])

    def test_reset_before_on_a_used_connection(self):
        rules = [{"match": {"last_contains": "second"}, "fault": "reset_before"}, {"reply": {"text": "x"}}]
        with Provider(rules) as provider:
            connection = http.client.HTTPConnection("127.0.0.1", provider.port)
            connection.request("POST", OPENAI.path, json.dumps(OPENAI.body("first")))
            connection.getresponse().read()
            connection.request("POST", OPENAI.path, json.dumps(OPENAI.body("second")))
            with self.assertRaises(ConnectionResetError):
                connection.getresponse()
            connection.close()

    def test_reset_mid_stream_after_so_many_bytes(self):
        with Provider(faulty({"reset_mid_stream": 150})) as provider:
            for wire, stream in EVERY:
                received, ending = raw_ask(provider, wire, stream)
                self.assertEqual((len(payload(received)), ending), (150, "rst"))
            done = provider.log("done", 4)[0]
            self.assertEqual((done["bytes"], done["complete"], done["client_gone"]), (150, False, False))

    def test_reset_mid_stream_in_the_middle_by_default(self):
        with Provider(faulty("reset_mid_stream")) as provider:
            for wire, stream in EVERY:
                received, ending = raw_ask(provider, wire, stream)
                self.assertEqual(ending, "rst")
                self.assertGreater(len(payload(received)), 100)

    def test_stall(self):
        for point in ("headers", 0, 40):
            with Provider(faulty({"stall": 120, "at": point})) as provider:
                for wire, stream in EVERY:
                    started = time.monotonic()
                    response = provider.start(wire, stream=stream)
                    if point == "headers":
                        self.assertGreaterEqual(time.monotonic() - started, 0.12)
                    response.read()
                    self.assertGreaterEqual(time.monotonic() - started, 0.12)
                    response.owner.close()

    def test_what_comes_before_a_stall_is_not_held_back(self):
        for point in (0, 40):
            with Provider(faulty({"stall": 60_000, "at": point})) as provider:
                for wire, stream in EVERY:
                    response = provider.start(wire, stream=stream)  # the headers are here
                    self.assertEqual(len(response.read(point) if point else b""), point)
                    leave(response)
                for line in provider.log("done", len(EVERY)):
                    self.assertEqual((line["bytes"], line["client_gone"]), (point, True))

    def test_stall_for_ever(self):
        with Provider(faulty({"stall": "forever", "at": 60})) as provider:
            for wire in (OPENAI, OLLAMA):
                with provider.connect() as sock:
                    sock.sendall(raw_request(wire, True))
                    raw_until(sock, lambda received: len(payload(received)) == 60)
                    sock.settimeout(0.5)
                    with self.assertRaises(socket.timeout):
                        sock.recv(1)
            for line in provider.log("done", 2):
                self.assertEqual((line["bytes"], line["complete"], line["client_gone"]), (60, False, True))

    def test_slow_headers(self):
        with Provider(faulty({"slow_headers": 60_000})) as provider, provider.connect() as sock:
            sock.sendall(raw_request(OPENAI, False))
            half = sock.recv(65536)
            self.assertTrue(half.startswith(b"HTTP/1.1 200 OK\r\n"), half)
            self.assertNotIn(b"\r\n\r\n", half)
        with Provider(faulty({"slow_headers": 200})) as provider:
            started = time.monotonic()
            self.assertEqual(provider.ask(ANTHROPIC).text, TEXT)
            self.assertGreaterEqual(time.monotonic() - started, 0.2)


class ContentFaults(unittest.TestCase):
    def test_truncated_stream_closes_cleanly_without_its_end(self):
        with Provider(faulty("truncated_stream")) as provider:
            for wire in WIRES:
                answer = provider.ask(wire, stream=True)
                self.assertEqual((answer.text, answer.stop, answer.ended), (TEXT, None, False))
            for wire in (OPENAI, OLLAMA):
                with provider.connect() as sock:
                    for _ in range(2):  # open: it serves another request
                        sock.sendall(raw_request(wire, True))
                        raw_until(sock, lambda received: received.endswith(b"\r\n0\r\n\r\n"))

    def test_truncated_stream_variants(self):
        with Provider(faulty({"truncated_stream": True, "keep_finish": True})) as provider:
            for wire in (ANTHROPIC, OPENAI):  # the others end with their finish
                answer = provider.ask(wire, stream=True)
                self.assertEqual((answer.stop, answer.ended), (wire.stops["end_turn"], False))
        with Provider(faulty({"truncated_stream": True, "after": 700, "close": "fin"})) as provider:
            for wire in WIRES:
                received, ending = raw_ask(provider, wire, True)
                self.assertEqual(ending, "fin")
                self.assertNotIn(b"0\r\n\r\n", received[-5:])
                self.assertTrue(0 < len(payload(received)) <= 700)

    def test_truncated_whole_reply_is_shorter_than_promised(self):
        with Provider(faulty("truncated_stream")) as provider:
            for wire in WIRES:
                with self.assertRaises(http.client.IncompleteRead):
                    provider.ask(wire)

    def test_error_event_after_200(self):
        with Provider(faulty("error_event_after_200")) as provider:
            words = ("overloaded_error", "server_error", "server_error", "INTERNAL", "internal server error")
            for wire, expected in zip(WIRES, words):
                answer = provider.ask(wire, stream=True)
                self.assertEqual(answer.status, 200)
                self.assertEqual(wire.error_type(answer.events[-1]), expected)
                text = "".join(wire.stream_text([event]) for event in answer.events[:-1])
                self.assertTrue(text and TEXT.startswith(text) and text != TEXT)
                whole = provider.ask(wire)
                self.assertEqual((whole.status, wire.error_type(whole.json)), (200, expected))

    def test_error_event_kind_and_place(self):
        fault = {"error_event_after_200": "quota", "after": 0, "message": "gone"}
        with Provider(faulty(fault)) as provider:
            for wire in WIRES:
                events = provider.ask(wire, stream=True).events
                self.assertEqual((len(events), wire.error_message(events[0])), (1, "gone"))

    def test_malformed_json(self):
        with Provider(faulty("malformed_json")) as provider:
            for wire, stream in EVERY:
                answer = provider.ask(wire, stream=stream)
                self.assertEqual(answer.status, 200)
                with self.assertRaises(json.JSONDecodeError):
                    answer.events if stream else answer.json
                if stream:  # one broken event in the middle; those around it are whole
                    lines = [line for line in answer.data.splitlines() if line.startswith((b"data: {", b"{"))]
                    broken = [n for n, line in enumerate(lines) if not line.endswith(b"}")]
                    self.assertEqual(len(broken), 1)
                    self.assertTrue(1 < broken[0] < len(lines) - 2)

    def test_empty_text(self):
        with Provider(faulty("empty_text", tool_calls=[{"name": "f"}])) as provider:
            for wire, stream in EVERY:
                answer = provider.ask(wire, stream=stream)
                self.assertEqual((answer.text, answer.stop), ("", wire.stops["end_turn"]))
                self.assertEqual(answer.usage["out"], 0)

    def test_max_tokens(self):
        for fault, count in (("max_tokens", len(TEXT) // 2), ({"max_tokens": 0.1}, len(TEXT) // 10)):
            with Provider(faulty(fault)) as provider:
                for wire, stream in EVERY:
                    answer = provider.ask(wire, stream=stream)
                    self.assertEqual((answer.text, answer.stop), (TEXT[:count], wire.stops["max_tokens"]))

    def test_max_tokens_inside_a_tool_call(self):
        rules = [{"reply": {"tool_calls": [{"name": "f", "input": {"a": "b" * 50}}]}, "fault": "max_tokens"}]
        with Provider(rules) as provider:
            answer = provider.ask(OPENAI)
            arguments = answer.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
            self.assertTrue(arguments.startswith('{"a":"bbb') and not arguments.endswith("}"))
            self.assertEqual(answer.stop, "length")

    def test_no_usage(self):
        with Provider(faulty("no_usage")) as provider:
            for wire, stream in EVERY:
                answer = provider.ask(wire, stream=stream)
                self.assertEqual((answer.text, answer.usage), (TEXT, None))

    def test_faults_combine(self):
        with Provider(faulty(["no_usage", "max_tokens", {"stall": 100}])) as provider:
            for wire, stream in EVERY:
                started = time.monotonic()
                answer = provider.ask(wire, stream=stream)
                self.assertEqual((answer.stop, answer.usage), (wire.stops["max_tokens"], None))
                self.assertGreaterEqual(time.monotonic() - started, 0.1)
            self.assertEqual(provider.log("done", 4)[0]["faults"], ["no_usage", "max_tokens", "stall"])
