"""Batches: the execute phase handed in together at half the price, collected in any order, by whoever is there."""

import json
import signal
import sys
import urllib.request

from harness import KEY, KEY_PART, CommandLines, Scratch, done, kill, leaks, ok, wait_for
from t_money import attempts, log
from t_storm import make, reply, tasks_text

COUNT = 8
PRICE = {"input": 4, "output": 20, "cache_read": 0.4, "cache_write": 5, "cache_write_1h": 9}
DIALECTS = {"anthropic": "", "openai-responses": "/v1", "gemini": "/v1beta"}


def rules(count: int = COUNT) -> list[dict]:
    return [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(count)]


class Case:
    """A plan of COUNT tasks and a provider of [dialect]."""

    def __init__(self, scratch: Scratch, dialect: str = "anthropic", more: list[dict] | None = None, **config) -> None:
        self.scratch, self.root = scratch, scratch.path / "w"
        make(self.root, COUNT)
        self.provider = scratch.provider((more or []) + rules())
        scratch.env.update(PIECEWORK_BATCH_MS="150", PIECEWORK_BACKOFF_MS="20")
        scratch.configure(self.provider.url, {
            "providers": {"p": {"dialect": dialect, "base_url": self.provider.url + DIALECTS[dialect],
                                "key": {"env": "ANTHROPIC_API_KEY"}}},
            "models": {"small": "p/small-1", "big": "p/big-1"}, "prices": {"p/small-1": PRICE, "p/big-1": PRICE},
            "retries": 1, "budget": 50, "ask_above": 100, **config})
        self.plan = scratch.path / "plan.md"
        self.plan.write_text("---\ntitle: negate\n---\n" + tasks_text(COUNT))

    def run(self, *more: str):
        return self.scratch.run("run", str(self.plan), "--batch", "--no-verify", *more, cwd=self.root)

    def states(self) -> dict:
        return dict(attempts(self.scratch, "select state, count(*) from task group by 1"))

    def items(self) -> list[dict]:
        return log(self.provider, "item")

    def bill(self) -> tuple[int, int]:
        """Ledger and log, in nano-dollars; Google's and OpenAI's numbers are told apart as the log has them."""
        def cost(u: dict, share: float) -> int:
            write = 9000 if u["write_ttl"] > 300 and u["cache_write"] else 5000
            return round((u["fresh_in"] * 4000 + u["cache_write"] * write + u["cache_read"] * 400 + u["out"] * 20000) * share)
        told = sum(cost(i["usage"], 0.5) for i in self.items() if i["usage"])
        told += sum(cost(d["usage"], 1) for d in log(self.provider, "done") if d["usage"] and d["status"] == 200)
        return attempts(self.scratch, "select sum(max(cost, 0)) from attempt")[0][0], told


def live(case: Case) -> list[dict]:
    return [line for line in log(case.provider, "arrived") if line["endpoint"] == "reply"]


def each_vendor() -> None:
    for dialect in DIALECTS:
        with Scratch() as scratch:
            case = Case(scratch, dialect)
            ran = case.run()
            ok(ran.returncode == 0 and case.states() == {"done": COUNT}, f"{dialect}: done {case.states()}", ran.stdout, ran.stderr)
            ok(len(live(case)) == 1, f"{dialect}: the pilot goes by itself ({len(live(case))} live calls)")
            ok(len(case.items()) == COUNT - 1, f"{dialect}: {len(case.items())} in one batch")
            mine, told = case.bill()
            ok(abs(mine - told) <= COUNT, f"{dialect}: paid at half the price: {mine} of {told}")
            ok("batch rates" in ran.stderr, f"{dialect}: the estimate says so", ran.stderr)


