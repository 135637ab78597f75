"""Servers that keep to no rules: what the scripted provider, being a server, cannot send. Each call ends, with its reason,
and what it may have cost is in the ledger."""

import gzip
import json
import re
import socket
import sys
import threading
import time

from harness import Scratch, done, ok
from t_money import attempts
from t_storm import make, reply, tasks_text

USAGE = {"input_tokens": 100, "output_tokens": 50}
EVENTS = [
    {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": reply(0)}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": USAGE}, {"type": "message_stop"}]
STREAM = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS).encode()
WHOLE = json.dumps({"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": reply(0)}],
                    "stop_reason": "end_turn", "usage": USAGE}).encode()
GZIP = "content-encoding: gzip\r\n"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def head(kind: str = "text/event-stream", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n{more}\r\n".encode()


def for_ever(first: bytes, again: bytes, pause: float):
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(again)
            time.sleep(pause)
    return answer


def drip(connection: socket.socket) -> None:
    connection.sendall(head())
    for byte in STREAM:
        connection.sendall(bytes([byte]))


# What is answered, what becomes of the task, and the reason in the journal.
SERVERS = {
    "a stream called JSON": (head("application/json") + STREAM, "done", ""),
    "a stream called bytes": (head("application/octet-stream") + STREAM, "done", ""),
    "a stream without a type": (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + STREAM, "done", ""),
    "an object called a stream": (head() + WHOLE, "done", ""),
    "a byte at a time": (drip, "done", ""),
    "provisional answers": (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + head() + STREAM, "done", ""),
    "nothing but pings": (for_ever(head(), PING, 0.02), "failed", "signs of life"),
    "nothing but comments": (for_ever(head(), b": still here\n\n", 0.02), "failed", "signs of life"),
    "headers without end": (for_ever(b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"y" * 1000 + b"\r\n", 0), "failed", "64 KiB of headers"),
    "one header of 200 KB": (head(more=f"x-long: {'y' * 200000}\r\n") + STREAM, "failed", "KiB of headers"),
    "gzip that nobody asked for": (head(more=GZIP) + gzip.compress(STREAM), "done", ""),
    "an object in gzip": (head("application/json", more=GZIP) + gzip.compress(WHOLE), "done", ""),
    "a refusal in gzip": (head("application/json", "400 Bad Request", GZIP) + gzip.compress(b'{"error": {"message": "too odd"}}'), "failed", "too odd"),
    "gzip that is none": (head(more=GZIP) + STREAM, "failed", "damaged compressed"),
    "gzip cut short": (head(more=GZIP) + gzip.compress(STREAM)[:-30], "failed", "broken JSON"),
    "a coding nobody knows": (head(more="content-encoding: compress\r\n") + STREAM, "failed", "compressed"),
    "a line without end": (for_ever(head(), b"a" * 65536, 0), "failed", "16 MiB"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", "failed", "does not answer in HTTP"),
    "chunks that are none": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\n", "failed", "broke off"),
    "a hundred thousand brackets": (head() + b"data: " + b"[" * 100000 + b"\n\n" + STREAM, "failed", "broken JSON"),
    "silence": (for_ever(b"", b"", 1), "failed", "no answer"),
    "a refusal in no letters": (head("text/plain", "400 Bad Request") + bytes(range(128, 256)), "failed", "(400): ???"),
    "another status": (head("text/plain", "999 Well") + b"?", "failed", "999"),
}


class Server:
    def __init__(self, answer) -> None:
        self.answer, self.asked, self.headers = answer, 0, ""
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                threading.Thread(target=self._one, args=(self.listener.accept()[0],), daemon=True).start()
            except OSError:
                return  # closed

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                taken = b""
                while b"\r\n\r\n" not in taken:
                    taken += connection.recv(65536)
                first, body = taken.split(b"\r\n\r\n", 1)
                left = int(re.search(rb"content-length: (\d+)", first, re.I)[1]) - len(body)
                while left > 0:
                    left -= len(connection.recv(65536))
                self.asked += 1
                self.headers = first.decode()
                if callable(self.answer):
                    self.answer(connection)
                else:
                    connection.sendall(self.answer)
            except OSError:
                pass  # the client has left


def ask(answer, idle_ms: int, first_byte_ms: int) -> tuple:
    """One task: its state, its attempt's error, cost and whether that is known; how often the server was asked."""
    server = Server(answer)
    try:
        with Scratch() as scratch:
            make(scratch.path / "w", 1)
            scratch.env.update(PIECEWORK_BACKOFF_MS="20", PIECEWORK_FIRST_BYTE_MS=str(first_byte_ms), PIECEWORK_IDLE_MS=str(idle_ms))
            scratch.configure(f"http://127.0.0.1:{server.listener.getsockname()[1]}",
                              {"retries": 0, "models": {"small": "anthropic/claude-haiku-5-5", "big": "anthropic/claude-opus-5-5"}})
            plan = scratch.path / "plan.md"
            plan.write_text("---\ntitle: negate\n---\n" + tasks_text(1))
            ran = scratch.run("run", str(plan), "--no-verify", cwd=scratch.path / "w")
            states = [row[0] for row in attempts(scratch, "select state from task")]
            return states, *attempts(scratch, "select error, cost, usage_known from attempt")[0], server.asked, ran.stderr
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


def odd_servers() -> None:
    for what, (answer, state, why) in SERVERS.items():
        if len(sys.argv) > 1 and what not in sys.argv[1:]:
            continue
        # Patience is short only where it has to end, and longer again where a busy machine pauses between two pings.
        for idle in (50, 200, 800, 3200) if why == "signs of life" else (20000,):
            states, error, cost, known, asked, said = ask(answer, idle, 1000 if why == "no answer" else 20000)
            if "stopped sending" not in error:
                break
        ok(states == [state] and why in error, f"{what}: {state}, asked {asked} times: {error}", said)
        ok((cost, known) == (35000, 1) if state == "done" else asked and cost >= 0, f"{what}: {cost} in the ledger")


def gateway() -> None:
    """What a gateway wants beside the key goes to it, to nobody else, and no further."""
    secret = "gate-77-secret"
    told = json.dumps({"error": {"type": "permission_error", "message": f"{secret} is not known"}}).encode()
    for name, dialect in (("anthropic", "anthropic"), ("other", "anthropic")):
        server = Server(head("application/json", "403 Forbidden") + told)
        with Scratch() as scratch:
            make(scratch.path / "w", 1)
            url = f"http://127.0.0.1:{server.listener.getsockname()[1]}"
            scratch.env["ANTHROPIC_CUSTOM_HEADERS"] = f"X-Team: blue\nx-api-key: {secret}\nHost: elsewhere\nnonsense\n"
            scratch.configure(url, {"providers": {name: {"dialect": dialect, "base_url": url, "key": {"env": "ANTHROPIC_API_KEY"}}},
                                    "models": {"small": f"{name}/small-1", "big": f"{name}/small-1"}, "budget": "none"})
            plan = scratch.path / "plan.md"
            plan.write_text("---\ntitle: negate\n---\n" + tasks_text(1))
            ran = scratch.run("run", str(plan), "--no-verify", "--yes", cwd=scratch.path / "w")
            sent = [line.lower() for line in server.headers.splitlines()]
            mine = name == "anthropic"
            ok(("x-team: blue" in sent) == mine and (f"x-api-key: {secret}" in sent) == mine, f"gateway: headers of {name}", sent)
            ok(sum(line.startswith("x-api-key") for line in sent) == 1 and "host: elsewhere" not in sent, "gateway: one key, our host", sent)
            ok(not any(line.startswith("accept-encoding") for line in sent), "gateway: a stream is not asked to be compressed", sent)
            kept = [str(path) for path in (scratch.path / "state").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
            ok(secret not in ran.stdout + ran.stderr and not kept, f"gateway: {name}: the secret is not repeated", ran.stderr, kept)
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


if __name__ == "__main__":
    odd_servers()
    gateway()
    done()
