"""A review of 1,500 hunks over 6 files, by real keys in each editor at 80x24: there at once, whole soon, decided hunk by
hunk; a busy timer of another plugin does not hold it up.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "editor"))

from harness import BINARY, TREE, Scratch, done, ok, wait_for  # noqa: E402
from tmux import Editor, editors  # noqa: E402
from workloads import git_init  # noqa: E402

FILES, HUNKS = 6, 250


def project(scratch: Scratch) -> Path:
    root = scratch.path / "p"
    root.mkdir()
    text = "".join(f"line {i} calls old_name(x)\n" if i % 10 == 5 else f"line {i}\n" for i in range(1, 10 * HUNKS + 1))
    for i in range(1, FILES + 1):
        (root / f"m{i}.txt").write_text(text)
    git_init(root)
    each = "".join(f"  - m{i}.txt\n" for i in range(1, FILES + 1))
    (scratch.path / "plan.md").write_text(f"---\ntitle: rename\n---\n## T01 rename\neach:\n{each}executor: substitute\n"
                                          "pattern: old_name\nreplace: new_name\nword: true\n")
    scratch.configure("http://127.0.0.1:9")
    scratch.run("run", str(scratch.path / "plan.md"), "--yes", "--no-verify", cwd=root)
    return root


def review(name: str, editor: str) -> None:
    with Scratch() as scratch:
        root = project(scratch)
        config = json.dumps({"bin": str(BINARY)}).replace("'", "''")
        with Editor(editor, root, scratch.env, setup=[f"let g:piecework = json_decode('{config}')"]) as e:
            e.command("Piecework review")
            screen = e.wait(r"@@ -2,7 \+2,7 @@ T01.1  1500 like this")
            ok("[0/1500 decided" in screen, f"{name}: the first page of the review", screen)
            sections = "luaeval(\"#require('piecework.buffers').view().sections.hunks\")"
            e.wait_until(lambda: e.eval(sections) == "1500", "all pages")
            lines = "luaeval(\"require('piecework.buffers').view().sections.lines\")"
            ok(json.loads(e.eval(f"[line('$') - {lines}, line('.')]")) == [0, 3], f"{name}: all of it, the cursor at its first hunk")
            e.keys("2", "5", "0", "]", "c")
            e.wait(r"diff m2.txt")
            ok(e.eval("getline('.')").startswith('"@@ -2,7 +2,7 @@ T01.2'), f"{name}: 250]c is in the next file")
            e.keys("s")
            e.wait_until(lambda: e.eval("getline(1)").find("[1/1500 decided") > 0, "the decision")
            ok(e.eval("getline('.')").startswith('"@@ -12,7 +12,7 @@ T01.2'), f"{name}: a decision goes on to the next hunk")
            ok(e.eval("foldclosed(line('.') - 1)") == e.eval("line('.') - 9"), f"{name}: and folds the one before")
            e.command(f"luafile {TREE}/tests/e2e/large.lua")
            wait_for(lambda: (root / "done").exists() and (root / "done").read_text(), "forty reviews", 550)
            slowest = int((root / "done").read_text())
            ok(slowest < 60000, f"{name}: opened again and again while no key is typed, {slowest} ms at the worst")
            ok(not e.prompts(), f"{name}: no prompt", *e.prompts())


for one in editors():
    review(Path(one).name, one)
done()
