"""The four workloads through the shell: plan, trust, run, diff, apply, commit; the result is run."""

import subprocess

from harness import Scratch, done, model_rules, ok, tree_bytes
from workloads import ALL


def git(root, *argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=root, capture_output=True, text=True, check=True).stdout


def journey(kind) -> None:
    with Scratch() as scratch:
        load = kind(scratch.path / kind.name)
        provider = scratch.provider(model_rules(load), config={"test": load.test})
        scope = [arg for path in load.scope for arg in ("--scope", path)]
        before = tree_bytes(load.root)

        ran = scratch.run("plan", "--yes", *scope, load.request, cwd=load.root)
        if not ok(ran.returncode == 0, f"{load.name}: plan", ran.stdout, ran.stderr):
            return
        trusted = scratch.run("trust", "last", "--yes", cwd=load.root)
        ok(trusted.returncode == 0, f"{load.name}: trust", trusted.stdout, trusted.stderr)
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 0, f"{load.name}: run and verify", ran.stdout, ran.stderr)
        ok("passed" in ran.stdout + ran.stderr, f"{load.name}: the test ran in the worktree", ran.stdout, ran.stderr)
        ok(tree_bytes(load.root) == before, f"{load.name}: nothing changed before apply")
        ok(git(load.root, "worktree", "list").count("\n") == 1, f"{load.name}: no worktree left behind")
        diff = scratch.run("diff", "last", cwd=load.root)
        ok(diff.returncode == 0 and "+++ b/" in diff.stdout, f"{load.name}: diff", diff.stderr)
        applied = scratch.run("apply", "last", cwd=load.root)
        ok(applied.returncode == 0, f"{load.name}: apply", applied.stdout, applied.stderr)
        for good, what in load.check():
            ok(good, f"{load.name}: {what.splitlines()[0]}", what)
        cost = scratch.run("cost", "last", "--json", cwd=load.root)
        ok(cost.returncode == 0 and "execute" in cost.stdout, f"{load.name}: receipt", cost.stdout, cost.stderr)
        committed = scratch.run("commit", "last", "-m", "done by the piece", cwd=load.root)
        ok(committed.returncode == 0, f"{load.name}: commit", committed.stdout, committed.stderr)
        ok(git(load.root, "status", "--porcelain") == "", f"{load.name}: a clean tree after the commit",
           git(load.root, "status", "--porcelain"))
        reverted = scratch.run("revert", "last", cwd=load.root)
        ok(reverted.returncode == 0 and tree_bytes(load.root) == before, f"{load.name}: revert gives every byte back",
           reverted.stdout, reverted.stderr)
        ok(provider.process.poll() is None, f"{load.name}: {provider.count()} requests")


for kind in ALL:
    journey(kind)
done()
