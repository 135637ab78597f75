"""What must hold on the way: kill -9 and resume, budgets, faults of the provider, trust, the canary key."""

import json
import os
import signal
import sqlite3
import subprocess

from harness import KEY, KEY_PART, CommandLines, Scratch, done, kill, leaks, model_rules, ok, tree_bytes, wait_for
from workloads import Docstrings, Rename, Tests, block


def rows(scratch: Scratch, sql: str) -> list[tuple]:
    base = sqlite3.connect(f"file:{scratch.path}/state/piecework/journal.db?mode=ro", uri=True)
    try:
        return base.execute(sql).fetchall()
    finally:
        base.close()


def finished(scratch: Scratch) -> int:
    try:
        return rows(scratch, "select count(*) from attempt where phase = 'execute' and replied")[0][0]
    except sqlite3.Error:
        return 0


def requests_for(provider, mark: str) -> int:
    needle = json.dumps(mark)[1:-1]
    return sum(needle in body for body in provider.bodies_text() if "submit_" not in body)


def resume_after_kill() -> None:
    """kill -9 in the middle of execution: what was answered and stored is not asked for again."""
    with Scratch() as scratch:
        load = Docstrings(scratch.path / "w")
        rules = model_rules(load)
        for rule in rules[-30:]:
            rule["reply"]["until"] = "resumed"
        provider = scratch.provider(rules, config={"parallel": 4})
        before = tree_bytes(load.root)
        ok(scratch.run("plan", "--yes", load.request, cwd=load.root).returncode == 0, "kill: plan")
        running = scratch.start("run", "last", "--yes", cwd=load.root)
        wait_for(lambda: finished(scratch) >= 12 or running.poll() is not None, "12 finished replies", 60)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        stored = finished(scratch)
        ok(12 <= stored < 50, f"kill: {stored} replies stored when killed")
        ok(tree_bytes(load.root) == before, "kill: the user's tree is untouched")
        shown = scratch.run("status", cwd=load.root).stdout
        ok(shown.count("interrupted") == 2 and "#1 running" not in shown, "kill: nobody works on it, and status says so", shown)
        provider.release("resumed")
        resumed = scratch.run("resume", "--yes", cwd=load.root)
        ok(resumed.returncode == 0, "kill: resume", resumed.stdout, resumed.stderr)
        # the docstring itself may stand in another task's context, its range may not
        counts = {f"{path}:{first}": requests_for(provider, whole.splitlines()[0] + "\n") for path, first, _, whole, _ in load.targets}
        total = sum("submit_" not in body for body in provider.bodies_text())
        ok(50 <= total <= 54, f"kill: {total} worker requests for 50 tasks, at most 4 were in flight")
        ok(all(counts.values()), "kill: every task was asked")
        applied = scratch.run("apply", "last", cwd=load.root)
        ok(applied.returncode == 0, "kill: apply", applied.stderr)
        for good, what in load.check():
            ok(good, f"kill: {what.splitlines()[0]}", what)


def kill_while_planning() -> None:
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        rules = model_rules(load)
        rules[1]["reply"]["until"] = "resumed"
        provider = scratch.provider(rules)
        planning = scratch.start("plan", "--yes", load.request, cwd=load.root)
        wait_for(lambda: provider.count() >= 2, "the second turn")
        kill(planning)
        shown = scratch.run("status", cwd=load.root).stdout
        ok("#1 interrupted" in shown, "kill while planning: status", shown)
        provider.release("resumed")
        resumed = scratch.run("resume", "--yes", cwd=load.root)
        ok(resumed.returncode == 0, "kill while planning: resume", resumed.stdout, resumed.stderr)
        ok(provider.count() <= 3 + 11, f"kill while planning: {provider.count()} requests in all")
        first = [body for body in provider.bodies_text() if "submit_plan" in body and "tool_result" not in body]
        ok(len(first) == 1, "kill while planning: the first turn is not paid for twice")


