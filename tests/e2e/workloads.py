"""The four workloads the seed names, on real code that is on the machine (the system's own python3).

A workload makes a project, says what the user asks, and stands in for the models: `plan` is what the big
model submits, `replies` maps a text found in a worker's last message to the worker's reply. `check` runs
the resulting code; it never looks at how the result came about.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

STDLIB = Path(sysconfig.get_paths()["stdlib"])


def block(path: str, search: str, replace: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def git_init(root: Path) -> None:
    for argv in (["init", "-q", "-b", "main"], ["config", "user.name", "Test"],
                 ["config", "user.email", "test@example.invalid"], ["add", "-A"],
                 ["commit", "-q", "-m", "start"]):
        subprocess.run(["git", *argv], cwd=root, check=True, capture_output=True)


def run_python(root: Path, code: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True)


class Workload:
    name = ""
    request = ""
    scope: list[str] = []
    test = "python3 check.py"

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.make()
        (root / ".gitignore").write_text("__pycache__/\n")
        git_init(root)

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def lines(self, path: str) -> list[str]:
        return (self.root / path).read_text().splitlines(keepends=True)

    def run_test(self) -> subprocess.CompletedProcess:
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(self.test.split(), cwd=self.root, env=env, capture_output=True, text=True)

    def make(self) -> None:
        raise NotImplementedError

    def plan(self) -> dict:
        raise NotImplementedError

    def replies(self) -> list[tuple[list[str], str]]:
        raise NotImplementedError

    def check(self) -> list[tuple[bool, str]]:
        raise NotImplementedError


class Split(Workload):
    """(a) A module of 2,500 lines or more into seven, by moves and small glue."""

    name = "split"
    request = "split lib/argparse.py into modules by subject; the public names must stay importable from argparse"
    scope = ["lib/argparse.py"]
    # new module -> names of the last top-level definition it takes, in file order
    parts = [("argparse_base", "_copy_items"), ("argparse_formatter", "MetavarTypeHelpFormatter"),
             ("argparse_errors", "ArgumentTypeError"), ("argparse_actions", "_ExtendAction"),
             ("argparse_types", "Namespace"), ("argparse_groups", "_MutuallyExclusiveGroup"),
             ("argparse_parser", "ArgumentParser")]

    def make(self) -> None:
        self.write("lib/argparse.py", (STDLIB / "argparse.py").read_text())
        self.original = (STDLIB / "argparse.py").read_text()
        self.write("check.py", CHECK_SPLIT)

    def analyse(self) -> None:
        tree = ast.parse(self.original)
        body = {}
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else node
            name = getattr(target, "name", getattr(target, "id", None))
            if name:
                body[name] = node
        lines = self.original.splitlines()
        self.ranges = []
        start = body["SUPPRESS"].lineno
        for module, last in self.parts:
            end = body[last].end_lineno
            self.ranges.append((module, start, end))
            start = end + 1
        self.tail = "\n".join(lines[self.ranges[-1][2]:])
        owner = {}
        uses = {module: set() for module, _, _ in self.ranges}
        for name, node in body.items():
            for module, first, last in self.ranges:
                if first <= node.lineno <= last:
                    owner[name] = module
                    uses[module] |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        self.owner, self.uses = owner, uses
        self.imports = [ast.get_source_segment(self.original, n) for n in tree.body
                        if isinstance(n, (ast.Import, ast.ImportFrom))]
        self.public = sorted(name for name in owner)

    def header(self, module: str) -> str:
        by_module: dict[str, list[str]] = {}
        for name in sorted(self.uses[module]):
            if name in self.owner and self.owner[name] != module:
                by_module.setdefault(self.owner[name], []).append(name)
        text = "\n".join(self.imports) + "\nfrom gettext import gettext as _, ngettext\n\n"
        for other, names in sorted(by_module.items()):
            text += f"from {other} import {', '.join(names)}\n"
        return text + "\n"

    def plan(self) -> dict:
        self.analyse()
        tasks = []
        for i, (module, first, last) in enumerate(self.ranges, 1):
            tasks.append({"id": f"T{i:02}", "title": f"move {module}", "executor": "move",
                          "from": f"lib/argparse.py:{first}-{last}", "to": f"lib/{module}.py"})
        n = len(tasks)
        for i, (module, _, _) in enumerate(self.ranges, 1):
            tasks.append({"id": f"T{n + i:02}", "title": f"imports of {module}", "after": [f"T{i:02}"],
                          "files": [f"lib/{module}.py:1-12"],
                          "body": f"Add at the top the imports that lib/{module}.py needs."})
        tasks.append({"id": f"T{2 * n + 1:02}", "title": "argparse imports the parts",
                      "after": [f"T{i:02}" for i in range(1, n + 1)], "files": ["lib/argparse.py"],
                      "body": "Import every name from the new modules at the end of lib/argparse.py."})
        return {"title": "split argparse by subject", "tasks": tasks}

    def replies(self) -> list[tuple[list[str], str]]:
        found = []
        lines = self.original.splitlines(keepends=True)
        for module, first, _ in self.ranges:
            top = "".join(lines[first - 1:first + 3])
            found.append(([f"imports that lib/{module}.py needs"],
                          block(f"lib/{module}.py", top, self.header(module) + top)))
        glue = ""
        for module, _, _ in self.ranges:
            names = [name for name in self.public if self.owner[name] == module]
            glue += f"from {module} import ({', '.join(names)})\n"
        last = self.imports[-1] + "\n"
        found.append((["Import every name from the new modules"],
                      block("lib/argparse.py", last, last + "\n" + glue)))
        return found

    def check(self) -> list[tuple[bool, str]]:
        rest = (self.root / "lib/argparse.py").read_text().count("\n")
        new = sorted(p.name for p in (self.root / "lib").glob("argparse_*.py"))
        ran = self.run_test()
        moved = sum((self.root / "lib" / n).read_text().count("\n") for n in new)
        return [(len(new) == 7, f"seven new modules: {new}"),
                (rest < 200, f"argparse.py keeps {rest} lines"),
                (moved > 2400, f"{moved} lines in the new modules"),
                (ran.returncode == 0, f"the split parser behaves as before: {ran.stdout}{ran.stderr}")]


CHECK_SPLIT = '''"""The split argparse answers exactly as the system's own."""
import contextlib, importlib, io, os, sys

