"""`piecework patch`: what is written and what is not, the guards, and a corpus made up on the spot.

The whole corpus runs over git histories: tests/corpus/run.py REPO... (see its help)."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BINARY, TREE, done, ok

TEXT = "".join(f"line {i}\n" for i in range(1, 31))


def block(path: str, search: str, replace: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


class Tree:
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "root"
        self.root.mkdir()

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()

    def write(self, path: str, text: str, under: str = "root") -> Path:
        place = Path(self.folder.name) / under / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        return place

    def patch(self, reply: str, *args: str, file_limit: int = 0) -> tuple[int, dict]:
        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        ran = subprocess.run([BINARY, "patch", "--root", self.root, "--json", *args], input=reply.encode(), capture_output=True,
                             preexec_fn=limit if file_limit else None)
        if ran.returncode > 1 or not ran.stdout:
            return ran.returncode, {"stderr": ran.stderr.decode()}
        return ran.returncode, json.loads(ran.stdout)


def codes(answer: dict) -> list[str]:
    return [refusal["code"] for refusal in answer.get("refusals", [])]


def writing() -> None:
    with Tree() as tree:
        place = tree.write("src/a.txt", TEXT)
        os.chmod(place, 0o750)
        other = tree.write("b.txt", TEXT)
        (tree.root / "link.txt").symlink_to("b.txt")
        status, answer = tree.patch(block("src/a.txt", "line 5\n", "LINE 5\n") + block("new/c.txt", "", "fresh\n"), "--check")
        ok(status == 0 and not answer["written"] and place.read_text() == TEXT and not (tree.root / "new").exists(), "--check writes nothing", answer)
        status, answer = tree.patch(block("src/a.txt", "line 5\n", "LINE 5\n") + block("new/c.txt", "", "fresh\n"))
        ok(status == 0 and place.read_text() == TEXT.replace("line 5\n", "LINE 5\n"), "an edit is written", answer)
        ok(stat.S_IMODE(place.stat().st_mode) == 0o750, "with the file's mode")
        ok((tree.root / "new/c.txt").read_text() == "fresh\n", "a new file in a new directory")
        hunk = next(file for file in answer["files"] if file["path"] == "src/a.txt")["hunks"][0]
        ok((hunk["old_start"], hunk["new_start"], hunk["located"], hunk["place"]) == (5, 5, "exact", "here"), "hunks say where and how", hunk)
        status, _ = tree.patch(block("link.txt", "line 7\n", "LINE 7\n"))
        ok(status == 0 and (tree.root / "link.txt").is_symlink() and "LINE 7" in other.read_text(), "a link inside the root stays a link")
        before = other.read_text()
        status, answer = tree.patch(block("b.txt", "line 9\n", "LINE 9\n") + block("b.txt", "no such line\n", "x\n"))
        ok(status == 1 and other.read_text() == before and codes(answer) == ["not_found"], "one bad block: nothing is written", answer)
        status, answer = tree.patch(block("b.txt", "line 9\n", "LINE 9\n") + block("b.txt", "no such line\n", "x\n"), "--partial")
        ok(status == 1 and "LINE 9\n" in other.read_text() and codes(answer) == ["not_found"], "--partial: the good ones are", answer)
        ok(not list(tree.root.rglob(".*.pw*")), "no temporary files are left")


def all_or_none() -> None:
    with Tree() as tree:
        first = tree.write("a.txt", TEXT)
        tree.write("blocked/b.txt", TEXT)
        reply = block("a.txt", "line 5\n", "LINE 5\n") + block("a.txt/c.txt", "", "x\n")
        status, answer = tree.patch(reply)
        ok(status == 1 and first.read_text() == TEXT, "a path through a file: nothing is written", answer)
        # The second file is over the limit: found while it is staged, or (two names, so in place) when it is written.
        second, gone = tree.write("second.txt", TEXT), tree.write("gone.txt", TEXT)
        inode, before = first.stat().st_ino, sorted(tree.root.rglob("*"))
        growth = "".join(f"more {i}\n" for i in range(1000))
        reply = block("a.txt", "line 5\n", "LINE 5\n") + block("new/c.txt", "", "x\n") + block("second.txt", "line 5\n", growth)
        for what in ("while staging", "while writing"):
            status, answer = tree.patch(reply, file_limit=4096)
            ok(status != 0 and "second.txt" in answer.get("stderr", ""), f"a full disk {what}: said", answer)
            ok(first.read_text() == TEXT and first.stat().st_ino == inode, f"a full disk {what}: the first file is the old one")
            ok(second.read_text() == TEXT and sorted(tree.root.rglob("*")) == before, f"a full disk {what}: nothing is left")
            gone.unlink()
            os.link(second, gone)
        status, answer = tree.patch(reply)
        ok(status == 0 and "LINE 5\n" in first.read_text() and second.read_text() == gone.read_text(), "with room: all are written", answer)


def file_to_directory() -> None:
    """A file goes and a directory of its name comes: two patches, and the first try says so."""
    with Tree() as tree:
        first = tree.write("a", "one\n")
        gone = "diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n"
        made = "diff --git a/a/b b/a/b\nnew file mode 100644\n--- /dev/null\n+++ b/a/b\n@@ -0,0 +1 @@\n+two\n"
        moved = "diff --git a/a b/a/b\nsimilarity index 100%\nrename from a\nrename to a/b\n"
        for how, reply in (("delete and create", gone + made), ("rename", moved)):
            status, answer = tree.patch(reply)
            reason = answer["refusals"][0]["reason"]
            ok(status == 1 and first.read_text() == "one\n" and codes(answer) == ["path_special"], f"{how}: nothing is written", answer)
            ok(reason == "a is a file, and nothing can be made below it while it is there: let a patch of its own delete or "
               "rename it first", f"{how}: and why, and what to do: {reason}")
        ok(tree.patch(gone)[0] == 0 and tree.patch(made)[0] == 0 and (tree.root / "a/b").read_text() == "two\n", "one by one it goes")


def bases() -> None:
    with Tree() as tree:
        place = tree.write("a.txt", "head\n" + TEXT)
        tree.write("a.txt", TEXT, "base")
        base = str(Path(tree.folder.name) / "base")
        status, answer = tree.patch(block("a.txt", "line 5\nline 6\n", "LINE 5\nline 6\n"), "--base", base)
        hunk = answer["files"][0]["hunks"][0]
        ok(status == 0 and "LINE 5\n" in place.read_text() and (hunk["place"], hunk["start"]) == ("moved", 6), "carried from the base", hunk)
        place.write_text(TEXT.replace("line 6\n", "mine\n"))
        status, answer = tree.patch(block("a.txt", "line 5\nline 6\n", "LINE 5\nline 6\n"), "--base", base)
        ok(status == 1 and codes(answer) == ["stale"], "a neighbour changed meanwhile: stale", answer)


def guards() -> None:
    with Tree() as tree:
        outside = tree.write("secret.txt", "secret\n", "outside")
        subprocess.run(["git", "init", "-q", str(tree.root)], check=True)
        tree.write(".gitignore", "*.log\n")
        tree.write("x.log", "secret\n")
        tree.write("README.md", "secret\n")
        (tree.root / "dirlink").symlink_to(outside.parent)
        (tree.root / "filelink").symlink_to(outside)
        os.mkfifo(tree.root / "pipe")
        (tree.root / "folder").mkdir()
        cases = {"dirlink/secret.txt": "path_symlink", "filelink": "path_symlink", "x.log": "path_ignored", "readme.md": "path_case",
                 "pipe": "path_special", "folder": "path_special", "../outside/secret.txt": "path_outside",
                 # with a blank in it, only a file that is there is a path: the rest is prose
                 str(outside): "not_listed" if " " in str(outside) else "path_outside",
                 ".git/config": "path_git", "~/x": "path_outside", ".GIT/hooks/x": "path_git"}
        for path, code in cases.items():
            for search in ("secret\n", ""):
                for args in ([], ["--file", path]):
                    status, answer = tree.patch(block(path, search, "mine\n"), *args)
                    ok(status == 1 and code in codes(answer), f"{path} {args[:1]}: {code}", answer)
        ok(outside.read_text() == "secret\n", "nothing outside was touched")
        status, answer = tree.patch(block("README.md", "secret\n", "mine\n"), "--file", "other.txt")
        ok(status == 1 and codes(answer) == ["not_listed"], "a file that is not listed", answer)


def arguments() -> None:
    with Tree() as tree:
        ok(tree.patch("", "--no-such")[0] == 2, "an unknown option: exit 2")
        ok(tree.patch("", "--file")[0] == 2, "a missing value: exit 2")
        status, answer = tree.patch("")
        ok(status == 1 and codes(answer) == ["no_block"], "an empty reply", answer)
        status, answer = tree.patch("NOTHING TO CHANGE: done already\n")
        ok(status == 0 and answer["abstained"], "abstaining", answer)
        ran = subprocess.run([BINARY, "patch", "--root", tree.root / "none"], input=b"", capture_output=True, text=False)
        ok(ran.returncode == 1 and b"piecework: " in ran.stderr, "a root that is not there", ran.stderr)


def corpus() -> None:
    folder = os.path.dirname(os.__file__)
    ran = subprocess.run([sys.executable, str(TREE / "tests/corpus/run.py"), "--seed", "7", "--count", "440", "--binary", str(BINARY), folder],
                         capture_output=True, text=True)
    ok(ran.returncode == 0, "a corpus made up from this machine's own python modules", ran.returncode, ran.stdout, ran.stderr)


writing()
all_or_none()
file_to_directory()
bases()
guards()
arguments()
corpus()
done()
