"""The four workloads of tests/e2e as cost.py runs them: what a planner that follows native/prompts/planner.md
looks at and hands in, and what one model answers that does all of it in one call.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from workloads import Docstrings, Rename, Split, Tests, Workload, block  # noqa: E402


class Load(Workload):
    explores: list[tuple[str, dict]] = []  # the planner's first turn; none: it plans at once

    def solo_scope(self) -> list[str]:
        """Exactly the files the work needs: big alone pays for no search."""
        raise NotImplementedError

    def rules(self) -> list[dict]:
        plan = self.plan()
        calls = [{"name": name, "input": args} for name, args in self.explores]
        rules = []
        if calls:
            rules.append({"match": {"has_tool": "submit_plan", "turn": 0}, "reply": {"tool_calls": calls}})
        rules.append({"match": {"has_tool": "submit_plan"},
                      "reply": {"tool_calls": [{"name": "submit_plan", "input": plan}]}})
        rules.append({"match": {"has_tool": "submit_verdicts"}, "reply": {"tool_calls": [
            {"name": "submit_verdicts", "input": {"verdicts": [], "rest": "ok"}}]}})
        return rules + [{"match": {"last_contains": marks}, "reply": {"text": reply}}
                        for marks, reply in self.replies()]

    def solo_reply(self) -> str:
        return "\n".join(reply for _, reply in self.replies())

    def solo_rules(self) -> list[dict]:
        return [{"match": {}, "reply": {"text": self.solo_reply()}}]


class SplitLoad(Split, Load):
    explores = [("outline", {"path": "lib/argparse.py"})]

    def solo_scope(self) -> list[str]:
        return ["lib/argparse.py"]

    def solo_reply(self) -> str:
        self.analyse()
        lines = self.original.splitlines(keepends=True)
        new = ""
        for module, first, last in self.ranges:
            new += block(f"lib/{module}.py", "", self.header(module) + "".join(lines[first - 1:last]))
        glue = self.replies()[-1][1].split("=======\n")[1].split(">>>>>>>")[0]
        kept = "".join(lines[:self.ranges[0][1] - 1] + lines[self.ranges[-1][2]:])
        last = self.imports[-1] + "\n"
        return new + block("lib/argparse.py", "", kept.replace(last, glue))


class RenameLoad(Rename, Load):
    explores = [("search", {"pattern": "getregentry", "glob": "codecpack/*.py"}),
                ("read", {"path": "codecpack/__init__.py", "first": 70, "last": 130})]

    def solo_scope(self) -> list[str]:
        return ["codecpack/__init__.py"] + [f"codecpack/{name}" for name in self.codecs]


class DocstringsLoad(Docstrings, Load):
    scope = ["lib/difflib.py", "lib/statistics.py"]  # where the fifty are

    def plan(self) -> dict:
        return {"title": "compress docstrings", "tasks": [
            {"id": "T01", "title": "one-line docstring", "pilot": True,
             "each": ["docstrings in lib/difflib.py lib/statistics.py longer than 3 "
                      "matching /^\\s*r?\"\"\"\\S/"],
             "accept": ["unchanged outside docstrings"],
             "body": "Shorten this docstring to its first line. Keep the code."}]}

    def rules(self) -> list[dict]:
        # what the selector finds beyond the fifty: the small model leaves it, and is paid for saying so
        return super().rules() + [{"match": {}, "reply": {"text": "NOTHING TO CHANGE"}}]

    def solo_scope(self) -> list[str]:
        return self.scope


class TestsLoad(Tests, Load):
    """Ten test modules of some fifty lines, each for a rule with its examples."""

    scope = ["spec.md"]
    examples = 8

    def variants(self, call: str) -> list[tuple[str, str]]:
        """The rule's call for other widths and texts, with what comes out."""
        width = re.search(r", (\d+)", call)
        found = []
        for k in range(self.examples):
            if width:
                text = call[:width.start(1)] + str(int(width.group(1)) + k) + call[width.end(1):]
            else:
                text = call.replace("('", "('" + "a b\\n" * k, 1)
            found.append((text, repr(eval(text, vars(textwrap)))))  # our own table, not outside text
        return found

    def make(self) -> None:
        super().make()
        spec = "# What shorten.py promises\n"
        for i, (name, call, _) in enumerate(self.cases, 1):
            spec += f"\n## {i}. {name}\n\n"
            spec += "".join(f"- `{text}` gives `{want}`\n" for text, want in self.variants(call))
        self.write("spec.md", spec)

    def plan(self) -> dict:
        return {"title": "ten test cases", "tasks": [
            {"id": "T01", "title": "tests of rule {{n}}", "each": ["tests/test_{01..10}.py new"],
             "read": ["spec.md"], "pilot": True,
             "body": "Write {{path}}: unittest cases for all examples of rule {{n}} of spec.md, one method each. "
                     "Import from lib.shorten."}]}

    def replies(self) -> list[tuple[list[str], str]]:
        found = []
        for i, (name, call, _) in enumerate(self.cases, 1):
            text = (f'"""Rule {i} of spec.md: {name}."""\n\nimport os\nimport sys\nimport unittest\n\n'
                    "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))\n"
                    "from lib.shorten import dedent, fill, indent, shorten, wrap\n\n\n"
                    f"class Rule{i}(unittest.TestCase):\n    maxDiff = None\n")
            for k, (made, want) in enumerate(self.variants(call), 1):
                text += (f"\n    def test_{name.replace(' ', '_')}_{k}(self):\n        result = {made}\n"
                         f"        self.assertEqual(result, {want})\n")
            found.append(([f"Write tests/test_{i:02}.py"], block(f"tests/test_{i:02}.py", "", text)))
        return found

    def check(self) -> list[tuple[bool, str]]:
        ran = self.run_test()
        count = len(self.cases) * self.examples
        return [(len(list((self.root / "tests").glob("test_*.py"))) == 10, "ten new files"),
                (ran.returncode == 0 and f"Ran {count} tests" in ran.stderr, f"{count} tests pass: {ran.stderr[-300:]}")]

    def solo_scope(self) -> list[str]:
        return ["spec.md"]


class LongTestsLoad(TestsLoad):
    """The same with modules twice as long: what a plan and a verdict cost at least weighs less."""

    name = "tests (2x)"
    examples = 16


LOADS: list[type[Load]] = [SplitLoad, RenameLoad, DocstringsLoad, TestsLoad, LongTestsLoad]
