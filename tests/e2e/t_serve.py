"""`piecework serve` over both wires: the life of a connection, a plan without a model, hostile params."""

import json
import os
import subprocess
import sys
import threading

from harness import BINARY, TREE, Scratch, done, ok
from workloads import git_init

sys.path.insert(0, str(TREE / "tests/editor"))
from mpack import Reader, pack  # noqa: E402

PLAN = """---
title: a rename
---
## T01 rename the calls
files: a.c
files: b.c
executor: substitute
pattern: cfg_get
replace: config_get
word: true
"""
TEXT = "int cfg_get(void);\nint x;\nint y;\nint z;\nint u;\nint v;\nint w;\nint n = cfg_get();\n"


# ---- a client ------------------------------------------------------------------------------------------

class Client:
    def __init__(self, scratch: Scratch, cwd, wire: str) -> None:
        self.wire, self.id, self.answers, self.events = wire, 0, {}, []
        self.changed = threading.Condition()
        self.errors = (scratch.path / f"stderr-{wire}").open("w+")
        self.process = subprocess.Popen([str(BINARY), "serve", f"--wire={wire}"], cwd=cwd, env=scratch.env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        reader = Reader(self.process.stdout)
        while True:
            try:
                line = reader.value() if self.wire == "msgpack" else json.loads(self.process.stdout.readline() or "null")
            except EOFError:
                return
            if line is None:
                return
            with self.changed:
                if line[0] == 1:
                    self.answers[line[1]] = line
                else:
                    # to Neovim an event is a call of its own: nvim_exec_lua [code, [method, params]]
                    self.events.append(line[2][1][1] if line[1] == "nvim_exec_lua" else line[2])
                self.changed.notify_all()

    def send(self, message) -> None:
        data = pack(message) if self.wire == "msgpack" else (json.dumps(message) + "\n").encode()
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def call(self, method: str, params=None) -> tuple:
        self.id += 1
        self.send([0, self.id, method, params if params is not None else {}])
        with self.changed:
            if not self.changed.wait_for(lambda: self.id in self.answers, 60):
                raise TimeoutError(method)
            return tuple(self.answers[self.id][2:])

    def event(self, kind: str, *states: str) -> dict:
        def found():
            return [e for e in self.events if e["kind"] == kind and (not states or e.get("state") in states)]
        with self.changed:
            if not self.changed.wait_for(found, 60):
                raise TimeoutError(f"{kind} {states}: {self.events}")
            return found()[-1]

    def end(self) -> tuple:
        self.process.stdin.close()
        status = self.process.wait(60)
        self.errors.seek(0)
        return status, self.errors.read()


def project(scratch: Scratch, name: str):
    root = scratch.path / name
    root.mkdir()
    (root / "a.c").write_text(TEXT)
    (root / "b.c").write_text("int cfg_get(void) { return 1; }\n")
    (root / "empty.c").write_text("")
    (scratch.path / "plan.md").write_text(PLAN)
    git_init(root)
    return root


def hello(client: Client, root) -> tuple:
    return client.call("initialize", {"protocol": 1, "client": "test", "editor": "test", "cwd": str(root), "config": {}})


def life(wire: str) -> None:
    with Scratch() as scratch:
        root = project(scratch, "w")
        client = Client(scratch, root, wire)
        error, _ = client.call("plan/list")
        ok(error and error["code"] == "protocol", f"{wire}: nothing before initialize", error)
        error, _ = client.call("initialize", {"protocol": 2, "cwd": str(root)})
        ok(error and error["code"] == "protocol" and ":Piecework build" in error["hint"], f"{wire}: another protocol", error)
        error, result = hello(client, root)
        ok(not error and result["protocol"] == 1 and result["root"] == str(root), f"{wire}: initialize", error)
        error, result = client.call("plan/adopt", {"path": str(scratch.path / "plan.md"), "cwd": str(root)})
        ok(not error and result["plan"] == 1, f"{wire}: plan/adopt", error)
        text = client.call("plan/text", {"plan": 1})[1]
        ok(text["text"] == PLAN and text["problems"] == [] and text["notes"], f"{wire}: plan/text", text)
        saved = client.call("plan/save", {"plan": 1, "text": PLAN})[1]
        ok(saved["notes"] == text["notes"] and saved["problems"] == [], f"{wire}: plan/save tells the estimate, too", saved)
        words = text["words"]
        takes = {field["name"]: field["takes"] for field in words["fields"]}
        ok(takes["files"] == "paths" and takes["after"] == "tasks" and takes["model"] == "models" and takes["executor"] == "executors"
           and words["executors"] == ["model", "substitute", "move"] and {"big", "small"} <= set(words["models"])
           and words["root"] == str(root), f"{wire}: words for completion", words)
        ok(client.call("run/stop", {"plan": 0})[1] == {"stopped": 0}, f"{wire}: nothing to stop")
        error, _ = client.call("run/start", {"plan": 1, "verify": False, "buffers": []})
        ok(not error, f"{wire}: run/start", error)
        client.event("run", "done")
        view = client.call("review/get", {"plan": 1})[1]
        sections = [line.split() for line in view["index"].splitlines()]
        ok(view["hunks"] == 3 and sum(int(s[1]) for s in sections) == view["text"].count("\n") and not view["more"],
           f"{wire}: a section for each line", view)
        ok((root / "a.c").read_text() == TEXT, f"{wire}: nothing was written")

        ids = [s[4] for s in sections if s[0] == "hunk"]
        changed = client.call("review/decide", {"plan": 1, "what": ids[:1] + ["file:b.c"], "decision": "accepted"})[1]
        ok(changed["changed"] == 2, f"{wire}: two accepted", changed)
        later = client.call("review/get", {"plan": 1, "version": view["version"]})[1]
        marked = [s[5] for s in map(str.split, later["index"].splitlines()) if s[0] == "hunk"]
        ok(not later["reset"] and marked == ["accepted"] * 2 and "[2/3 decided" in later["text"]
           and later["text"].count("\n") == len(later["steps"]), f"{wire}: then only the lines that differ", later)
        again = client.call("review/get", {"plan": 1, "version": view["version"]})[1]
        ok(again["reset"] and again["hunks"] == 3 and again["text"].startswith("piecework://review/1"),
           f"{wire}: all of it for a version that is gone", again)
        # the buffer was edited meanwhile: a line above
        buffers = [{"path": str(root / "a.c"), "text": "// mine\n" + TEXT}]
        edits = client.call("review/apply", {"plan": 1, "buffers": buffers})[1]
        by_path = {os.path.basename(f["path"]): f for f in edits["files"]}
        want = [{"first": 2, "count": 1, "lines": ["int config_get(void);"]}]
        ok(by_path["a.c"]["edits"] == want, f"{wire}: the edit moved with its line", edits)
        ok(edits["hunks"] == 2 and edits["stale"] == [], f"{wire}: nothing is stale", edits)
        done_ids = [h for f in edits["files"] for h in f["hunks"]]
        ok(client.call("review/applied", {"plan": 1, "hunks": done_ids, "reverted": False})[0] is None, f"{wire}: applied")
        def listed(**choice: object) -> list[str]:
            files = client.call("review/files", {"plan": 1, **choice})[1].get("files", [])
            return [f"{os.path.basename(f['path'])} {f['hunks']}" for f in files]

        ok(listed(accepted=False) == ["a.c 2", "b.c 1"] and listed(accepted=True) == ["a.c 1", "b.c 1"] and
           listed(accepted=True, only=["file:b.c"]) == ["b.c 1"] == listed(accepted=True, only=[f"file:{root}/b.c"]),
           f"{wire}: files of what is chosen", listed(accepted=True))
        ok(client.call("review/files", {"plan": 1})[1]["root"] == str(root), f"{wire}: and where they are")
        ok(listed(applied=True) == ["a.c 1", "b.c 1"] and listed(applied=True, only=ids[1:2]) == [],
           f"{wire}: files of what is applied", listed(applied=True))
        # the buffer has it, the file has not; then it is undone in the buffer
        def marks(text: str) -> list[str]:
            shown = {"a.c": text, "b.c": "int config_get(void) { return 1; }\n"}
            buffers = [{"path": str(root / name), "text": each} for name, each in shown.items()]
            client.call("review/buffers", {"plan": 1, "buffers": buffers})
            lines = client.call("review/get", {"plan": 1})[1]["text"].split("\ndiff ")[1].splitlines()
            return [line.rsplit("[", 1)[1] for line in lines if line.startswith("@@ -1") and line.endswith("]")]

        done_text = TEXT.replace("int cfg_get(", "int config_get(", 1)
        ok(marks(done_text) == ["applied]"] and marks(TEXT) == ["accepted]"], f"{wire}: what is undone is accepted", marks(TEXT))
        ok(marks("// mine\n" + TEXT) == ["accepted]"], f"{wire}: also elsewhere", marks("// mine\n" + TEXT))
        ok(marks(TEXT.replace("int cfg_get(", "long cfg_get(", 1)) == ["applied]"], f"{wire}: what the user changed stays applied")
        marks(done_text)
        items = client.call("review/quickfix", {"plan": 1})[1]["items"]
        ok(len(items) == 3 and sum("[*]" in i["text"] for i in items) == 2, f"{wire}: quickfix", items)
        at = client.call("review/at", {"plan": 0, "path": str(root / "a.c"), "first": 8, "last": 8, "text": TEXT})[1]
        ok([h["first"] for h in at["hunks"]] == [8], f"{wire}: the hunk at a line", at)
        buffers = [{"path": str(root / "a.c"), "text": "// mine\n" + TEXT.replace("int cfg_get(", "int config_get(", 1)}]
        edits = client.call("review/revert", {"plan": 1, "buffers": buffers, "only": ["file:a.c"]})[1]
        ok(edits["files"][0]["edits"] == [{"first": 2, "count": 1, "lines": ["int cfg_get(void);"]}], f"{wire}: revert", edits)
        client.call("review/applied", {"plan": 1, "hunks": edits["files"][0]["hunks"], "reverted": True})
        ok(listed(applied=True) == ["b.c 1"] and listed(reverted=True) == ["a.c 1"], f"{wire}: and which files it changed",
           listed(reverted=True))
        status, errors = client.end()
        ok(status == 0 and not errors, f"{wire}: ends in order when its input ends", status, errors)


# Everything a broken plugin may send: an answer is an answer, the connection lives on.
def hostile(wire: str) -> None:
    methods = """project/advise plan/create plan/adopt plan/list plan/text plan/save plan/drop edit/start run/start run/stop
        task/retry verify/start resume status/get review/get review/decide review/at review/files review/apply review/revert
        review/applied review/quickfix review/diff review/proposal commit/prepare commit/start trust/get trust/set cost/get
        log/get preview/get preview/count health/get""".split()
    junk = [None, -1, 0, 2**62, 1.5, True, "", "x", "../../etc/passwd", "/etc/passwd", "a.c", [], [1, None], [{}], {},
            [{"path": "../x", "text": "y"}], [{"path": "a.c", "first": 9, "last": 3}], [{"path": "a.c", "first": -5}]]
    keys = ["plan", "path", "text", "request", "scope", "buffers", "what", "decision", "hunks", "only", "task", "commands",
            "message", "instruction", "cwd", "which", "limit", "first", "last"]
    with Scratch() as scratch:
        root = project(scratch, "w")
        scratch.configure("http://127.0.0.1:9")
        client = Client(scratch, root, wire)
        hello(client, root)
        client.call("plan/adopt", {"path": str(scratch.path / "plan.md"), "cwd": str(root)})
        answers = 0
        for i, method in enumerate(methods):
            for k in range(40):
                seed = i * 40 + k
                params = {key: junk[(seed * 7 + n * 11 + k * n) % len(junk)] for n, key in enumerate(keys) if (seed + n) % 3}
                if k % 2:
                    params["plan"] = 1
                if method == "plan/drop" and params.get("plan") == 1:
                    continue
                client.call(method, params)
                answers += 1
        ok(client.process.poll() is None, f"{wire}: {answers} odd requests, each answered")
        ok((root / "a.c").read_text() == TEXT, f"{wire}: no file was touched")
        error, _ = client.call("no/such")
        ok(error and error["code"] == "not_found", f"{wire}: an unknown method")
        error, _ = client.call("shutdown")
        ok(error is None and client.process.wait(60) == 0, f"{wire}: shutdown answers, then ends", client.process.poll())
        client.errors.seek(0)
        errors = client.errors.read()
        ok("Sanitizer" not in errors and "runtime error" not in errors, f"{wire}: no sanitizer report", errors)


def only_the_last_newline(wire: str) -> None:
    """A change that no line shows: the file gets its last line end, and a revert takes it."""
    with Scratch() as scratch:
        root = project(scratch, "w")
        (root / "a.c").write_text("one\ntwo")
        reply = "--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+two\n"
        scratch.provider([{"match": {}, "reply": {"text": reply}}])
        (scratch.path / "plan.md").write_text("---\ntitle: x\n---\n## T01 end it\nfiles: a.c\nEnd the file.\n")
        client = Client(scratch, root, wire)
        hello(client, root)
        client.call("plan/adopt", {"path": str(scratch.path / "plan.md"), "cwd": str(root)})
        client.call("run/start", {"plan": 1, "verify": False, "buffers": []})
        client.event("run", "done")
        client.call("review/decide", {"plan": 1, "what": ["all"], "decision": "accepted"})
        here, there = "one\ntwo", "one\ntwo\n"
        for method, before, ended in (("review/apply", here, True), ("review/revert", there, False)):
            buffers = [{"path": str(root / "a.c"), "text": before}]
            edits = client.call(method, {"plan": 1, "buffers": buffers})[1]
            got = [(f.get("ended"), f["edits"]) for f in edits["files"]]
            ok(got == [(ended, [{"first": 2, "count": 1, "lines": ["two"]}])], f"{wire}: {method}: the last newline alone", edits)
            client.call("review/applied", {"plan": 1, "hunks": edits["files"][0]["hunks"], "reverted": not ended})
        client.end()


def margins(wire: str) -> None:
    """Lines around a place, as far as the file goes: the editor knows no file that it has not opened."""
    with Scratch() as scratch:
        root = project(scratch, "w")
        (root / "a.c").write_text("".join(f"line {n}\n" for n in range(1, 7)))
        scratch.configure("http://127.0.0.1:9")
        client = Client(scratch, root, wire)
        hello(client, root)
        for first, last, margin, buffers, want in ((5, 5, 3, [], "a.c:2-6"), (2, 4, 3, [], "a.c:1-6"), (3, 3, 1, [], "a.c:2-4"),
                                                   (2, 2, 2**30, [], "a.c:1-6"), (5, 5, -1, [], "a.c:5"),
                                                   (5, 5, 3, [{"path": str(root / "a.c"), "text": "a\n" * 7}], "a.c:2-7"),
                                                   (7, 7, 3, [], None)):
            scope = [{"path": str(root / "a.c"), "first": first, "last": last, "margin": margin}]
            error, made = client.call("edit/start", {"instruction": "do it", "scope": scope, "run": False, "buffers": buffers})
            if want is None:
                ok(error and "7-7 is not in it" in error["message"], f"{wire}: outside the file by its own numbers", error)
                continue
            text = made and client.call("plan/text", {"plan": made["plan"]})[1]["text"]
            ok(text and f"files: {want}\n" in text, f"{wire}: {first}-{last} and {margin} around is {want}", error, text)
        client.end()


def behind_the_greeting(wire: str) -> None:
    """Requests need not wait for the answer to `initialize`; a greeting refused refuses them, too. An engine that ends
    at once is not held up, nor brought down, by what it loads ahead."""
    for protocol, ahead, want in ((1, "edit/start", None), (1, 7, None), (2, "edit/start", "protocol")):
        with Scratch() as scratch:
            root = project(scratch, "w")
            client = Client(scratch, root, wire)
            client.send([0, 100, "initialize", {"protocol": protocol, "cwd": str(root), "config": {}, "next": ahead}])
            error, answer = client.call("plan/list", {"cwd": str(root)})
            first = client.answers[100]
            ok((error or {}).get("code") == want and (first[2] or {}).get("code") == want,
               f"{wire}: a request behind the greeting, protocol {protocol}", first, error, answer)
            status, errors = client.end()
            ok(status == 0 and not errors, f"{wire}: and it ends", status, errors)


if __name__ == "__main__":
    for test in (life, behind_the_greeting, only_the_last_newline, margins, hostile):
        for wire in ("json", "msgpack"):
            try:
                test(wire)
            except Exception as error:
                ok(False, f"{test.__name__} {wire} ended in {type(error).__name__}", error)
    done()
