"""Stop one task or a plan from another shell, a plan file that changes while it runs, a pause after the pilot, an
answer of the verifier without verdicts, a correction that does not come."""

import json
import os
import signal
import sqlite3
import subprocess
import time

from harness import Scratch, done, hear, ok, wait_for
from t_storm import make, reply, tasks_text
from t_defects import make_project, plan_file, rules, sql, task, CHECK, ONE_RUNG

SLOW = {"parallel": 1, "pilot": "never", **ONE_RUNG}


def states(scratch: Scratch) -> dict:
    try:
        return dict(sql(scratch, "select id, state from task"))
    except sqlite3.Error:
        return {}


def begin(scratch: Scratch, count: int, config: dict, *options: str, tasks=None, held: int = 99):
    """Replies to the tasks from number [held] on come when "go" is released."""
    root = scratch.path / "w"
    make_project(root, CHECK)
    replies = rules({})
    for rule in replies[held - 1:]:
        rule["reply"]["until"] = "go"
    provider = scratch.provider(replies, *options, config=config)
    plan = plan_file(root, tasks or [task(i) for i in range(1, count + 1)], test="")
    ok(scratch.run("status", cwd=root).returncode == 0, "control: status")
    return root, provider, plan


def a_reader_that_stalls() -> None:
    """Nobody reads what `run --json` prints: it waits, and holds nobody else up."""
    with Scratch() as scratch:
        root, count = scratch.path / "w", 600
        make(root, count)
        replies = [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(count)]
        scratch.provider(replies, config={"parallel": 32, "pilot": "never", "budget": 50, "ask_above": 100, **ONE_RUNG})
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: negate\n---\n" + tasks_text(count))
        running = scratch.start("run", str(plan), "--json", "--yes", "--no-verify", cwd=root)
        seen = [-1, 0]

        def stuck() -> bool:
            time.sleep(1)
            seen.append(sum(s == "done" for s in states(scratch).values()))
            return seen[-1] == seen[-2] > 0
        wait_for(stuck, "the pipe to be full")
        ok(0 < seen[-1] < count, f"stalled: after {seen[-1]} of {count} tasks")
        begun = time.monotonic()
        other = scratch.run("prune", cwd=root)
        ok(other.returncode == 0, f"stalled: another shell writes to the journal ({time.monotonic() - begun:.1f} s)", other.stderr)
        out, err = running.communicate(timeout=120)
        ok(running.returncode == 0 and json.loads(out.splitlines()[-1]), "stalled: read at last, it ends", running.returncode, err[-300:])


def stop_one_task() -> None:
    with Scratch() as scratch:
        tasks = [task(1), task(2), task(3).replace("files:", "after: T02\nfiles:"), task(4)]
        root, provider, plan = begin(scratch, 4, {**SLOW, "parallel": 2}, tasks=tasks, held=1)
        running = scratch.start("run", str(plan), "--no-verify", cwd=root)
        wait_for(lambda: states(scratch).get("T02") == "running", "T02 to run")
        ran = scratch.run("stop", str(plan), "T02", cwd=root)
        ok(ran.returncode == 0 and "stopped" in ran.stderr, "stop T02: said", ran.stderr)
        provider.release("go")
        out, err = running.communicate(timeout=60)
        ok(states(scratch) == {"T01": "done", "T02": "cancelled", "T03": "skipped", "T04": "done"},
           f"stop T02: {states(scratch)}", err)
        ran = scratch.run("stop", str(plan), cwd=root)
        ok(ran.returncode == 1 and "nobody works" in ran.stderr, "stop: nobody works on it", ran.stderr)
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(ran.returncode == 0 and set(states(scratch).values()) == {"done"}, f"run again: {states(scratch)}", ran.stderr)
        asked = sum("m01.py: ten" in body for body in provider.bodies_text())
        ok(asked == 1, f"run again: T01 was not paid twice ({asked})")


def stop_and_go_on() -> None:
    with Scratch() as scratch:
        root, provider, plan = begin(scratch, 6, SLOW, held=3)
        running = scratch.start("run", str(plan), "--no-verify", cwd=root)
        wait_for(lambda: provider.count() == 3, "the third request")
        stopping = scratch.start("stop", str(plan), cwd=root)
        asked = "select 1 from fact where name = 'asked'"
        try:
            wait_for(lambda: sql(scratch, asked), "the wish", 10)
        except TimeoutError:
            pass  # heeded between two looks
        wait_for(lambda: not sql(scratch, asked), "the run to heed it")
        ok(stopping.poll() is None and running.poll() is None, "stop: what is in flight is waited for")
        provider.release("go")
        said = stopping.communicate(timeout=60)[1]
        out, err = running.communicate(timeout=60)
        have = list(states(scratch).values())
        ok(stopping.returncode == 0 and have == ["done"] * 3 + ["waiting"] * 3, f"stop: {have}", said, err)
        ran = scratch.run("resume", cwd=root)
        ok(set(states(scratch).values()) == {"done"}, f"resume: {states(scratch)}", ran.stderr)
        asked = sum("submit_" not in body for body in provider.bodies_text())
        ok(asked == 6, f"stop and resume: {asked} requests for 6 tasks")


