"""What a shell user meets: closed and full outputs, Ctrl-C, words for one and for none, doubts with their places."""

import json
import os
import pty
import re
import shlex
import signal
import sqlite3
import subprocess
from pathlib import Path

from harness import BINARY, Scratch, done, hear, ok, wait_for
from workloads import block, git_init


def sql(base: Path, text: str) -> list[tuple]:
    journal = sqlite3.connect(base)
    try:
        return journal.execute(text).fetchall()
    finally:
        journal.commit()
        journal.close()


def small(scratch: Scratch, name: str = "w"):
    root = scratch.path / name
    root.mkdir()
    (root / "a.txt").write_text("alpha\nbeta\ngamma\n")
    (root / "b.txt").write_text("alpha\nbeta\ngamma\n")
    git_init(root)
    return root


UPPER = {"match": {}, "reply": {"text": block("a.txt", "beta\n", "BETA\n")}}


def outputs() -> None:
    with Scratch() as scratch:
        root = small(scratch)
        scratch.provider([UPPER])
        ran = scratch.run("edit", "a.txt", "make beta upper case", "--yes", cwd=root)
        ok(ran.returncode == 0, "edit", ran.stderr)

        def shell(line: str) -> subprocess.CompletedProcess:
            return subprocess.run(["bash", "-c", line.replace("piecework", shlex.quote(str(BINARY)))], cwd=root, env=scratch.env,
                                  capture_output=True, text=True, timeout=60)
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            ran = shell(f"piecework diff last {closed}")
            ok(ran.returncode in (0, 1) and "Assert" not in ran.stderr, f"diff {closed} ends in order", ran.returncode, ran.stderr)
        ran = shell("piecework diff last >/dev/full")
        ok(ran.returncode == 1 and ran.stderr.count("\n") == 1 and "cannot write" in ran.stderr,
           "a full output is one line and a failure", ran.returncode, ran.stderr)
        ran = shell("piecework preview last T01 | true")
        ok(ran.stderr == "", "a reader that leaves needs no word", ran.stderr)


def words() -> None:
    with Scratch() as scratch:
        root = small(scratch)
        scratch.provider([UPPER])
        scratch.run("edit", "a.txt", "make beta upper case", "--yes", cwd=root)
        ran = scratch.run("apply", "last", cwd=root)
        ok("accepted 1 undecided hunk\n" in ran.stderr, "one hunk is not hunks", ran.stderr)
        (root / "a.txt").write_text("nothing of it\n")
        ran = scratch.run("edit", "a.txt", "make beta upper case", "--yes", cwd=root)
        ok(ran.returncode == 1 and ":Piecework" not in ran.stderr and "piecework status" in ran.stderr,
           "a shell is told of piecework, not :Piecework", ran.stderr)
        ran = scratch.run("apply", "last", cwd=root)
        ok("has changed no file" in ran.stderr, "nothing to apply says so", ran.stdout, ran.stderr)
        ran = scratch.run("cost", "last", cwd=root)
        ok(max(map(len, ran.stdout.splitlines())) <= 80, "cost fits 80 columns", ran.stdout)
        ran = scratch.run("status", cwd=root)
        ok(max(map(len, ran.stdout.splitlines())) <= 80, "status fits 80 columns", ran.stdout)


def files_by_name() -> None:
    """--file names a file from where the user is; what a plan does not change is told."""
    with Scratch() as scratch:
        root = small(scratch)
        (root / "d").mkdir()
        (root / "d/a.txt").write_text("alpha\nbeta\ngamma\n")
        scratch.provider([{"match": {}, "reply": {"text": block("d/a.txt", "beta\n", "BETA\n")}}])
        ran = scratch.run("edit", "a.txt", "make beta upper case", "--yes", cwd=root / "d")
        ok(ran.returncode == 0, "edit from a subdirectory", ran.stderr)
        ran = scratch.run("diff", "last", "--file", "a.txt", cwd=root / "d")
        ok("+BETA" in ran.stdout, "diff --file from a subdirectory", ran.stdout, ran.stderr)
        ran = scratch.run("diff", "last", "--file", "b.txt", cwd=root)
        ok(ran.returncode == 1 and "does not change b.txt" in ran.stderr, "diff of a file the plan leaves alone", ran.stderr)
        ran = scratch.run("apply", "last", "--file", "b.txt", cwd=root)
        ok(ran.returncode == 1 and "does not change b.txt" in ran.stderr, "apply of a file the plan leaves alone", ran.stderr)
        ran = scratch.run("apply", "last", "--task", "T09", cwd=root)
        ok(ran.returncode == 1 and "task T09" in ran.stderr, "apply of a task there is not", ran.stderr)
        ran = scratch.run("apply", "last", "--file", "a.txt", cwd=root / "d")
        ok(ran.returncode == 0 and "BETA" in (root / "d/a.txt").read_text(), "apply --file from a subdirectory", ran.stderr)
        ran = scratch.run("plan", "", cwd=root)
        ok('. piecework plan "' in ran.stderr, "a command in a hint is as it is typed", ran.stderr)


