"""plan --solo: one model does it all through the same review. plan --cheap-first: the big model plans only for what the
small one failed at."""

import json
import signal

from harness import Scratch, done, hear, ok, wait_for
from t_defects import sql
from t_serve import Client, hello
from workloads import block, git_init


def project(scratch: Scratch):
    root = scratch.path / "tree"
    (root / "src").mkdir(parents=True)
    for i in range(6):
        (root / f"src/m{i}.py").write_text(f"def f{i}():\n    return old({i})\n")
    git_init(root)
    return root


with Scratch() as scratch:
    root = project(scratch)
    reply = (block("src/m0.py", "    return old(0)\n", "    return new(0)\n")
             + block("src/extra.py", "", "X = 1\n")
             + block("src/m1.py", "", "def f1():\n    return 'written anew'\n"))
    provider = scratch.provider([{"match": {"model": "claude-opus*"}, "reply": {"text": reply}}])
    ran = scratch.run("plan", "--solo", "--scope", "src/m0.py", "--scope", "src/m1.py", "do it", cwd=root)
    ok(ran.returncode == 0 and provider.count() == 0, "--solo: a plan without a call", ran.stdout, ran.stderr)
    text = open(ran.stdout.strip()).read()
    ok("model: big" in text and "create: yes" in text, "--solo: one task for the big model", text)
    ran = scratch.run("run", "last", "--yes", "--no-verify", cwd=root)
    ok(ran.returncode == 0 and provider.count() == 1, "--solo: one call", ran.stderr)
    scratch.run("apply", "last", cwd=root)
    ok((root / "src/extra.py").read_text() == "X = 1\n", "--solo: makes new files")
    ok("written anew" in (root / "src/m1.py").read_text(), "--solo: writes a file anew")
    ok("new(0)" in (root / "src/m0.py").read_text(), "--solo: edits")
    ran = scratch.run("plan", "--solo", "--model", "nobody", "x", cwd=root)
    ok(ran.returncode == 2 and "nobody" in ran.stderr, "--solo: an unknown role is named", ran.stderr)

with Scratch() as scratch:
    root = project(scratch)
    reply = block("src/m3.py", "", "print('mine')\n")
    scratch.provider([{"match": {"last_contains": "<change"}, "reply": {"text": reply}},
                      {"match": {}, "reply": {"text": "no"}}])
    scratch.run("plan", "--solo", "--scope", "src/m0.py", "do it", cwd=root)
    before = (root / "src/m3.py").read_text()
    ran = scratch.run("run", "last", "--yes", "--no-verify", cwd=root)
    ok(ran.returncode != 0, "--solo: a file that was not shown is not written over", ran.stderr)
    ok((root / "src/m3.py").read_text() == before, "--solo: and stays")

with Scratch() as scratch:
    root = project(scratch)
    rules = [{"match": {"has_tool": "submit_plan", "contains": ["Only these are left", "src/m5.py"]}, "reply": {
        "tool_calls": [{"name": "submit_plan", "input": {"title": "the rest", "tasks": [
            {"id": "T01", "title": "by hand", "files": ["src/m5.py"], "body": "Do it with care."}]}}]}}]
    for i in range(5):
        rules.append({"match": {"last_contains": f'path="src/m{i}.py"'}, "reply": {
            "text": block(f"src/m{i}.py", f"    return old({i})\n", f"    return new({i})\n")}})
    rules.append({"match": {}, "reply": {"text": "I cannot do that."}})
    provider = scratch.provider(rules)
    ran = scratch.run("plan", "--cheap-first", "--yes", "--scope", "files in src/*.py", "call new, not old", cwd=root)
    ok(ran.returncode == 0 and "5 of 6 places done" in ran.stderr, "--cheap-first: five done by the small model",
       ran.stdout, ran.stderr)
    ok("by hand" in ran.stderr, "--cheap-first: the sixth is planned by the big one", ran.stderr)
    planners = sum("You plan work" in body for body in provider.bodies_text())
    ok(planners == 1, f"--cheap-first: {planners} call of the planner")
    scratch.configure(provider.url, {"ask_above": 0})
    asked = provider.count()
    ran = scratch.run("plan", "--cheap-first", "--scope", "files in src/*.py", "call new, not old", cwd=root)
    plans = list((root / ".git/piecework/plans").glob("*.md"))
    ok(ran.returncode == 3 and provider.count() == asked and "ask_above" in ran.stderr and "--yes" in ran.stderr,
       "--cheap-first: what it may cost is said before", ran.stderr)
    # the plans of the tries and of the rest, and the first one's STATUS
    ok(len(plans) == 3 and len(sql(scratch, "select 1 from plan")) == 2, f"--cheap-first: and nothing is left of that {plans}")
    ran = scratch.run("plan", "--cheap-first", "x", cwd=root)
    ok(ran.returncode == 2 and "--scope" in ran.stderr, "--cheap-first: wants its places", ran.stderr)