def what_is_ready_does_not_leave_after_a_stop() -> None:
    """A task is made ready ahead, its call reserved: no call more than `parallel` is in flight, none leaves after a stop."""
    with Scratch() as scratch:
        root, provider, plan = begin(scratch, 9, {**SLOW, "parallel": 4}, "--latency-ms", "1500")
        running = scratch.start("run", str(plan), "--no-verify", cwd=root)
        wait_for(lambda: list(states(scratch).values()).count("running") == 5 and provider.count() == 4, "four calls and one ready")
        ran = scratch.run("stop", str(plan), cwd=root)
        out, err = running.communicate(timeout=60)
        have = list(states(scratch).values())
        ok(ran.returncode == 0 and have.count("done") == 4 and have.count("waiting") == 5, f"ready: {have}", ran.stderr, err)
        ok(provider.count() == 4, f"ready: {provider.count()} requests when stopped")
        left = sql(scratch, "select sum(cost), sum(ended_ms = 0), sum(sent) from attempt where outcome = 'cancelled'")[0]
        ok(left == (0, 0, 0), f"ready: what had not left costs nothing {left}")
        ran = scratch.run("resume", cwd=root)
        ok(set(states(scratch).values()) == {"done"} and provider.count() == 9, f"ready: {provider.count()} requests in all", ran.stderr)
        most = max(r.get("in_flight", 0) for r in provider.requests())
        ok(most == 4, f"ready: {most} at once")


def the_plan_changes_while_it_runs() -> None:
    with Scratch() as scratch:
        root, provider, plan = begin(scratch, 4, SLOW, held=1)
        running = scratch.start("run", str(plan), "--no-verify", cwd=root)
        wait_for(lambda: states(scratch).get("T01") == "running", "T01 to run")
        changed = [task(1).replace("ten times as much", "changed while it ran"), task(2),
                   task(3).replace("ten times as much", "ten times as much, said otherwise"), task(5)]
        plan.write_text("---\ntitle: ten times\ntest: broken: [\n---\nno tasks")
        said = hear(running, "is not used")
        plan_file(root, changed, test="")
        said += hear(running, "1 joined, 1 changed, 1 gone")
        provider.release("go")
        out, err = running.communicate(timeout=60)
        err = said + err
        ok(states(scratch) == {"T01": "done", "T02": "done", "T03": "done", "T04": "cancelled", "T05": "done"},
           f"change: {states(scratch)}", err)
        ok(running.returncode == 0 and "1 stopped" in err, "change: a task taken out is no failure", running.returncode, err)
        bodies = "".join(provider.bodies_text())
        ok("said otherwise" in bodies and "changed while it ran" not in bodies, "change: waiting ones changed, running ones not")


def pause_after_the_pilot() -> None:
    with Scratch() as scratch:
        root, provider, plan = begin(scratch, 5, {"pilot": "ask", **ONE_RUNG})
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(ran.returncode == 3 and provider.count() == 1, f"pilot: exit {ran.returncode}, {provider.count()} requests", ran.stderr)
        ok("+    return 10" in ran.stdout and "paused after the pilot T01" in ran.stderr and "$" in ran.stderr,
           "pilot: its hunk and its cost are shown", ran.stdout, ran.stderr)
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(ran.returncode == 0 and provider.count() == 5, f"pilot: run goes on, {provider.count()} requests", ran.stderr)


def a_second_pilot_is_asked_about_too() -> None:
    """The first pilot fails, or only comes before the one that is marked: the user is asked all the same."""
    no = {"match": {"last_contains": "m01.py: ten times"}, "reply": {"text": "I cannot help with that."}}
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, CHECK)
        provider = scratch.provider([no, *rules({})], config={"pilot": "ask", **ONE_RUNG})
        plan = plan_file(root, [task(i) for i in range(1, 6)], test="")
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        have = list(states(scratch).values())
        ok(ran.returncode == 3 and have == ["failed", "done"] + 3 * ["waiting"], f"second pilot: {have}", ran.stderr)
        ok("pilot T01: failed" in ran.stderr and "paused after the pilot T02: done" in ran.stderr and "+    return 20" in ran.stdout,
           "second pilot: both are told, its hunk is shown", ran.stdout, ran.stderr)
        before = provider.count()
        ran = scratch.run("run", str(plan), "--no-verify", "--only", "T03,T04,T05", cwd=root)
        ok(list(states(scratch).values())[2:] == 3 * ["done"], "second pilot: run goes on", provider.count() - before, ran.stderr)
    with Scratch() as scratch:
        root, provider, plan = begin(scratch, 5, {"pilot": "ask", **ONE_RUNG}, tasks=[
            task(1), task(2).replace("T02", "T02 [pilot]").replace("files:", "after: T01\nfiles:"), task(3), task(4)])
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        have = list(states(scratch).values())
        ok(ran.returncode == 3 and have == ["done", "done", "waiting", "waiting"], f"marked pilot: {have}", ran.stderr)
        ok("pilot T01" not in ran.stderr and "paused after the pilot T02: done" in ran.stderr, "marked pilot: it is asked about", ran.stderr)