def kept_for_an_hour() -> None:
    """What all tasks read is written once, for an hour, and read at a tenth of half the price; the ledger knows what that costs."""
    with Scratch() as scratch:
        case = Case(scratch)
        (case.root / "conventions.md").write_text("".join(f"Rule {i}: say what you mean, once.\n" for i in range(200)))
        case.plan.write_text("---\ntitle: negate\n---\n" + tasks_text(COUNT).replace("\naccept:", "\nread: conventions.md\naccept:"))
        ran = case.run()
        ok(ran.returncode == 0 and case.states() == {"done": COUNT}, f"an hour: done {case.states()}", ran.stdout, ran.stderr)
        pilot = [line["usage"] for line in log(case.provider, "done") if line["usage"]]
        ok(len(pilot) == 1 and pilot[0]["cache_write"] > 1000 and pilot[0]["write_ttl"] == 3600, "an hour: the pilot writes", pilot)
        read = [item["usage"]["cache_read"] for item in case.items()]
        ok(min(read) == pilot[0]["cache_write"], "an hour: the batch reads", read)
        mine, told = case.bill()
        ok(abs(mine - told) <= COUNT, f"an hour: the bill knows the price of an hour: {mine} of {told}")
        tasks = scratch.run("run", str(case.plan), "--no-verify", cwd=case.root)
        ok(tasks.returncode == 0, "an hour: nothing is left to do", tasks.stderr)


# The provider answers no poll before "later" is released: the batch is at work until then.
POLLED_LATER = [{"match": {"endpoint": "batch_poll"}, "reply": {"until": "later"}},
                {"match": {"endpoint": "batch"}, "reply": {"batch": {"polls": 2}}}]


def collected_later() -> None:
    """The shell is killed, or stopped, while the batch is at work; another collects it, and nothing is asked twice."""
    for how in ("kill", "interrupt"):
        with Scratch() as scratch:
            case = Case(scratch, more=POLLED_LATER)
            running = scratch.start("run", str(case.plan), "--batch", "--no-verify", cwd=case.root)
            wait_for(lambda: any(line["endpoint"] == "batch_poll" for line in log(case.provider, "arrived")), "a poll")
            if how == "kill":
                kill(running)
            else:
                running.send_signal(signal.SIGINT)
                out, err = running.communicate(timeout=60)
                ok("wait in a batch" in err, f"{how}: it says that the batch goes on", err)
            case.provider.release("later")
            held = attempts(scratch, "select count(*), count(distinct batch) from attempt where ended_ms = 0 and batch <> ''")
            ok(held == [(COUNT - 1, 1)], f"{how}: written down: {held}")
            ran = scratch.run("resume", "--yes", "--no-verify", cwd=case.root)
            ok(ran.returncode == 0 and case.states() == {"done": COUNT}, f"{how}: resume collects {case.states()}", ran.stdout, ran.stderr)
            made = [line for line in log(case.provider, "arrived") if line["endpoint"] == "batch"]
            ok(len(made) == 1 and len(live(case)) == 1, f"{how}: nothing was asked twice ({len(made)} batches)")
            mine, told = case.bill()
            ok(abs(mine - told) <= COUNT, f"{how}: the bill: {mine} of {told}")


def found_again() -> None:
    """Killed before the provider's answer with the batch's id, or the answer was lost: it is looked for and collected."""
    for dialect in DIALECTS:
        with Scratch() as scratch:
            late = {"match": {"endpoint": "batch"}, "reply": {"delay_ms": 3000}}
            case = Case(scratch, dialect, more=[late])
            running = scratch.start("run", str(case.plan), "--batch", "--no-verify", cwd=case.root)
            wait_for(lambda: any(line["endpoint"] == "batch" for line in log(case.provider, "arrived")), "the batch")
            kill(running)
            held = attempts(scratch, "select count(*), min(batch) from attempt where ended_ms = 0")
            ok(held == [(COUNT - 1, "?")], f"found: {dialect}: written down that it may exist: {held}")
            ran = scratch.run("resume", "--yes", "--no-verify", cwd=case.root)
            made = [line for line in log(case.provider, "arrived") if line["endpoint"] == "batch"]
            ok(ran.returncode == 0 and case.states() == {"done": COUNT}, f"found: {dialect}: collected {case.states()}", ran.stdout, ran.stderr)
            mine, told = case.bill()
            ok(len(made) == 1 and abs(mine - told) <= COUNT, f"found: {dialect}: nothing was asked twice: {mine} of {told}")
    with Scratch() as scratch:
        case = Case(scratch, more=[{"match": {"endpoint": "batch"}, "times": 1, "fault": {"reset_before": True}}])
        ran = case.run()
        made = [line for line in log(case.provider, "arrived") if line["endpoint"] == "batch"]
        mine, told = case.bill()
        ok(ran.returncode == 0 and len(made) == 1 and abs(mine - told) <= COUNT, f"found: an answer that was lost: {mine} of {told}", ran.stderr)
    with Scratch() as scratch:
        case = Case(scratch, more=[{"match": {"endpoint": "batch"}, "times": 1, "fault": {"reset_before": True}},
                                   {"match": {"endpoint": "batch_list"}, "fault": {"status": 200, "body": "{}"}}])
        ran = case.run()
        lost = attempts(scratch, "select count(*) from attempt where cost < 0 and sent")[0][0]
        ok(ran.returncode == 4 and lost == COUNT - 1, f"found: what is listed nowhere counts as lost: {lost}", ran.stderr)
        ran = scratch.run("resume", "--yes", "--no-verify", cwd=case.root)
        ok(ran.returncode == 0 and case.states() == {"done": COUNT}, "found: and is asked again by who resumes", ran.stderr)


