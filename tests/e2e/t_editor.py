"""What users do besides the straight way, by real keys in each editor: edit and accept in place, typing while
results arrive, killing the engine, diff mode, commit, and every bad input: one clear line, nothing lost.
"""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "editor"))

from harness import BINARY, KEY, Scratch, done, ok, wait_for  # noqa: E402
from t_defects import sql  # noqa: E402
from tmux import Editor, editors  # noqa: E402
from workloads import block, git_init  # noqa: E402

PATIENCE = 120
MAPS = ["nmap ga <Plug>(piecework-accept)", "nmap gaa <Plug>(piecework-accept-line)", "nmap gb <Plug>(piecework-edit)",
        "omap ih <Plug>(piecework-hunk)"]


KEPT = "select count(*) from attempt where outcome = 'ok' and replied"


def project(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "a.txt").write_text("".join(f"line {i}\n" for i in range(1, 41)))
    (root / "b.txt").write_text("".join(f"other {i}\n" for i in range(1, 41)))
    git_init(root)
    return root


def setup(**config: object) -> list[str]:
    text = json.dumps({"bin": str(BINARY), **config}).replace("'", "''")
    return [f"let g:piecework = json_decode('{text}')", *MAPS]


def shout(*lines: int) -> str:
    """A reply that changes these lines of a.txt, each as a hunk of its own."""
    return "\n".join(block("a.txt", f"line {i}\n", f"LINE {i}\n") for i in lines)


def in_place(name: str, editor: str) -> None:
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        scratch.provider([{"match": {"contains": ["shout"]}, "reply": {"text": shout(3, 20, 30)}}])
        with Editor(editor, root, scratch.env, "a.txt", setup=setup()) as e:
            e.keys("3", "G", "g", "b", "}")
            screen = e.wait(r"(?m)^:3,40Piecework edit")
            ok(True, f"{name}: the edit operator types its range")
            e.type("shout")
            e.keys("Enter")
            e.wait(r"ready to review \(3 hunks\)", PATIENCE)
            e.keys("3", "G", "g", "a", "a")
            e.wait(r"1 hunk applied in 1 file", PATIENCE)
            ok(e.eval("getline(3)") == '"LINE 3"', f"{name}: gaa accepts and applies the hunk here")
            e.keys("2", "0", "G", ".")
            e.wait_until(lambda: e.eval("getline(20)") == '"LINE 20"', "the dot")
            ok(True, f"{name}: the dot repeats it on another hunk")
            ok(e.eval("getline(30)") == '"line 30"', f"{name}: the third hunk waits")
            e.keys("u")
            e.wait_until(lambda: e.eval("getline(20)") == '"line 20"', "undo")
            ok(e.eval("getline(3)") == '"LINE 3"', f"{name}: u takes back one of them")
            e.command("30Piecework reject")
            e.wait("1 hunk rejected")
            e.command("vert Piecework diff")
            e.wait_until(lambda: e.eval("len(filter(range(1, winnr('$')), 'getwinvar(v:val, \"&diff\")'))") == "2", "diff mode")
            e.keys("2", "0", "G", "d", "o")
            e.wait_until(lambda: e.eval("getline(20)") == '"LINE 20"', "do")
            ok(True, f"{name}: do in diff mode takes a change over")
            ok((root / "a.txt").read_text().startswith("line 1\nline 2\nline 3\n"), f"{name}: nothing is written")
            e.command("tabclose")
            e.command("silent wall")
            e.command("Piecework commit")
            e.wait(r"piecework://commit/1")
            e.wait_until(lambda: e.eval("line('$')") != "1", "the message")
            e.keys("g", "g", "O")
            e.type("lines shouted")
            e.keys("Escape", "Z", "Z")
            e.wait_until(lambda: "lines shouted" in subprocess.run(["git", "log", "-1", "--format=%s"], cwd=root, text=True,
                                                                   capture_output=True).stdout, "the commit")
            ok(True, f"{name}: ZZ commits")
            ok(not e.prompts(), f"{name}: in place: no prompt", *e.prompts())
            e.quit()


