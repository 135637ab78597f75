"""Templates and selectors through the shell and the wire: each, edit and plan with @name; targets that the engine
finds; a plan for fifty places costs the planner no more than one for five."""

import json

from harness import TREE, BINARY, Scratch, done, ok
from workloads import block, git_init

SUBMIT = {"has_tool": "submit_plan"}


def project(scratch: Scratch, files: int):
    root = scratch.path / f"tree{files}"
    (root / "src").mkdir(parents=True)
    for i in range(files):
        (root / f"src/m{i:02}.py").write_text(
            f'def job_{i}(a):\n    """Do job {i}.\n\n    At length, and in\n    many words.\n    """\n    return a + {i}\n')
    git_init(root)
    return root


def replies(files: int) -> list[dict]:
    rules = []
    for i in range(files):
        old = f'    """Do job {i}.\n\n    At length, and in\n    many words.\n    """\n'
        rules.append({"match": {"last_contains": [f"src/m{i:02}.py", "many words"]},
                      "reply": {"text": block(f"src/m{i:02}.py", old, f'    """Do job {i}."""\n')}})
    return rules


def planner_out(files: int) -> int:
    """Output tokens of the planner for a request over so many places."""
    with Scratch() as scratch:
        root = project(scratch, files)
        plan = {"title": "shorter docstrings", "tasks": [
            {"id": "T01", "title": "shorten", "each": ["docstrings in src/*.py longer than 3"], "pilot": True,
             "body": "Shorten to one line."}]}
        provider = scratch.provider([{"match": SUBMIT, "reply": {"tool_calls": [
            {"name": "submit_plan", "input": plan}]}}, {"match": {"has_tool": "submit_verdicts"}, "reply": {
                "tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": [], "rest": "ok"}}]}}] + replies(files))
        ran = scratch.run("plan", "--yes", "--scope", "src/m00.py", "shorten the docstrings", cwd=root)
        ok(ran.returncode == 0 and f"({files} targets)" in ran.stderr, f"{files} targets are found and counted",
           ran.stdout, ran.stderr)
        status = scratch.run("status", "last", cwd=root).stdout
        ok(f"{files} targets" in status and f"T01.{files}  src/m{files - 1:02}.py:2-6" in status,
           f"{files} targets: status shows each", status)
        preview = scratch.run("preview", "last", "T01.2", cwd=root).stdout
        ok('path="src/m01.py" lines="2-6"' in preview, f"{files} targets: preview shows one", preview)
        out = sum(e["usage"]["out"] for e in provider.requests() if e.get("usage"))
        (root / "src/m99.py").write_text('def late():\n    """A\n    b\n    c\n    d\n    """\n')
        ran = scratch.run("run", "last", "--yes", cwd=root)
        ok(ran.returncode == 1 or ran.returncode == 0, f"{files} targets: run ends", ran.stderr)
        return out


