"""Broken replies and kill -9: whatever happens on the way, the end is the same and nothing is paid twice.

PIECEWORK_LONG=1 runs the full numbers: 500 tasks with 30 % of the replies broken, 200 kills, 2,000 tasks in one plan.
PIECEWORK_SEED=N takes another seed; it is printed.
"""

import json
import os
import random
import subprocess
import time
from pathlib import Path

from harness import Scratch, done, kill, ok, tree_bytes
from t_defects import sql
from workloads import block, git_init

LONG = bool(os.environ.get("PIECEWORK_LONG"))
SEED = int(os.environ.get("PIECEWORK_SEED", "20261123"))


def git(root: Path, *argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=root, check=True, capture_output=True, text=True).stdout


def make(root: Path, count: int) -> None:
    root.mkdir(parents=True)
    for i in range(count):
        (root / f"m{i:04}.py").write_text(f"def value():\n    return {i}\n")
    (root / ".gitignore").write_text("__pycache__/\n")
    git_init(root)


def tasks_text(count: int) -> str:
    return "".join(f"## T{i:04} m{i:04}.py: negate\nfiles: m{i:04}.py\naccept: contains: -{i}\nReturn the negative.\n\n"
                   for i in range(count))


def reply(i: int) -> str:
    return block(f"m{i:04}.py", f"    return {i}\n", f"    return -{i}\n")


# ---- storm -------------------------------------------------------------------------------------------

BROKEN = [{"status": 500}, {"status": 529}, {"status": 429, "retry_after": "0"}, {"reset_mid_stream": True},
          {"truncated_stream": True}, {"error_event_after_200": True}, {"malformed_json": True}, {"empty_text": True},
          {"max_tokens": 0.3}]


def wrong_text(rng: random.Random, i: int) -> str:
    return rng.choice([block(f"m{i:04}.py", "    return nothing like it\n", "    return 1\n"), "I cannot help with that.",
                       block(f"m{i:04}.py", f"    return {i}\n", f"    return {i} + 0\n"), "<<<<<<< SEARCH\nhalf a bl",
                       block("../outside.py", "x\n", "y\n"), block(f"m{i:04}.py", f"    return {i}\n", "    # ... rest\n")])


def storm(count: int) -> None:
    """30 % of all replies are broken, in every way we know. Bounded calls, honest ends, the bill is the provider's."""
    rng = random.Random(SEED)
    with Scratch() as scratch:
        root = scratch.path / "w"
        make(root, count)
        rules = []
        for i in range(count):
            match = {"contains": f"m{i:04}.py: negate"}
            for _ in range(6):  # each call draws; those that drew well fall through to the good rule
                if rng.random() >= 0.3:
                    break
                text = reply(i) if rng.random() < 0.5 else wrong_text(rng, i)
                rule = {"match": match, "times": 1, "reply": {"text": text}}
                if text == reply(i):
                    rule["fault"] = rng.choice(BROKEN)
                rules.append(rule)
            rules.append({"match": match, "reply": {"text": reply(i)}})
        provider = scratch.provider(rules, config={"retries": 1, "pilot": "never", "parallel": 8})
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: storm\n---\n" + tasks_text(count))
        scratch.env["PIECEWORK_IDLE_MS"] = "20000"
        begun = time.monotonic()
        ran = scratch.run("run", str(plan), "--yes", "--no-verify", cwd=root, timeout=1800)
        for _ in range(10):  # a provider that is not well pauses the run; it goes on when asked
            if "paused" not in ran.stderr.splitlines()[-1] and not sql(scratch, "select 1 from task where state = 'waiting'"):
                break
            ran = scratch.run("resume", "--yes", "--no-verify", cwd=root, timeout=1800)
        states = dict(sql(scratch, "select state, count(*) from task group by 1"))
        silent = sql(scratch, "select id from task where state <> 'done' and note = ''")
        most = sql(scratch, "select max(n) from (select count(*) n from attempt group by task)")[0][0]
        attempts = sql(scratch, "select count(*) from attempt")[0][0]
        print(f"# storm: {states}, {attempts} attempts, {provider.count()} requests, {time.monotonic() - begun:.1f} s")
        ok(set(states) <= {"done", "failed", "partial"} and states.get("done", 0) >= 0.9 * count, f"storm: {states}", ran.stderr)
        ok(not silent, f"storm: whoever is not done says why {silent}")
        ok(most <= 8, f"storm: at most {most} attempts for a task (two rungs, one retry, a resume)")
        told = sum((line["usage"] or {}).get("out", 0) for line in provider.requests() if line["event"] == "done")
        mine = sql(scratch, "select sum(out) from attempt where usage_known")[0][0]
        ok(mine <= told, f"storm: {mine} output tokens in the ledger, {told} told by the provider")