def budget_holds() -> None:
    """The cap is never passed, counting calls in flight at their worst."""
    with Scratch() as scratch:
        load = Rename(scratch.path / "w")
        provider = scratch.provider(model_rules(load), config={"parallel": 8, "pilot": "never", "ask_above": 9})
        ok(scratch.run("plan", "--yes", load.request, cwd=load.root).returncode == 0, "budget: plan")
        spent = rows(scratch, "select sum(cost) from attempt")[0][0]
        path = scratch.run("status", "last", "--json", cwd=load.root)
        listing = next((load.root / ".git/piecework/plans").glob("*.md"))
        text = listing.read_text()
        cap = spent / 1e9 + 0.012
        lines = [line for line in text.splitlines() if not line.startswith("budget:")]
        lines.insert(1, f"budget: {cap:.4f}")
        listing.write_text("\n".join(lines) + "\n")
        ran = scratch.run("run", "last", cwd=load.root)
        ok(ran.returncode == 3, f"budget: exit 3, not {ran.returncode}", ran.stdout, ran.stderr)
        total = rows(scratch, "select sum(cost) from attempt")[0][0]
        ok(total <= cap * 1e9, f"budget: {total / 1e9:.4f} of {cap:.4f} spent")
        ok("`budget:`" in ran.stderr and "--yes" in ran.stderr, "budget: says how to go on", ran.stderr)
        ok(ran.stderr.count("paused at") == 1, "budget: the pause is one line", ran.stderr)
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 0, "budget: --yes goes on", ran.stdout, ran.stderr)
        ok(path.returncode == 0 and json.loads(path.stdout), "budget: status --json is JSON")


def repeats_inside_a_call_count() -> None:
    """A broken stream is paid for: its repeat must fit the budget beside it."""
    for budget, requests in (("0.0025", 1), ("1", 3)):
        with Scratch() as scratch:
            root = scratch.path / "w"
            root.mkdir()
            (root / "a.txt").write_text("alpha\nbeta\n")
            text = block("a.txt", "beta\n", "BETA\n" * 800)
            provider = scratch.provider(
                [{"match": {}, "reply": {"text": text}, "fault": {"truncated_stream": True}}],
                config={"retries": 0, "models": {"big": "anthropic/claude-opus-5-5", "small": "anthropic/claude-haiku-5-5"}})
            scratch.env["PIECEWORK_BACKOFF_MS"] = "5"
            ran = scratch.run("edit", "a.txt", "beta", "--budget", budget, cwd=root)
            ok(provider.count() == requests, f"budget {budget}: {provider.count()} tries of a call of at most $0.0021", ran.stderr)
            worst = rows(scratch, "select max(worst_case) from attempt")[0][0]
            ok(worst <= float(budget) * 1e9, f"budget {budget}: ${worst / 1e9:.4f} at worst")


