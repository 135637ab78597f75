"""plan --solo: one model does it all through the same review. plan --cheap-first: the big model plans only for what the
small one failed at."""

from harness import Scratch, done, ok
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
done()
