"""Bad input: each one clear line with the next step, the exit code of the table, nothing lost."""

import json
import os
import re
import subprocess

from harness import BINARY, Scratch, done, ok, tree_bytes
from workloads import Tests, block, git_init


def one_line(ran: subprocess.CompletedProcess, status: int, what: str, *words: str) -> None:
    lines = [line for line in ran.stderr.splitlines() if line.startswith("piecework: ")]
    ok(ran.returncode == status, f"{what}: exit {status}", f"exit {ran.returncode}", ran.stdout, ran.stderr)
    ok(len(lines) == 1 and all(word.lower() in ran.stderr.lower() for word in words),
       f"{what}: one line that says {', '.join(words)}", ran.stderr)
    ok("unknown error" not in ran.stderr.lower() and not re.search(r"\b0x[0-9a-f]+\b", ran.stderr), f"{what}: plain words", ran.stderr)


def project(scratch: Scratch, name: str = "w") -> Tests:
    return Tests(scratch.path / name)


def keys_and_servers() -> None:
    with Scratch() as scratch:
        load = project(scratch)
        scratch.provider([{"match": {"model": "claude-opus-5-5"}, "reply": {"text": "x"}, "fault": {"status": "model"}}])
        request = ["plan", "--yes", "write 10 test cases for lib/shorten.py from spec.md"]
        ran = scratch.run(*request, cwd=load.root, env={"ANTHROPIC_API_KEY": ""})
        one_line(ran, 4, "no key", "ANTHROPIC_API_KEY")
        ran = scratch.run(*request, cwd=load.root, env={"ANTHROPIC_API_KEY": "wrong"})
        one_line(ran, 4, "wrong key", "key")
        one_line(scratch.run(*request, cwd=load.root), 4, "unknown model", "claude-opus-5-5")
        scratch.configure("http://127.0.0.1:9")
        one_line(scratch.run(*request, cwd=load.root), 4, "server down", "127.0.0.1:9")


def words_and_files() -> None:
    with Scratch() as scratch:
        load = project(scratch)
        scratch.provider([{"match": {}, "reply": {"text": "NOTHING TO CHANGE"}}])
        root = load.root
        one_line(scratch.run("pln", cwd=root), 2, "unknown subcommand", "pln", "plan")
        one_line(scratch.run("run", "--yess", "last", cwd=root), 2, "unknown option", "--yess")
        one_line(scratch.run("run", "999", cwd=root), 1, "unknown plan", "999")
        one_line(scratch.run("edit", "lib/shorten.py:9-4", "shorten", "--yes", cwd=root), 2, "empty range", "9-4")
        one_line(scratch.run("edit", "lib/none.py", "shorten", "--yes", cwd=root), 1, "missing file", "lib/none.py")
        one_line(scratch.run("edit", "lib/shorten.py:9000-9010", "shorten", "--yes", cwd=root), 1, "range past the end", "lib/shorten.py")
        (root / "empty.py").write_bytes(b"")
        (root / "bin.dat").write_bytes(bytes(range(256)) * 16)
        (root / "big.txt").write_bytes(b"x" * 79 + b"\n" + b"y" * 49 + b"\n" * (50 * 1024 * 1024))
        (root / "nul.txt").write_bytes(b"a\0b\n")
        before = tree_bytes(root)
        one_line(scratch.run("edit", "bin.dat", "shorten", "--yes", cwd=root), 1, "binary file", "bin.dat")
        one_line(scratch.run("edit", "nul.txt", "shorten", "--yes", cwd=root), 1, "NUL in a file", "nul.txt")
        one_line(scratch.run("edit", "big.txt", "shorten", "--yes", cwd=root), 1, "50 MB file", "big.txt")
        ran = scratch.run("edit", "empty.py", "write a hello world", "--yes", cwd=root)
        ok(ran.returncode in (0, 1) and ran.stderr.count("\n") <= 12, "0-byte file: ends in order", ran.stdout, ran.stderr)
        one_line(scratch.run("edit", "lib/shorten.py", "", "--yes", cwd=root), 2, "empty instruction", "what")
        ok(tree_bytes(root) == before, "nothing was changed by any of these")
        bad = scratch.path / "bad.md"
        bad.write_text("---\ntitle: x\nbudget: much\n---\n## T01 one\nfiles: lib/shorten.py:1-5\nafter: T09\nDo it.\n")
        ran = scratch.run("run", str(bad), "--yes", cwd=root)
        ok(ran.returncode == 1 and "bad.md" in ran.stderr and ":3" in ran.stderr and ":7" in ran.stderr,
           "plan file: problems with their line numbers", ran.stdout, ran.stderr)
        bad.write_text("not a plan at all\n")
        ran = scratch.run("run", str(bad), "--yes", cwd=root)
        ok(ran.returncode == 1 and "bad.md" in ran.stderr, "plan file: not a plan", ran.stderr)