def planning_lines() -> None:
    with Scratch() as scratch:
        root = small(scratch)
        plan = {"title": "t", "tasks": [{"id": "T01", "title": "a", "files": ["a.txt"], "body": "Upper case."}]}
        scratch.provider([
            {"match": {"turn": 0}, "reply": {"tool_calls": [{"name": "list_files", "input": {}}]}},
            {"match": {}, "reply": {"tool_calls": [{"name": "submit_plan", "input": plan}]}}])
        ran = scratch.run("plan", "--yes", "upper case all", cwd=root)
        ahead = [line for line in ran.stderr.splitlines() if "$" in line]
        ahead += [line for line in scratch.run("log", "last", cwd=root).stdout.splitlines() if "$" in line]
        ran_too = scratch.run("run", "last", "--no-verify", cwd=root)
        ahead += [line for line in ran_too.stderr.splitlines() if "$" in line and not line.startswith("cost:")]
        ok(len(ahead) == 3 and all("estimate" in line for line in ahead), "every figure before the run says it is an estimate", *ahead)
        messages = [[0, 1, "initialize", {"protocol": 1, "client": "test", "editor": "test", "cwd": str(root)}],
                    [0, 2, "plan/text", {"plan": 1}]]
        served = subprocess.run([str(BINARY), "serve", "--wire=json"], input="".join(json.dumps(m) + "\n" for m in messages),
                                capture_output=True, text=True, cwd=root, env=scratch.env, timeout=60)
        answer = next(m for m in map(json.loads, served.stdout.splitlines()) if m[:2] == [1, 2])
        notes = [note["text"] for note in answer[3].get("notes", [])]
        ok(len(notes) == 2 and all(note.startswith("estimate") and len(note) < 70 for note in notes), "the plan's notes do, too", answer)
        lines = [line for line in ran.stderr.splitlines() if line.startswith("planning")]
        ok(lines == ["planning: list_files"], "planning: one plain line per tool, no turns", ran.stderr)


def doubts_have_places() -> None:
    with Scratch() as scratch:
        root = small(scratch)
        verdicts = [{"task": "T01", "verdict": "ok"}, {"task": "T02", "verdict": "doubt", "reason": "is BETA meant?"}]
        scratch.provider([
            {"match": {"has_tool": "submit_verdicts"},
             "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": verdicts}}]}},
            {"match": {"last_contains": "b.txt"}, "reply": {"text": block("b.txt", "beta\n", "BETA\n")}}, UPPER])
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: t\nrequest: r\n---\n## T01 one\nfiles: a.txt\nexecutor: model\nUpper case.\n"
                        "## T02 two\nfiles: b.txt\nexecutor: model\nUpper case, in b.txt.\n")
        ran = scratch.run("run", str(plan), "--yes", cwd=root)
        ok("T02 doubt b.txt:2: is BETA meant?" in ran.stderr.splitlines(), "a doubt has its task, place and reason",
           ran.stdout, ran.stderr)
        ok("T01 ok" not in ran.stderr, "what is fine needs no line", ran.stderr)
        ok("\n\n" not in ran.stderr and not any(line.endswith(" ") for line in ran.stderr.splitlines()),
           "no empty lines, no trailing blanks", repr(ran.stderr))


def resume_spends_as_the_run_would() -> None:
    """`edit` asks no big model; neither does its resume after Ctrl-C."""
    with Scratch() as scratch:
        root = small(scratch)
        provider = scratch.provider([{**UPPER, "reply": {**UPPER["reply"], "until": "stopping"}}])
        running = scratch.start("edit", "a.txt", "make beta upper case", "--yes", cwd=root)
        wait_for(lambda: provider.count() == 1, "the request")
        running.send_signal(signal.SIGINT)
        hear(running, "stopping: what is in flight may end")
        provider.release("stopping")
        out, err = running.communicate(timeout=60)
        ok(running.returncode == 1 and "resume" in err, "Ctrl-C: stopped, and how to go on", err)
        ok("[1/1] T01 done" in err, "Ctrl-C: what was in flight is kept", err)
        ran = scratch.run("resume", "--yes", cwd=root)
        ok(ran.returncode == 0 and "next: piecework diff 1" in ran.stderr, "resume", ran.stderr)
        ran = scratch.run("resume", "--json", cwd=root)
        ok(json.loads(ran.stdout) == {"plans": []}, "resume: nothing left, as JSON", ran.stdout)
        ok(provider.count() == 1, f"resume: {provider.count()} requests in all, no verifier", ran.stderr)
        ok((root / "a.txt").read_text() == "alpha\nbeta\ngamma\n", "the file is as it was")


