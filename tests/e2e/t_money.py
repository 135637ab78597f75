"""Models and money: whole journeys in every dialect, the shared prefix and its cache, the bill against the
provider's own log, a canary key through every failure, reports of bugs."""

import csv
import io
import json
import re
import sqlite3
import sys

from harness import KEY, Scratch, done, model_rules, ok
from t_storm import make, reply, tasks_text
from workloads import Tests

DIALECTS = {
    "openai-responses": ("/v1", "openai"),
    "openai-chat": ("/v1", "mine"),
    "gemini": ("/v1beta", "google"),
    "ollama": ("", "ollama"),
}


def attempts(scratch: Scratch, sql: str) -> list[tuple]:
    base = sqlite3.connect(f"file:{scratch.path}/state/piecework/journal.db?mode=ro", uri=True)
    try:
        return base.execute(sql).fetchall()
    finally:
        base.close()


def log(provider, event: str) -> list[dict]:
    return [line for line in provider.requests() if line["event"] == event]


def every_dialect() -> None:
    """Plan, run and verify through each wire format: the same work, the same result, tokens as the log has them."""
    for dialect, (path, name) in DIALECTS.items():
        with Scratch() as scratch:
            load = Tests(scratch.path / "w")
            provider = scratch.provider(model_rules(load))
            scratch.configure(provider.url, {
                "providers": {name: {"dialect": dialect, "base_url": provider.url + path, "key": {"env": "ANTHROPIC_API_KEY"}}},
                "models": {"big": f"{name}/big-1", "small": f"{name}/small-1"},
                "prices": {f"{name}/{m}": {"input": 1, "output": 2} for m in ("big-1", "small-1")}})
            planned = scratch.run("plan", "--yes", load.request, cwd=load.root)
            ok(planned.returncode == 0, f"{dialect}: planned", planned.stdout, planned.stderr)
            ran = scratch.run("run", "last", "--yes", cwd=load.root)
            ok(ran.returncode == 0, f"{dialect}: ran", ran.stdout, ran.stderr)
            told = [line["usage"] for line in log(provider, "done") if line["usage"]]
            ours = attempts(scratch, "select sum(fresh_in + cache_write + cache_read), sum(out), min(usage_known) from attempt")[0]
            prompt = sum(u["fresh_in"] + u["cache_write"] + u["cache_read"] for u in told)
            ok(ours == (prompt, sum(u["out"] for u in told), 1), f"{dialect}: the ledger is the provider's log {ours}")


