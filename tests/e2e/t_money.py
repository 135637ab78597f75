"""Models and money: whole journeys in every dialect, the shared prefix and its cache, the bill against the
provider's own log, a canary key through every failure, reports of bugs."""

import csv
import io
import json
import re
import sqlite3
import sys

from harness import KEY, KEY_PART, CommandLines, Scratch, done, leaks, model_rules, ok
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
        sums = attempts(scratch, "select provider || '/' || model, count(*), sum(estimated_in), sum(fresh_in + cache_write + cache_read) from attempt"
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


def further_tries() -> None:
    """A further try of a call that broke off fits into the budget with what may be asked for the first, and its row says so; or is
    not made."""
    priced = {"input": 4, "output": 20, "cache_read": 0.4, "cache_write": 5}
    with Scratch() as scratch:
        root = scratch.path / "w"
        make(root, 3)
        broken = [{"match": {"contains": f"m000{i}.py: negate"}, "times": 1, "fault": {"truncated_stream": True},
                   "reply": {"text": reply(i) + "and words " * 40}} for i in (1, 2)]
        provider = scratch.provider(
            broken + [{"match": {"contains": f"m000{i}.py: negate"}, "reply": {"text": reply(i)}} for i in range(3)],
            config={"retries": 0, "ask_above": 100, "prices": {"anthropic/claude-haiku-5-5": priced},
                    "models": {"small": {"rungs": ["anthropic/claude-haiku-5-5"], "max_output": 300}}})
        scratch.env["PIECEWORK_BACKOFF_MS"] = "5"
        tasks = tasks_text(3).split("\n\n")

        def run(i: int, budget: float) -> tuple[int, int]:
            before = len(log(provider, "arrived"))
            plan = scratch.path / f"plan{i}.md"
            plan.write_text(f"---\ntitle: one\nbudget: {budget / 1e9:.9f}\n---\n{tasks[i]}\n\n")
            ran = scratch.run("run", str(plan), "--no-verify", cwd=root)
            return ran.returncode, len(log(provider, "arrived")) - before

        ok(run(0, 1e9) == (0, 1), "tries: one is enough")
        worst = attempts(scratch, "select worst_case from attempt")[0][0]
        ended = run(1, worst * 1.01)
        ok(ended[0] and ended[1] == 1, f"tries: none past the budget {ended}")
        ended = run(2, worst * 3)
        ok(ended == (0, 2), f"tries: a second one within it {ended}")
        held, cost = attempts(scratch, "select worst_case, cost from attempt order by id desc limit 1")[0]
        ok(held == worst * 2 and cost < held, f"tries: and its call holds both at their worst, {held} of {worst}")


CLOSES = {"quota": "quota", "model": "unknown model", 401: "rejected key", 403: "key without the right"}


def fallback() -> None:
    """A model is closed for good: what is left goes to the fallback of the role, each reply paid once."""
    for status, why in CLOSES.items():
        for big_too in (False, True):
            closed_for_good(status, f"fallback, {why}, {'all' if big_too else 'small'}", big_too)


def closed_for_good(status: int | str, what: str, big_too: bool) -> None:
    """The first provider answers with [status]: all, or from the second of the small calls on."""
    with Scratch() as scratch:
        load = Tests(scratch.path / "w")
        rules = model_rules(load)
        good = scratch.provider(rules)
        closed = {"match": {}, "fault": {"status": status}}
        bad = scratch.provider([closed] if big_too else [{**rules[3], "times": 1}, closed])
        first, other = {"base_url": bad.url, "dialect": "anthropic"}, {"base_url": good.url, "dialect": "anthropic"}
        key, prices = {"key": {"env": "ANTHROPIC_API_KEY"}}, {"input": 1, "output": 2}
        scratch.configure(bad.url, {
            "providers": {"one": {**first, **key}, "two": {**other, **key}}, "parallel": 4,
            "prices": {f"{p}/{m}": prices for p in ("one", "two") for m in ("big-1", "small-1")},
            "models": {"small": {"rungs": ["one/small-1"], "fallback": "two/small-1"},
                       "big": {"rungs": ["one/big-1"], "fallback": "two/big-1"} if big_too else "two/big-1"}})
        planned = scratch.run("plan", "--yes", load.request, cwd=load.root)
        ok(planned.returncode == 0, f"{what}: planned", planned.stdout, planned.stderr)
        ran = scratch.run("run", "last", "--yes", cwd=load.root)
        ok(ran.returncode == 0, f"{what}: ran", ran.stdout, ran.stderr)
        ok("two/small-1 is asked instead" in ran.stderr, f"{what}: it is said", ran.stderr)
        asked = log(bad, "done")
        refused = [line for line in asked if line["status"] >= 400]
        ok(1 <= len(refused) <= 6, f"{what}: {len(refused)} refusals of {len(asked)}: nobody asks again what is closed")
        told = [line["usage"] for p in (bad, good) for line in log(p, "done") if line["usage"]]
        ours = attempts(scratch, "select sum(fresh_in + cache_write + cache_read), sum(out) from attempt where usage_known")[0]
        prompt = sum(u["fresh_in"] + u["cache_write"] + u["cache_read"] for u in told)
        ok(ours == (prompt, sum(u["out"] for u in told)), f"{what}: the ledger is both logs {ours}", told)
        shown = scratch.run("log", "last", cwd=load.root).stdout
        ok("two/small-1" in shown, f"{what}: and stands in the log", shown)


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


def echo(kind: int | str, words: str = "bad key", **more) -> dict:
    """An error answer that repeats the key it was asked with."""
    return {"status": kind, "message": f"{words} {KEY} given", **more}


# Every failure the provider can play, and what the ledger calls a call whose tries all end so. `expired` is for batches.
FAILURES = [
    (echo(400), "request"), (echo(401), "auth"), (echo(403), "auth"), (echo(404), "model"), (echo(408), "timeout"),
    (echo(409), "overloaded"), (echo(413), "too_big"), (echo(422), "request"), (echo(429, retry_after="0"), "rate"),
    (echo(500), "overloaded"), (echo(503), "overloaded"), (echo(504), "timeout"), (echo(529), "overloaded"),
    ({"status": 502, "html": True}, "overloaded"), ({"status": 502, "body": f"upstream said {KEY}"}, "overloaded"),
    ({"status": 400, "body": f"{'x ' * 108}{KEY}"}, "request"),  # a message is cut after 240 bytes, here within the key
    (echo(503, headers={"request-id": KEY}), "overloaded"),
    (echo("quota"), "quota"), (echo("credit"), "quota"), (echo("contract"), "quota"),
    (echo("spend_cap", "You have reached your specified API usage limits:"), "quota"),
    (echo("ramp", retry_after="0"), "rate"), (echo("overflow", "prompt is too long:"), "too_big"), (echo("model"), "model"),
    ({"reset_before": True}, "network"), ({"reset_before": "fin"}, "network"), ({"reset_mid_stream": True}, "network"),
    ({"stall": "forever"}, "timeout"), ({"stall": "forever", "at": 300}, "timeout"), ({"stall": "forever", "at": "headers"}, "timeout"),
    ({"stall": 200}, "ok"), ({"slow_headers": True}, "ok"), ({"truncated_stream": True}, "network"),
    ({"truncated_stream": True, "keep_finish": True}, "network"), ({"truncated_stream": True, "close": "fin"}, "network"),
    ({"error_event_after_200": True, "message": f"bad {KEY} given"}, "overloaded"),
    ({"error_event_after_200": "quota", "message": f"bad {KEY} given"}, "quota"),
    ({"malformed_json": True}, "reply"), ({"empty_text": True}, "ok"), ({"max_tokens": 0.7}, "truncated"), ({"no_usage": True}, "ok"),
]


def gated(fault: dict) -> bool:
    """All calls wait longer after each of these: four at once would wait for minutes."""
    return fault.get("status") in (429, 529, "ramp") or fault.get("error_event_after_200") is True


def failed(provider) -> list[str]:
    """The faults that were played, by the provider's own log: a reset has no answer, but a line all the same."""
    return [name for line in log(provider, "done") for name in line["faults"]]


class Canary:
    """A scratch home in which everything is recorded, and all that is said is kept."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch, self.load = scratch, Tests(scratch.path / "w")
        self.cassette, self.said = scratch.path / "cassette.ndjson", ""
        scratch.env.update(PIECEWORK_BACKOFF_MS="5", PIECEWORK_LOG=str(scratch.path / "log"))
        self.patience(short=True)

    def patience(self, short: bool) -> None:
        """Short is for a provider that falls silent; on a busy machine the others may take longer than that."""
        self.scratch.env.update(PIECEWORK_IDLE_MS="600" if short else "20000", PIECEWORK_FIRST_BYTE_MS="900" if short else "20000")

    def provider(self, first: list[dict], **config):
        """Another one; [first] are its first rules. One rung and no second attempt: a call that fails is the end."""
        for old in self.scratch.providers:
            old.stop()
        self.scratch.providers.clear()
        models = {"big": "anthropic/claude-opus-5-5", "small": "anthropic/claude-haiku-5-5"}
        config = {"pilot": "never", "parallel": 4, "retries": 0, "models": models, **config}
        return self.scratch.provider(first + model_rules(self.load), config=config)

    def run(self, *argv: str) -> str:
        ran = self.scratch.run(*argv, cwd=self.load.root)
        self.said += ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def plan(self) -> str:
        return self.run("plan", "--yes", "--record", str(self.cassette), self.load.request)

    def work(self, plan: str = "last") -> str:
        return self.run("run", plan, "--yes", "--record", str(self.cassette))

    def look(self) -> str:
        return "".join(self.run(*argv) for argv in (["status", "last", "--json"], ["log", "last"], ["bug", "last", "--json"]))

    def check(self, what: str) -> None:
        for argv in (["cost", "last"], ["bug", "last"], ["status", "last"], ["preview", "last", "T01"], ["diff", "last"], ["doctor"]):
            self.run(*argv)
        ok(KEY_PART not in self.said, f"key: {what}: in no output", *[line for line in self.said.splitlines() if KEY_PART in line])
        found = leaks(self.scratch)
        ok(not found, f"key: {what}: in no file of ours {found}")


def key_through_every_failure() -> None:
    """The provider repeats the key in every kind of failure, of four workers at once, until nothing is left to try."""
    with Scratch() as scratch, CommandLines() as commands:
        canary = Canary(scratch)
        for number, (fault, outcome) in enumerate(FAILURES):
            provider = canary.provider([{"match": {"contains": "Say it again."}, "fault": fault,
                                         "reply": {"text": f"I saw {KEY} in the header"}}])
            plan = scratch.path / "plan.md"
            plan.write_text(f"---\ntitle: failure {number}\n---\n" + "".join(
                f"## T0{i} again\nfiles: again{i}.py new\nSay it again.\n\n" for i in range(1, 2 if gated(fault) else 5)))
            before = attempts(scratch, "select max(id) from attempt")[0][0] if number else 0
            canary.patience(short="stall" in fault)
            canary.work(str(plan))
            shown, name = canary.look(), next(iter(fault))
            ok(failed(provider).count(name) >= 4, f"key: {fault} happened ({len(failed(provider))} times)", failed(provider))
            found = {row[0] for row in attempts(scratch, f"select outcome from attempt where phase = 'execute' and id > {before}")}
            ok(found == {outcome}, f"key: {fault} is called {outcome}", found)
            if outcome != "ok" and KEY in str(fault):
                ok("[removed]" in shown, f"key: {fault}: what was said is shown without it", shown[-1500:])
        canary.check(f"{len(FAILURES)} kinds of failure")
        ok("$ANTHROPIC_API_KEY" in canary.said, "key: doctor says where it is from")
        ok("I saw [removed]" in canary.cassette.read_text(), "key: the cassette holds what was said, without it")
        ok(commands.holding("piecework run") and not commands.holding(KEY_PART), "key: on no command line", commands.holding(KEY_PART))


def key_through_planning_and_judging() -> None:
    """The same failures, one after the other, of the calls of the big model. The key comes from a command."""
    for what, tool in (("planning", "submit_plan"), ("judging", "submit_verdicts")):
        with Scratch() as scratch, CommandLines() as commands:
            canary = Canary(scratch)
            where = scratch.path / "provider-key"
            where.write_text(KEY + "\n")
            del scratch.env["ANTHROPIC_API_KEY"]
            provider = canary.provider([{"match": {"has_tool": tool}, "times": 1, "fault": fault, "reply": {"text": f"I saw {KEY}"}}
                                        for fault, _ in FAILURES])
            file = scratch.path / "config/piecework/config.json"
            config = json.loads(file.read_text())
            config["providers"]["anthropic"]["key"] = {"cmd": ["sh", "-c", f"sleep 0.1; cat '{where}' # get-the-key"]}
            file.write_text(json.dumps(config))
            for _ in FAILURES:  # each call takes up to six of them
                if len(failed(provider)) == len(FAILURES):
                    break
                canary.plan()
                canary.work() if tool == "submit_verdicts" else None
                canary.look()
            ok(failed(provider) == [next(iter(fault)) for fault, _ in FAILURES], f"key: {what}: every failure happened", failed(provider))
            canary.check(what)
            ok(commands.holding("get-the-key") and not commands.holding(KEY_PART), f"key: {what}: on no command line",
               commands.holding(KEY_PART))


def key_in_every_part_of_a_reply() -> None:
    """A server that answers well, and has the key in what it answers."""
    task = {"last_contains": "tests/test_0"}
    first = {"has_tool": "submit_plan", "turn": 0}
    files = [{"name": "list_files", "input": {}}]
    replies = {
        "a worker's text": {"match": task, "reply": {"text": f"saw {KEY}", "thinking": f"hm {KEY}"}},
        "a worker's refusal": {"match": task, "reply": {"text": f"no {KEY}", "stop": "refusal"}},
        "a worker's call": {"match": task, "reply": {"text": "x", "tool_calls": [{"name": KEY, "input": {KEY: KEY}}]}},
        "a request's id": {"match": task, "reply": {"text": "x", "headers": {"request-id": KEY}}},
        "the planner's text": {"match": first, "reply": {"text": f"saw {KEY}", "thinking": f"hm {KEY}", "tool_calls": files}},
        "a search": {"match": first, "reply": {"tool_calls": [{"name": "search", "input": {"pattern": KEY}}]}},
        "an unknown tool": {"match": first, "reply": {"tool_calls": [{"name": KEY, "input": {KEY: KEY}}]}},
        "a broken call": {"match": first, "reply": {"tool_calls": [{"name": "search", "input_text": "{" + KEY}]}},
        "a plan": {"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [{"name": "submit_plan", "input": {
            "title": f"saw {KEY}", "tasks": [{"id": "T01", "title": f"saw {KEY}", "files": ["a.py new"], "body": f"saw {KEY}"}]}}]}},
        "a verdict": {"match": {"has_tool": "submit_verdicts"}, "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {
            "verdicts": [{"task": "T01", "verdict": "doubt", "reason": f"saw {KEY}"}]}}]}},
    }
    for what, rule in replies.items():
        with Scratch() as scratch:
            canary = Canary(scratch)
            provider = canary.provider([rule])
            shown = canary.plan() + canary.work() + canary.look()
            ok(any(line["rule"] == 0 for line in log(provider, "done")), f"key: {what}: was said")
            if what in ("a search", "an unknown tool", "a plan", "a verdict"):
                ok("[removed]" in shown, f"key: {what}: is shown without it", shown[-1500:])
            canary.check(what)


def key_in_free_questions() -> None:
    """What is asked for nothing: the count of a prompt's tokens, and whether a provider can be reached."""
    faults = [fault for fault, outcome in FAILURES if outcome != "ok" and not gated(fault) and "stall" not in fault
              and "error_event_after_200" not in fault and outcome != "truncated"]
    with Scratch() as scratch:
        canary = Canary(scratch)
        provider = canary.provider([{"match": {"endpoint": what}, "times": 1, "fault": fault} for what in ("count", "models") for fault in faults])
        canary.plan()
        shown = ""
        for what, argv in (("count", ["preview", "last", "T01", "--count"]), ("models", ["doctor", "--reach"])):
            for _ in faults:
                shown += canary.run(*argv)
            played = [line for line in log(provider, "arrived") if line["endpoint"] == what]
            ok(len(played) >= len(faults), f"key: {what}: {len(played)} questions, {len(faults)} failures")
        ok(sorted(failed(provider)) == sorted(2 * [next(iter(fault)) for fault in faults]), "key: every failure happened", failed(provider))
        ok("[removed]" in shown, "key: what was said is shown without it", shown[-1500:])
        canary.check("free questions")


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


ALL = (every_dialect, counted, reach, no_tools, shared_prefix, cap, further_tries, fallback, sums, bug_report, key_through_every_failure,
       key_through_planning_and_judging, key_in_every_part_of_a_reply, key_in_free_questions)

if __name__ == "__main__":
    for test in ALL:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()