def of_somebody_else(case: Case, dialect: str, count: int) -> None:
    """The account has another batch, of another program."""
    def post(path: str, body: bytes, kind: str = "application/json", **headers: str) -> dict:
        headers |= {"content-type": kind, "x-api-key": KEY, "x-goog-api-key": KEY, "authorization": f"Bearer {KEY}"}
        with urllib.request.urlopen(urllib.request.Request(case.provider.url + path, body, headers)) as answer:
            return json.load(answer)

    if dialect == "anthropic":
        params = {"model": "small-1", "max_tokens": 9, "messages": [{"role": "user", "content": "theirs"}]}
        body = {"requests": [{"custom_id": f"their-{i}", "params": params} for i in range(count)]}
        post("/v1/messages/batches", json.dumps(body).encode(), **{"anthropic-version": "2023-06-01"})
    elif dialect == "gemini":
        request = {"contents": [{"role": "user", "parts": [{"text": "theirs"}]}]}
        items = [{"request": request, "metadata": {"key": f"their-{i}"}} for i in range(count)]
        body = {"batch": {"displayName": "piecework pw9-99", "inputConfig": {"requests": {"requests": items}}}}
        post("/v1beta/models/small-1:batchGenerateContent", json.dumps(body).encode())
    else:
        lines = "".join(json.dumps({"custom_id": f"their-{i}", "method": "POST", "url": "/v1/responses",
                                    "body": {"model": "small-1", "input": "theirs"}}) + "\n" for i in range(count))
        part = '--x\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        form = part % ("purpose", "", "batch") + part % ("file", '; filename="a.jsonl"', lines) + "--x--\r\n"
        file = post("/v1/files", form.encode(), "multipart/form-data; boundary=x")
        post("/v1/batches", json.dumps({"input_file_id": file["id"], "endpoint": "/v1/responses", "completion_window": "24h",
                                        "metadata": {"piecework": "pw9-99"}}).encode())


def found_among_others() -> None:
    """A batch whose id was lost is told from others of its size, ended or at work, also when a task of it is wanted no more:
    where batches bear no name, by what is in them."""
    for dialect in DIALECTS:
        for only in ("", "T0003,T0005"):
            with Scratch() as scratch:
                late = {"match": {"endpoint": "batch", "contains": "negate"}, "times": 1, "reply": {"delay_ms": 3000}}
                theirs = {"match": {"contains": "theirs"}, "reply": {"text": "theirs"}}
                case = Case(scratch, dialect, more=[late, theirs])
                of_somebody_else(case, dialect, COUNT - 1)
                running = scratch.start("run", str(case.plan), "--batch", "--no-verify", cwd=case.root)
                wait_for(lambda: len([line for line in log(case.provider, "arrived") if line["endpoint"] == "batch"]) == 2, "the batch")
                kill(running)
                of_somebody_else(case, dialect, COUNT - 1)
                more = ["--only", only] if only else []
                ran = scratch.run("run", str(case.plan), "--batch", "--yes", "--no-verify", *more, cwd=case.root)
                made = [line for line in log(case.provider, "arrived") if line["endpoint"] == "batch"]
                done = case.states().get("done")
                ok(ran.returncode == 0 and done == (3 if only else COUNT) and len(made) == 3 and len(live(case)) == 1,
                   f"others: {dialect} {only}: {done} collected, {len(made)} batches", ran.stderr)
                paid = attempts(scratch, "select count(*) from attempt where cost > 0")[0][0]
                ok(paid == COUNT, f"others: {dialect} {only}: {paid} paid for")


