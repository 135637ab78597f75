"""What verification must catch: a test broken by one of many tasks, traced without a token; an accept rule broken
by a reply that passes the tests; ignored folders that tests need."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

from harness import Scratch, done, ok, tree_bytes
from workloads import block, git_init

TASKS, BAD = 20, 13
# the script has no answer for the big model in these: a verifier that cannot be reached
ONE_RUNG = {"models": {"small": ["anthropic/claude-haiku-5-5"], "big": ["anthropic/claude-opus-5-5"]}}


def sql(scratch: Scratch, query: str) -> list[tuple]:
    base = sqlite3.connect(f"file:{scratch.path}/state/piecework/journal.db?mode=ro", uri=True)
    try:
        return base.execute(query).fetchall()
    finally:
        base.close()


def git(root: Path, *argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=root, check=True, capture_output=True, text=True).stdout


def user_state(root: Path) -> tuple:
    """What nobody but apply and commit may change."""
    index = (root / ".git/index").read_bytes()
    return (tree_bytes(root), index, git(root, "for-each-ref"), git(root, "stash", "list"),
            (root / ".git/HEAD").read_text(), git(root, "worktree", "list"))


def make_project(root: Path, test: str) -> None:
    root.mkdir(parents=True)
    for i in range(1, TASKS + 1):
        (root / f"m{i:02}.py").write_text(f"def value():\n    return {i}\n")
    (root / "check.py").write_text(test)
    (root / ".gitignore").write_text("__pycache__/\nnode_modules/\n")
    git_init(root)


CHECK = """import importlib, sys
sys.dont_write_bytecode = True
sys.path.insert(0, '.')
for i in range(1, 21):
    got = importlib.import_module(f'm{i:02}').value()
    assert got in (i, 10 * i), f'm{i:02} gives {got}'
"""


def task(i: int, accept: str = "") -> str:
    rule = f"accept: {accept}\n" if accept else ""
    return f"## T{i:02} m{i:02}.py: ten times\nfiles: m{i:02}.py\n{rule}Make value() return ten times as much.\n\n"


def rules(bad: dict[int, str]) -> list[dict]:
    made = []
    for i in range(1, TASKS + 1):
        new = bad.get(i, f"    return {10 * i}\n")
        made.append({"match": {"last_contains": f"m{i:02}.py: ten times"},
                     "reply": {"text": block(f"m{i:02}.py", f"    return {i}\n", new)}})
    return made


def plan_file(root: Path, tasks: list[str], test: str = "python3 check.py") -> Path:
    path = root.parent / "plan.md"
    path.write_text(f"---\ntitle: ten times\ntest: {test}\n---\n" + "".join(tasks))
    return path


def one_bad_task_is_traced() -> None:
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, CHECK)
        asked = {"match": {"has_tool": "submit_verdicts"},
                 "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": [
                     {"task": f"T{i:02}", "verdict": "ok", "reason": ""} for i in range(1, TASKS + 1)]}}]}}
        provider = scratch.provider([asked, *rules({BAD: "    return 7\n"})], config={"verify_rounds": 0})
        plan = plan_file(root, [task(i) for i in range(1, TASKS + 1)])
        ok(scratch.run("trust", str(plan), "--yes", cwd=root).returncode == 0, "trace: the test is trusted")
        before = user_state(root)
        ran = scratch.run("run", "last", "--yes", cwd=root)
        ok(ran.returncode == 1, f"trace: exit 1, not {ran.returncode}", ran.stderr)
        verdicts = dict(sql(scratch, "select task, kind from verdict"))
        reasons = dict(sql(scratch, "select task, reason from verdict"))
        bad = [t for t, kind in verdicts.items() if kind == "rejected"]
        ok(bad == [f"T{BAD}"], f"trace: rejected {bad}", ran.stderr, verdicts)
        ok("gives 7" in reasons.get(f"T{BAD}", ""), "trace: the reason has the test's words", reasons)
        ok(f"passes without T{BAD} and fails with it" in ran.stderr + ran.stdout, "trace: said", ran.stderr, ran.stdout)
        tail = sql(scratch, "select test_tail from plan")[0][0]
        ok('File "check.py", line' in tail and "/scratch/" not in tail, "trace: places as the project names them", tail)
        asks = [b for b in provider.bodies_text() if "submit_verdicts" in b]
        ok(len(asks) == 1 and f"passes without T{BAD}" in asks[0], "trace: the big model is told", len(asks))
        ok(provider.count() == TASKS + 1, f"trace: {provider.count()} requests for {TASKS} tasks and one verification")
        runs = sql(scratch, "select text from log where text like '%no tokens%'")[0][0]
        print(f"# {runs}")
        ok(user_state(root) == before, "trace: tree, index, refs, stash, worktrees as before")
        ok(not list((scratch.path / "state/piecework/scratch").glob("*")), "trace: nothing is left in the scratch folder")


def without_a_big_model_too() -> None:
    """Two bad tasks, no verifier: both are traced and done again with the test's words as the remark."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, CHECK)
        again = [{"match": {"contains": [f"m{i:02}.py: ten times", "gives 7"]},
                  "reply": {"text": block(f"m{i:02}.py", f"    return {i}\n", f"    return {10 * i}\n")}} for i in (3, 17)]
        provider = scratch.provider([*again, *rules({3: "    return 7\n", 17: "    return 7\n"})], config=ONE_RUNG)
        plan = plan_file(root, [task(i) for i in range(1, TASKS + 1)])
        scratch.run("trust", str(plan), "--yes", cwd=root)
        ran = scratch.run("run", "last", "--yes", cwd=root)
        asked = sum("submit_" not in body for body in provider.bodies_text())
        ok(asked == TASKS + 2, f"two: {asked} requests to the small model: both again, nobody else", ran.stderr)
        ok(sql(scratch, "select test_status from plan")[0][0] == 0, "two: the test passes in the end", ran.stderr)
        scratch.run("apply", "last", cwd=root)
        good = subprocess.run(["python3", "check.py"], cwd=root, capture_output=True)
        ok(good.returncode == 0 and "return 170" in (root / "m17.py").read_text(), "two: corrected results are applied")