def an_answer_without_verdicts() -> None:
    """Run again, the plan is judged by another answer; one that was of use is not asked for again."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, CHECK)
        judge = {"has_tool": "submit_verdicts"}
        said = {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": [], "rest": "ok"}}]}
        provider = scratch.provider([{"match": judge, "times": 2, "reply": {"text": "It looks fine to me."}},
                                     {"match": judge, "reply": said}, *rules({})], config=ONE_RUNG)
        plan = plan_file(root, [task(1), task(2)], test="")
        words = []
        for _ in range(4):
            before = provider.count()
            ran = scratch.run("run", str(plan), "--yes", cwd=root)
            free = "2 done already, $0 (estimate)" in ran.stderr
            words.append((provider.count() - before, "had no verdicts" in ran.stderr, "2 ok" in ran.stderr, free))
        ok(words == [(3, True, False, False), (1, True, False, False), (1, False, True, False), (0, False, True, True)],
           f"verdicts: {words}", ran.stderr)
        text = plan.read_text()
        plan.write_text(text.replace("\n## T02", "\nSaid otherwise.\n## T02", 1) if "\n## T02" in text else text)
        ran = scratch.run("run", str(plan), "--yes", cwd=root)
        ok("1 done already, about $" in ran.stderr, "verdicts: what is to be judged again is estimated", ran.stderr)


def two_shells_on_one_file() -> None:
    """Both begin at the same moment: one plan, each task paid once."""
    with Scratch() as scratch:
        for i in range(5):
            root = scratch.path / f"w{i}"
            make_project(root, CHECK)
            if not i:
                provider = scratch.provider(rules({}), "--latency-ms", "50", config=ONE_RUNG)
                ok(scratch.run("status", cwd=root).returncode == 0, "two shells: status")
            plan = plan_file(root, [task(1), task(2)], test="")
            before = provider.count()
            both = [scratch.start("run", str(plan), "--yes", "--no-verify", cwd=root) for _ in range(2)]
            said = [shell.communicate(timeout=60)[1] for shell in both]
            paid = provider.count() - before
            if paid != 2:
                break
        plans = sql(scratch, "select count(*) from plan")[0][0]
        ok(paid == 2 and plans == i + 1, f"two shells: {plans} plans of {i + 1} files, {paid} calls for two tasks", *said)


def a_correction_that_does_not_come() -> None:
    """Rejected by the verifier, and the correction is refused by the provider: the old result stays."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        make_project(root, CHECK)
        verdicts = [{"task": "T01", "verdict": "rejected", "reason": "use a constant"}]
        asked = {"match": {"has_tool": "submit_verdicts"},
                 "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": verdicts}}]}}
        no = {"match": {"contains": "use a constant"}, "reply": {"text": ""}, "fault": {"status": 400}}
        scratch.provider([asked, no, *rules({})], config={"retries": 0, **ONE_RUNG})
        plan = plan_file(root, [task(1), task(2)], test="")
        ran = scratch.run("run", str(plan), "--yes", cwd=root)
        rows = sql(scratch, "select id, state, note from task order by id")
        ok(rows[0][:2] == ("T01", "done") and "earlier result stays" in rows[0][2], f"correction: {rows}", ran.stderr)
        shown = scratch.run("diff", str(plan), cwd=root).stdout
        ok("return 10" in shown and "return 20" in shown, "correction: both results are in review", shown)
        scratch.run("apply", str(plan), cwd=root)
        ran = scratch.run("apply", str(plan), "--task", "T01", cwd=root)
        ok(sql(scratch, "select state from plan")[0][0] == "done", "correction: applied, the plan is done", ran.stderr)


if __name__ == "__main__":
    for test in (a_reader_that_stalls, stop_one_task, stop_and_go_on, what_is_ready_does_not_leave_after_a_stop,
                 the_plan_changes_while_it_runs, pause_after_the_pilot, a_second_pilot_is_asked_about_too, an_answer_without_verdicts,
                 two_shells_on_one_file, a_correction_that_does_not_come):
        try:
            test()
        except Exception as error:  # one broken journey must not hide the others
            ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
    done()