def collected_by_an_editor() -> None:
    """A shell began it; the engine of an editor, once started for whatever reason, goes on with it."""
    from t_serve import Client, hello
    with Scratch() as scratch:
        case = Case(scratch, more=POLLED_LATER)
        running = scratch.start("run", str(case.plan), "--batch", "--no-verify", cwd=case.root)
        wait_for(lambda: any(line["endpoint"] == "batch_poll" for line in log(case.provider, "arrived")), "a poll")
        kill(running)
        case.provider.release("later")
        client = Client(scratch, case.root, "json")
        hello(client, case.root)
        client.event("run", "done")
        ok(case.states() == {"done": COUNT}, f"editor: all done {case.states()}")
        client.call("shutdown")
        mine, told = case.bill()
        ok(abs(mine - told) <= COUNT, f"editor: the bill: {mine} of {told}")


def partly() -> None:
    """Some items fail, some expire, one reply is of no use: they are asked again, the rest is kept."""
    with Scratch() as scratch:
        bad = [{"match": {"contains": "m0002.py: negate", "batch": True}, "times": 1, "fault": {"status": 500}},
               {"match": {"contains": "m0003.py: negate", "batch": True}, "times": 1, "reply": {"text": reply(3)}, "fault": "expired"},
               {"match": {"contains": "m0004.py: negate", "batch": True}, "times": 1, "reply": {"text": "I cannot."}}]
        case = Case(scratch, more=bad)
        ran = case.run()
        ok(ran.returncode == 0 and case.states() == {"done": COUNT}, f"partly: done {case.states()}", ran.stdout, ran.stderr)
        mine, told = case.bill()
        ok(abs(mine - told) <= COUNT, f"partly: the bill: {mine} of {told}")
        free = attempts(scratch, "select count(*) from attempt where outcome in ('overloaded', 'timeout', 'server') and cost = 0")
        ok(free[0][0] >= 1, f"partly: what was not answered is free {free}",
           attempts(scratch, "select task, outcome, cost, error from attempt"))


def expired() -> None:
    with Scratch() as scratch:
        case = Case(scratch, more=[{"match": {"endpoint": "batch"}, "times": 1, "reply": {"batch": {"end": "expired", "share": 0.5}}}])
        ran = case.run()
        for _ in range(2):
            if ran.returncode:
                ran = scratch.run("resume", "--yes", "--no-verify", cwd=case.root)
        ok(ran.returncode == 0 and case.states() == {"done": COUNT}, f"expired: in the end all are done {case.states()}", ran.stdout, ran.stderr)
        mine, told = case.bill()
        ok(abs(mine - told) <= COUNT, f"expired: the bill: {mine} of {told}")


def cancelled() -> None:
    """stop --now asks the provider to cancel; what it had done by then is paid, and used by the next run."""
    with Scratch() as scratch:
        case = Case(scratch, more=[{"match": {"endpoint": "batch"}, "times": 1, "reply": {"batch": {"polls": 400}}}])
        running = scratch.start("run", str(case.plan), "--batch", "--no-verify", cwd=case.root)
        wait_for(lambda: any(line["endpoint"] == "batch_poll" for line in log(case.provider, "arrived")), "a poll")
        stopped = scratch.run("stop", "1", "--now", cwd=case.root)
        out, err = running.communicate(timeout=60)
        ok(stopped.returncode == 0, "cancel: stopped", stopped.stderr, err)
        ok(any(line["endpoint"] == "batch_cancel" for line in log(case.provider, "arrived")), "cancel: the provider was asked to")
        ran = scratch.run("run", str(case.plan), "--yes", "--no-verify", cwd=case.root)
        ok(ran.returncode == 0, f"cancel: the next run goes on {case.states()}", ran.stdout, ran.stderr)
        mine, told = case.bill()
        ok(abs(mine - told) <= COUNT, f"cancel: the bill: {mine} of {told}")


def refused() -> None:
    with Scratch() as scratch:
        case = Case(scratch, more=[{"match": {"endpoint": "batch"}, "fault": {"status": "quota"}}])
        ran = case.run()
        ok(ran.returncode == 4 and case.states().get("done") == 1, f"refused: nothing more is sent {case.states()}", ran.stdout, ran.stderr)
        mine, told = case.bill()
        ok(mine == told, f"refused: the bill: {mine} of {told}")
    with Scratch() as scratch:
        case = Case(scratch)
        scratch.configure(case.provider.url, {"models": {"small": "ollama/x", "big": "ollama/x"}})
        ran = case.run()
        ok(ran.returncode == 1 and "takes no batches" in ran.stderr, "refused: a server without batches is told at once", ran.stderr)
        ok("batch rates" not in ran.stderr, "refused: and no price is named first", ran.stderr)


