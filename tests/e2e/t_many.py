"""Thousands of tasks in one plan: the engine answers while it works, and memory grows by the results, not by what was said.

PIECEWORK_LONG=1 runs 2,000 tasks instead of 300. Memory is measured with the build that users run, answers also with
the sanitized one.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from harness import BINARY, TREE, Scratch, done, ok
from t_serve import Client, hello
from t_storm import make, reply, tasks_text

COUNT = 2000 if os.environ.get("PIECEWORK_LONG") else 300
# Of plain text that a task's prompt holds besides the file: a transcript kept in memory would show.
RULES = "".join(f"Rule {i}: say what you mean, once, and no more than that.\n" for i in range(120))


# Libraries that are loaded at first use, and what malloc keeps at hand: 11.6 MiB. Row, specification, result: 6.3 KiB.
FIXED_KIB, TASK_KIB = 12 << 10, 8


def memory(client: Client) -> int:
    """Resident KiB of the engine."""
    for line in Path(f"/proc/{client.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def main() -> None:
    with Scratch() as scratch:
        root = scratch.path / "w"
        make(root, COUNT)
        (root / "rules.md").write_text(RULES)
        provider = scratch.provider(
            [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(COUNT)],
            "--latency-ms", "10", config={"parallel": 32, "pilot": "never", "budget": "none"})
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: many\n---\n" + tasks_text(COUNT).replace("\naccept:", "\nread: rules.md\naccept:"))
        client = Client(scratch, root, "msgpack")
        hello(client, root)
        error, made = client.call("plan/adopt", {"path": str(plan), "cwd": str(root)})
        before = memory(client)
        begun = time.monotonic()
        error, _ = client.call("run/start", {"plan": 1, "verify": False, "buffers": []})
        ok(not error, f"{COUNT} tasks are started", error)
        waits, asked, views, most = [], 0, set(), 0
        while True:
            sent = time.monotonic()
            error, view = client.call("status/get", {"plan": 1})
            waits.append(time.monotonic() - sent)
            most = max(most, memory(client))
            views.add(view["text"])
            row = client.call("plan/list", {})[1]["plans"][0]
            if row["state"] not in ("running", "ready"):
                break
            asked += 1
            time.sleep(0.05)
        took = time.monotonic() - begun
        ok(row["state"] == "review", f"all ran: {row}", view["text"][-2000:])
        waits.sort()
        # Sanitized, on a machine that runs the provider too: what counts is that it never waits for the run to end.
        ok(waits[-1] < took / 4 and asked >= 10, f"status is answered while it works: {asked} times, the slowest took "
           f"{waits[-1] * 1000:.0f} ms of {took * 1000:.0f} ms, the median {waits[len(waits) // 2] * 1000:.0f} ms")
        ok(len(views) > 5, f"and says something new each time: {len(views)} texts")
        grown = most - before
        print(f"# memory {before} KiB -> {most} KiB at most, {grown / COUNT:.1f} KiB a task, in {took:.1f} s")
        if "san" not in str(BINARY):  # which has a memory of its own for what is freed
            ok(grown < FIXED_KIB + TASK_KIB * COUNT, f"memory grew by {grown} KiB: not by what was said ({len(RULES) >> 10} KiB a task)")
        client.call("shutdown")


if __name__ == "__main__":
    main()
    if "san" in str(BINARY) and (TREE / "build/piecework").exists():
        ran = subprocess.run([sys.executable, __file__], env={**os.environ, "PIECEWORK_BIN": str(TREE / "build/piecework")},
                             capture_output=True, text=True)
        ok(ran.returncode == 0, "the same with the build that users run", ran.stdout, ran.stderr)
    done()