def not_what_it_seems() -> None:
    """Words that would be taken for something else, options that would do nothing: refused before any money."""
    with Scratch() as scratch:
        root = small(scratch)
        provider = scratch.provider([UPPER])
        for argv, why in ((["--root", ".", "status"], "options stand behind the subcommand"),
                          (["help", "plna"], "Did you mean `piecework plan`?"),
                          (["each", "a.txt", "b.txt"], 'say what to do: "b.txt" is a file'),
                          (["edit", "a.txt", "b.txt:1-2"], 'say what to do: "b.txt:1-2" is a file'),
                          (["edit", "a.txt", "@"], "@ wants the name of a template"),
                          (["plan", "--model", "small", "all of it"], "--model goes with --solo"),
                          (["plan", "--solo", "--cheap-first", "--scope", "a.txt", "all of it"], "exclude each other"),
                          (["plan", "--budget", "much", "all of it"], "See `piecework help plan`"),
                          (["diff", "last", "--color", "purple"], "--color is auto, always or never")):
            more = {"diff": ["--stat"], "help": [], "--root": []}.get(argv[0], ["--yes"])
            ran = scratch.run(*argv, *more, cwd=root)
            ok(ran.returncode == 2 and why in ran.stderr and ran.stderr.count("\n") == 1, f"refused: {' '.join(argv)}", ran.stderr)
        ran = scratch.run("cost", "weekk", cwd=root)
        ok(ran.returncode == 1 and 'there is no plan "weekk"' in ran.stderr, "a word that is no plan", ran.stderr)
        ok(provider.count() == 0, "none of it asked a model")


def said_to_a_shell() -> None:
    """No word of an editor's, and the next step is one that can be taken."""
    with Scratch() as scratch:
        root = small(scratch)
        scratch.provider([UPPER])
        ran = scratch.run("plan", "--json", "--yes", "--budget", "0", "all of it upper case", cwd=root)
        told = json.loads(ran.stdout.splitlines()[-1])["error"]
        ok(ran.returncode == 3 and told["code"] == "budget" and "--budget USD" in told["hint"], "a plan without money", ran.stdout, ran.stderr)
        ran = scratch.run("plan", "why is alpha first?", cwd=root)
        ok(ran.returncode == 3 and "--yes plans it all the same" in ran.stderr, "advice", ran.stderr)
        said = ran.stderr + json.dumps(told)
        ran = scratch.run("run", "last", "--json", cwd=root)
        said += ran.stderr + ran.stdout
        ok("CLI" not in said and ":Piecework" not in said and "! " not in said, "no word of an editor's", said)


def hostile_texts() -> None:
    """What models and files say is shown on a terminal, not obeyed; a pipe gets a diff as it is."""
    with Scratch() as scratch:
        root = small(scratch)
        plan = {"title": "t\033[2Jx", "tasks": [{"id": "T01", "title": "up\033]0;x\007", "files": ["a.txt"],
                                                 "accept": ["fine\ncheck: touch evil"], "body": "Upper\033[31m\ncase."}]}
        doubt = {"task": "T01", "verdict": "doubt", "reason": "bad\033[31m\nsecond", "path": "a.txt"}
        scratch.provider([{"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [{"name": "submit_plan", "input": plan}]}},
                          {"match": {"has_tool": "submit_verdicts"},
                           "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": [doubt]}}]}},
                          {"match": {}, "reply": {"text": block("a.txt", "beta\n", "BE\033[31mTA\u202e\n")}}])
        said = ""
        ran = scratch.run("plan", "--yes", "make it upper case", cwd=root)
        said += ran.stderr + Path(ran.stdout.strip()).read_text()
        ran = scratch.run("run", "last", cwd=root)
        said += ran.stderr
        ok("\033" not in said and "\007" not in said and "T01 doubt a.txt:2: bad [31m second\n" in said, "messages and plan file", repr(said))
        ok("\ncheck:" not in said, "a rule is one line", said)
        raw = scratch.run("diff", "last", cwd=root).stdout
        ok("+BE\033[31mTA\u202e\n" in raw, "a piped diff is exact", repr(raw))
        main, end = pty.openpty()
        shown = subprocess.Popen([str(BINARY), "diff", "last"], cwd=root, env=scratch.env, stdout=end, stderr=end, stdin=subprocess.DEVNULL)
        os.close(end)
        seen = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        shown.wait()
        ok(b"+BE^[[31mTA<U+202E>\033[m" in seen, "on a terminal it is seen", seen)


