"""Makes tests/cassettes/demo.ndjson: the demo's request against the scripted provider, recorded.

The replies below were written by hand in the manner of a big and a small model, and the cassette says so.
Run it when prompts or the sample project change: python3 tests/demo/record.py
"""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import TREE, Scratch  # noqa: E402
from workloads import block, git_init  # noqa: E402

REQUEST = (TREE / "tests/demo/request.txt").read_text().strip()
CASSETTE = TREE / "tests/cassettes/demo.ndjson"

HEADERS = ["src/cfg.h", "src/store.h", "src/report.h", "src/wire.h", "src/clock.h"]

PLAN = {
    "title": "rename cfg_get to config_get, document the headers",
    "tasks": [
        {"id": "T01", "title": "rename the calls", "executor": "substitute", "pattern": r"\bcfg_get(?=\()",
         "replace": "config_get",
         "files": ["src/cfg.h", "src/cfg.c", "src/store.c", "src/report.c", "src/wire.c", "src/clock.c", "src/main.c"],
         "accept": ["contains: config_get("]},
        {"id": "T02", "title": "document the functions", "pilot": True, "after": ["T01"], "each": HEADERS,
         "accept": ["contains: /*"],
         "body": "Put a one-line comment before each function that says what it returns, with units. "
                 "Change nothing else."},
        {"id": "T03", "title": "README names the new function", "files": ["README.md"],
         "accept": ["`cfg_get` no longer occurs"],
         "body": "Say `config_get` where README.md says `cfg_get`."},
    ],
}

COMMENTED = {
    "src/cfg.h": [("int cfg_load(const char *text);\nconst char *config_get(const char *key, const char *fallback);\n"
                   "int cfg_number(const char *key, int fallback);\n",
                   "/* Reads \"key = value\" lines; returns how many were kept. */\nint cfg_load(const char *text);\n"
                   "/* The value of [key], or [fallback]; valid until the next cfg_load. */\n"
                   "const char *config_get(const char *key, const char *fallback);\n"
                   "/* The same as a number. */\nint cfg_number(const char *key, int fallback);\n")],
    "src/store.h": [("void store_clear(void);\nint store_add(double celsius);\ndouble store_mean(void);\ndouble store_max(void);\n",
                     "/* Forgets all readings. */\nvoid store_clear(void);\n"
                     "/* Adds a reading, dropping the oldest when full; returns how many are kept. */\n"
                     "int store_add(double celsius);\n/* Mean of the readings in degrees Celsius, 0 when there are none. */\n"
                     "double store_mean(void);\n/* Highest reading in degrees Celsius, 0 when there are none. */\ndouble store_max(void);\n")],
    "src/report.h": [("int report_line(char *out, int size);\nconst char *report_unit(void);\n",
                      "/* Writes one line of at most [size] bytes; returns its length as snprintf does. */\n"
                      "int report_line(char *out, int size);\n/* \"C\" or \"F\". */\nconst char *report_unit(void);\n")],
    "src/wire.h": [("int wire_answer(const char *request, char *out, int size);\nint wire_port(void);\n",
                    "/* Answers one request line; returns the answer's length. */\n"
                    "int wire_answer(const char *request, char *out, int size);\n/* TCP port, 7070 by default. */\nint wire_port(void);\n")],
    "src/clock.h": [("int clock_period(void);\nconst char *clock_zone(void);\n",
                     "/* Milliseconds between two readings, at least 1. */\nint clock_period(void);\n"
                     "/* Name of the time zone, \"UTC\" by default. */\nconst char *clock_zone(void);\n")],
}

VERDICTS = [
    {"task": "T01", "verdict": "ok", "reason": "all calls renamed, the protocol word stays"},
    *[{"task": f"T02.{i}", "verdict": "ok", "reason": ""} for i in range(1, 5)],
    {"task": "T02.5", "verdict": "doubt", "path": "src/clock.h", "line": 4,
     "reason": "the comment says milliseconds, clock.c reads seconds"},
    {"task": "T03", "verdict": "ok", "reason": ""},
]


def rules() -> list[dict]:
    explore = [{"name": "search", "input": {"pattern": "cfg_get"}}, {"name": "outline", "input": {"path": "src/wire.c"}}]
    read = [{"name": "read", "input": {"path": "src/wire.c", "first": 8, "last": 15}},
            {"name": "read", "input": {"path": "src/cfg.h"}}]
    made = [{"match": {"has_tool": "submit_plan", "turn": 0}, "reply": {"tool_calls": explore}},
            {"match": {"has_tool": "submit_plan", "turn": 1}, "reply": {"tool_calls": read}},
            {"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [{"name": "submit_plan", "input": PLAN}]}},
            {"match": {"has_tool": "submit_verdicts"},
             "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": VERDICTS}}]}}]
    for path, edits in COMMENTED.items():
        made.append({"match": {"last_contains": ["one-line comment", f"{path}"]},
                     "reply": {"text": "\n".join(block(path, *edit) for edit in edits)}})
    made.append({"match": {"last_contains": "README.md says"},
                 "reply": {"text": block("README.md", "every value is looked up with `cfg_get`.\n",
                                         "every value is looked up with `config_get`.\n")}})
    return made


def main() -> None:
    with Scratch() as scratch:
        root = scratch.path / "weather"
        shutil.copytree(TREE / "tests/demo/sample", root)
        git_init(root)
        scratch.provider(rules(), config={"test": "make check"})
        made = scratch.path / "demo.ndjson"
        for argv in (["plan", "--yes", "--record", str(made), REQUEST], ["trust", "last", "--yes"],
                     ["run", "last", "--yes", "--record", str(made)]):
            ran = scratch.run(*argv, cwd=root)
            print(ran.stdout, ran.stderr, sep="")
            if ran.returncode:
                sys.exit(f"recording stopped at {argv[0]}: exit {ran.returncode}")
        lines = made.read_text().splitlines()
        head = json.loads(lines[0])
        head["note"] = "recorded from scripted replies, written by hand; no model was asked"
        CASSETTE.parent.mkdir(exist_ok=True)
        CASSETTE.write_text("\n".join([json.dumps(head, separators=(",", ":")), *lines[1:]]) + "\n")
        print(f"{CASSETTE.relative_to(TREE)}: {len(lines) - 1} exchanges")


if __name__ == "__main__":
    main()
