"""Random edits by the user between every pair of steps: whatever the user does meanwhile, text outside accepted hunks is
exactly theirs, no hunk lands in a wrong place, and undo returns to the byte.

Plans are prepared here, by the scripted provider; then each editor runs property.lua headless against the real engine,
many seeded rounds in one process. PIECEWORK_RUNS=1000 does the full number, PIECEWORK_SEED=N starts at that seed; a
failure names its seed.
"""

import json
import os
import random
import shutil
from pathlib import Path

from harness import Scratch, done, ok
from headless import editors, run_spec
from workloads import block, git_init

PLANS = 6
RUNS = int(os.environ.get("PIECEWORK_RUNS", "40"))
SEED = int(os.environ.get("PIECEWORK_SEED", "1"))

BODY = ["    x = a", "    if x:", "        x += 1", "        log(x)", "    tmp = x", "    out = tmp", "    x = out",
        "    return x", ""]


def plain(name: str, count: int) -> list[str]:
    return [f"{name} line {i}" for i in range(1, count + 1)]


def twins(count: int) -> list[str]:
    return [line for i in range(1, count + 1) for line in (f"def f{i}(a):", *BODY)]


def changed(dice: random.Random, lines: list[str], gaps: tuple[int, int], tag: str) -> list[str]:
    """[lines] with changes that stand [gaps] lines apart: replaced, added, removed."""
    out, at, number = [], dice.randint(0, gaps[1]), 0
    out += lines[:at]
    while at < len(lines):
        number += 1
        new = [f"{tag} new {number}.{k}" for k in range(dice.randint(1, 3))]
        take = min(dice.randint(1, 3), len(lines) - at)
        kind = dice.choice(["replace", "replace", "add", "remove"])
        out += [] if kind == "remove" else new
        at += 0 if kind == "add" else take
        gap = dice.randint(*gaps)
        out += lines[at:at + gap]
        at += gap
    return out


def changed_twins(dice: random.Random, count: int) -> list[str]:
    """Some of the bodies are changed where no line nearby tells them apart."""
    out: list[str] = []
    for i in range(1, count + 1):
        body = list(BODY)
        what = dice.choice(["same", "replace", "replace", "add", "remove"])
        if what == "replace":
            body[4] = "    tmp = f(x)"
        elif what == "add":
            body.insert(5, "    check(tmp)")
        elif what == "remove":
            del body[4]
        out += [f"def f{i}(a):", *body]
    return out


def shapes(number: int) -> dict[str, tuple[bytes, str, str]]:
    """path -> what is on disk, and for the reply the old and the new text."""
    dice = random.Random(number)
    files = {}

    def add(name: str, old: list[str], new: list[str], ends: list[str], last: str = "\n") -> None:
        disk = "".join(line + ends[i % len(ends)] for i, line in enumerate(old))
        if not last:
            disk = disk.rstrip("\r\n")
        files[f"s{number}/{name}"] = (disk.encode(), "\n".join(old) + "\n", "\n".join(new) + "\n")

    for name, count, gaps, ends, last in (("plain.txt", 40, (4, 9), ["\n"], "\n"), ("dense.txt", 14, (1, 3), ["\n"], ""),
                                          ("dos.txt", 25, (2, 8), ["\r\n"], "\n"),
                                          ("mixed.txt", 24, (2, 8), ["\r\n", "\n", "\n"], "\n")):
        old = plain(name[:-4], count)
        add(name, old, changed(dice, old, gaps, name[:-4]), ends, last)
    functions = dice.randint(3, 6)
    add("twins.py", twins(functions), changed_twins(dice, functions), ["\n"])
    return files


def write_all(root: Path, all_files: list[dict]) -> None:
    for number, files in enumerate(all_files, 1):
        shutil.rmtree(root / f"s{number}", ignore_errors=True)
        (root / f"s{number}").mkdir()
        for path, (disk, _, _) in files.items():
            (root / path).write_bytes(disk)


def prepare(scratch: Scratch, root: Path, all_files: list[dict]) -> list[dict]:
    """One plan per shape, all run; what property.lua needs to know of each."""
    rules = []
    write_all(root, all_files)
    for number, files in enumerate(all_files, 1):
        reply = "".join(block(path, old, new) for path, (_, old, new) in files.items())
        reply += block(f"s{number}/new.txt", "", "".join(f"new file {i}\n" for i in range(1, 6)))
        rules.append({"match": {"contains": [f"request {number}."]}, "reply": {"text": reply}})
    git_init(root)
    scratch.provider(rules)
    plans = []
    for number, files in enumerate(all_files, 1):
        scopes = [word for path in files for word in ("--scope", path)]
        ran = scratch.run("plan", "--solo", *scopes, f"request {number}.", cwd=root)
        ran = scratch.run("run", "last", "--yes", "--no-verify", cwd=root) if ran.returncode == 0 else ran
        shown = scratch.run("diff", "last", "--json", cwd=root)
        if ran.returncode or shown.returncode:
            ok(False, f"plan {number} is prepared", ran.stderr, shown.stderr)
            continue
        hunks = json.loads(shown.stdout)["hunks"]
        ok({h["path"] for h in hunks} >= set(files), f"plan {number}: {len(hunks)} hunks in all of its files", hunks)
        plans.append({"plan": number, "hunks": hunks})
    return plans


with Scratch() as scratch:
    tree = scratch.path / "p"
    tree.mkdir()
    shaped = [shapes(number) for number in range(1, PLANS + 1)]
    prepared = prepare(scratch, tree, shaped)
    for one in editors() if prepared else []:
        write_all(tree, shaped)
        run_spec(one, scratch, tree, "property.lua", {"plans": prepared, "runs": RUNS, "seed": SEED}, 600 + 10 * RUNS)
done()