def by_quickfix(name: str, editor: str) -> None:
    """:cdo over the hunks asks for all of them at once."""
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        scratch.provider([{"reply": {"text": shout(3, 20, 30)}}])
        with Editor(editor, root, scratch.env, "a.txt", setup=setup()) as e:
            e.command("%Piecework edit shout")
            e.wait(r"ready to review \(3 hunks\)", PATIENCE)
            e.wait_until(lambda: len(e.quickfix()["items"]) == 3, "the list")
            e.command("silent cdo Piecework accept")
            want = [f"LINE {i}" if i in (3, 20, 30) else f"line {i}" for i in range(1, 41)]
            e.wait_until(lambda: json.loads(e.eval("getline(1, '$')")) == want, "all hunks")
            ok(True, f"{name}: :cdo accepts and applies each hunk")
            e.wait_until(lambda: all("[*]" in i["text"] for i in e.quickfix()["items"]), "ticks")
            ok(e.quickfix()["title"].endswith("[3/3]"), f"{name}: nothing was refused", e.quickfix())
            e.command("silent undo | silent undo")
            e.wait_until(lambda: json.loads(e.eval("getline(3)")) == "line 3", "undo")
            e.command("3Piecework accept")
            e.wait_until(lambda: json.loads(e.eval("getline(3)")) == "LINE 3", "accepted again")
            ok(json.loads(e.eval("getline(30)")) == "line 30", f"{name}: what was undone can be accepted again, alone")
            e.quit()


def while_typing(name: str, editor: str) -> None:
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        provider = scratch.provider([{"times": 1, "reply": {"text": shout(30), "until": f"reply {n}"}} for n in range(1, 5)])
        with Editor(editor, root, scratch.env, "a.txt", setup=[*setup(), "set showcmd"]) as e:
            def reply(n: int) -> None:
                """It comes now; and a while later the editor has heard of it."""
                provider.release(f"reply {n}")
                wait_for(lambda: sum(line["event"] == "done" for line in provider.requests()) == n, f"reply {n}")
                time.sleep(1)

            e.command("30Piecework edit shout")
            e.keys("1", "G", "o")
            e.type("typed while")
            e.wait("typed while")
            reply(1)
            e.type(" it came")
            screen = e.screen()
            ok("ready to review" not in screen, f"{name}: nothing is told in insert mode", screen)
            e.keys("Escape")
            e.wait(r"ready to review", PATIENCE)
            ok(e.eval("getline(2)") == '"typed while it came"', f"{name}: typed text is whole")

            e.command("31Piecework edit shout again")
            e.keys("3", "G", "d")
            e.wait(r" d\s*\Z")
            reply(2)
            ok("#2 ready" not in e.screen(), f"{name}: a waiting operator is left alone")
            e.keys("d")
            e.wait(r"#2 ready", PATIENCE)
            ok(e.eval("getline(3)") == '"line 3"' and e.eval("line('$')") == "40", f"{name}: and does what was typed",
               e.eval("getline(1, 5)"))

            e.command("30Piecework edit shout once more")
            e.type(":echo 'on the command")
            e.wait("on the command")
            reply(3)
            ok("on the command" in e.screen(), f"{name}: the command line is left alone")
            e.type(" line'")
            e.keys("Enter")
            e.wait(r"#3 ready", PATIENCE)

            e.command("30Piecework edit shout at last")
            e.keys("1", "G", "V", "5", "j")
            e.wait("VISUAL LINE")
            reply(4)
            ok("VISUAL LINE" in e.screen(), f"{name}: a selection is left alone", e.screen())
            e.keys("Escape")
            e.wait(r"#4 ready", PATIENCE)
            ok(not e.prompts(), f"{name}: while typing: no prompt", *e.prompts())
            e.quit()