def counted() -> None:
    """Tokens counted by the provider before anything is sent, and how far the estimates were off afterwards."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        provider = scratch.provider(model_rules(load))
        scratch.run("plan", "--yes", load.request, cwd=load.root)
        before = len(log(provider, "arrived"))
        count = scratch.run("preview", "last", "T01", "--count", cwd=load.root)
        said = re.search(r"^--- counted by anthropic: (\d+) tokens in \(the estimate was (\d+), .*\) ---$", count.stdout, re.M)
        ok(count.returncode == 0 and said, "counted: preview says both", count.stdout, count.stderr)
        asked = log(provider, "arrived")[before:]
        ok([line["endpoint"] for line in asked] == ["count"], "counted: one question, no reply", asked)
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 0, "counted: ran", ran.stdout, ran.stderr)
        first = attempts(scratch, "select fresh_in + cache_write + cache_read, estimated_in from attempt where task = 'T01' order by id")[0]
        ok(first == (int(said[1]), int(said[2])), f"counted: what T01 was charged for {first}")
        sums = attempts(scratch, "select model, count(*), sum(estimated_in), sum(fresh_in + cache_write + cache_read) from attempt"
                                 " where estimated_in > 0 group by 1")
        rows = {row["key"]: row for row in json.loads(scratch.run("cost", "all", "--json", cwd=load.root).stdout)["rows"]}
        ok(all((rows[m]["compared"], rows[m]["estimated_in"], rows[m]["counted_in"]) == (n, e, c) for m, n, e, c in sums) and sums,
           f"counted: by model {sums}", rows)
        page = scratch.run("cost", "all", cwd=load.root).stdout
        ok(len(re.findall(r"prompts were estimated (\d+ % too (low|high)|less than 1 % off), over \d+ calls", page)) == len(sums),
           "counted: cost says how far the estimates were off", page)
        wrong = scratch.run("preview", "last", "T77", "--count", cwd=load.root)
        ok(wrong.returncode != 0 and len(wrong.stderr.splitlines()) == 1, "counted: no such task", wrong.stderr)
        scratch.configure(provider.url, {"models": {"big": "ollama/big-1", "small": "ollama/small-1"}})
        silent = scratch.run("preview", "last", "T01", "--count", cwd=load.root)
        ok(silent.returncode != 0 and "counts no tokens" in silent.stderr and silent.stdout.startswith("To ollama/"),
           "counted: a provider that does not count", silent.stdout, silent.stderr)


def reach() -> None:
    """`doctor --reach`: each provider in use is asked, for nothing; without it nobody is."""
    with Scratch() as scratch:
        root = scratch.path / "w"
        root.mkdir()
        provider = scratch.provider([{"match": {"model": "small-1"}, "reply": {"text": "x"}}])
        address = {"key": {"env": "ANTHROPIC_API_KEY"}}
        scratch.configure(provider.url, {
            "providers": {"a": {"dialect": "anthropic", "base_url": provider.url, **address},
                          "dead": {"dialect": "openai-chat", "base_url": "http://127.0.0.1:9/v1"}},
            "models": {"big": {"rungs": ["a/big-9"], "fallback": "dead/x"}, "small": "a/small-1"}})
        quiet = scratch.run("doctor", cwd=root)
        ok("reached" not in quiet.stdout and provider.count() == 0, "reach: nobody is asked unasked", quiet.stdout)
        asked = scratch.run("doctor", "--reach", cwd=root).stdout
        ok(re.search(r"^warn +provider a: reached in \d+ ms; does not list big-9$", asked, re.M), "reach: a model that is not known", asked)
        ok(re.search(r"^error provider dead: cannot connect to 127.0.0.1:9", asked, re.M), "reach: one that is not there", asked)
        ok([line["endpoint"] for line in log(provider, "arrived")] == ["models"], "reach: one free question")
        ok(KEY not in asked, "reach: the key is not shown")


def no_tools() -> None:
    """A server that knows no tools plans all the same, in words."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        rules = model_rules(load)
        plan = rules[1]["reply"]["tool_calls"][0]["input"]
        words = "Here it is:\n```json\n" + json.dumps({"tool": "submit_plan", "input": plan}) + "\n```\n"
        verdicts = "```json\n" + json.dumps({"tool": "submit_verdicts", "input": {"verdicts": []}}) + "\n```\n"
        refused = {"fault": {"status": 400, "message": "this model does not support tools"}}
        rules[:3] = [{"match": {"has_tool": "submit_plan"}, **refused}, {"match": {"has_tool": "submit_verdicts"}, **refused},
                     {"match": {"contains": "\n- submit_plan:"}, "reply": {"text": words}},
                     {"match": {"contains": "\n- submit_verdicts:"}, "reply": {"text": verdicts}}]
        provider = scratch.provider(rules)
        planned = scratch.run("plan", "--yes", load.request, cwd=load.root)
        ok(planned.returncode == 0, "no tools: planned", planned.stdout, planned.stderr)
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 0, "no tools: ran", ran.stdout, ran.stderr)
        ok(any(line["status"] == 400 for line in log(provider, "done")), "no tools: the server did refuse")