def hunk_by_hunk() -> None:
    """The ids that --hunk takes are there without JSON."""
    with Scratch() as scratch:
        root = small(scratch)
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: t\n---\n## T01 ends\nfiles: a.txt, b.txt\nexecutor: substitute\npattern: alpha|gamma\nreplace: X\n")
        scratch.provider([])
        scratch.run("run", str(plan), "--no-verify", cwd=root)
        listed = [line.split() for line in scratch.run("diff", "last", "--hunks", cwd=root).stdout.splitlines()]
        ok([row[1:] for row in listed] == [["undecided", "T01", f"{name}.txt:{line}", "-1", "+1"] for name in "ab" for line in (1, 3)],
           "diff --hunks", listed)
        ran = scratch.run("apply", "last", "--hunk", listed[1][0], cwd=root)
        ok(ran.returncode == 0 and (root / "a.txt").read_text() == "alpha\nbeta\nX\n", "one of them applied", ran.stderr)
        ok("applied   T01     a.txt:3" in scratch.run("diff", "last", "--hunks", cwd=root).stdout, "and it says so")
        ran = scratch.run("patch", "--root", "/nonexistent", cwd=root, stdin="")
        ok(ran.stderr == "piecework: /nonexistent is not a directory\n", "patch: an error without a hint", repr(ran.stderr))


def only_some() -> None:
    """--only, done tasks and no verification count in the estimate; a failure is said once; each's tasks go by one name."""
    with Scratch() as scratch:
        root = small(scratch)
        provider = scratch.provider([{"match": {"contains": '<change path="b.txt"'}, "reply": {"text": "no idea"}}, UPPER])
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: t\ntest: make check\n---\n## T01 up\neach: a.txt, b.txt\nUpper case.\n"
                        "## T02 none\nfiles: a.txt\nexecutor: substitute\npattern: nothing\nreplace: x\n")

        def money(ran) -> float:
            line = ran.stderr.splitlines()[0]
            return 0 if "$0 (" in line else float(line.split("$")[1].split()[0])
        for only in (",", " "):
            ran = scratch.run("run", str(plan), "--only", only, cwd=root)
            ok(ran.returncode == 2 and provider.count() == 0, f"--only {only!r} is not everything", ran.stderr)
        ran = scratch.run("run", str(plan), "--only", "T09", cwd=root)
        ok(ran.returncode == 1 and ran.stderr == "piecework: the plan has no task T09\n", "--only: no such task", ran.stderr)
        ran = scratch.run("run", str(plan), "--only", "T02", "--no-verify", cwd=root)
        ok(ran.returncode == 0 and "1 task, $0 (estimate)" in ran.stderr, "a task without a model costs nothing", ran.stderr)
        ok("next:" not in ran.stderr and "not run" not in ran.stderr, "nothing changed: nothing is next", ran.stderr)
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        all_of_it = money(ran)
        ok("3 tasks, 1 done already" in ran.stderr and ran.returncode == 1, "what is done is not estimated again", ran.stderr)
        ok(ran.stderr.count("2 of 3 tasks done") == 1 and "The rest is ready for review" in ran.stderr, "a failure is said once", ran.stderr)
        ran = scratch.run("run", str(plan), cwd=root)
        ok(money(ran) > 10 * all_of_it, "the verifier is estimated when it is asked", ran.stderr)
        ok(ran.stderr.count("make check") == 1, "what is not trusted is named once", ran.stderr)
        ran = scratch.run("stop", "last", "T01", cwd=root)
        ok("nobody works on plan" in ran.stderr, "T01 names its targets for stop, too", ran.stderr)
        ok("piecework://log" in scratch.run("log", cwd=root).stdout, "log without a plan is the newest one's")
        cost = scratch.run("edit", "b.txt", "make beta upper case", "--yes", cwd=root)
        ok("See `piecework status`" not in cost.stderr and "see piecework status" in cost.stderr.lower() and "rest" not in cost.stderr,
           "nothing is ready for review", cost.stderr)
        cost = scratch.run("cost", cwd=root).stdout
        ok(re.search(r"^verify +all .* \$0 +\$0$", cost, re.M), "edit: the receipt expects no verifier", cost)


