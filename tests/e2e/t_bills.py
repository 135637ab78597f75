"""Bills of servers that differ: what they refuse is learned without a failed task, what they do not tell is shown as
an estimate, what nobody knows is shown as unknown, and the caps hold all the same."""

import base64
import csv
import io
import json
import random
import re
import sys
from pathlib import Path

from harness import KEY, Provider, Scratch, done, kill, model_rules, ok, wait_for
from t_money import attempts, log
from t_storm import make, reply, tasks_text
from workloads import Tests

COUNT = 3


def rules(count: int = COUNT, **more) -> list[dict]:
    return [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i), **more}} for i in range(count)]


def serve(scratch: Scratch, script: list[dict], *options: str, name: str = "mine", prices: dict | None = None,
          effort: str = "low", **more) -> Provider:
    """A compatible server, known under [name]."""
    provider = scratch.provider(script, *options)
    models = {role: {"rungs": f"{name}/{role}-1", "effort": effort} for role in ("big", "small")}
    scratch.configure(provider.url, {
        "providers": {name: {"base_url": f"{provider.url}/v1", "key": {"env": "ANTHROPIC_API_KEY"}}}, "models": models,
        "prices": {f"{name}/{role}-1": prices for role in ("big", "small")} if prices else {}, **more})
    return provider


def plan_file(scratch: Scratch, name: str = "plan", count: int = COUNT, front: str = "") -> str:
    path = scratch.path / f"{name}.md"
    path.write_text(f"---\ntitle: {name}\n{front}---\n" + tasks_text(count))
    return str(path)


# ---- what a server does not know ------------------------------------------------------------------------

REFUSES = [("mine", "max-completion-tokens-only"), ("openai", "max-tokens-only"), ("openai", "no-store"),
           ("openai", "no-developer"), ("mine", "no-effort"), ("mine", "no-stream-options")]


def learned() -> None:
    """Each field that is refused costs one more request at most, and no task."""
    for name, quirk in REFUSES:
        for style in ((), ("--quirk", "bare-errors"), ("--quirk", "mistral")):
            with Scratch() as scratch:
                make(scratch.path / "w", COUNT)
                provider = serve(scratch, rules(), "--quirk", quirk, *style, name=name, prices={"input": 1, "output": 2})
                ran = scratch.run("run", plan_file(scratch), "--yes", "--no-verify", cwd=scratch.path / "w")
                statuses = [line["status"] for line in log(provider, "done")]
                failed = attempts(scratch, "select count(*) from attempt where outcome <> 'ok'")[0][0]
                ok(ran.returncode == 0 and failed == 0 and statuses.count(200) == COUNT and len(statuses) == COUNT + 1,
                   f"learned: {name}, {quirk} {' '.join(style)}: {statuses}", ran.stderr)


def reasoning_back() -> None:
    """A server that wants reasoning back plans, under a name of the user's own, too."""
    for name, refused in (("deepseek", 0), ("mine", 1)):
        with Scratch() as scratch:
            load = Tests(scratch.path / "w")
            script = model_rules(load)
            script[0]["reply"]["thinking"] = "let me look first"
            provider = serve(scratch, script, "--quirk", "deepseek", name=name, prices={"input": 1, "output": 2})
            planned = scratch.run("plan", "--yes", load.request, cwd=load.root)
            statuses = [line["status"] for line in log(provider, "done")]
            ok(planned.returncode == 0 and statuses.count(400) == refused, f"reasoning: {name}: {statuses}", planned.stderr)
            told = [text for text in provider.bodies_text() if '"reasoning_content":"let me look first"' in text]
            ok(told, f"reasoning: {name}: it went back")


# ---- what is not known ----------------------------------------------------------------------------------

AMOUNT = r"~(\$0\.\d+|<\$0\.0001)"