def launcher(folder: Path) -> tuple[Path, Path]:
    """The engine, telling its number in a file: a line for each start."""
    script, pids = folder / "launcher", folder / "pids"
    script.write_text(f'#!/bin/sh\necho $$ >>"{pids}"\nexec "{BINARY}" "$@"\n')
    script.chmod(0o755)
    return script, pids


def killed(name: str, editor: str) -> None:
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        rules = [{"match": {"last_contains": ["a.txt"]}, "reply": {"text": shout(3)}},
                 {"match": {"last_contains": ["b.txt"]}, "times": 1, "reply": {"text": "x", "until": "never"}},
                 {"match": {"last_contains": ["b.txt"]}, "reply": {"text": block("b.txt", "other 3\n", "OTHER 3\n")}}]
        provider = scratch.provider(rules)
        script, pids = launcher(scratch.path)
        with Editor(editor, root, scratch.env, "a.txt", setup=setup(pilot="never", bin=str(script))) as e:
            e.command("args a.txt b.txt")
            e.command("Piecework! each shout")
            wait_for(lambda: provider.count() == 2, "both requests", PATIENCE)
            wait_for(lambda: sql(scratch, KEPT) == [(1,)], "one answer", PATIENCE)
            engine = pids.read_text().split()
            ok(len(engine) == 1, f"{name}: one engine", engine)
            os.kill(int(engine[0]), signal.SIGKILL)
            screen = e.wait(r"engine ended")
            ok("Piecework resume" in screen, f"{name}: a killed engine is one line that names resume", screen)
            e.command("Piecework resume")
            e.wait(r"ready to review", PATIENCE)
            asked = [r for r in provider.requests() if r["event"] == "arrived" and "haiku" in (r["model"] or "")]
            ok(len(asked) == 3, f"{name}: the finished reply is not paid twice: {len(asked)} requests to workers")
            e.command("Piecework accept plan")
            e.wait(r"2 hunks accepted")
            e.command("Piecework! apply")
            e.wait(r"2 hunks applied in 2 files, written")
            ok("LINE 3\n" in (root / "a.txt").read_text() and "OTHER 3\n" in (root / "b.txt").read_text(),
               f"{name}: both results are there")
            ok(not e.prompts(), f"{name}: killed: no prompt", *e.prompts())
            e.quit()


def elsewhere(name: str, editor: str) -> None:
    """A file that another editor has open: refused by name, without the page of warnings about its swap file."""
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        rules = [{"match": {"last_contains": ["a.txt"]}, "reply": {"text": shout(3)}},
                 {"match": {"last_contains": ["b.txt"]}, "reply": {"text": block("b.txt", "other 3\n", "OTHER 3\n")}}]
        scratch.provider(rules)
        swap = [*setup(), "set swapfile updatecount=1 directory=. shortmess-=A"]
        with Editor(editor, root, scratch.env, "b.txt", setup=swap) as other, \
                Editor(editor, root, scratch.env, "a.txt", setup=swap) as e:
            other.wait_until(lambda: list(root.glob(".b.txt.sw*")), "the swap file")
            e.command("call setqflist(map(['a.txt', 'b.txt'], '{\"filename\": v:val, \"lnum\": 3}'))")
            e.command("Piecework! each shout")
            e.wait(r"ready to review", PATIENCE)
            e.command("Piecework accept plan")
            e.wait(r"2 hunks accepted")
            e.command("Piecework apply")
            e.wait(r"#1: b\.txt open in another Vim")
            e.wait_until(lambda: e.quickfix()["items"][0]["text"] == "open in another Vim (swap file)", "the reason")
            ok(e.eval("bufloaded('b.txt') + (&shortmess =~# 'A')") == "0", f"{name}: a file open elsewhere is left alone")
            ok(not e.prompts(), f"{name}: open elsewhere: no prompt", *e.prompts())
            e.quit()
            other.quit()


