"""A task done again by hand is done on the text as it is by then: the user's edits are in it, what is applied stays in
the review, other tasks' results stay, and when nothing comes of it everything is as it was.
"""

import json
import subprocess
import threading

from harness import BINARY, Scratch, done, ok, wait_for
from workloads import block, git_init

PLAN = """---
title: shout
---
## T01 the first half
files: a.txt:1-20

Shout the first half.

## T02 the second half
files: a.txt:21-40

Shout the second half.
"""
TEXT = "".join(f"line {i}\n" for i in range(1, 41))


class Engine:
    """`serve` with JSON lines: calls by name, one at a time; events are kept."""

    def __init__(self, scratch: Scratch, root) -> None:
        self.process = subprocess.Popen([str(BINARY), "serve", "--wire=json"], cwd=root, env=scratch.env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.id, self.events, self.answers = 0, [], {}
        threading.Thread(target=self.read, daemon=True).start()
        self("initialize", protocol=1, client="test", editor="test", cwd=str(root), config={})

    def read(self) -> None:
        for line in self.process.stdout:
            message = json.loads(line)
            if message[0] == 1:
                self.answers[message[1]] = message[2:]
            else:
                self.events.append(message[2])

    def __call__(self, method: str, **params: object) -> dict:
        self.id += 1
        mine = self.id
        self.process.stdin.write(json.dumps([0, mine, method, [params]]) + "\n")
        self.process.stdin.flush()
        wait_for(lambda: mine in self.answers, method)
        error, result = self.answers[mine]
        if error:
            raise RuntimeError(error)
        return result

    def until_reviewed(self) -> None:
        wait_for(lambda: any(e["kind"] == "review" for e in self.events), "the review")
        self.events.clear()

    def hunks(self) -> dict[str, str]:
        """What each hunk adds -> the mark on its head."""
        view, out, head = self("review/get", plan=1), {}, ""
        for line in view["text"].splitlines():
            if line.startswith("@@"):
                head = line.rsplit("[", 1)[1].rstrip("]") if line.endswith("]") else ""
            elif line.startswith("+"):
                out[line[1:]] = head
        return out


def shout(*words: str) -> str:
    return "\n".join(block("a.txt", f"{w}\n", f"{w.upper()}\n") for w in words)


def run(scratch: Scratch, rules: list[dict]) -> tuple:
    root = scratch.path / "p"
    root.mkdir()
    (root / "a.txt").write_text(TEXT)
    (scratch.path / "plan.md").write_text(PLAN)
    git_init(root)
    provider = scratch.provider([*rules,
                                 {"match": {"last_contains": ["the first half"]}, "reply": {"text": shout("line 3", "line 10")}},
                                 {"match": {"last_contains": ["the second half"]}, "reply": {"text": shout("line 30", "line 37")}}])
    engine = Engine(scratch, root)
    engine("plan/adopt", path=str(scratch.path / "plan.md"), cwd=str(root))
    engine("run/start", plan=1, verify=False, buffers=[])
    return root, provider, engine


def start(scratch: Scratch, rules: list[dict]) -> tuple:
    root, provider, engine = run(scratch, rules)
    engine.until_reviewed()
    # line 3 is accepted and applied; the user writes above it, and where both tasks have hunks
    view = engine("review/get", plan=1)
    first = next(section[4] for section in map(str.split, view["index"].splitlines()) if section[0] == "hunk")
    engine("review/decide", plan=1, what=[first], decision="accepted")
    engine("review/applied", plan=1, hunks=[first], reverted=False)
    text = "mine\n" * 5 + TEXT.replace("line 3\n", "LINE 3\n").replace("line 10\n", "my 10\n").replace("line 30\n", "my 30\n")
    (root / "a.txt").write_text(text)
    ok(engine.hunks() == {"LINE 3": "applied", "LINE 10": "stale: the lines changed meanwhile",
                          "LINE 30": "stale: the lines changed meanwhile", "LINE 37": "moved to line 42"},
       "where the user wrote, hunks are stale", engine.hunks())
    return root, provider, engine


def on_the_present_text() -> None:
    with Scratch() as scratch:
        root, provider, engine = start(scratch, [
            {"match": {"last_contains": ["the first half", "my 10"]}, "reply": {"text": shout("line 3", "my 10")}}])
        engine("task/retry", plan=1, task="T01", buffers=[])
        engine.until_reviewed()
        asked = json.dumps(json.loads(provider.bodies_text()[-1])["messages"])
        ok("my 10" in asked and "LINE 3" not in asked, "the model sees the user's edits, and nothing that is applied", asked)
        ok(engine.hunks() == {"LINE 3": "applied", "MY 10": "", "LINE 30": "stale: the lines changed meanwhile", "LINE 37": ""},
           "its hunk fits; what is applied stays so; the other task's results are as they were", engine.hunks())
        engine("review/decide", plan=1, what=["all"], decision="accepted")
        (file,) = engine("review/apply", plan=1, buffers=[])["files"]
        lines = (root / "a.txt").read_text().splitlines()
        for edit in reversed(file["edits"]):
            lines[edit["first"] - 1:edit["first"] - 1 + edit["count"]] = edit["lines"]
        want = ["mine"] * 5 + [f"line {i}" for i in range(1, 41)]
        for at, word in ((7, "LINE 3"), (14, "MY 10"), (34, "my 30"), (41, "LINE 37")):
            want[at] = word
        ok(lines == want, "and goes to its place", lines)
        (file,) = engine("review/revert", plan=1, buffers=[])["files"]
        ok(file["edits"] == [{"first": 8, "count": 1, "lines": ["line 3"]}], "what was applied can be taken back", file)


def nothing_better() -> None:
    with Scratch() as scratch:
        root, _, engine = start(scratch, [
            {"match": {"last_contains": ["the first half", "my 10"]}, "reply": {"text": shout("no such line")}}])
        before = engine("review/get", plan=1)["text"]
        engine("task/retry", plan=1, task="T01", buffers=[])
        wait_for(lambda: any(e["kind"] == "run" and e["state"] != "running" for e in engine.events), "the end")
        now = engine("review/get", plan=1)["text"]
        ok(now.splitlines()[1:] == before.splitlines()[1:], "a task that fails again leaves the result it had", before, now)
        wait_for(lambda: any(e["kind"] == "review" for e in engine.events), "the review")
        (told,) = [e for e in engine.events if e["kind"] == "review"]
        ok(told.get("stayed", "").startswith("redo of T01 failed, the earlier result stays: ") and told["failed"] == 0,
           "and it is told in a line that it failed, and why", told)


def some_failed() -> None:
    with Scratch() as scratch:
        _, _, engine = run(scratch, [{"match": {"last_contains": ["the second half"]}, "reply": {"text": shout("no such line")}}])
        wait_for(lambda: any(e["kind"] == "review" for e in engine.events), "the review")
        (told,) = [e for e in engine.events if e["kind"] == "review"]
        ok(told["failed"] == 1 and "stayed" not in told, "a review tells how many tasks failed", told)
        receipt = [line.split()[1] for line in engine("cost/get", which="1")["text"].splitlines() if line.startswith("execute anth")]
        ok(["haiku" in model for model in receipt] == [True, False], "the receipt has models in the order they were asked", receipt)


on_the_present_text()
nothing_better()
some_failed()
done()