def shown(scratch: Scratch) -> dict[str, str]:
    """All forms of `cost`, by the words that ask for them."""
    forms = (("last",), ("all",), ("day",), ("all", "--by", "model"), ("last", "--by", "day"), ("all", "--csv"), ("last", "--json"), ("all", "--json"))
    return {" ".join(form): scratch.run("cost", *form, cwd=scratch.path / "w").stdout for form in forms}


def guessed() -> None:
    """A server that tells no usage: the money is estimated, and every form of `cost` says so."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        serve(scratch, rules(), "--quirk", "no-usage", prices={"input": 1, "output": 2})
        ran = scratch.run("run", plan_file(scratch), "--no-verify", cwd=scratch.path / "w")
        ok(re.search(rf"^cost: {AMOUNT} of", ran.stderr, re.M), "guessed: the end of the run", ran.stderr)
        for form, text in shown(scratch).items():
            if "json" in form:
                ok(sum(row["guessed"] for row in json.loads(text)["rows"]) == COUNT, f"guessed: cost {form}", text)
            elif "csv" in form:
                ok(sum(int(row["guessed"]) for row in csv.DictReader(io.StringIO(text))) == COUNT, f"guessed: cost {form}", text)
            else:
                ok(re.search(AMOUNT, text), f"guessed: cost {form}", text)
        ok(f"~ {COUNT} calls" in shown(scratch)["all"], "guessed: and what the sign means")


def unknown() -> None:
    """A model without a price: nowhere is its money nothing."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        serve(scratch, rules(), budget="none")
        ran = scratch.run("run", plan_file(scratch), "--no-verify", cwd=scratch.path / "w")
        ok("cost: unknown" in ran.stderr, "unknown: the end of the run", ran.stderr)
        for form, text in shown(scratch).items():
            if "json" in form:
                ok(sum(row["unknown"] for row in json.loads(text)["rows"]) == COUNT, f"unknown: cost {form}", text)
            elif "csv" not in form:
                sums = [line for line in text.splitlines() if re.match(r"execute|  execute|total|mine/small-1|\d{4}-|the last", line)]
                ok(sums and all("unknown" in line and "$0" not in line for line in sums), f"unknown: cost {form}", text)


def router() -> None:
    """Nothing but OpenRouter's key: the models taken have a price, the cap holds, and what is paid is what it says."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        provider = scratch.provider(rules(), "--quirk", "openrouter")
        (scratch.path / "config/piecework/config.json").write_text("{}")
        env = {"OPENROUTER_API_KEY": KEY, "ANTHROPIC_API_KEY": "", "OPENROUTER_BASE_URL": f"{provider.url}/v1"}
        ran = scratch.run("run", plan_file(scratch), "--no-verify", cwd=scratch.path / "w", env=env)
        told = sum(round((u["fresh_in"] + 1.25 * u["cache_write"] + 0.1 * u["cache_read"] + 4 * u["out"]) * 1000)
                   for u in (line["usage"] for line in log(provider, "done")))
        ours = attempts(scratch, "select sum(cost), count(*) from attempt")[0]
        ok(ran.returncode == 0 and ours == (told, COUNT), f"router: {ours[0]} paid, {told} told", ran.stderr)
        said = scratch.run("doctor", cwd=scratch.path / "w", env=env).stdout
        ok("price unknown" not in said, "router: doctor knows the prices", said)
        scratch.configure(provider.url, {"models": {"big": "openrouter/some/body", "small": "openrouter/any/body"}})
        said = scratch.run("doctor", cwd=scratch.path / "w", env=env).stdout
        ok(re.search(r"^warn  models: small: .*budget", said, re.M), "router: doctor says what an unknown price means", said)


def mispriced() -> None:
    """A price under a name that no role has is told, with the name that was meant."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        provider = serve(scratch, rules())
        price = {"input": 1, "output": 2}
        names = {"mine/small-1": price, "mine/other": price, "mine/bigg-1": price, "elsewhere/entirely-different": price}
        models = {"big": "mine/big-1", "small": {"rungs": "mine/small-1", "fallback": "mine/other"}}
        scratch.configure(provider.url, {"providers": {"mine": {"base_url": f"{provider.url}/v1"}}, "models": models, "prices": names})
        said = [line for line in scratch.run("doctor", cwd=scratch.path / "w").stdout.splitlines() if "prices: " in line]
        ok(said == ["warn  prices: no role uses `mine/bigg-1`; did you mean `mine/big-1`?",
                    "warn  prices: no role uses `elsewhere/entirely-different`"], "mispriced: doctor says so", *said)