# ---- kill --------------------------------------------------------------------------------------------

COUNT = 12


class Journey:
    """plan, run with verification, apply, commit; each step can be killed."""

    def __init__(self, scratch: Scratch, name: str) -> None:
        self.scratch, self.root = scratch, scratch.path / name
        make(self.root, COUNT)
        (self.root / "staged.txt").write_text("staged\n")
        git(self.root, "add", "staged.txt")
        (self.root / "m0000.py").write_text("# mine\ndef value():\n    return 0\n")

    def argv(self, step: str) -> list[str]:
        return {"plan": ["plan", "--yes", "negate all"], "run": ["run", "last", "--yes"], "apply": ["apply", "last"],
                "commit": ["commit", "last", "-m", "negated"]}[step]

    def user_state(self) -> tuple:
        return (tree_bytes(self.root), git(self.root, "ls-files", "-s"), git(self.root, "for-each-ref"),
                git(self.root, "stash", "list"), git(self.root, "rev-parse", "HEAD"))

    def recover(self, step: str) -> subprocess.CompletedProcess:
        if step in ("plan", "run"):
            ran = self.scratch.run("resume", "--yes", cwd=self.root)
            state = sql(self.scratch, f"select state from plan where root = '{self.root}' order by id desc limit 1")
            if state and (state[0][0] == "ready") == (step == "plan"):
                return ran
        if step == "commit" and git(self.root, "log", "--format=%s", "-1").strip() == "negated":
            return self.scratch.run("resume", cwd=self.root)
        return self.scratch.run(*self.argv(step), cwd=self.root)

    def end(self) -> tuple:
        return (tree_bytes(self.root), git(self.root, "ls-tree", "-r", "HEAD"), git(self.root, "diff", "--cached"),
                git(self.root, "log", "--format=%s"), git(self.root, "stash", "list"))


def journey_rules() -> list[dict]:
    spec = [{"id": f"T{i:04}", "title": f"m{i:04}.py: negate", "files": [f"m{i:04}.py"], "body": "Return the negative."}
            for i in range(COUNT)]
    verdicts = [{"task": f"T{i:04}", "verdict": "ok", "reason": ""} for i in range(COUNT)]
    rules = [{"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [
        {"name": "submit_plan", "input": {"title": "negate all", "tasks": spec}}]}},
             {"match": {"has_tool": "submit_verdicts"}, "reply": {"tool_calls": [
                 {"name": "submit_verdicts", "input": {"verdicts": verdicts}}]}}]
    return rules + [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(COUNT)]


def kills(count: int) -> None:
    rng = random.Random(SEED)
    steps = ["plan", "run", "apply", "commit"]
    with Scratch() as scratch:
        provider = scratch.provider(journey_rules(), "--latency-ms", "30", config={"parallel": 3})
        calm, length = Journey(scratch, "calm"), {}
        for step in steps:
            begun = time.monotonic()
            ran = scratch.run(*calm.argv(step), cwd=calm.root)
            length[step] = time.monotonic() - begun
            ok(ran.returncode == 0, f"undisturbed: {step}", ran.stderr)
        want, wrong, moments = calm.end(), [], {}
        for n in range(count):
            journey, victim = Journey(scratch, f"kill{n}"), steps[n % 4] if n % 2 else rng.choice(steps)
            for step in steps:
                before = journey.user_state()
                if step != victim:
                    ran = scratch.run(*journey.argv(step), cwd=journey.root)
                else:
                    running = scratch.start(*journey.argv(step), cwd=journey.root)
                    moment = rng.random() * length[step] * 1.05
                    time.sleep(moment)
                    kill(running)
                    moments[victim] = moments.get(victim, 0) + 1
                    if step in ("plan", "run") and journey.user_state() != before:
                        wrong.append((n, step, moment, "the user's state changed"))
                    ran = journey.recover(step)
                if step in ("plan", "run") and journey.user_state() != before:
                    wrong.append((n, step, "the user's state changed after recovery"))
            if journey.end() != want:
                parts = [i for i, (a, b) in enumerate(zip(journey.end(), want)) if a != b]
                wrong.append((n, victim, round(moment, 3), f"parts {parts} differ", ran.stderr[-300:]))
        ok(not wrong, f"kill: {count} kills {moments} (seed {SEED}): every end is the undisturbed one", *wrong[:8])
        twice = sql(scratch, "select plan, task, count(*) from attempt where replied and outcome = 'ok' "
                             "group by plan, task, prompt_hash having count(*) > 1")
        ok(not twice, f"kill: nothing is paid twice {twice[:5]}")
        most = (count + 1) * (COUNT + 2) + 3 * count
        ok(provider.count() <= most, f"kill: {provider.count()} requests, at most {most}: 3 were in flight at each kill")