with Scratch() as scratch:
    root = project(scratch)
    rules = [{"match": {"last_contains": f'path="src/m{i}.py"'}, "reply": {
        "text": block(f"src/m{i}.py", f"    return old({i})\n", f"    return new({i})\n")}} for i in range(6)]
    provider = scratch.provider(rules)
    ran = scratch.run("plan", "--cheap-first", "--yes", "--scope", "files in src/*.py", "call new, not old", cwd=root)
    ok(ran.returncode == 0 and "6 of 6 places done" in ran.stderr, "--cheap-first: all done, nothing planned",
       ran.stdout, ran.stderr)
    ok(not any("You plan work" in body for body in provider.bodies_text()), "--cheap-first: and no planner paid")
    ran = scratch.run("plan", "--cheap-first", "--json", "--yes", "--scope", "files in src/*.py", "call new, not old", cwd=root)
    ok(json.loads(ran.stdout.splitlines()[-1]) == {"kind": "tries", "plan": 2, "done": 6, "left": 0, "planned": 0},
       "--cheap-first --json: what it came to", ran.stdout)

with Scratch() as scratch:  # stopped while the big model plans what is left, from the shell and in an editor
    root = project(scratch)
    rest = {"name": "submit_plan", "input": {"title": "the rest", "tasks": [
        {"id": "T01", "title": "by hand", "files": ["src/m5.py"], "body": "Do it with care."}]}}
    rules = [{"match": {"has_tool": "submit_plan", "turn": 0}, "reply": {
        "tool_calls": [{"name": "list_files", "input": {}}], "until": "planner"}},
             {"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [rest]}}]
    rules += [{"match": {"last_contains": f'path="src/m{i}.py"'}, "reply": {
        "text": block(f"src/m{i}.py", f"    return old({i})\n", f"    return new({i})\n"), **({"until": "tries"} if i == 4 else {})}}
        for i in range(5)]
    provider = scratch.provider([*rules, {"match": {}, "reply": {"text": "I cannot do that."}}], config={"pilot": "never"})

    def planners() -> int:
        return sum("You plan work" in body for body in provider.bodies_text())

    provider.release("tries")
    running = scratch.start("plan", "--cheap-first", "--yes", "--scope", "files in src/*.py", "call new, not old", cwd=root)
    wait_for(planners, "the planner")
    running.send_signal(signal.SIGINT)
    hear(running, "stopping: what is in flight may end")
    provider.release("planner")
    _, err = running.communicate(timeout=60)
    states = sql(scratch, "select id, state from plan")
    ok(states == [(1, "review"), (2, "planning")] and "resume" in err, f"--cheap-first: Ctrl-C stops the planner too {states}", err)
    ran = scratch.run("resume", "--yes", cwd=root)
    states = sql(scratch, "select id, state from plan")
    ok(ran.returncode == 0 and states == [(1, "review"), (2, "ready")] and planners() <= 3,
       f"--cheap-first: resume ends it {states}, {planners()} turns", ran.stderr)

    provider.hold("tries")
    asked = provider.count()
    client = Client(scratch, root, "json")
    hello(client, root)
    scope = [{"path": f"src/m{i}.py"} for i in range(6)]
    error, result = client.call("plan/create", {"request": "call new, not old", "scope": scope, "cheap_first": True, "go_on": True})
    ok(not error and result["plan"] == 3, "serve: cheap_first", error)
    wait_for(lambda: len(sql(scratch, "select 1 from attempt where plan = 3 and replied")) > 2, "some tries")
    client.process.kill()
    client.process.wait()
    provider.release("tries")
    client = Client(scratch, root, "json")
    hello(client, root)
    error, result = client.call("resume", {"plan": 0, "buffers": []})
    ok(not error and result["plans"] == [3], "serve: resume goes on with the tries", error, result)
    wait_for(lambda: sql(scratch, "select state from plan where id = 4") == [("ready",)], "the plan of the rest")
    twice = sql(scratch, "select task, model, count(*) from attempt where plan = 3 and replied "
                         "group by task, model, prompt_hash having count(*) > 1")
    ok(not twice and sql(scratch, "select state from plan where id = 3") == [("review",)],
       f"serve: {provider.count() - asked} requests, none twice {twice}")
    client.end()
done()
