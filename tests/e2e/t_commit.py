"""commit, killed by a hook right behind `git commit`: the next command makes the user's index know it. One commit a task."""

import signal
import subprocess
from pathlib import Path

from harness import Scratch, done, ok, wait_for
from t_storm import git, make, reply, tasks_text
from workloads import block, git_init

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
            ok("cut short and the index was changed since" in ran.stderr and "git reset -- m0000.py" in ran.stderr,
               "touched: and says so", ran.stderr)
        else:
            ok("a commit that was cut short is finished" in ran.stderr, f"{how}: says so", ran.stderr)
            ok(case.staged() == ["staged.txt"], f"{how}: the index knows it now: {case.staged()}", ran.stderr)
            ok(git(case.root, "diff", "--name-only").split() == ["m0000.py"], f"{how}: the user's own change is there")
        if how != "commit":
            ran = scratch.run("resume", cwd=case.root)
            ok("cut short" not in ran.stderr, f"{how}: said once", ran.stderr)
        ok(case.log()[0] == "negated", f"{how}: nothing was committed twice {case.log()}")
        ok(not list((case.root / ".git/piecework").glob("commit-*")), f"{how}: nothing is left over")


def git_cannot() -> None:
    """A git that was killed, too, leaves its lock: what is left to do is not forgotten, and git's own words are told."""
    with Scratch() as scratch:
        case = Case(scratch)
        case.hook(KILL)
        case.commit("-m", "negated")
        case.hook(None)
        lock = case.root / ".git/index.lock"
        lock.write_text("")
        ran = scratch.run("resume", cwd=case.root)
        line = [l for l in ran.stderr.splitlines() if "cut short" in l]
        ok(len(line) == 1 and "index.lock" in line[0] and "resume tries again" in line[0], f"locked: {line}", ran.stderr)
        lock.unlink()
        ran = scratch.run("resume", cwd=case.root)
        ok(case.staged() == ["staged.txt"] and "is finished" in ran.stderr, "locked: done when the lock is gone", ran.stderr)


def before_the_commit() -> None:
    """Killed in front of it. Git itself goes on when its hook has ended, and behind the first resume."""
    with Scratch() as scratch:
        case = Case(scratch)
        before, go = git(case.root, "ls-files", "-s"), case.root.parent / "go"
        wait = f"while ! [ -e '{go}' ]; do sleep 0.1; done\n"
        case.hook(KILL + wait, "commit-msg")
        case.commit("-m", "negated")
        ran = scratch.run("resume", cwd=case.root)
        ok(git(case.root, "ls-files", "-s") == before and "cut short" not in ran.stderr,
           "in front: there is nothing to do yet", ran.stderr)
        go.write_text("")
        wait_for(lambda: case.log()[0] == "negated", "git to go on")
        ran = scratch.run("resume", cwd=case.root)
        ok(case.staged() == ["staged.txt"] and "is finished" in ran.stderr, "in front: the commit came, and the index knows",
           ran.stderr)