with Scratch() as scratch:
    root = project(scratch, 5)
    scratch.provider(replies(5))
    listed = scratch.run("templates", "--json", cwd=root)
    names = {t["name"] for t in json.loads(listed.stdout)["templates"]}
    ok({"split", "rename", "docstring", "tests", "types", "migrate", "translate", "convert"} <= names,
       "eight built-in templates", listed.stdout)
    printed = scratch.run("templates", "@docstring", cwd=root)
    source = TREE / "native/templates/docstring.md"
    ok(printed.returncode == 0 and printed.stdout == source.read_text(), "a template is printed as it is, to be copied", printed.stdout)
    ran = scratch.run("templates", "nope", cwd=root)
    ok(ran.returncode == 1 and "no template @nope" in ran.stderr, "no such template", ran.stderr)
    ran = scratch.run("each", "docstrings in src/*.py longer than 3", "@docstring", "--yes", cwd=root)
    ok(ran.returncode == 0 and ran.stdout.count('+    """Do job') == 5, "each SELECTOR @docstring", ran.stdout, ran.stderr)
    ran = scratch.run("edit", "src/m00.py", "@docstring", "the", "first", "line", "--yes", cwd=root)
    ok(ran.returncode == 0 and '+    """Do job 0."""' in ran.stdout, "edit FILE @docstring with words", ran.stdout, ran.stderr)
    ran = scratch.run("edit", "src/m00.py", "@docstrin", cwd=root)
    ok(ran.returncode == 1 and "@docstring" in ran.stderr, "an unknown template names the nearest", ran.stderr)
    ran = scratch.run("each", "src/m00.py", "@migrate", "old", cwd=root)
    ok(ran.returncode == 2 and "{{2}}" in ran.stderr, "missing words are asked for", ran.stderr)
    ran = scratch.run("each", "functions in *.zig", "x", cwd=root)
    ok(ran.returncode == 1 and "finds nothing" in ran.stderr, "a selector without targets", ran.stderr)
    mine = root / ".piecework/templates"
    mine.mkdir(parents=True)
    (mine / "copied.md").write_text(printed.stdout.replace("shorter docstring", "the copy"))
    ran = scratch.run("edit", "src/m00.py", "@copied", "the", "first", "line", "--yes", cwd=root)
    ok(ran.returncode == 0 and "the copy" in ran.stderr, "and the copy works", ran.stderr)
    plan = root / "plan.md"
    plan.write_text("---\n---\n## T01\ntemplate: @docstring 3 lines\nfiles: src/m00.py\naccept: no longer occurs: zzz\nMind the examples.\n")
    ran = scratch.run("preview", str(plan), "T01.1", cwd=root)
    ok(ran.returncode == 0 and "shorter docstring" in ran.stdout and "Mind the examples." in ran.stdout and "zzz" in ran.stdout,
       "a task of a plan file can be made from a template, with words of its own", ran.stdout, ran.stderr)
    plan.write_text(plan.read_text().replace("@docstring", "@docstrin"))
    ran = scratch.run("preview", str(plan), "T01.1", cwd=root)
    ok(ran.returncode != 0 and "no template @docstrin: did you mean @docstring?" in ran.stderr, "and a wrong name is told", ran.stderr)
    (mine / "swap.md").write_text("---\nexecutor: substitute\npattern: {{1}}\nreplace: {{2}}\n---\n")
    plan = root / "swap.md"
    plan.write_text("---\n---\n## T01\ntemplate: @swap job work\nexecutor: substitute\nfiles: src/m00.py\n\n"
                    "## T02\ntemplate: @nope\nfiles: src/m01.py\n\n## T03 x\nDo.\n")
    ran = scratch.run("run", str(plan), cwd=root)
    ok("swap.md:8: T02: there is no template @nope" in ran.stderr and "T01" not in ran.stderr,
       "all that is wrong is listed, templates filled in first", ran.stderr)
    plan.write_text("---\n---\n## T01\ntemplate: @docstring\nexecutor: substitute\npattern: job\nreplace: work\nfiles: src/m00.py\n")
    ran = scratch.run("preview", str(plan), "T01.1", cwd=root)
    ok(ran.returncode == 0 and "nothing is paid" in ran.stdout, "a task that needs no model stays free with a template", ran.stdout, ran.stderr)
    (mine / "bytes.md").write_bytes(b"\xff\xfe")
    ran = scratch.run("edit", "src/m00.py", "@bytes", "--yes", cwd=root)
    ok(ran.returncode == 1 and ran.stderr.count("bytes.md") == 1, "a broken one is named once", ran.stderr)
    (mine / "docstring.md").write_text("---\ntitle: theirs\ncheck: touch /tmp/evil\n---\nDo it.\n")
    ran = scratch.run("edit", "src/m00.py", "@docstring", "--yes", cwd=root)
    ok(ran.returncode == 1 and "may not set `check`" in ran.stderr, "a project's template sets no command", ran.stderr)

with Scratch() as scratch:
    root = project(scratch, 2)
    plan = {"title": "t", "tasks": [{"id": "T01", "title": "x", "each": ["files in src/*.py"], "body": "Do."}]}
    provider = scratch.provider([{"match": {**SUBMIT, "contains": "One `move` task for each part"},
                                  "reply": {"tool_calls": [{"name": "submit_plan", "input": plan}]}}])
    ran = scratch.run("plan", "--yes", "--scope", "src/m00.py", "@split", "by", "subject", cwd=root)
    ok(ran.returncode == 0, "plan @split hands the pattern to the planner", ran.stderr)

five, fifty = planner_out(5), planner_out(50)
ok(fifty <= 1.2 * five, f"the planner's words: {five} tokens for 5 targets, {fifty} for 50")
done()
