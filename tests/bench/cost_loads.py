"""The four workloads of tests/e2e as cost.py runs them: what a planner that follows native/prompts/planner.md
looks at and hands in, and what one model answers that does all of it in one call.
"""

from __future__ import annotations

import sys
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
    explores = [("search", {"pattern": '^\\s*r?"""[^"]*$', "glob": "lib/*.py"})]

    def solo_scope(self) -> list[str]:
        return sorted({path for path, *_ in self.targets})


class TestsLoad(Tests, Load):
    scope = ["spec.md"]

    def solo_scope(self) -> list[str]:
        return ["spec.md"]


LOADS: list[type[Load]] = [SplitLoad, RenameLoad, DocstringsLoad, TestsLoad]