def a_test_that_fails_anyway() -> None:
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, "raise SystemExit('always broken')\n")
        scratch.provider(rules({}), config={"verify_rounds": 0})
        plan = plan_file(root, [task(i) for i in range(1, TASKS + 1)])
        scratch.run("trust", str(plan), "--yes", cwd=root)
        ran = scratch.run("run", "last", "--yes", cwd=root)
        ok("fails without any of the changes too" in ran.stderr, "baseline: said", ran.stderr)
        ok(not sql(scratch, "select 1 from verdict where kind = 'rejected'"), "baseline: nobody is blamed")


def a_broken_accept_rule() -> None:
    """The reply passes the test and leaves the word its rule forbids: sent back, then rejected."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, CHECK)
        provider = scratch.provider(
            [{"match": {"last_contains": "still occurs"},
              "reply": {"text": block("m01.py", "    return 1\n", "    return 10  # not: return 1\n")}},
             *rules({1: "    return 10  # was: return 1\n"})],
                                    config=ONE_RUNG)
        rule = "no longer occurs: return 1"
        plan = plan_file(root, [task(1, rule), task(2, "at most 2 lines changed")])
        scratch.run("trust", str(plan), "--yes", cwd=root)
        ran = scratch.run("run", "last", "--yes", cwd=root)
        states = dict(sql(scratch, "select id, state from task"))
        ok(states == {"T01": "failed", "T02": "done"}, f"accept: {states}", ran.stderr)
        note = sql(scratch, "select note from task where id = 'T01'")[0][0]
        ok("return 1" in note and "still occurs" in note, f"accept: the note says which rule: {note}")
        told = [b for b in provider.bodies_text() if "still occurs" in b]
        ok(len(told) == 1, "accept: the retry carried the rule")


def ignored_folders_are_linked() -> None:
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, "import json; json.load(open('node_modules/dep/package.json'))\n")
        (root / "node_modules/dep").mkdir(parents=True)
        (root / "node_modules/dep/package.json").write_text("{}")
        scratch.provider(rules({}), config={"worktree_link": ["node_modules", "missing/.venv"],
                                            **ONE_RUNG})
        plan = plan_file(root, [task(1)])
        scratch.run("trust", str(plan), "--yes", cwd=root)
        ran = scratch.run("run", "last", "--yes", cwd=root)
        ok(sql(scratch, "select test_status from plan")[0][0] == 0, "link: the test finds node_modules", ran.stderr)
        ok((root / "node_modules/dep/package.json").exists(), "link: the folder is still there")
        for wrong in ("../x", "/etc", ".git", 3):
            scratch.configure("http://127.0.0.1:9", {"worktree_link": [wrong]})
            ran = scratch.run("status", cwd=root)
            ok(ran.returncode == 1 or ran.returncode == 2, f"link: {wrong} is refused", ran.stderr)


if __name__ == "__main__":
    for test in (one_bad_task_is_traced, without_a_big_model_too, a_test_that_fails_anyway, a_broken_accept_rule,
                 ignored_folders_are_linked):
        try:
            test()
        except Exception as error:  # one broken journey must not hide the others
            ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
    done()
