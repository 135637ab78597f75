"""`check:` of tasks: trusted after the work was done, it runs on what was paid for; what a failed one said is told."""

from pathlib import Path

from harness import Scratch, done, ok
from t_storm import git
from workloads import block, git_init


def project(scratch: Scratch):
    root = scratch.path / "w"
    root.mkdir()
    for name in ("a", "b", "c"):
        (root / f"{name}.txt").write_text("one\ntwo\n")
    git_init(root)
    return root


def trusted_later() -> None:
    with Scratch() as scratch:
        root = project(scratch)
        rules = [{"match": {"contains": f'<change path="{name}.txt"'}, "times": 1, "reply": {"text": block(f"{name}.txt", "two\n", "TWO\n")}}
                 for name in ("a", "b")]
        again = {"match": {"last_contains": "not good enough"}, "reply": {"text": block("b.txt", "two\n", "2\n")}}
        provider = scratch.provider([*rules, again])
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: t\n---\n## T01 a\nfiles: a.txt\ncheck: grep -q TWO a.txt\nUpper.\n"
                        "## T02 b\nfiles: b.txt\ncheck: grep -q 2 b.txt || { echo not good enough; exit 3; }\nUpper.\n"
                        "## T03 c\nfiles: c.txt\nexecutor: substitute\npattern: two\nreplace: 2\ncheck: echo no; false\n")
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(ran.returncode == 0 and provider.count() == 2, "untrusted checks do not run", ran.stderr)
        status = scratch.run("status", "last", cwd=root).stdout
        ok(status.count("check not run: not trusted yet") == 3, "and the status says so", status)
        scratch.run("apply", "last", "--task", "T01", cwd=root)
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(provider.count() == 2, "nor the next time", ran.stderr)
        scratch.run("trust", "last", "--yes", cwd=root)
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(provider.count() == 3, f"once trusted they run on the replies that were paid for: {provider.count()} calls", ran.stderr)
        ok("T03 failed  c: check failed with exit status 1: no" in ran.stderr, "a failure says what the check said", ran.stderr)
        diff = scratch.run("diff", "last", cwd=root).stdout
        ok("+TWO" in diff and "+2" in diff and "c.txt" not in diff, "what passed stays, what failed was done better or is gone", diff)
        status = scratch.run("status", "last", cwd=root).stdout
        ok("not trusted" not in status and "+1 -1" in status, "the status knows", status)
        ran = scratch.run("apply", "last", cwd=root)
        ok("accepted 1 undecided hunk\n" in ran.stderr, "decisions were kept", ran.stderr, ran.stdout)
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(provider.count() == 3, "and no check runs twice for nothing", ran.stderr)


def submodules_are_there() -> None:
    """A test finds the files of submodules as they are on disk, nested ones too; nothing of the user's changes."""
    with Scratch() as scratch:
        root, sub, deep = project(scratch), scratch.path / "sub", scratch.path / "deep"
        for path in (sub, deep):
            path.mkdir()
            (path / "lib.txt").write_text("library\n")
            git_init(path)
        who = ("-c", "protocol.file.allow=always", "-c", "user.name=T", "-c", "user.email=t@example.com")
        git(sub, *who, "submodule", "add", "-q", str(deep), "deep")
        git(sub, *who, "commit", "-qam", "deep")
        git(root, *who, "submodule", "add", "-q", str(sub), "mod")
        git(root, *who, "submodule", "update", "-q", "--init", "--recursive")
        git(root, *who, "commit", "-qam", "mod")
        (root / "mod/lib.txt").write_text("library, changed\n")
        scratch.provider([])
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: t\ntest: grep -q TWO a.txt && grep -q changed mod/lib.txt && grep -q library mod/deep/lib.txt && "
                        "echo x >mod/lib.txt\n---\n## T01 a\nfiles: a.txt\nexecutor: substitute\npattern: two\nreplace: TWO\n")
        scratch.run("trust", str(plan), "--yes", cwd=root)
        ran = scratch.run("run", str(plan), "--yes", cwd=root)
        ok("passed in the worktree" in ran.stderr, "submodules are in the scratch copy", ran.stderr)
        ok((root / "mod/lib.txt").read_text() == "library, changed\n", "and it is a copy")
        ok(len(git(root, "worktree", "list").splitlines()) == 1 and not any((scratch.path / "state/piecework/scratch").iterdir()),
           "which is gone")


def nothing_is_left_running() -> None:
    """What a test leaves in the background ends with it."""
    with Scratch() as scratch:
        root = project(scratch)
        scratch.provider([])
        plan, mark = scratch.path / "p.md", scratch.path / "pid"
        plan.write_text(f"---\ntitle: t\ntest: sleep 97 & echo $! >'{mark}'; test -f a.txt\n---\n## T01 a\nfiles: a.txt\n"
                        "executor: substitute\npattern: two\nreplace: TWO\n")
        scratch.run("trust", str(plan), "--yes", cwd=root)
        ran = scratch.run("run", str(plan), "--yes", cwd=root)
        ok("passed in the worktree" in ran.stderr, "the test ends when its command does", ran.stderr)
        pid = mark.read_text().strip()
        alive = Path(f"/proc/{pid}/stat")
        gone = not alive.exists() or alive.read_text().split(")")[1].split()[0] == "Z"
        ok(gone, "and what it left behind, too")


def one_plan_file_two_projects() -> None:
    """A plan file of the user's is a plan of its own in each project it is run in."""
    with Scratch() as scratch:
        root = project(scratch)
        other = scratch.path / "other"
        other.mkdir()
        (other / "a.txt").write_text("two\n")
        git_init(other)
        scratch.provider([])
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: t\n---\n## T01 a\nfiles: a.txt\nexecutor: substitute\npattern: two\nreplace: TWO\n")
        for where in (root, other):
            ran = scratch.run("run", str(plan), "--no-verify", cwd=where)
            ok("1 hunk in 1 file" in ran.stderr, f"run in {where.name}", ran.stderr)
        ran = scratch.run("apply", str(plan), cwd=other)
        ok((other / "a.txt").read_text() == "TWO\n" and "two" in (root / "a.txt").read_text(), "applied where it was said", ran.stderr)
        own = next((root / ".git/piecework/plans").glob("*.md"), None)
        ok(own is None, "a plan of the user's is not copied")
        scratch.run("each", "b.txt", "c.txt", "x", "--yes", cwd=root)
        own = next(iter((root / ".git/piecework/plans").glob("*[a-z0-9].md")))
        ran = scratch.run("status", str(own), cwd=other)
        ok("piecework://status  #3" in ran.stdout, "a plan of piecework's own belongs to its project", ran.stdout, ran.stderr)


for test in (trusted_later, submodules_are_there, nothing_is_left_running, one_plan_file_two_projects):
    try:
        test()
    except Exception as error:
        ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
done()
