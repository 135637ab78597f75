"""`check:` of tasks: trusted after the work was done, it runs on what was paid for; what a failed one said is told."""

from harness import Scratch, done, ok
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


for test in (trusted_later,):
    try:
        test()
    except Exception as error:
        ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
done()