def faults() -> None:
    """Each misbehaviour once: the run ends, every task done, nothing counted twice."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        rules = model_rules(load)
        sick = [{"status": 429, "retry_after": "1"}, {"status": 500}, {"status": 529}, {"reset_mid_stream": True},
                {"truncated_stream": True}, {"error_event_after_200": True}, {"malformed_json": True},
                {"empty_text": True}, {"max_tokens": True}]
        for i, fault in enumerate(sick, 1):
            mark = [f"Write tests/test_{i:02}.py"]
            text = dict((tuple(m), r) for m, r in load.replies())[tuple(mark)]
            rules.insert(3, {"match": {"last_contains": mark}, "times": 1, "reply": {"text": text}, "fault": fault})
        provider = scratch.provider(rules, config={"retries": 2})
        scratch.env["PIECEWORK_IDLE_MS"] = "20000"
        ok(scratch.run("plan", "--yes", load.request, cwd=load.root).returncode == 0, "faults: plan")
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 0, "faults: run", ran.stdout, ran.stderr)
        applied = scratch.run("apply", "last", cwd=load.root)
        ok(applied.returncode == 0, "faults: apply", applied.stderr)
        for good, what in load.check():
            ok(good, f"faults: {what.splitlines()[0]}", what)
        states = rows(scratch, "select state, count(*) from task group by 1")
        ok(states == [("done", 10)], f"faults: {states}")
        told = [line["usage"] for line in provider.requests() if line.get("usage")]
        out = sum(usage.get("out", 0) for usage in told)
        mine = rows(scratch, "select sum(out) from attempt where usage_known")[0][0]
        ok(mine is not None and mine <= out, f"faults: {mine} output tokens in the ledger, {out} told by the provider")


def terminal_error_stops() -> None:
    """After a spent quota nothing more is dispatched."""
    with Scratch() as scratch:
        load = Rename(scratch.path / "w")
        rules = model_rules(load)
        rules.insert(3, {"match": {"last_contains": "Rename the function"}, "reply": {"text": ""}, "fault": {"status": "quota"}})
        provider = scratch.provider(rules, config={"parallel": 4})
        scratch.run("plan", "--yes", load.request, cwd=load.root)
        before = provider.count()
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 4, f"quota: exit 4, not {ran.returncode}", ran.stdout, ran.stderr)
        ok(provider.count() - before <= 5, f"quota: {provider.count() - before} requests")
        said = [line for line in ran.stderr.splitlines() if line.startswith("piecework: ")]
        ok(len(said) == 1 and "limit" in said[0] and ".." not in said[0], "quota: one plain line", ran.stderr)


def untrusted_command_never_runs() -> None:
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        mark = scratch.path / "ran"
        # a Makefile whose test target would leave a mark, as a hostile repository may have
        touch = f"touch '{mark}'"
        load.write("Makefile", f"test:\n\t{touch}\n")
        plan = load.plan()
        plan["test"] = plan["tasks"][0]["check"] = touch
        rules = model_rules(load)
        rules[1]["reply"]["tool_calls"][0]["input"] = plan
        scratch.provider(rules)
        scratch.run("plan", "--yes", load.request, cwd=load.root)
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(not mark.exists(), "trust: no command ran before it was trusted", ran.stdout, ran.stderr)
        text = next((load.root / ".git/piecework/plans").glob("*.md")).read_text()
        ok(touch not in text, "trust: a model cannot add a command", text)


def key_stays_secret() -> None:
    """The key is in no journal, plan, log, cassette, output or command line."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        rules = model_rules(load)
        rules.insert(3, {"match": {"last_contains": "tests/test_02.py"}, "times": 1, "reply": {"text": ""},
                         "fault": {"status": 400, "message": f"bad key {KEY} given"}})
        scratch.provider(rules, "--latency-ms", "20")
        scratch.env["PIECEWORK_LOG"] = str(scratch.path / "log")
        cassette = scratch.path / "cassette.ndjson"
        said = []
        said.append(scratch.run("plan", "--yes", "--record", str(cassette), load.request, cwd=load.root))
        with CommandLines() as commands:
            said.append(scratch.run("run", "last", "--yes", "--record", str(cassette), cwd=load.root))
        for argv in (["status", "last", "--json"], ["log", "last"], ["doctor"], ["cost", "last"], ["preview", "last", "T01"]):
            said.append(scratch.run(*argv, cwd=load.root))
        ok(all(KEY_PART not in r.stdout + r.stderr for r in said), "key: not in any output")
        ok(commands.holding("piecework run") and not commands.holding(KEY_PART), "key: not on any command line", commands.holding(KEY_PART))
        ok(not leaks(scratch), f"key: in no file of ours {leaks(scratch)}")
        ok(cassette.exists() and "submit_plan" in cassette.read_text(), "key: the cassette holds the run")


def replay_needs_no_provider() -> None:
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        scratch.provider(model_rules(load))
        cassette = scratch.path / "cassette.ndjson"
        scratch.run("plan", "--yes", "--record", str(cassette), load.request, cwd=load.root)
        scratch.run("run", "last", "--yes", "--record", str(cassette), cwd=load.root)
        scratch.configure("http://127.0.0.1:9", {"replay": str(cassette)})
        again = Tests(scratch.path / "again")
        del scratch.env["ANTHROPIC_API_KEY"]
        ran = scratch.run("plan", "--yes", load.request, cwd=again.root)
        ok(ran.returncode == 0, "replay: plan", ran.stdout, ran.stderr)
        ran = scratch.run("run", "last", "--yes", cwd=again.root)
        ok(ran.returncode == 0, "replay: run", ran.stdout, ran.stderr)
        scratch.run("apply", "last", cwd=again.root)
        for good, what in again.check():
            ok(good, f"replay: {what.splitlines()[0]}", what)


