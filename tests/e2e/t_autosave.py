"""Plugins that save by themselves write every buffer all the time: in piecework:// buffers that accepts, runs, trusts,
commits and spends nothing, and what was typed there stays. With the real engine and the provider's own log."""

import json
import subprocess
from pathlib import Path

from harness import Scratch, done, ok, tree_bytes
from headless import editors, run_spec
from workloads import block, git_init


def reply(path: str) -> str:
    return block(path, "line 3\n", "LINE 3\n") + block(path, "line 20\n", "LINE 20\n")


def prepare(scratch: Scratch, root: Path) -> None:
    """Plan 1 is applied and not committed, 2 is planned and has a command to trust, 3 waits for its review."""
    root.mkdir()
    for name in ("a.txt", "b.txt"):
        (root / name).write_text("".join(f"line {i}\n" for i in range(1, 31)))
    git_init(root)
    scratch.provider([{"match": {"last_contains": ['path="a.txt"']}, "reply": {"text": reply("a.txt")}},
                      {"reply": {"text": reply("b.txt")}}], config={"test": "touch ran", "pilot": "never"})
    for words, path in (("first", "a.txt"), ("second", "a.txt"), ("third", "b.txt")):
        ran = scratch.run("plan", "--solo", "--scope", path, words, cwd=root)
        if ran.returncode == 0 and words != "second":
            ran = scratch.run("run", "last", "--yes", "--no-verify", cwd=root)
        if ran.returncode == 0 and words == "first":
            ran = scratch.run("apply", "last", cwd=root)
        ok(ran.returncode == 0, f"the {words} plan", ran.stderr)


def state(scratch: Scratch, root: Path) -> dict:
    """All that an accident would change."""
    log = subprocess.run(["git", "log", "--format=%H"], cwd=root, capture_output=True, text=True).stdout
    plans = {n: scratch.run("diff", n, "--json", cwd=root).stdout for n in "123"}
    trust = scratch.run("trust", "2", cwd=root)
    return {"hunks and decisions": plans, "commits": log, "trust": trust.stdout + trust.stderr,
            "files": tree_bytes(root), "plans": scratch.run("status", "--json", cwd=root).stdout,
            "money": scratch.run("cost", "all", cwd=root).stdout}


for editor in editors():
    with Scratch() as scratch:
        tree = scratch.path / "p"
        prepare(scratch, tree)
        before, calls = state(scratch, tree), scratch.providers[0].count()
        ok(calls == 2 and "touch ran" in before["trust"] and len(json.loads(before["hunks and decisions"]["3"])["hunks"]) == 2,
           "two plans ran, one has a command to trust", calls, before)
        run_spec(editor, scratch, tree, "autosave.lua", {})
        after = state(scratch, tree)
        for what, was in before.items():
            ok(after[what] == was, f"{Path(editor).name}: {what} as before", was, after[what])
        ok(scratch.providers[0].count() == calls, f"{Path(editor).name}: no model was asked")
done()