def places() -> None:
    with Scratch() as scratch:
        load = project(scratch)
        scratch.provider([{"match": {}, "reply": {"text": "NOTHING TO CHANGE"}}])
        plain = scratch.path / "plain"
        plain.mkdir()
        (plain / "a.py").write_text("print('hello')\n")
        ran = scratch.run("edit", "a.py", "say hello twice", "--yes", cwd=plain)
        ok(ran.returncode == 0, "not a git repository: works", ran.stdout, ran.stderr)
        one_line(scratch.run("commit", "last", "-m", "x", cwd=plain), 1, "not a git repository: commit", "git")
        blocked = scratch.path / "blocked"
        blocked.write_text("a file where a directory should be\n")
        ran = scratch.run("status", cwd=load.root, env={"XDG_STATE_HOME": str(blocked)})
        one_line(ran, 1, "unwritable state directory", str(blocked))
        (scratch.path / "config/piecework/config.json").write_text('{"models": {\n  "big": [}\n')
        one_line(scratch.run("status", cwd=load.root), 2, "config syntax error", "config.json", "line 2")
        (scratch.path / "config/piecework/config.json").write_text('{"providers": {"anthropic": {"key": "sk-literal"}}}')
        ran = scratch.run("status", cwd=load.root)
        ok("sk-literal" not in ran.stdout + ran.stderr, "a literal key in the configuration is not shown", ran.stderr)
        scratch.configure("http://127.0.0.1:9")
        scratch.run("status", cwd=load.root)
        journal = scratch.path / "state/piecework/journal.db"
        whole = journal.read_bytes()
        journal.write_bytes(b"this is not a database" * 100)
        for leftover in ("journal.db-wal", "journal.db-shm"):
            (scratch.path / "state/piecework" / leftover).unlink(missing_ok=True)
        one_line(scratch.run("status", cwd=load.root), 1, "damaged journal", "journal.db")
        journal.write_bytes(whole[:4096 * 3] + b"Z" * 4096 + whole[4096 * 4:])
        ran = scratch.run("doctor", cwd=load.root)
        ok("journal.db is damaged" in ran.stdout, "doctor reads all of the journal", ran.stdout, ran.stderr)


def wire() -> None:
    with Scratch() as scratch:
        load = project(scratch)
        scratch.configure("http://127.0.0.1:9")
        messages = [[0, 1, "initialize", {"protocol": 99, "client": "test", "editor": "test", "cwd": str(load.root)}],
                    [0, 2, "no/such", {}], [0, 3, "plan/text", {"plan": "x"}]]
        talk = "not json\n" + "[7]\n" + "".join(json.dumps(m) + "\n" for m in messages)
        ran = subprocess.run([str(BINARY), "serve", "--wire=json"], input=talk, capture_output=True, text=True,
                             cwd=load.root, env=scratch.env, timeout=30)
        answers = {m[1]: m for m in map(json.loads, ran.stdout.splitlines()) if m[0] == 1}
        ok(answers.get(1) and answers[1][2]["code"] == "protocol" and "Piecework build" in answers[1][2]["hint"],
           "another protocol version names :Piecework build", ran.stdout, ran.stderr)
        ok(answers.get(2) and answers[2][2]["code"], "an unknown method is an error, not silence", ran.stdout)
        ok(answers.get(3) and answers[3][2]["code"], "wrong params are an error", ran.stdout)
        ok(ran.returncode == 0, "serve ends in order when its input ends", ran.returncode, ran.stderr)


