"""commit, killed by a hook right behind `git commit`: the next command makes the user's index know it. One commit a task."""

import subprocess
import sys
from pathlib import Path

from harness import Scratch, done, ok
from t_storm import git, make, reply, tasks_text

COUNT = 4
# git's parent is the engine
KILL = "#!/bin/sh\nkill -9 $(awk '{print $4}' /proc/$PPID/stat)\n"


class Case:
    def __init__(self, scratch: Scratch, **config) -> None:
        self.scratch, self.root = scratch, scratch.path / "w"
        make(self.root, COUNT)
        (self.root / "staged.txt").write_text("staged\n")
        git(self.root, "add", "staged.txt")
        (self.root / "m0000.py").write_text("# mine\ndef value():\n    return 0\n")  # not committed, not staged
        self.provider = scratch.provider(
            [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(COUNT)], config=config)
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: negate all\n---\n" + tasks_text(COUNT))
        for argv in (["run", str(plan), "--yes", "--no-verify"], ["apply", "last"]):
            ran = scratch.run(*argv, cwd=self.root)
            ok(ran.returncode == 0, f"prepared: {argv[0]}", ran.stderr)

    def commit(self, *more: str) -> subprocess.CompletedProcess:
        return self.scratch.run("commit", "last", *more, cwd=self.root)

    def hook(self, text: str | None, name: str = "post-commit") -> None:
        path = self.root / ".git/hooks" / name
        path.parent.mkdir(exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
            path.chmod(0o755)

    def staged(self) -> list[str]:
        return git(self.root, "diff", "--cached", "--name-only").split()

    def log(self, form: str = "%s") -> list[str]:
        return git(self.root, "log", f"--format={form}").splitlines()


def killed(how: str) -> None:
    with Scratch() as scratch:
        case = Case(scratch)
        case.hook(KILL)
        ran = case.commit("-m", "negated")
        ok(ran.returncode == -9 and case.log()[0] == "negated", f"{how}: killed behind the commit", ran.stderr)
        ok(len(case.staged()) > 1, f"{how}: git thinks that it is taken back: {case.staged()}")
        case.hook(None)
        if how == "touched":  # the user has done something about it: that stands
            git(case.root, "add", "m0001.py")
            before = git(case.root, "ls-files", "-s")
        ran = scratch.run("resume", cwd=case.root) if how != "commit" else case.commit("-m", "again")
        if how == "touched":
            ok(git(case.root, "ls-files", "-s") == before, "touched: the index is left to the user")
        else:
            ok(case.staged() == ["staged.txt"], f"{how}: the index knows it now: {case.staged()}", ran.stderr)
            ok(git(case.root, "diff", "--name-only").split() == ["m0000.py"], f"{how}: the user's own change is there")
        ok(case.log()[0] == "negated", f"{how}: nothing was committed twice {case.log()}")
        ok(not list((case.root / ".git/piecework").glob("commit-*")), f"{how}: nothing is left over")


def before_the_commit() -> None:
    """Killed in front of it: there is no commit, and nothing to heal."""
    with Scratch() as scratch:
        case = Case(scratch)
        before = git(case.root, "ls-files", "-s")
        case.hook(KILL, "pre-commit")
        case.commit("-m", "negated")
        case.hook("#!/bin/sh\nexit 0\n", "pre-commit")
        # git itself was not killed, and goes on when its hook has ended well
        made = case.log()[0] == "negated"
        ran = scratch.run("resume", cwd=case.root)
        if made:
            ok(case.staged() == ["staged.txt"], "in front: git went on by itself, and the index knows", ran.stderr)
        else:
            ok(git(case.root, "ls-files", "-s") == before, "in front: the index is as it was", ran.stderr)


if __name__ == "__main__":
    for how in ("resume", "commit", "touched"):
        killed(how)
    before_the_commit()
    done()