def shared_prefix() -> None:
    """All tasks of a plan share their prefix to the byte, and all but the first are sent when it can be read."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        load.write("conventions.md", "".join(f"Rule {i}: say what you mean, once.\n" for i in range(200)))
        rules = model_rules(load)
        for task in rules[1]["reply"]["tool_calls"][0]["input"]["tasks"]:
            task["read"] = ["conventions.md", *task.get("read", [])]
        provider = scratch.provider(rules, "--latency-ms", "150", config={"parallel": 8})
        scratch.run("plan", "--yes", load.request, cwd=load.root)
        before = len(log(provider, "arrived"))
        ran = scratch.run("run", "last", "--yes", "--no-verify", cwd=load.root)
        arrived, ended = log(provider, "arrived")[before:], {line["seq"]: line for line in log(provider, "done")}
        tasks = [line for line in arrived if "haiku" in line["model"]]
        ok(ran.returncode == 0 and len(tasks) >= 5, f"cache: {len(tasks)} tasks", ran.stdout, ran.stderr)
        prefixes = {line["prefix_sha256"] for line in tasks}
        ok(len(prefixes) == 1 and None not in prefixes, f"cache: one prefix for all ({len(prefixes)})")
        begun = ended[tasks[0]["seq"]]["first_ms"]
        ok(all(line["ms"] >= begun for line in tasks[1:]), "cache: the others wait until the first has begun to stream")
        usages = [ended[line["seq"]]["usage"] for line in tasks]
        ok(usages[0]["cache_write"] > 0 and usages[0]["cache_read"] == 0, "cache: the first writes", usages[0])
        ok(all(u["cache_read"] > 0 and u["cache_write"] == 0 for u in usages[1:]), "cache: the others read", usages[1:3])
        cost = scratch.run("cost", "last", "--json", cwd=load.root)
        ok(sum(row["cached"] for row in json.loads(cost.stdout)["rows"]) == sum(u["cache_read"] for u in usages)
           + sum(u["usage"]["cache_read"] for u in list(ended.values())[:before]), "cache: the receipt shows the hits")


def cap() -> None:
    """200 tasks at once under a cap for about 50: by the provider's own log the cap holds, and so does the ledger."""
    count, priced = 200, {"input": 4, "output": 20, "cache_read": 0.4, "cache_write": 5}
    with Scratch() as scratch:
        root = scratch.path / "w"
        make(root, count)
        provider = scratch.provider(
            [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(count)],
            "--latency-ms", "40", config={"parallel": 64, "pilot": "never", "retries": 0, "ask_above": 100, "models": {"small": {"rungs": ["anthropic/claude-haiku-5-5"], "max_output": 300}},
                                          "prices": {"anthropic/claude-haiku-5-5": priced}})

        def spent() -> int:
            told = [line["usage"] for line in log(provider, "done") if line["usage"]]
            return sum(u["fresh_in"] * 4000 + u["cache_write"] * 5000 + u["cache_read"] * 400 + u["out"] * 20000 for u in told)

        plan = scratch.path / "plan.md"
        plan.write_text("---\ntitle: one\n---\n" + tasks_text(1))
        scratch.run("run", str(plan), "--yes", "--no-verify", cwd=root)
        limit = 50 * spent()
        before, paid = spent(), attempts(scratch, "select sum(cost) from attempt")[0][0]
        ok(before == paid > 0, f"cap: one task costs {paid}")
        plan = scratch.path / "many.md"
        plan.write_text(f"---\ntitle: many\nbudget: {limit / 1e9:.9f}\n---\n" + tasks_text(count))
        ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
        ok(ran.returncode == 3, f"cap: exit status {ran.returncode}", ran.stdout, ran.stderr)
        made = len(log(provider, "done")) - 1
        ledger = attempts(scratch, "select sum(cost) from attempt")[0][0] - paid
        ok(ledger == spent() - before, f"cap: the ledger is the provider's log ({ledger} and {spent() - before})")
        ok(spent() - before <= limit, f"cap: {spent() - before} of {limit} is spent, by {made} calls")
        ok(25 <= made <= 60, f"cap: and not much less: {made} calls", ran.stderr)
        ok("budget" in ran.stderr, "cap: the reason is said", ran.stderr)
        ran = scratch.run("run", "last", "--yes", "--no-verify", cwd=root)
        ok(ran.returncode == 0 and len(log(provider, "done")) == count + 1, "cap: --yes goes past it, and nothing is paid twice", ran.stderr)


def fallback() -> None:
    """The quota of one provider ends: what is left goes to the fallback of the role, each reply paid once."""
    for big_too in (False, True):
        with Scratch() as scratch:
            load = Tests(scratch.path / "w")
            rules = model_rules(load)
            good = scratch.provider(rules)
            used_up = scratch.provider([{"match": {}, "fault": {"status": "quota"}}] if big_too else
                                       [{**rules[3], "times": 1}, {"match": {}, "fault": {"status": "quota"}}])
            first, other = {"base_url": used_up.url, "dialect": "anthropic"}, {"base_url": good.url, "dialect": "anthropic"}
            key, prices = {"key": {"env": "ANTHROPIC_API_KEY"}}, {"input": 1, "output": 2}
            scratch.configure(used_up.url, {
                "providers": {"one": {**first, **key}, "two": {**other, **key}}, "parallel": 4,
                "prices": {f"{p}/{m}": prices for p in ("one", "two") for m in ("big-1", "small-1")},
                "models": {"small": {"rungs": ["one/small-1"], "fallback": "two/small-1"},
                           "big": {"rungs": ["one/big-1"], "fallback": "two/big-1"} if big_too else "two/big-1"}})
            what = "fallback, all" if big_too else "fallback, small"
            planned = scratch.run("plan", "--yes", load.request, cwd=load.root)
            ok(planned.returncode == 0, f"{what}: planned", planned.stdout, planned.stderr)
            ran = scratch.run("run", "last", "--yes", cwd=load.root)
            ok(ran.returncode == 0, f"{what}: ran", ran.stdout, ran.stderr)
            ok("two/small-1 is asked instead" in ran.stderr, f"{what}: it is said", ran.stderr)
            refused = [line for line in log(used_up, "done") if line["status"] == 429 or line["status"] == 400]
            asked = len(log(used_up, "done"))
            ok(1 <= len(refused) <= 6, f"{what}: {len(refused)} refusals of {asked}: nobody asks again what is closed")
            told = [line["usage"] for p in (used_up, good) for line in log(p, "done") if line["usage"]]
            ours = attempts(scratch, "select sum(fresh_in + cache_write + cache_read), sum(out) from attempt where usage_known")[0]
            prompt = sum(u["fresh_in"] + u["cache_write"] + u["cache_read"] for u in told)
            ok(ours == (prompt, sum(u["out"] for u in told)), f"{what}: the ledger is both logs {ours}", told)