def by_task() -> None:
    """A commit per task, also where two tasks changed one file with one line between."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        root.mkdir()
        (root / "a.txt").write_text("one\ntwo\nthree\nfour\n")
        git_init(root)
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: two things\n---\n"
                        "## T01 a.txt: two is TWO\nfiles: a.txt:2-2\nexecutor: substitute\npattern: two\nreplace: TWO\n\n"
                        "## T02 a.txt: four is FOUR\nfiles: a.txt:4-4\nexecutor: substitute\npattern: four\nreplace: FOUR\n\n"
                        "## T03 b.txt: a new one\nfiles: b.txt new\nWrite b.\n")
        scratch.provider([{"match": {"contains": "b.txt: a new one"}, "reply": {"text": block("b.txt", "", "b\n")}}],
                         config={"commit_trailer": True})
        for argv in (["run", str(plan), "--yes", "--no-verify"], ["apply", "last"]):
            ran = scratch.run(*argv, cwd=root)
            ok(ran.returncode == 0, f"by task: {argv[0]}", ran.stderr)
        ran = scratch.run("commit", "last", "--by-task", "-m", "no", cwd=root)
        ok(ran.returncode == 2, "by task: no message as well", ran.stderr)
        ran = scratch.run("commit", "last", "--by-task", cwd=root)
        ok(ran.returncode == 0, "by task: committed", ran.stdout, ran.stderr)
        log = git(root, "log", "--format=%s").splitlines()
        ok(sorted(log[:-1]) == ["a.txt: four is FOUR", "a.txt: two is TWO", "b.txt: a new one"], f"by task: {log}")
        for title, files, line in (("two is TWO", ["a.txt"], "+TWO"), ("four is FOUR", ["a.txt"], "+FOUR"), ("a new one", ["b.txt"], "+b")):
            name = git(root, "log", "--format=%h", f"--grep={title}", "-1").strip()
            shown = git(root, "show", "--format=%b", name)
            plus = [l for l in shown.splitlines() if l.startswith("+") and not l.startswith("+++")]
            ok(git(root, "show", "--name-only", "--format=", name).split() == files and plus == [line], f"by task: {title} {plus}", shown)
            ok("Piecework-Plan: 1" in shown and "of plan 1: two things" in shown, f"by task: its message says where from", shown)
        ok(git(root, "status", "--porcelain") == "", "by task: nothing is left", git(root, "status", "--porcelain"))
        ran = scratch.run("commit", "last", "--by-task", cwd=root)
        ok(ran.returncode != 0, "by task: nothing is committed twice", ran.stderr)


def by_task_again() -> None:
    """A hook refuses the second commit; when it is content, the rest is committed."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        root.mkdir()
        (root / "a.txt").write_text("one\n\ntwo\n\nthree\n")
        git_init(root)
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: three things\n---\n" + "".join(
            f"## T0{i} say {word.upper()}\nfiles: a.txt:{2 * i - 1}\nexecutor: substitute\npattern: {word}\nreplace: {word.upper()}\n\n"
            for i, word in enumerate(("one", "two", "three"), 1)))
        scratch.provider([])
        for argv in (["run", str(plan), "--yes", "--no-verify"], ["apply", "last"]):
            ok(scratch.run(*argv, cwd=root).returncode == 0, f"again: {argv[0]}")
        hook = root / ".git/hooks/commit-msg"
        hook.write_text("#!/bin/sh\n! grep TWO $1\n")
        hook.chmod(0o755)
        ran = scratch.run("commit", "last", "--by-task", cwd=root)
        made = int(git(root, "rev-list", "--count", "HEAD")) - 1
        ok(ran.returncode == 1 and made < 3, f"again: {made} made before the hook refused", ran.stderr)
        hook.unlink()
        ran = scratch.run("commit", "last", "--by-task", cwd=root)
        subjects = git(root, "log", "--format=%s").splitlines()[:-1]
        ok(ran.returncode == 0 and sorted(subjects) == ["say ONE", "say THREE", "say TWO"], f"again: {subjects}", ran.stderr)
        ok("left to commit" not in ran.stderr + scratch.run("log", "last", cwd=root).stdout, "again: the first is no failure", ran.stderr)
        ok(git(root, "status", "--porcelain") == "", "again: nothing is left")
        ran = scratch.run("commit", "last", "--by-task", cwd=root)
        ok(ran.returncode == 1 and "left to commit" in ran.stderr, "again: and then there is nothing", ran.stderr)


def what_git_says() -> None:
    """A hook that refuses is shown whole, once; hooks run as under a plain `git commit`; a message is taken as it is."""
    with Scratch() as scratch:
        case = Case(scratch)
        case.hook("#!/bin/sh\necho first line >&2\necho last line\nexit 3\n", "pre-commit")
        ran = case.commit("-m", "negated")
        said = ran.stderr.splitlines()
        ok(ran.returncode == 1 and "first line" in said and "last line" in said, "a hook's words are all there", ran.stderr)
        ok(sum("could not commit" in line for line in said) == 1, "and the failure is one line", ran.stderr)
        ok("git: first line" in scratch.run("log", "last", cwd=case.root).stdout, "the log has them, too")
        case.hook("#!/bin/sh\nenv | grep GIT_LITERAL_PATHSPECS && exit 1\n"
                  "test \"$(git ls-files 'm*.py' | wc -l)\" -eq 4\n", "pre-commit")
        ran = case.commit("-m", "#12 negated\n\n# not a comment")
        ok(ran.returncode == 0, "a hook's pathspecs are patterns", ran.stderr)
        ok(case.log("%B")[:3] == ["#12 negated", "", "# not a comment"], "-m is taken as it is", case.log("%B"))


def is_gone(pid: str) -> bool:
    """Ended, collected by whoever has to or not yet."""
    try:
        return wait_for(lambda: not (stat := Path(f"/proc/{pid}/stat")).exists() or stat.read_text().split(")")[1].split()[0] == "Z",
                        f"the end of {pid}", seconds=30)
    except TimeoutError:
        return False


