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
import sys
import time

from mpack import Reader, pack


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