def left(name: str, editor: str) -> None:
    """Quitting with a call in flight: at once, and the answer is kept all the same."""
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        provider = scratch.provider([{"reply": {"text": shout(3), "until": "left"}}])
        with Editor(editor, root, scratch.env, "a.txt", setup=setup()) as e:
            e.command("3Piecework edit shout")
            wait_for(lambda: provider.count() == 1, "the request", PATIENCE)
            e.quit()
            ok(all(line["event"] == "arrived" for line in provider.requests()), f"{name}: quitting does not wait for the engine")
        provider.release("left")
        wait_for(lambda: sql(scratch, KEPT) == [(1,)], "the reply")
        with Editor(editor, root, scratch.env, "a.txt", setup=setup()) as e:
            e.command("Piecework resume")
            e.wait(r"ready to review", PATIENCE)
            ok(provider.count() == 1, f"{name}: what was in flight is not paid for twice", provider.count())
            e.quit()


def one_line(name: str, editor: str, root: Path, env: dict, what: str, command: str, pattern: str, **config: object) -> None:
    with Editor(editor, root, env, "a.txt", setup=setup(**config)) as e:
        e.command(command)
        try:
            e.wait(pattern, 30)
            ok(True, f"{name}: {what}")
        except TimeoutError as late:
            ok(False, f"{name}: {what}", late)
        ok(not e.prompts(), f"{name}: {what}: no prompt", *e.prompts())
        e.quit()