def through_a_link() -> None:
    """A plan that names a file through a symlinked directory, and replies that do, mean the file."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        (root / "real").mkdir(parents=True)
        (root / "real/f.py").write_text("a = 1\n" + "x = 0\n" * 20 + "b = 1\n")
        (root / "link").symlink_to("real")
        git_init(root)
        rules = [{"match": {"contains": f"the {name} one"}, "reply": {"text": block(f"link/{path}", old, new)}}
                 for name, path, old, new in (("a", "f.py", "a = 1\n", "a = 2\n"), ("b", "f.py", "b = 1\n", "b = 2\n"), ("new", "g.py", "", "c = 1\n"))]
        provider = scratch.provider(rules, config={"pilot": "never"})
        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: x\n---\n## T01 the a one\nfiles: link/f.py:1-3\nDo.\n## T02 the b one\nfiles: real/f.py:20-22\n"
                        "files: link/f.py:20-22\nDo.\n## T03 the new one\nfiles: link/g.py new\nDo.\n")
        ran = scratch.run("run", str(plan), "--yes", "--no-verify", cwd=root)
        ok(ran.returncode == 0 and provider.count() == 3, f"link: all three are done with {provider.count()} requests", ran.stderr)
        ok("link/" not in scratch.run("diff", "last", cwd=root).stdout, "link: the review knows one name")
        scratch.run("apply", "last", cwd=root)
        ok((root / "real/f.py").read_text() == "a = 2\n" + "x = 0\n" * 20 + "b = 2\n" and (root / "real/g.py").read_text() == "c = 1\n"
           and (root / "link").is_symlink(), "link: applied to the files", (root / "real/f.py").read_text())
        (root / "away").symlink_to("/tmp")
        plan.write_text("---\ntitle: x\n---\n## T01 the a one\nfiles: away/f.py new\nDo.\n")
        one_line(scratch.run("run", str(plan), "--yes", cwd=root), 1, "link out of the project", "away/f.py", "outside")


def nearly_full() -> None:
    """No call is made whose reply might find no room in the journal."""
    own = "mount -t tmpfs -o size=$1m none \"$2\" || exit 77; shift 2; exec \"$@\""
    for size in (64, 15):
        with Scratch() as scratch:
            root, plan = scratch.path / "w", scratch.path / "plan.md"
            root.mkdir()
            (root / "f.py").write_text("a = 1\n")
            git_init(root)
            provider = scratch.provider([{"match": {}, "reply": {"text": block("f.py", "a = 1\n", "a = 2\n")}}])
            plan.write_text("---\ntitle: x\n---\n## T01 one\nfiles: f.py\nDo.\n")
            try:
                ran = subprocess.run(["unshare", "-rm", "sh", "-c", own, "sh", str(size), str(scratch.path / "state"), str(BINARY), "run",
                                      str(plan), "--yes", "--no-verify"], cwd=root, env=scratch.env, capture_output=True, text=True, timeout=60)
            except FileNotFoundError:
                return  # no unshare here
            if ran.returncode in (1, 77) and re.search("unshare:|mount:", ran.stderr):
                return  # nobody may mount here
            if size == 64:
                ok(ran.returncode == 0 and provider.count() == 1, "nearly full: with room it runs", ran.stderr)
            else:
                one_line(ran, 1, "nearly full", "16 MiB", "free some space")
                ok(provider.count() == 0, "nearly full: nobody was asked")


for test in (keys_and_servers, words_and_files, places, wire, through_a_link, nearly_full):
    try:
        test()
    except Exception as error:
        ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
done()