def apart() -> None:
    """Two providers sell a model of the same name; two plans have a task of the same name: their sums stay apart."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        for name, price in (("one", 1), ("two", 3)):
            serve(scratch, rules(), name=name, prices={"input": price, "output": price})
            scratch.run("run", plan_file(scratch, name), "--no-verify", cwd=scratch.path / "w")

        def keys(*form: str) -> dict[str, int]:
            rows = csv.DictReader(io.StringIO(scratch.run("cost", *form, "--csv", cwd=scratch.path / "w").stdout))
            return {row[form[-1]]: round(float(row["usd"]) * 1e9) for row in rows}

        paid = dict(attempts(scratch, "select provider || '/' || model, sum(cost) from attempt group by 1"))
        ok(keys("all", "--by", "model") == paid and set(paid) == {"one/small-1", "two/small-1"}, f"apart: models {paid}")
        ok("two/small-1" in scratch.run("cost", "all", cwd=scratch.path / "w").stdout, "apart: and on the page")
        tasks = dict(attempts(scratch, "select plan || '/' || task, sum(cost) from attempt group by 1"))
        ok(keys("all", "--by", "task") == tasks and len(tasks) == 2 * COUNT, f"apart: tasks {tasks}")
        ok(set(keys("last", "--by", "task")) == {f"T{i:04}" for i in range(COUNT)}, "apart: within a plan its name will do")


def played_back() -> None:
    """A cassette costs nothing: its plan says what it would have come to, the sums of a time and today's cap do not count it."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        provider = scratch.provider(rules())
        tape = str(scratch.path / "tape.ndjson")
        scratch.run("run", plan_file(scratch, "live"), "--no-verify", "--record", tape, cwd=scratch.path / "w")
        before = scratch.run("cost", "all", "--csv", cwd=scratch.path / "w").stdout
        paid = attempts(scratch, "select sum(cost) from attempt")[0][0]
        scratch.configure(provider.url, {"replay": tape, "day_budget": f"{paid / 1e9 + 0.02:.9f}", "pilot": "never"})
        for turn in range(3):
            ran = scratch.run("run", plan_file(scratch, f"again{turn}"), "--no-verify", cwd=scratch.path / "w")
            ok(ran.returncode == 0, f"played back: {turn}", ran.stderr)
        text = scratch.run("cost", "last", cwd=scratch.path / "w").stdout
        ok(f"{COUNT} of {COUNT} calls were played back" in text and "paid" in text, "played back: the receipt says so", text)
        ok(scratch.run("cost", "all", "--csv", cwd=scratch.path / "w").stdout == before, "played back: and no sum has changed", before)