# ---- kill, with the small model first ---------------------------------------------------------------

LEFT = (3, 7)  # the small model does not know what to do there


class Tries:
    """plan --cheap-first over COUNT files, of which the big model plans two."""

    ARGV = ["plan", "--cheap-first", "--yes", "--scope", "files in *.py", "negate"]

    def __init__(self, scratch: Scratch, name: str) -> None:
        self.scratch, self.root = scratch, scratch.path / name
        make(self.root, COUNT)

    def plans(self) -> list[tuple]:
        return sql(self.scratch, f"select id, state, title from plan where root = '{self.root}' order by id")

    def recover(self) -> subprocess.CompletedProcess:
        ran = self.scratch.run("resume", "--yes", cwd=self.root)
        return ran if self.plans() else self.scratch.run(*self.ARGV, cwd=self.root)

    def end(self) -> list:
        """The plans, their tasks, and what came out; without numbers and times, which differ."""
        return [(state, title,
                 sql(self.scratch, f"select id, state, note from task where plan = {plan} order by id"),
                 sql(self.scratch, f"select task, path, new_hash from patch where plan = {plan} order by task"),
                 sql(self.scratch, f"select text from fact where plan = {plan} and name = 'cheap first'"))
                for plan, state, title in self.plans()]


def tries_rules() -> list[dict]:
    spec = [{"id": f"T{i:02}", "title": "with care", "files": [f"m{i:04}.py"], "body": "Do it."} for i in LEFT]
    rules = [{"match": {"has_tool": "submit_plan", "turn": 0}, "reply": {"tool_calls": [{"name": "list_files", "input": {}}]}},
             {"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [
                 {"name": "submit_plan", "input": {"title": "the rest", "tasks": spec}}]}}]
    rules += [{"match": {"last_contains": f'path="m{i:04}.py"'}, "reply": {"text": reply(i)}}
              for i in range(COUNT) if i not in LEFT]
    return rules + [{"match": {}, "reply": {"text": "I cannot do that."}}]


def cheap_kills(count: int) -> None:
    rng = random.Random(SEED)
    with Scratch() as scratch:
        provider = scratch.provider(tries_rules(), "--latency-ms", "30", config={"parallel": 3, "pilot": "never"})
        calm = Tries(scratch, "calm")
        begun = time.monotonic()
        ran = scratch.run(*Tries.ARGV, cwd=calm.root)
        length, want, calls = time.monotonic() - begun, calm.end(), provider.count()
        ok(ran.returncode == 0 and [plan[:2] for plan in want] == [("review", "negate"), ("ready", "the rest")],
           f"cheap-first undisturbed: {calls} requests", want, ran.stderr)
        ok(scratch.run("resume", cwd=calm.root).stderr.startswith("nothing was interrupted"), "cheap-first: it is ended")
        wrong, cut = [], {}
        for n in range(count):
            tries = Tries(scratch, f"tries{n}")
            before = tree_bytes(tries.root)
            running = scratch.start(*Tries.ARGV, cwd=tries.root)
            moment = length * (n + rng.random()) / count
            time.sleep(moment)
            kill(running)
            at = "+".join(state for _, state, _ in tries.plans()) or "before"
            cut[at] = cut.get(at, 0) + 1
            ran = tries.recover()
            if tries.end() != want or tree_bytes(tries.root) != before or ran.returncode:
                wrong.append((n, at, round(moment, 3), ran.stderr[-300:], tries.end()))
        ok(not wrong, f"cheap-first: {count} kills {cut} (seed {SEED}): every end is the undisturbed one", *wrong[:3])
        twice = sql(scratch, "select plan, task, model, count(*) from attempt where replied "
                             "group by plan, task, model, prompt_hash having count(*) > 1")
        ok(not twice, f"cheap-first: no answer is paid twice {twice[:5]}")
        most = (count + 1) * calls + 3 * count
        ok(provider.count() <= most, f"cheap-first: {provider.count()} requests, at most {most}: 3 were in flight")


if __name__ == "__main__":
    for test, number in ((storm, 500 if LONG else 60), (kills, 200 if LONG else 10),
                         (cheap_kills, 200 if LONG else 12)):
        try:
            test(number)
        except Exception as error:  # one broken journey must not hide the others
            ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
    done()