def secrets_are_not_sent() -> None:
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        load.write(".env", "TOKEN=hunter2-do-not-send\n")
        load.write("ignored.txt", "hunter2-ignored\n")
        load.write(".gitignore", "ignored.txt\n__pycache__/\n")
        rules = model_rules(load)
        rules[0]["reply"]["tool_calls"] = [
            {"name": "list_files", "input": {}}, {"name": "read", "input": {"path": ".env", "first": 1, "last": 9}},
            {"name": "read", "input": {"path": "ignored.txt", "first": 1, "last": 9}},
            {"name": "read", "input": {"path": "../home/.netrc", "first": 1, "last": 9}},
            {"name": "search", "input": {"pattern": "hunter2"}}]
        provider = scratch.provider(rules)
        ran = scratch.run("plan", "--yes", load.request, cwd=load.root)
        ok(ran.returncode == 0, "secrets: plan", ran.stderr)
        ok("hunter2-" not in "".join(provider.bodies_text()), "secrets: neither .env nor ignored files were sent")
        ran = scratch.run("edit", ".env", "make it shorter", "--yes", cwd=load.root)
        ok(ran.returncode == 1 and ".env" in ran.stderr, "secrets: edit refuses .env by name", ran.stderr)


def parallel_edits_of_one_file_merge() -> None:
    with Scratch() as scratch:
        load = Docstrings(scratch.path / "w")
        provider = scratch.provider(model_rules(load), config={"pilot": "never", "parallel": 8})
        targets = [t for t in load.targets if t[0] == load.targets[0][0]]
        argv = [f"{path}:{first}-{last}" for path, first, last, _, _ in targets]
        ran = scratch.run("each", *argv, "Shorten this docstring to its first line. Keep the code.", "--yes", cwd=load.root)
        ok(ran.returncode == 0, f"each: {len(targets)} ranges of one file", ran.stdout, ran.stderr)
        scratch.run("apply", "last", cwd=load.root)
        text = (load.root / targets[0][0]).read_text()
        ok(all(short in text and whole not in text for _, _, _, whole, short in targets), "each: every range changed")
        ok(all("submit_plan" not in body for body in provider.bodies_text()), "each: no planner was asked")


def a_wrong_reply_is_sent_back() -> None:
    """The first reply quotes text that is not there: the retry carries the reason and the real lines."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        wrong = block("lib/shorten.py", "def wrapp(text, width=70):\n", "def wrap(text, width=80):\n")
        right = block("lib/shorten.py", "def wrap(text, width=70, **kwargs):\n", "def wrap(text, width=80, **kwargs):\n")
        provider = scratch.provider([
            {"match": {"contains": "<<<<<<< SEARCH\ndef wrapp"}, "reply": {"text": right}},
            {"match": {}, "reply": {"text": wrong}}])
        ran = scratch.run("edit", "lib/shorten.py", "make 80 the default width of wrap", "--yes", cwd=load.root)
        ok(ran.returncode == 0 and provider.count() == 2, f"retry: {provider.count()} requests", ran.stdout, ran.stderr)
        ok("+def wrap(text, width=80, **kwargs):" in ran.stdout, "retry: the diff is shown", ran.stdout)


def what_does_not_fit_climbs_at_once() -> None:
    """A prompt longer than a model's context is not sent to that model again."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        right = block("lib/shorten.py", "def wrap(text, width=70, **kwargs):\n", "def wrap(text, width=80, **kwargs):\n")
        provider = scratch.provider([{"match": {"model": "*haiku*"}, "fault": {"status": "overflow"}},
                                     {"match": {"model": "*sonnet*"}, "reply": {"text": right}}])
        ran = scratch.run("edit", "lib/shorten.py", "make 80 the default width of wrap", "--yes", cwd=load.root)
        ok(ran.returncode == 0, "overflow: the next rung does it", ran.stdout, ran.stderr)
        ok(provider.count() == 2, f"overflow: {provider.count()} requests, one to each")


subprocess.run(["git", "--version"], check=True, capture_output=True)
for test in (resume_after_kill, kill_while_planning, budget_holds, repeats_inside_a_call_count, faults, terminal_error_stops,
             untrusted_command_never_runs, key_stays_secret, replay_needs_no_provider, secrets_are_not_sent,
             parallel_edits_of_one_file_merge, a_wrong_reply_is_sent_back,
             what_does_not_fit_climbs_at_once):
    try:
        test()
    except Exception as error:  # one broken journey must not hide the others
        ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
done()