def use(argparse):
    out = io.StringIO()
    p = argparse.ArgumentParser(prog="p", description="d", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("files", nargs="+", help="inputs")
    p.add_argument("-n", "--number", type=int, default=3, choices=range(9), help="how many")
    p.add_argument("-v", action="count", default=0)
    p.add_argument("--flag", action=argparse.BooleanOptionalAction)
    p.add_argument("--version", action="version", version="9")
    g = p.add_mutually_exclusive_group()
    g.add_argument("--a", action="store_true"); g.add_argument("--b", action="append")
    sub = argparse.ArgumentParser(prog="q").add_subparsers(dest="c")
    sub.add_parser("x").add_argument("y")
    out.write(p.format_help())
    out.write(repr(sorted(vars(p.parse_args(["f", "-vv", "-n", "4", "--b", "1", "--b", "2"])).items())))
    for argv in ([], ["f", "-n", "x"], ["f", "--a", "--b", "1"], ["f", "--zz"]):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
            p.parse_args(argv)
        out.write(err.getvalue())
    out.write(repr(sorted(n for n in argparse.__all__)))
    return out.getvalue()

os.environ["COLUMNS"] = "80"
os.environ["NO_COLOR"] = "1"
sys.modules.pop("argparse", None)
want = use(importlib.import_module("argparse"))
for name in [n for n in sys.modules if n.startswith("argparse")]:
    del sys.modules[name]
sys.path.insert(0, "lib")
mine = importlib.import_module("argparse")
assert os.path.samefile(os.path.dirname(mine.__file__), "lib"), mine.__file__
assert use(mine) == want, "differs"
print("ok: the same answers")
'''


class Rename(Workload):
    """(b) A function over more than 20 files, with files and strings that must stay."""

    name = "rename"
    request = ("rename the function getregentry to registry_entry in codecpack/cp*.py; the mac_*.py codecs and "
               "idna.py are public API and keep the old name")

    def make(self) -> None:
        source = STDLIB / "encodings"
        self.codecs = sorted(p.name for p in source.glob("cp[0-9]*.py"))[:24]
        keep = sorted(p.name for p in source.glob("mac_*.py")) + ["idna.py", "aliases.py", "ascii.py"]
        for name in self.codecs + keep:
            self.write(f"codecpack/{name}", (source / name).read_text())
        text = (source / "__init__.py").read_text().replace("'encodings.'", "'codecpack.'")
        self.write("codecpack/__init__.py", text[:text.index("if sys.platform == 'win32'")])
        self.write("README.md", "Each codec has a function `getregentry`.\n")
        self.write("check.py", CHECK_RENAME)

    def plan(self) -> dict:
        return {"title": "rename getregentry", "tasks": [
            {"id": "T01", "title": "the search function knows both names", "files": ["codecpack/__init__.py:70-130"],
             "body": "Look for registry_entry first and for getregentry after it."},
            {"id": "T02", "title": "rename the definition", "pilot": True,
             "each": [f"codecpack/{name}" for name in self.codecs],
             "accept": ["getregentry no longer occurs"],
             "body": "Rename the function getregentry to registry_entry. Change nothing else."}]}

    def replies(self) -> list[tuple[list[str], str]]:
        found = [(["Look for registry_entry first"],
                  block("codecpack/__init__.py", "        getregentry = mod.getregentry\n",
                        "        getregentry = getattr(mod, 'registry_entry', None) or mod.getregentry\n"))]
        for name in self.codecs:
            found.append((["Rename the function getregentry", f"codecpack/{name}"],
                          block(f"codecpack/{name}", "def getregentry():\n    return codecs.CodecInfo(\n",
                                "def registry_entry():\n    return codecs.CodecInfo(\n")))
        return found

    def check(self) -> list[tuple[bool, str]]:
        source = STDLIB / "encodings"
        left = [n for n in self.codecs if "getregentry" in (self.root / "codecpack" / n).read_text()]
        same = all((self.root / "codecpack" / n).read_text() ==
                   (source / n).read_text().replace("getregentry", "registry_entry") for n in self.codecs)
        kept = all(p.read_bytes() == (source / p.name).read_bytes()
                   for p in [*(self.root / "codecpack").glob("mac_*.py"), self.root / "codecpack/idna.py"])
        ran = self.run_test()
        return [(len(self.codecs) >= 20, f"{len(self.codecs)} files"), (not left, f"old name left in {left}"),
                (same, "nothing else changed in the codecs"), (kept, "the exceptions kept every byte"),
                (ran.returncode == 0, f"every codec still works: {ran.stdout}{ran.stderr}")]


CHECK_RENAME = '''"""Every codec of the package is found and agrees with the system's."""
import codecs, glob, os, sys
import codecpack
names = [os.path.basename(p)[:-3] for p in glob.glob("codecpack/cp*.py") + glob.glob("codecpack/mac_*.py")]
for name in names:
    info = codecpack.search_function(name)
    assert info is not None, name
    assert info.encode("Hello")[0] == "Hello".encode(name), name
print("ok:", len(names), "codecs")
'''


class Docstrings(Workload):
    """(c) Fifty docstrings to one line each."""

    name = "docstrings"
    request = "compress the docstrings longer than 3 lines in lib/ to their first sentence; change no code"
    sources = ["statistics", "difflib", "inspect", "heapq", "random", "typing", "tarfile", "doctest", "shlex", "cmd"]

    def make(self) -> None:
        self.targets = []
        seen = set()
        for module in self.sources:
            text = (STDLIB / f"{module}.py").read_text()
            self.write(f"lib/{module}.py", text)
            for node in ast.walk(ast.parse(text)):
                if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or len(self.targets) == 50:
                    continue
                doc = node.body[0]
                if not (isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant)
                        and isinstance(doc.value.value, str)):
                    continue
                lines = text.splitlines(keepends=True)[doc.lineno - 1:doc.end_lineno]
                whole = "".join(lines)
                head = re.match(r'^([ \t]*)(r?)"""(\S.*?)(?<!\\)\n', whole)
                if len(lines) < 4 or not head or whole in seen or not whole.rstrip().endswith('"""'):
                    continue
                if head.group(3).endswith(('"', "\\")) or text.count(whole) != 1:
                    continue
                seen.add(whole)
                short = f'{head.group(1)}{head.group(2)}"""{head.group(3).rstrip()}"""\n'
                self.targets.append((f"lib/{module}.py", doc.lineno, doc.end_lineno, whole, short))
        assert len(self.targets) == 50, len(self.targets)
        self.write("check.py", CHECK_DOCSTRINGS)

    def plan(self) -> dict:
        return {"title": "compress docstrings", "tasks": [
            {"id": "T01", "title": "one-line docstring", "pilot": True,
             "each": [f"{path}:{first}-{last}" for path, first, last, _, _ in self.targets],
             "body": "Shorten this docstring to its first line. Keep the code."}]}

    def replies(self) -> list[tuple[list[str], str]]:
        return [([path, whole], block(path, whole, short)) for path, _, _, whole, short in self.targets]

    def check(self) -> list[tuple[bool, str]]:
        changed = 0
        for path, _, _, whole, short in self.targets:
            text = (self.root / path).read_text()
            changed += whole not in text and short in text
        code = all(strip_docs((self.root / f"lib/{m}.py").read_text()) == strip_docs((STDLIB / f"{m}.py").read_text())
                   for m in self.sources)
        ran = self.run_test()
        return [(changed == 50, f"{changed} of 50 docstrings are one line"), (code, "no code changed"),
                (ran.returncode == 0, f"all modules compile: {ran.stdout}{ran.stderr}")]


def strip_docs(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and isinstance(body[0], ast.Expr):
            if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
                body[0].value.value = ""
    return ast.dump(tree)


CHECK_DOCSTRINGS = '''"""Every module still compiles."""
import glob
for path in sorted(glob.glob("lib/*.py")):
    compile(open(path).read(), path, "exec")
print("ok")
'''


class Tests(Workload):
    """(d) Ten test cases from a specification, one new file each."""

    name = "tests"
    request = "write 10 test cases for lib/shorten.py from spec.md, one file each under tests/"
    test = "python3 -m unittest discover -s tests"
    cases = [("width 5", "wrap('aaa bbb ccc', 7)", "['aaa bbb', 'ccc']"),
             ("empty text", "wrap('', 10)", "[]"),
             ("long word", "wrap('abcdefghij', 4)", "['abcd', 'efgh', 'ij']"),
             ("long word kept", "wrap('abcdefghij', 4, break_long_words=False)", "['abcdefghij']"),
             ("hyphen", "wrap('well-known', 6)", "['well-', 'known']"),
             ("indent", "fill('a b', 3, initial_indent='> ', subsequent_indent='> ')", "'> a\\n> b'"),
             ("dedent", "dedent('  a\\n    b\\n')", "'a\\n  b\\n'"),
             ("indent lines", "indent('a\\n\\nb\\n', '- ')", "'- a\\n\\n- b\\n'"),
             ("shorten fits", "shorten('a  b', 10)", "'a b'"),
             ("shorten cuts", "shorten('hello wide world', 12)", "'hello [...]'")]

    def make(self) -> None:
        self.write("lib/shorten.py", (STDLIB / "textwrap.py").read_text())
        spec = "".join(f"{i}. {name}: `{call}` gives `{want}`\n" for i, (name, call, want) in enumerate(self.cases, 1))
        self.write("spec.md", "# What shorten.py promises\n\n" + spec)
        self.write("tests/__init__.py", "")

    def plan(self) -> dict:
        return {"title": "ten test cases", "tasks": [
            {"id": f"T{i:02}", "title": f"test: {name}", "files": [f"tests/test_{i:02}.py new"],
             "read": [f"spec.md:{i + 2}"], "pilot": i == 1,
             "body": f"Write tests/test_{i:02}.py with one unittest case for rule {i}. Import from lib.shorten."}
            for i, (name, _, _) in enumerate(self.cases, 1)]}

    def replies(self) -> list[tuple[list[str], str]]:
        found = []
        for i, (name, call, want) in enumerate(self.cases, 1):
            text = ("import os\nimport sys\nimport unittest\n\n"
                    "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))\n"
                    "from lib.shorten import dedent, fill, indent, shorten, wrap\n\n\n"
                    f"class Rule{i}(unittest.TestCase):\n    def test_rule(self):\n"
                    f"        # {name}\n        self.assertEqual({call}, {want})\n")
            found.append(([f"Write tests/test_{i:02}.py"], block(f"tests/test_{i:02}.py", "", text)))
        return found

    def check(self) -> list[tuple[bool, str]]:
        ran = self.run_test()
        return [(len(list((self.root / "tests").glob("test_*.py"))) == 10, "ten new files"),
                (ran.returncode == 0 and "Ran 10 tests" in ran.stderr, f"ten tests pass: {ran.stderr[-300:]}")]


ALL = [Split, Rename, Docstrings, Tests]


def make_all(parent: Path) -> list[Workload]:
    shutil.rmtree(parent, ignore_errors=True)
    return [kind(parent / kind.name) for kind in ALL]


def _self_test() -> None:
    """The scripted plans and replies give the promised result when done by hand: run this file."""
    import tempfile
    for load in make_all(Path(tempfile.mkdtemp()) / "w"):
        plan, replies = load.plan(), load.replies()
        if load.name == "split":
            lines = load.original.splitlines(keepends=True)
            for module, first, last in load.ranges:
                load.write(f"lib/{module}.py", "".join(lines[first - 1:last]))
            load.write("lib/argparse.py", "".join(lines[:load.ranges[0][1] - 1]) + "".join(lines[load.ranges[-1][2]:]))
        for _, reply in replies:
            path, rest = reply.split("\n", 1)
            search, replace = re.split(r"^=======\n", rest.removeprefix("<<<<<<< SEARCH\n"), maxsplit=1, flags=re.MULTILINE)
            replace = replace[:replace.rindex(">>>>>>> REPLACE")]
            text = (load.root / path).read_text() if (load.root / path).exists() else ""
            assert search == "" or text.count(search) == 1, (load.name, path, search, text.count(search))
            load.write(path, text.replace(search, replace) if search else replace)
        for good, what in load.check():
            print("ok" if good else "not ok", load.name, what)


if __name__ == "__main__":
    _self_test()