def stopped() -> None:
    """Ctrl-C ends a hook and the commit; behind the commit it is too late, and says so."""
    for hook, made in (("pre-commit", False), ("post-commit", True)):
        with Scratch() as scratch:
            case = Case(scratch)
            mark = scratch.path / "pid"
            case.hook(f"#!/bin/sh\necho $$ >'{mark}'\nsleep 60\n", hook)
            before = case.staged()
            running = scratch.start("commit", "last", "-m", "negated", cwd=case.root)
            wait_for(lambda: mark.exists() and mark.read_text().strip(), "the hook")
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=55)  # the hook would sleep for longer
            ok(is_gone(mark.read_text().strip()) and (running.returncode == 0) == made and (case.log()[0] == "negated") == made,
               f"{hook}: stopped {running.returncode}", out, err, case.log())
            ok(made or "stopped: nothing was committed" in err, f"{hook}: said", err)
            ok(case.staged() == before and not list((case.root / ".git/piecework").glob("commit-*")), f"{hook}: nothing is left over",
               case.staged())
            case.hook(None, hook)
            ran = case.commit("-m", "again")
            ok((ran.returncode == 0) != made, f"{hook}: and again", ran.stderr)


def filtered() -> None:
    """A file that git stores through a filter (encrypted, secrets taken out) is never committed as it stands."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        root.mkdir()
        (root / "README").write_text("filters\n")
        git_init(root)
        for side in ("clean", "smudge"):
            git(root, "config", f"filter.rot.{side}", "tr a-z n-za-m")
        (root / ".gitattributes").write_text("*.txt filter=rot\n")
        for name in ("a.txt", "b.txt"):
            (root / name).write_text("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n")
        git(root, "add", ".")
        git(root, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "x")
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: ones\n---\n## T01 ones\nfiles: a.txt, b.txt\nexecutor: substitute\npattern: one\nreplace: ein\n")
        scratch.provider([])
        for argv in (["run", str(plan), "--yes", "--no-verify"], ["apply", "last"]):
            scratch.run(*argv, cwd=root)
        with (root / "b.txt").open("a") as file:
            file.write("mine, and secret\n")
        ran = scratch.run("commit", "last", "-m", "ones", cwd=root)
        ok(ran.returncode == 1 and "b.txt: git filters this file" in ran.stderr, "filtered: with more in it, refused", ran.stderr)
        (root / "b.txt").write_text((root / "b.txt").read_text().replace("mine, and secret\n", ""))
        ran = scratch.run("commit", "last", "-m", "ones", cwd=root)
        stored = git(root, "cat-file", "blob", "HEAD:a.txt")
        ok(ran.returncode == 0 and stored.startswith("rva\n") and git(root, "status", "--porcelain") == "",
           "filtered: committed through the filter", ran.stderr, stored, git(root, "status", "--porcelain"))
        everything = git(root, "cat-file", "--batch-check", "--batch-all-objects")
        blobs = "".join(git(root, "cat-file", "blob", line.split()[0]) for line in everything.splitlines() if " blob " in line)
        ok("ein\n" not in blobs and "secret" not in blobs, "filtered: nothing is stored in clear", blobs)


def submodule() -> None:
    """What lies in a submodule is not this repository's to commit; the rest is."""
    with Scratch() as scratch:
        sub, root = scratch.path / "sub", scratch.path / "w"
        for path in (sub, root):
            path.mkdir()
            (path / "a.txt").write_text("one\n")
            git_init(path)
        git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(sub), "mod")
        git(root, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qam", "mod")
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: ones\n---\n## T01 ones\nfiles: a.txt, mod/a.txt\nexecutor: substitute\n"
                        "pattern: one\nreplace: ONE\n\n## T02 new\nfiles: mod/new.txt new\nMake it.\n")
        scratch.provider([{"match": {}, "reply": {"text": block("mod/new.txt", "", "new\n")}}])
        for argv in (["run", str(plan), "--yes", "--no-verify"], ["apply", "last"]):
            ran = scratch.run(*argv, cwd=root)
            ok(ran.returncode == 0, f"submodule: {argv[0]}", ran.stderr)
        ran = scratch.run("commit", "last", "-m", "ones", cwd=root)
        ok(ran.returncode == 0 and git(root, "show", "--name-only", "--format=", "HEAD").split() == ["a.txt"],
           "submodule: its own file is committed", ran.stderr)
        ok(all(f"mod/{name} is left out: it belongs to the repository in mod" in ran.stderr for name in ("a.txt", "new.txt")),
           "submodule: the other's are named", ran.stderr)
        ran = scratch.run("commit", "last", "-m", "again", cwd=root)
        ok(ran.returncode == 1 and ran.stderr.splitlines()[-1].startswith("piecework: nothing of plan 1 is left to commit."),
           "what is in HEAD already is no failure of git's", ran.stderr)


if __name__ == "__main__":
    for how in ("resume", "commit", "touched"):
        killed(how)
    git_cannot()
    before_the_commit()
    by_task()
    by_task_again()
    what_git_says()
    stopped()
    filtered()
    submodule()
    done()