def gateway_played_back() -> None:
    """What a gateway's cache writes cost, of which the configuration says nothing, costs the same when it is played back."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        (scratch.path / "w/conventions.md").write_text("".join(f"Rule {i}: say what you mean, once.\n" for i in range(200)))
        provider = scratch.provider(rules())
        config = {"providers": {"gate": {"dialect": "anthropic", "base_url": provider.url, "key": {"env": "ANTHROPIC_API_KEY"}}},
                  "models": {"big": "gate/b", "small": "gate/s"}, "prices": {"gate/s": {"input": 4, "output": 20}}}
        tape, path = str(scratch.path / "tape.ndjson"), Path(plan_file(scratch))
        path.write_text(path.read_text().replace("\naccept:", "\nread: conventions.md\naccept:"))
        scratch.configure(provider.url, config)
        scratch.run("run", str(path), "--no-verify", "--record", tape, cwd=scratch.path / "w")
        told = sum(u["fresh_in"] * 4000 + u["cache_write"] * 5000 + u["cache_read"] * 4000 + u["out"] * 20000
                   for u in (line["usage"] for line in log(provider, "done")))
        ok(attempts(scratch, "select sum(cost) from attempt")[0][0] == told > 0, f"gateway: {told} paid")
        scratch.configure(provider.url, {**config, "replay": tape})
        again = Path(plan_file(scratch, "again"))
        again.write_text(again.read_text().replace("\naccept:", "\nread: conventions.md\naccept:"))
        scratch.run("run", str(again), "--no-verify", cwd=scratch.path / "w")
        both = attempts(scratch, "select sum(cost) from attempt group by plan")
        ok(both == [(told,), (told,)], f"gateway: and played back: {both}")


def never_asked() -> None:
    """`ask_above`: "none" asks nobody, 0 asks about every cent."""
    for above, status in (("none", 0), (0, 3)):
        with Scratch() as scratch:
            make(scratch.path / "w", COUNT)
            serve(scratch, rules(), prices={"input": 1, "output": 2}, ask_above=above)
            ran = scratch.run("run", plan_file(scratch), "--no-verify", cwd=scratch.path / "w")
            ok(ran.returncode == status, f"asked: ask_above {above}: {ran.returncode}", ran.stderr)
    # what is ahead has a price: others that have none are no reason not to ask
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        provider = serve(scratch, rules(), ask_above=0)
        config = scratch.path / "config/piecework/config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "prices": {"mine/small-1": {"input": 1, "output": 2}}}))
        for argv in (("run", plan_file(scratch), "--no-verify"), ("plan", "--cheap-first", "--scope", "m0001.py", "negate them all")):
            ran = scratch.run(*argv, cwd=scratch.path / "w")
            ok(ran.returncode == 3 and provider.count() == 0 and "ask_above" in ran.stderr and "unknown" not in ran.stderr,
               f"asked: {argv[0]}, the big model has no price: {ran.returncode}", ran.stderr)


# ---- what waiting does not heal ---------------------------------------------------------------------------

CLOSES = [({"status": 429, "retry_after": "7200"}, "asks to wait 120 minutes"), ({"status": 503, "retry_after": "7200"}, "120 minutes"),
          ({"status": 200, "html": True}, "a web page"), ({"status": 302}, "base_url")]


def closed() -> None:
    """Nothing more is sent after an answer that says so, nobody sits out a part of two hours, and the reason is told."""
    for fault, words in CLOSES:
        with Scratch() as scratch:
            make(scratch.path / "w", 20)
            provider = serve(scratch, [{"match": {}, "fault": fault}], prices={"input": 1, "output": 2}, parallel=4, pilot="never")
            ran = scratch.run("run", plan_file(scratch, count=20), "--no-verify", cwd=scratch.path / "w")
            asked = len(log(provider, "done"))
            ok(asked <= 4 and words in ran.stderr.splitlines()[-1], f"closed: {fault}: {asked} asked", ran.stderr)


# ---- what the budget holds ready ------------------------------------------------------------------------

UNCOUNTED = """import re
REPLIES = %r
def answer(request):
    dense = max(re.findall(r"\\S+", request.text), key=len)
    rest = len((request.text).encode()) - len(dense.encode())
    number = int(re.findall(r"m([0-9]{4})[.]py: negate", request.text)[-1])
    return {"text": REPLIES[number], "usage": {"fresh_in": len(dense.encode()) + rest // 2, "cache_write": 0, "cache_read": 0}}
"""


def dense() -> None:
    """Texts of which each byte counts as a token: what is held ready for a call is not less than it costs."""
    rng = random.Random(7)
    kinds = {"base64": base64.b64encode(rng.randbytes(9000)).decode(), "numbers": ",".join(str(rng.random()) for _ in range(600)),
             "signs": "".join(chr(rng.randint(0x4E00, 0x9FFF)) for _ in range(4000)), "emoji": "\U0001F469\u200D\U0001F4BB" * 1000}
    for what, text in kinds.items():
        with Scratch() as scratch:
            make(scratch.path / "w", COUNT)
            (scratch.path / "w/data.txt").write_text(text + "\n")
            (scratch.path / "provider0").mkdir()
            (scratch.path / "provider0/dense.py").write_text(UNCOUNTED % [reply(i) for i in range(COUNT)])
            serve(scratch, [{"match": {}, "reply": {"python": "dense.py:answer"}}], prices={"input": 100, "output": 1}, pilot="never")
            path = Path(plan_file(scratch))
            path.write_text(path.read_text().replace("\naccept:", "\nread: data.txt\naccept:"))
            ran = scratch.run("run", str(path), "--yes", "--no-verify", cwd=scratch.path / "w")
            held = attempts(scratch, "select min(worst_case), max(cost), count(*) from attempt where cost > 0")[0]
            ok(ran.returncode == 0 and held[2] == COUNT and held[0] >= held[1], f"dense: {what}: {held[0]} held, {held[1]} paid", ran.stderr)


def overrun() -> None:
    """A server that writes past its limit costs more than anybody could hold ready: that is said, and nothing more goes out."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        serve(scratch, rules(usage={"out": 900000}), prices={"input": 1, "output": 2}, pilot="never", parallel=1, budget=0.5)
        ran = scratch.run("run", plan_file(scratch), "--no-verify", cwd=scratch.path / "w")
        calls = attempts(scratch, "select count(*) from attempt")[0][0]
        ok(ran.returncode == 3 and calls == 1, f"overrun: {calls} call", ran.stderr)
        ok("overrun: a call of mine/small-1 cost $1.80, and at most" in ran.stderr, "overrun: it is said", ran.stderr)
        said = scratch.run("log", "last", cwd=scratch.path / "w").stdout
        ok("900000 out" in said, "overrun: and stands in the log", said)


def cut_off() -> None:
    """A run that was killed, and that nobody resumed, may be paid all the same: no form of `cost` keeps that back."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        provider = serve(scratch, rules(1) + [{"match": {}, "times": COUNT - 1, "reply": {"text": "late", "delay_ms": 60000}},
                                            {"match": {}, "reply": {"text": "no"}}],
                         prices={"input": 1, "output": 2}, parallel=COUNT)
        running = scratch.start("run", plan_file(scratch), "--yes", "--no-verify", cwd=scratch.path / "w")
        wait_for(lambda: len(log(provider, "arrived")) == COUNT, "all calls in flight")
        kill(running)
        worst = attempts(scratch, "select sum(worst_case) from attempt where ended_ms = 0")[0][0]
        for form in (("day",), ("all", "--by", "model")):
            said = scratch.run("cost", *form, cwd=scratch.path / "w").stdout
            more = re.search(r"2 calls in flight, in a batch or cut off may cost \$(\d+\.\d+) more at most", said)
            ok(more and abs(float(more[1]) * 1e9 - worst) < worst / 20, f"cut off: {' '.join(form)} ({worst})", said)
            ok(re.search(r"mine/small-1 .*\$0\.\d+\+", said), f"cut off: {' '.join(form)}: the sum is a lower bound", said)
        row = json.loads(scratch.run("cost", "day", "--json", cwd=scratch.path / "w").stdout)["rows"][0]
        ok((row["calls"], row["open"], row["open_at_most"]) == (1, 2, worst), "cut off: as JSON", row)
        row = next(csv.DictReader(io.StringIO(scratch.run("cost", "day", "--csv", cwd=scratch.path / "w").stdout)))
        ok((row["open"], round(float(row["open_usd"]) * 1e9)) == ("2", worst), "cut off: as CSV", row)
        scratch.run("resume", "--yes", "--no-verify", cwd=scratch.path / "w")
        said = scratch.run("cost", "day", cwd=scratch.path / "w").stdout
        ok("cut off" not in said and "not known" in said, "cut off: once resumed they are calls whose cost is not known", said)


def broke_off() -> None:
    """Of a reply that broke off nobody knows how far it was written: what came is the cost, the rest is told and held against the cap."""
    with Scratch() as scratch:
        make(scratch.path / "w", COUNT)
        cut = {"match": {"contains": "m0001.py: negate"}, "times": 1, "reply": {"text": reply(1)}, "fault": {"reset_mid_stream": True}}
        serve(scratch, [cut] + rules(), prices={"input": 1, "output": 2})
        scratch.env["PIECEWORK_BACKOFF_MS"] = "20"
        ran = scratch.run("run", plan_file(scratch), "--yes", "--no-verify", cwd=scratch.path / "w")
        unsure, = attempts(scratch, "select unsure from attempt where unsure > 0")
        whole = attempts(scratch, "select count(*) from attempt where unsure = 0")[0][0]
        ok(ran.returncode == 0 and unsure[0] > 0 and whole == COUNT - 1, f"broke off: one call may cost {unsure} more", ran.stderr)
        ok(attempts(scratch, "select lost from money")[0] == unsure, "broke off: the cap counts it")
        said = scratch.run("cost", "day", cwd=scratch.path / "w").stdout
        ok("1 call in flight, in a batch or cut off may cost $" in said and re.search(r"total .*~\$0\.\d+\+", said), "broke off: cost day", said)
        said = scratch.run("cost", "last", cwd=scratch.path / "w").stdout
        ok("lost in a crash or cut off, at most $" in said, "broke off: the receipt", said)


# ---- the cap of a day -----------------------------------------------------------------------------------


def one_day() -> None:
    """Three plans at once, each in its own process: what all of them have in flight stays below today's cap."""
    count, cap = 8, 0.02
    with Scratch() as scratch:
        make(scratch.path / "w", count)
        provider = serve(scratch, rules(count, delay_ms=400), prices={"input": 4, "output": 20}, day_budget=str(cap), parallel=10,
                         pilot="never", ask_above=100)
        config = json.loads((scratch.path / "config/piecework/config.json").read_text())
        config["models"]["small"]["max_output"] = 300
        (scratch.path / "config/piecework/config.json").write_text(json.dumps(config))
        going = [scratch.start("run", plan_file(scratch, f"p{i}", count), "--no-verify", cwd=scratch.path / "w") for i in range(3)]
        most = 0

        def ended() -> bool:
            nonlocal most
            try:
                held = attempts(scratch, "select total(case when ended_ms = 0 then worst_case else cost end) from attempt")[0][0]
                most = max(most, held)
            except Exception:  # not made yet, or locked
                pass
            return all(process.poll() is not None for process in going)

        wait_for(ended, "all plans")
        said = [process.communicate()[1] for process in going]
        ok(0 < most <= cap * 1e9, f"day: {most / 1e9} of {cap} were spent or in flight at most", *said)
        stopped = [text for process, text in zip(going, said) if process.returncode == 3]
        ok(stopped and all("today's $0.020" in text and "day_budget" in text for text in stopped), "day: it is said", *said)
        ok(len(log(provider, "done")) >= 2, "day: and something was done")


ALL = (learned, reasoning_back, guessed, unknown, router, mispriced, apart, played_back, gateway_played_back, never_asked, closed, dense, overrun, cut_off, broke_off, one_day)

if __name__ == "__main__":
    for test in ALL:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()