def sums() -> None:
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        scratch.provider(model_rules(load))
        scratch.run("plan", "--yes", load.request, cwd=load.root)
        scratch.run("run", "last", "--yes", cwd=load.root)
        paid = attempts(scratch, "select sum(cost) from attempt")[0][0]
        for by in ("phase", "model", "project", "plan", "task"):
            for which in ("last", "day", "all"):
                ran = scratch.run("cost", which, "--by", by, "--csv", cwd=load.root)
                rows = list(csv.DictReader(io.StringIO(ran.stdout)))
                total = sum(round(float(row["usd"]) * 1e9) for row in rows)
                ok(total == paid, f"cost {which} --by {by} --csv adds up: {total} of {paid}", ran.stdout, ran.stderr)
        ran = scratch.run("cost", "week", "--json", cwd=load.root)
        ok(sum(row["cost"] for row in json.loads(ran.stdout)["rows"]) == paid, "cost week --json adds up", ran.stderr)
        ran = scratch.run("cost", "week", "--by", "colour", cwd=load.root)
        ok(ran.returncode == 2 and "phase, model" in ran.stderr, "cost --by says what it knows", ran.stderr)


FAILURES = [{"status": 400}, {"status": 401}, {"status": 403}, {"status": 404}, {"status": 413}, {"status": 422},
            {"status": 429, "retry_after": "0"}, {"status": 500}, {"status": 502, "html": True}, {"status": 529},
            {"status": "quota"}, {"error_event_after_200": True}, {"truncated_stream": True},
            {"reset_mid_stream": True}, {"malformed_json": True}]


def key_through_every_failure() -> None:
    """The provider repeats the key in every kind of answer; nothing of ours keeps it or says it."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        scratch.env.update(PIECEWORK_BACKOFF_MS="5", PIECEWORK_LOG=str(scratch.path / "log"))
        cassette, said = scratch.path / "cassette.ndjson", ""
        for number, fault in enumerate(FAILURES):
            rules = model_rules(load)
            rules.insert(3, {"match": {"last_contains": "tests/test_0"}, "times": 8,
                             "reply": {"text": f"I saw {KEY} in the header"}, "fault": {"message": f"bad {KEY} given", **fault}
                             if "status" in fault or "error_event_after_200" in fault else fault})
            scratch.provider(rules)
            for argv in (["plan", "--yes", "--record", str(cassette), load.request],
                         ["run", "last", "--yes", "--no-verify", "--record", str(cassette)], ["status", "last", "--json"],
                         ["log", "last"], ["bug", "last"], ["bug", "last", "--json"], ["cost", "last"]):
                ran = scratch.run(*argv, cwd=load.root)
                said += ran.stdout + ran.stderr
            if KEY in said:
                ok(False, f"key: not said after {fault}", said[-2000:])
                said = ""
            scratch.providers.pop().stop()
        ok(KEY not in said, f"key: not said after {number + 1} kinds of failure")
        said = scratch.run("doctor", cwd=load.root)
        ok("$ANTHROPIC_API_KEY" in said.stdout and KEY not in said.stdout, "key: doctor says where it is from", said.stdout)
        leaks = [str(p) for p in scratch.path.rglob("*") if p.is_file() and "provider" not in str(p)
                 and KEY.encode() in p.read_bytes()]
        ok(not leaks, f"key: in no file of ours {leaks}")


def bug_report() -> None:
    """A report of a run replays."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        provider = scratch.provider(model_rules(load))
        scratch.run("plan", "--yes", load.request, cwd=load.root)
        scratch.run("run", "last", "--yes", cwd=load.root)
        ran = scratch.run("bug", "last", "--json", cwd=load.root)
        ok(ran.returncode == 0, "bug: written", ran.stderr)
        files = json.loads(ran.stdout)
        report, cassette = open(files["report"]).read(), open(files["cassette"]).read()
        ok("Read this file" in report and "## Calls" in report and KEY not in report + cassette, "bug: the report", report)
        ok(files["calls"] == len(attempts(scratch, "select 1 from attempt")), f"bug: {files['calls']} calls")
        asked = provider.count()
        scratch.configure(provider.url, {"replay": files["cassette"]})
        planned = scratch.run("plan", "--yes", load.request, cwd=load.root)
        ok(planned.returncode == 0, "bug: the cassette plans again", planned.stdout, planned.stderr)
        again = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(again.returncode == 0, "bug: and runs again", again.stdout, again.stderr)
        ok(provider.count() == asked, "bug: without asking anybody")


ALL = (every_dialect, counted, reach, no_tools, shared_prefix, cap, fallback, sums, bug_report, key_through_every_failure)

if __name__ == "__main__":
    for test in ALL:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()