def bad_input(name: str, editor: str) -> None:
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        edit = "3Piecework edit shout"
        env = scratch.env
        program = scratch.path / "old"
        program.write_text('#!/bin/sh\nread line\necho \'[1,1,null,{"protocol":7,"version":"0.0"}]\'\nsleep 5\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

        scratch.provider([{"reply": {"text": shout(3)}}])
        one_line(name, editor, root, env, "no plan yet", "Piecework review", r"piecework: no plan in this project")
        one_line(name, editor, root, env, "missing binary", edit, r"is no program: /n.*:Piecework build", bin="/nonexistent/engine")
        one_line(name, editor, root, {**env, "ANTHROPIC_API_KEY": ""}, "no key", edit, r"paused: no key for anthropic.*:Piecework log")
        one_line(name, editor, root, {**env, "ANTHROPIC_API_KEY": "wrong-" + KEY[:4]}, "wrong key (401)", edit,
                 r"paused: .*does not accept the key.*:Piecework log")
        one_line(name, editor, root, env, "configuration with a wrong value", edit, r"piecework: .*parallel", parallel="many")
        one_line(name, editor, root, env, "unknown subcommand", "Piecework nonsense", r"no such subcommand")
        one_line(name, editor, root, env, "empty instruction", "3Piecework edit", r"say what to do")
        one_line(name, editor, root, env, "another protocol", edit,
                 r"(?:does not answer|protocol 7).*:Piecework build", bin=str(program))
        one_line(name, editor, root, env, "unknown plan", "Piecework run 99", r"piecework: .*99")
        one_line(name, editor, root, env, "unknown task", "Piecework preview 1 T77", r"piecework: .*(T77|plan)")
        (root / "empty.txt").write_text("")
        (root / "binary.bin").write_bytes(bytes(range(256)) * 10)
        one_line(name, editor, root, env, "a binary file", "edit binary.bin | Piecework edit shout", r"binary\.bin cannot be used: .*binary")
        # written by nobody: the state directory cannot be used
        blocked = scratch.path / "blocked"
        blocked.write_text("a file where a folder should be")
        one_line(name, editor, root, {**env, "XDG_STATE_HOME": str(blocked / "state")}, "an unusable state directory", edit,
                 r"piecework: .*")
        plain = scratch.path / "plain"
        plain.mkdir()
        (plain / "a.txt").write_text("".join(f"line {i}\n" for i in range(1, 41)))
        one_line(name, editor, plain, env, "no git repository", edit, r"ready to review")

        scratch.provider([{"fault": {"status": 404, "kind": "model"}}])
        one_line(name, editor, root, env, "unknown model (404)", edit, r"#\d+ paused: anthropic/claude-haiku.*:Piecework log")
        scratch.configure("http://127.0.0.1:9")
        one_line(name, editor, root, env, "server down", edit, r"#\d+ paused: cannot connect to .*:Piecework log")
        (root / "bad.md").write_text("---\ntitle: x\nbudget: lots\n---\n## T01 x\nfiles: nowhere.c\nafter: T09\n\ndo it\n")
        one_line(name, editor, root, env, "a plan file with errors", "Piecework plan @bad.md", r"bad\.md:3: budget .*Correct the plan file")
        for path in (scratch.path / "state").rglob("*"):
            if path.is_file() and KEY.encode() in path.read_bytes():
                ok(False, f"{name}: the key is nowhere in the state directory", path)


def two_projects(name: str, editor: str) -> None:
    """A plan of another project than the engine was started in, over files of which one is the end of another's path."""
    with Scratch() as scratch:
        first = project(scratch.path / "first")
        root = scratch.path / "p"
        for path in ("lib/src/net.c", "src/net.c"):
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text("".join(f"{path} {i}\n" for i in range(1, 21)))
        git_init(root)
        texts = [block(path, f"{path} 3\n", f"{path} three\n") for path in ("lib/src/net.c", "src/net.c")]
        scratch.provider([{"reply": {"text": "".join(texts)}}])
        for verb in (["plan", "--solo", "--scope", "src/net.c", "--scope", "lib/src/net.c", "it"], ["run", "last", "--yes", "--no-verify"]):
            scratch.run(*verb, cwd=root)
        with Editor(editor, first, scratch.env, "a.txt", setup=setup()) as e:
            e.command("Piecework status")
            e.wait(r"piecework://status")
            e.command(f"only | cd {root}")
            e.command("Piecework review")
            e.wait(r"lib/src/net\.c three")
            for path in ("src/net.c", "lib/src/net.c"):
                e.command(f"call search('^diff {path}') | normal ]co")
                e.wait_until(lambda: e.eval("&buftype") == '""', "the file")
                ok(e.eval("[expand('%:p'), getline('.')]").replace(" ", "") == json.dumps([f"{root}/{path}", f"{path} 3"]).replace(" ", ""),
                   f"{name}: o opens {path}", e.eval("[expand('%:p'), getline('.')]"))
                e.command("close")
            e.command("split src/net.c")
            e.command("Piecework accept 1 file")
            e.wait(r"1 hunk accepted")
            e.command("Piecework apply 1 file src/net.c")
            e.wait(r"1 hunk applied in 1 file")
            ok(e.eval("getline(3)") == '"src/net.c three"', f"{name}: accept file means the one in the window", e.screen())
            e.command("call setline(3, 'theirs') | silent wall")
            (root / "lib/src/net.c").write_text("gone\n")
            e.command("Piecework accept 1 file lib/src/net.c")
            e.wait(r"1 hunk accepted")
            e.command("Piecework apply 1")
            e.wait(r"1 stale")
            places = {item["file"] for item in e.quickfix()["items"]}
            ok(places == {f"{root}/lib/src/net.c"}, f"{name}: what is stale is named in its own project", places)
            ok(not e.prompts(), f"{name}: two projects: no prompt", *e.prompts())
            e.quit()


def what_is_decided_is_seen(name: str, editor: str) -> None:
    """The keys that go on to a hunk bring all of it on the screen; of one that is too large its beginning."""
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        places = ((3, 6), (15, 18), (27, 38))
        lines = [[f"line {i}\n" for i in range(first, last + 1)] for first, last in places]
        texts = [block("a.txt", "".join(some), "".join(some).upper()) for some in lines]
        scratch.provider([{"reply": {"text": "".join(texts)}}])
        for verb in (["plan", "--solo", "--scope", "a.txt", "it"], ["run", "last", "--yes", "--no-verify"]):
            scratch.run(*verb, cwd=root)
        with Editor(editor, root, scratch.env, "a.txt", setup=setup(folds=False)) as e:
            e.command("Piecework review 1")
            e.wait(r"(?m)^@@ -1,9")
            e.command("only")

            def window() -> list[int]:
                return json.loads(e.eval("[line('.'), line('w0'), line('w$')]"))

            e.keys("]", "c")
            line, first, last = window()
            ok((line, last) == (17, 31) and first > 1, f"{name}: ]c shows the whole hunk", window(), e.screen())
            e.keys("]", "c")
            line, first, last = window()
            ok((line, first) == (32, 32), f"{name}: and of a large one as much as fits", window(), e.screen())
            e.keys("g", "g", "]", "c", "s")
            line, first, last = window()
            ok((line, last) == (17, 31), f"{name}: so does s", window(), e.screen())
            e.keys("]", "c", "d", "v")
            e.wait(r"do takes a change over")
            stands = json.loads(e.eval("[line('.'), line('w0')] + [line('w0', win_getid(2))]"))
            ok(stands[0] == 27 and stands[1] == stands[2] > 1, f"{name}: dv begins at the hunk, on both sides", stands, e.screen())
            e.quit()


def no_message_line(name: str, editor: str) -> None:
    """Neovim with 'cmdheight' 0: what is told needs no Enter there either."""
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        scratch.provider([{"reply": {"text": shout(3)}}])
        with Editor(editor, root, scratch.env, "a.txt", setup=[*setup(), "silent! set cmdheight=0"]) as e:
            e.command("Piecework nonsense")
            e.wait(r"no such subcommand: nonsense")
            e.command("3Piecework edit shout")
            e.wait_until(lambda: "ready to review" in e.eval("execute('messages')"), "the result", PATIENCE)
            ok(not e.prompts(), f"{name}: cmdheight=0: no prompt", *e.prompts())
            e.quit()


def session(name: str, editor: str) -> None:
    """Several windows of ours come back with a session, and Vim has nothing to ask."""
    with Scratch() as scratch:
        root = project(scratch.path / "p")
        scratch.provider([{"reply": {"text": shout(3)}}])
        with Editor(editor, root, scratch.env, "a.txt", setup=setup()) as e:
            e.command("3Piecework edit shout")
            e.wait(r"ready to review", PATIENCE)
            for page in ("review", "status", "cost", "log", "plan"):
                e.command(f"tab Piecework {page} 1")
                e.wait_until(lambda page=page: f"piecework://{page}/1" in e.eval("bufname('%')"), page)
            e.keys("g", "?")
            e.wait(r"g\?    this list")
            e.keys("q")
            e.wait_until(lambda: "this list" not in e.screen(), "the list of keys to go")
            ok(e.eval("reg_recording()") == '""', f"{name}: q takes the list of keys away, and records nothing", e.eval("reg_recording()"))
            e.command("split b.txt")
            e.command("mksession s.vim")
            e.quit()
        with Editor(editor, root, scratch.env, "-S", "s.vim", setup=[*setup(), "let g:flags = &shortmess"]) as e:
            time.sleep(0.5)
            ok(not e.prompts(), f"{name}: session: no prompt", *e.prompts())
            shown = "map(range(1, bufnr('$')), 'bufname(v:val) =~# \"^piecework:\" ? len(getbufline(v:val, 1)[0]) : 99')"
            e.wait_until(lambda: min(json.loads(e.eval(shown))) > 0, "all pages")
            ok(e.eval("&shortmess ==# g:flags") == "1", f"{name}: session: 'shortmess' is the user's")
            e.quit()


for editor in editors():
    short = Path(editor).name
    for scenario in (in_place, by_quickfix, while_typing, killed, elsewhere, left, session, two_projects, what_is_decided_is_seen,
                     no_message_line, bad_input):
        if len(sys.argv) > 1 and scenario.__name__ not in sys.argv[1:]:
            continue
        try:
            scenario(short, editor)
        except TimeoutError as late:
            ok(False, f"{short}: {scenario.__name__} ends", late)
done()