def last_is_the_one_worked_on() -> None:
    with Scratch() as scratch:
        root = small(scratch)
        scratch.provider([UPPER])
        plan = scratch.path / "p.md"
        plan.write_text("---\ntitle: shared\n---\n## T01 up\nfiles: b.txt\nexecutor: substitute\npattern: beta\nreplace: BETA\n")
        scratch.run("run", str(plan), "--only", "T01", "--no-verify", cwd=root)
        scratch.run("edit", "a.txt", "make beta upper case", "--yes", cwd=root)
        ok("a/a.txt" in scratch.run("diff", "last", cwd=root).stdout, "last: the newest plan")
        plan.write_text(plan.read_text().replace("BETA", "Beta"))
        scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok("+Beta" in scratch.run("diff", "last", cwd=root).stdout, "last: an older plan that was run again")


def prune() -> None:
    """By age and by size: texts go, the oldest first, and give their space back; what was paid stays in the books."""
    with Scratch() as scratch:
        root = small(scratch)
        big = "".join(f"line {i} of a long file\n" for i in range(8000))
        (root / "a.txt").write_text("beta\n" + big)
        scratch.provider([UPPER])
        ids = []
        for n in range(3):
            (root / "a.txt").write_text("beta\n" + big + f"{n}\n")
            scratch.run("edit", "a.txt", "make beta upper case", "--yes", cwd=root)
            scratch.run("apply", "last", cwd=root)
        base = scratch.path / "state/piecework/journal.db"
        ids = sql(base, "select id from plan where state = 'done' order by id")
        ok(len(ids) == 3, f"prune: three plans that ended {ids}")
        paid = scratch.run("cost", "all", "--json", cwd=root).stdout
        young = scratch.run("prune", cwd=root)
        ok("forgot 0 of 3 plans" in young.stdout, "prune: none is older than a month", young.stdout, young.stderr)
        sql(base, "update blob set at_ms = 1")  # the last hour's texts are never taken
        before = base.stat().st_size
        kept = scratch.run("prune", "--max-size", "0", "--keep", "3", cwd=root)
        ok("forgot 0" in kept.stdout and "still above" in kept.stderr, "prune: --keep wins", kept.stdout, kept.stderr)
        sized = scratch.run("prune", "--max-size", "1", cwd=root)
        ok(sql(base, "select id from plan") == ids[1:] or sql(base, "select id from plan") == ids[2:],
           "prune: the oldest go first", sized.stdout)
        ok(base.stat().st_size < before, f"prune: {before} became {base.stat().st_size} bytes")
        ok(scratch.run("cost", "all", "--json", cwd=root).stdout == paid, "prune: the money stays")
        aged = scratch.run("prune", "--older-than", "0", "--json", cwd=root)
        ok(json.loads(aged.stdout)["forgotten"] >= 1 and sql(base, "select id from plan") == [], "prune: by age", aged.stdout)
        wrong = scratch.run("prune", "--max-size", "big", cwd=root)
        ok(wrong.returncode == 2 and "--max-size wants a number" in wrong.stderr, "prune: no number", wrong.stderr)


def hangup() -> None:
    """The terminal is closed while a test runs: it ends, too."""
    with Scratch() as scratch:
        root = small(scratch)
        scratch.provider([UPPER])
        plan = scratch.path / "p.md"
        mark = scratch.path / "runs"
        plan.write_text(f"---\ntitle: t\ntest: echo $$ > '{mark}'; sleep 60\n---\n## T01 up\nfiles: b.txt\nexecutor: substitute\n"
                        "pattern: beta\nreplace: BETA\n")
        scratch.run("trust", str(plan), "--yes", cwd=root)
        running = scratch.start("run", str(plan), "--yes", cwd=root)
        wait_for(lambda: mark.exists() and mark.read_text().strip(), "the test")
        running.send_signal(signal.SIGHUP)
        _, err = running.communicate(timeout=60)
        ok(running.returncode == 1 and "resume" in err, "SIGHUP stops in order", running.returncode, err)
        ok(not Path(f"/proc/{mark.read_text().strip()}").exists(), "no test is left running")


for test in (outputs, words, files_by_name, planning_lines, doubts_have_places, resume_spends_as_the_run_would,
             not_what_it_seems, only_some, last_is_the_one_worked_on, prune, hangup, said_to_a_shell, hostile_texts, hunk_by_hunk):
    try:
        test()
    except Exception as error:
        ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
done()
