"""The four workloads by real keys: each editor in tmux, plan, trust, run, review, apply, :wall; the result is run.

$PIECEWORK_EDITORS names the editors; $PIECEWORK_WORKLOADS those of the four to drive.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "editor"))

from harness import BINARY, Scratch, done, model_rules, ok, tree_bytes  # noqa: E402
from tmux import Editor, editors  # noqa: E402
from workloads import ALL  # noqa: E402

# A sanitized engine under four editors on a small machine.
PATIENCE = 120


def setup(test: str) -> list[str]:
    config = json.dumps({"bin": str(BINARY), "test": test}).replace("'", "''")
    return [f"let g:piecework = json_decode('{config}')",
            "let g:done = []", "autocmd User PieceworkPlanReady call add(g:done, 'plan')",
            "autocmd User PieceworkReviewReady call add(g:done, 'review')",
            "autocmd User PieceworkApplied call add(g:done, 'applied')"]


def untouched(load, skip: Path) -> Path:
    """A file of the workload that no task changes: the user edits it meanwhile."""
    other = load.root / "notes.txt"
    other.write_text("first line\nsecond line\n")
    return other


def journey(editor: str, kind) -> None:
    with Scratch() as scratch:
        load = kind(scratch.path / kind.name)
        scratch.provider(model_rules(load), config={"test": load.test})
        notes = untouched(load, load.root)
        before = tree_bytes(load.root)
        name = f"{Path(editor).name} {load.name}"
        try:
            drive(name, editor, load, scratch, notes, before)
        except TimeoutError as late:
            ok(False, f"{name}: the journey ends", late)


def drive(name: str, editor: str, load, scratch, notes: Path, before: dict) -> None:
    with Editor(editor, load.root, scratch.env, setup=setup(load.test)) as e:
        # plan, by words, on the first file of the scope
        if load.scope:
            e.command(f"edit {load.scope[0]}")
            e.command("%Piecework plan " + load.request)
        else:
            e.command("Piecework plan " + load.request)
        e.wait(r"plan \d+ ready: :Piecework plan", PATIENCE)
        ok(e.eval("winnr('$')") == "1", f"{name}: no window was opened unasked")
        e.command("Piecework plan")
        screen = e.wait(r"(?m)^## T01|^id: \d+")
        ok("piecework: loading" not in screen, f"{name}: the plan is a buffer")

        # trust: the exact command, then ZZ
        e.command("Piecework trust")
        screen = e.wait(r"new +\S+ +\S")
        ok(load.test in screen, f"{name}: trust shows the exact command", screen)
        e.keys("ZZ")
        e.wait(r"trusted in this project")

        # run by ZZ in the plan's buffer; the user edits another file meanwhile
        e.keys("ZZ")
        e.wait(r"runs in the background|ready to review", PATIENCE)
        e.command(f"edit {notes.name}")
        e.keys("A")
        e.type(" and mine")
        e.keys("Escape")
        e.wait(r"ready to review \(tests passed", PATIENCE)
        ok(e.eval("bufname('%')") == '"notes.txt"', f"{name}: focus stays where the user is")
        ok(tree_bytes(load.root) == before, f"{name}: nothing changed before apply")
        e.wait_until(lambda: e.quickfix()["title"].startswith("Piecework #"), "the quickfix list")
        listed = e.quickfix()
        ok(listed["winid"] == 0, f"{name}: the quickfix window stays closed")
        files = {item["file"] for item in listed["items"] if item["valid"]}
        ok(files and all(f.startswith(str(load.root)) for f in files), f"{name}: entries have places", listed)

        # review: accept everything by key, apply by ZZ
        e.command("Piecework review")
        e.wait(r"(?m)^diff ", PATIENCE)
        e.wait_until(lambda: all_there(e), "all pages of the review", PATIENCE)
        e.keys("g", "g", "V", "G", "s")
        e.wait_until(lambda: json.loads(e.eval("getline(1)")).count("[") and
                     undecided(e) == 0, "all hunks accepted", PATIENCE)
        e.wait_until(lambda: all("[x]" in i["text"] for i in e.quickfix()["items"]), "ticks", PATIENCE)
        e.keys("Escape")
        e.keys("ZZ")
        e.wait(r"hunks? applied in \d+ file", PATIENCE)
        ok(tree_bytes(load.root) == before, f"{name}: apply changes buffers, not files")
        ok(e.eval("winnr('$')") == "1", f"{name}: apply opens no window")
        e.command("silent! wall")
        e.wait_until(lambda: e.eval("len(filter(getbufinfo(), 'v:val.changed'))") == "0", "all written")
        for good, what in load.check():
            ok(good, f"{name}: {what.splitlines()[0]}", what)
        ok(notes.read_text() == "first line and mine\nsecond line\n", f"{name}: the user's edit is kept",
           notes.read_text())
        happened = json.loads(e.eval("g:done"))
        ok(happened == ["plan", "review", "applied"], f"{name}: the User events came", happened)

        # the receipt; then back
        e.command("Piecework cost")
        e.wait(r"execute")
        receipt = e.eval("join(getline(1, '$'))")
        ok("baseline" in receipt or "alone" in receipt, f"{name}: the receipt stands beside a baseline", receipt)
        e.keys("g", "q")
        e.command("Piecework! revert")
        e.wait(r"hunks? reverted in \d+ file", PATIENCE)
        now = tree_bytes(load.root)
        now["notes.txt"] = before["notes.txt"]
        ok(now == before, f"{name}: revert gives every byte back",
           [p for p in set(now) | set(before) if now.get(p) != before.get(p)])
        ok(not e.prompts(), f"{name}: no hit-enter prompt", *e.prompts())
        e.quit()


def all_there(e: Editor) -> bool:
    """A review comes in pages: what is selected before the last is there is not all of it."""
    lines = e.eval("line('$')")
    time.sleep(0.5)
    return e.eval("line('$')") == lines


def undecided(e: Editor) -> int:
    head = json.loads(e.eval("getline(1)"))
    counts = head[head.rindex("[") + 1:].split(" ")[0]
    some, all_ = counts.split("/")
    return int(all_) - int(some)


wanted = os.environ.get("PIECEWORK_WORKLOADS", "").split()
for editor in editors():
    for kind in ALL:
        if not wanted or kind.name in wanted:
            journey(editor, kind)
done()
