#!/usr/bin/env python3
"""A stand-in engine: both wires, scripted answers. What specs need to drive the layer without the real one.

standin.py serve --wire=msgpack|json      answers from $STANDIN (a JSON file)

$STANDIN: {"method": [reply, ...]}; the last reply is repeated. A reply is
  {"result": ...} or {"error": {...}}, with "events": [...] sent before it, "later": [...] sent after it,
  "die": true to end without answering, "until": a file it waits for, "silent": true for no answer at all,
  "twice": true to answer twice, "garbage": text written raw to stdout.
Every request is appended to $STANDIN.log as a JSON line.
"""

import json
import os
import struct
import sys
import time


def pack(value) -> bytes:
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if -32 <= value < 0:
            return struct.pack("b", value)
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogateescape")
        return (bytes([0xa0 + len(raw)]) if len(raw) < 32 else b"\xdb" + struct.pack(">I", len(raw))) + raw
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())


SIZES = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q",
         0xca: ">f", 0xcb: ">d"}
LENGTHS = {0xd9: ">B", 0xda: ">H", 0xdb: ">I", 0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xdc: ">H", 0xdd: ">I",
           0xde: ">H", 0xdf: ">I"}


class Reader:
    def __init__(self, stream) -> None:
        self.stream = stream

    def take(self, n: int) -> bytes:
        data = self.stream.read(n)
        if len(data) < n:
            raise EOFError
        return data

    def number(self, form: str):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, n: int) -> str:
        return self.take(n).decode("utf-8", "surrogateescape")

    def value(self):
        b = self.take(1)[0]
        if b < 0x80:
            return b
        if b < 0x90:
            return {self.value(): self.value() for _ in range(b & 15)}
        if b < 0xa0:
            return [self.value() for _ in range(b & 15)]
        if b < 0xc0:
            return self.text(b & 31)
        if b >= 0xe0:
            return b - 256
        if b in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[b]
        if b in SIZES:
            return self.number(SIZES[b])
        n = self.number(LENGTHS[b])
        if b in (0xdc, 0xdd):
            return [self.value() for _ in range(n)]
        if b in (0xde, 0xdf):
            return {self.value(): self.value() for _ in range(n)}
        return self.text(n)


class Wire:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.reader = Reader(sys.stdin.buffer)

    def read(self):
        if self.kind == "msgpack":
            return self.reader.value()
        line = sys.stdin.buffer.readline()
        if not line:
            raise EOFError
        return json.loads(line)

    def write(self, message) -> None:
        if self.kind == "json":
            data = json.dumps(message).encode() + b"\n"
        else:
            if message[0] == 2:
                code = "return require('piecework.rpc').on(...)"
                message = [2, "nvim_exec_lua", [code, [message[1], message[2]]]]
            data = pack(message)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def main() -> None:
    kind = sys.argv[2].removeprefix("--wire=")
    path = os.environ["STANDIN"]
    with open(path, encoding="utf-8") as f:
        script = json.load(f)
    wire, log = Wire(kind), open(path + ".log", "a", encoding="utf-8")
    while True:
        _, number, method, params = wire.read()
        log.write(json.dumps([method, params[0] if params else None]) + "\n")
        log.flush()
        replies = script.get(method)
        if method == "initialize" and not replies:
            replies = [{"result": {"protocol": 1, "version": "stand-in", "root": os.getcwd(), "warnings": [],
                                   "open": {"plans": 0, "tasks": 0, "hunks": 0}}}]
        if not replies:
            replies = [{"error": {"code": "not_found", "message": f"the script has no {method}", "hint": ""}}]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        for event in reply.get("events", []):
            wire.write([2, "event", event])
        while "until" in reply and not os.path.exists(reply["until"]):
            time.sleep(0.005)
        if reply.get("stderr"):
            print(reply["stderr"], file=sys.stderr, flush=True)
        if reply.get("die"):
            os._exit(reply.get("code", 1))
        if reply.get("garbage"):
            sys.stdout.write(reply["garbage"])
            sys.stdout.flush()
        if not reply.get("silent"):
            for _ in range(2 if reply.get("twice") else 1):
                wire.write([1, number, reply.get("error"), reply.get("result")])
        for event in reply.get("later", []):
            wire.write([2, "event", event])


try:
    main()
except (EOFError, KeyboardInterrupt, BrokenPipeError):
    pass