def items_refused() -> None:
    """What an item's refusal says holds for the next batch: a used-up quota ends it all, an unknown field is left out."""
    with Scratch() as scratch:
        case = Case(scratch, more=[{"match": {"batch": True}, "fault": {"status": "quota"}}])
        ran = case.run()
        made = [line for line in log(case.provider, "arrived") if line["endpoint"] == "batch"]
        ok(ran.returncode == 4 and len(made) == 1 and "quota" in ran.stderr.splitlines()[-1],
           f"items: {len(made)} batch, and none after the quota was used up", ran.stderr)
    with Scratch() as scratch:
        config = {"models": {"small": {"rungs": "p/small-1", "effort": "low"}, "big": "p/big-1"}}
        case = Case(scratch, more=[{"match": {"batch": True}, "times": COUNT - 1, "fault": {
            "status": 400, "message": "output_config.effort: this model does not take it"}}], **config)
        ran = case.run()
        bodies = [text for text in case.provider.bodies_text() if '"requests"' in text]
        ok(ran.returncode == 0 and ["effort" in text for text in bodies] == [True, False],
           f"items: the second of {len(bodies)} batches goes without the field", ran.stderr)


def echoes() -> list[dict]:
    """A key that comes back in items, in their errors, and in what is said of the batch itself."""
    spoken = {"message": f"bad {KEY} given"}

    def item(i: int, **more) -> dict:
        return {"match": {"contains": f"m{i:04}.py: negate", "batch": True}, "times": 1, **more}

    def whole(endpoint: str, status: int) -> dict:
        return {"match": {"endpoint": endpoint}, "times": 1, "fault": {"status": status, **spoken}}

    return [item(1, reply={"text": f"I saw {KEY}"}), item(2, fault={"status": 500, **spoken}), item(3, fault={"status": 400, **spoken}),
            item(4, reply={"text": "x"}, fault="expired"), item(5, reply={"text": f"no {KEY}", "stop": "refusal"}),
            item(6, reply={"text": f"I saw {KEY}"}, fault={"max_tokens": 0.9}), item(7, reply={"text": f"I saw {KEY}"}, fault="no_usage"),
            whole("batch", 500), whole("batch_poll", 503), whole("batch_results", 503), whole("file", 500)]


def key_stays_secret() -> None:
    for dialect in DIALECTS:
        with Scratch() as scratch, CommandLines() as commands:
            case = Case(scratch, dialect, more=echoes())
            scratch.env["PIECEWORK_LOG"] = str(scratch.path / "log")
            said = [case.run("--record", str(scratch.path / "cassette.ndjson"))]
            for argv in (["resume", "--yes", "--no-verify"], ["status", "last", "--json"], ["log", "last"], ["cost", "last"], ["bug", "last"]):
                said.append(scratch.run(*argv, cwd=case.root))
            played = {line["rule"] for line in case.items() + log(case.provider, "done")}
            elsewhere = {"anthropic": {10}, "openai-responses": set(), "gemini": {9, 10}}[dialect]  # no files, no results of their own
            ok(set(range(11)) - played == elsewhere, f"key, {dialect}: all of it was said {played}")
            said = [ran.stdout + ran.stderr for ran in said]
            ok(not any(KEY_PART in text for text in said), f"key, {dialect}: in no output", *[text for text in said if KEY_PART in text])
            ok(any("[removed]" in text for text in said), f"key, {dialect}: what was said is shown without it")
            ok(not leaks(scratch), f"key, {dialect}: in no file of ours {leaks(scratch)}")
            ok(commands.holding("piecework run") and not commands.holding(KEY_PART), f"key, {dialect}: on no command line")


ALL = (each_vendor, kept_for_an_hour, collected_later, found_again, found_among_others, collected_by_an_editor, partly, expired, cancelled, refused, items_refused,
       key_stays_secret)

if __name__ == "__main__":
    for test in ALL:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            try:
                test()
            except Exception as error:
                ok(False, f"{test.__name__} ended in {type(error).__name__}", error)
    done()
