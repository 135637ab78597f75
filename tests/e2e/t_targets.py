"""What can be named as a target or a scope: files, ranges, directories, selectors; and what is no target."""

from harness import Scratch, done, ok
from workloads import block, git_init


def tree(scratch: Scratch):
    root = scratch.path / "w"
    for name in ("src/a.txt", "src/deep/b.txt", "other/c.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("alpha\nbeta\n")
    (root / "src/blob.bin").write_bytes(b"\0\1\2")
    (root / "src/.env").write_text("SECRET=1\n")
    (root / "empty").mkdir()
    (root / "empty/blob.bin").write_bytes(b"\0\1\2")
    git_init(root)
    return root


NAMES = ("src/a.txt", "src/deep/b.txt", "other/c.txt")
RULES = [{"match": {"last_contains": f'<change path="{name}"'}, "reply": {"text": block(name, "beta\n", "BETA\n")}} for name in NAMES]
PLAN = {"title": "t", "tasks": [{"id": "T01", "title": "a", "files": ["src/a.txt"], "body": "Upper case."}]}
PLANNER = {"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [{"name": "submit_plan", "input": PLAN}]}}


def directories() -> None:
    with Scratch() as scratch:
        root = tree(scratch)
        provider = scratch.provider([PLANNER, *RULES])
        ran = scratch.run("each", "src", "upper case beta", "--yes", cwd=root)
        ok(ran.returncode == 0 and "2 hunks in 2 files" in ran.stderr and "other" not in ran.stdout,
           "each: a directory is its files that may be sent", ran.stdout, ran.stderr)
        ran = scratch.run("each", ".", "upper case beta", "--yes", cwd=root / "src/deep")
        ok(ran.returncode == 0 and "1 hunk in 1 file" in ran.stderr, "each: a directory as seen from where we are", ran.stderr)
        ran = scratch.run("edit", "src", "upper case beta", "--yes", cwd=root)
        ok(ran.returncode == 2 and "piecework each src" in ran.stderr, "edit: of a directory says what does it", ran.stderr)
        ran = scratch.run("each", "empty", "upper case beta", "--yes", cwd=root)
        ok(ran.returncode == 1 and "empty holds no file that may be sent" in ran.stderr, "each: nothing to send there", ran.stderr)
        for scope, there, not_there in ((["src"], ["src/a.txt", "src/deep/b.txt"], ["other/c.txt", ".env", "blob"]),
                                        (["files in other/*"], ["other/c.txt"], ["src/a.txt"]),
                                        (["src/deep", "other/c.txt:1-1"], ["src/deep/b.txt", "other/c.txt"], ["src/a.txt"])):
            words = [word for one in scope for word in ("--scope", one)]
            before = provider.count()
            ran = scratch.run("plan", "--yes", *words, "make all of it upper case", cwd=root)
            asked = "".join(provider.bodies_text()[before:])
            ok(ran.returncode == 0 and all(name in asked for name in there) and not any(name in asked for name in not_there),
               f"plan --scope {scope}", ran.stderr, asked[-600:])
        before = provider.count()
        ran = scratch.run("plan", "--yes", "--scope", ".", "make all of it upper case", cwd=root)
        ok("The scope is the whole project" in "".join(provider.bodies_text()[before:]), "plan --scope . is the whole project", ran.stderr)
        ran = scratch.run("plan", "--yes", "--scope", "files in nothing/*", "make all upper case", cwd=root)
        ok(ran.returncode == 1 and "finds nothing" in ran.stderr, "plan: a selector that finds nothing", ran.stderr)


for test in (directories,):
    try:
        test()
    except Exception as error:
        ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
done()
