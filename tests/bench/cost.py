#!/usr/bin/env python3
"""What delegation saves: the four workloads, three ways, at the list prices of two providers, in one run.

The prompts are the real ones our engine builds, the replies are scripted (tests/e2e/workloads.py), and the
tokens are those the provider stand-in counts (bytes / 4, its prompt cache working as the vendors describe
theirs). Prices are those of native/data/models.json. Nothing here is an estimate of the engine's: each bill
is computed from the provider's own log and compared with what the engine says it paid.

  delegated    plan (big model, tools) + execute (small model or none) + verify (big model on the diff)
  big alone    `plan --solo`: one call that is shown the files that matter, and nothing else: no exploring,
               no checking of its own work. The cheapest way there is to let the big model do it
  small alone  the same with the small model

Models think before they answer and that is paid for; scripted ones do not. See what is said at the end.

usage: cost.py [-v] [WORKLOAD...]        -v shows calls and tokens
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
os.environ.setdefault("PIECEWORK_BIN", str(TREE / "build/piecework"))
sys.path.insert(0, str(TREE / "tests/e2e"))

from cost_loads import LOADS, Load  # noqa: E402
from harness import KEY, Provider, Scratch, wait_for  # noqa: E402

GOALS = {"split": 70, "rename": 80, "docstrings": 80, "tests": 70, "tests (2x)": 70}


@dataclass
class Pair:
    """Two models of one provider, as the engine chooses them when nothing is configured."""

    name: str
    big: str
    small: str
    env: str
    suffix: str  # of the base URL

    def config(self, url: str) -> dict:
        return {"providers": {self.name: {"base_url": url + self.suffix, "key": {"env": self.env}}},
                "models": {"big": {"rungs": [f"{self.name}/{self.big}"], "max_output": 64000},
                           "small": {"rungs": [f"{self.name}/{self.small}"], "max_output": 64000}},
                "budget": 50, "ask_above": 50}


PAIRS = [Pair("anthropic", "claude-opus-5-5", "claude-haiku-5-5", "ANTHROPIC_API_KEY", ""),
         Pair("openai", "gpt-6-sol", "gpt-6-luna", "OPENAI_API_KEY", "/v1")]


def list_prices() -> dict[str, dict]:
    table = json.loads((TREE / "native/data/models.json").read_text())
    return {f"{row['provider']}/{row['id']}": row for row in table["models"]}


PRICES = list_prices()


def price(model: str, usage: dict) -> float:
    """USD for one request. A tier's prices hold for the whole request, as the vendors have it."""
    row = PRICES[model]
    rates = dict(row["price"])
    prompt = usage["fresh_in"] + usage["cache_write"] + usage["cache_read"]
    for tier in row.get("tiers", []):
        if prompt > tier["above_input_tokens"]:
            rates.update({k: v for k, v in tier.items() if k in rates})
    return (usage["fresh_in"] * rates["input"] + usage["cache_write"] * rates.get("cache_write", rates["input"])
            + usage["cache_read"] * rates["cache_read"] + usage["out"] * rates["output"]) / 1e6


@dataclass
class Bill:
    phases: dict[str, float] = field(default_factory=lambda: {"plan": 0.0, "execute": 0.0, "verify": 0.0})
    calls: list[tuple[str, str, dict, float]] = field(default_factory=list)
    again: int = 0  # execute calls that were repeats
    told: float = 0.0  # USD for what plan and verify tell the big model: instructions, tools, the project; not the diff

    @property
    def total(self) -> float:
        return sum(self.phases.values())

    def tokens(self, key: str) -> int:
        return sum(usage[key] for _, _, usage, _ in self.calls)


ROLES = {"You plan work": "plan", "You check the combined": "verify"}


def phase_of(body: str) -> str:
    return next((phase for words, phase in ROLES.items() if words in body), "execute")


def told(phase: str, model: str, usage: dict, body: str) -> float:
    """What a call of the big model costs but for its answer and for the diff that it has to read."""
    if phase == "execute":
        return 0.0
    diff = len(body.split("\\nDiff:\\n", 1)[1].encode()) / 4 if phase == "verify" else 0
    return max(price(model, {**usage, "out": 0}) - diff * PRICES[model]["price"]["input"] / 1e6, 0.0)


def read_bill(provider: Provider, pair: Pair) -> Bill:
    """From the provider's own log, when it has told the end of everything that arrived."""
    def settled() -> bool:
        events = provider.requests()
        return sum(e["event"] == "arrived" for e in events) == sum(e["event"] == "done" for e in events)

    wait_for(settled, "the provider's log")
    events = provider.requests()
    arrived = {e["seq"]: e for e in events if e["event"] == "arrived"}
    bill = Bill()
    for event in (e for e in events if e["event"] == "done"):
        if event["status"] != 200 or not event["usage"]:
            raise SystemExit(f"a call failed: {event}")
        body = (provider.bodies / f"{event['seq']:06d}.json").read_text()
        phase, model = phase_of(body), f"{pair.name}/{arrived[event['seq']]['model']}"
        cost = price(model, event["usage"])
        bill.phases[phase] += cost
        bill.again += phase == "execute" and "That cannot be used" in body
        bill.told += told(phase, f"{pair.name}/{arrived[event['seq']]['model']}", event["usage"], body)
        bill.calls.append((phase, model, event["usage"], cost))
    return bill


class Failed(Exception):
    pass


def engine(scratch: Scratch, load: Load, *argv: str) -> str:
    ran = scratch.run(*argv, cwd=load.root, timeout=300)
    if ran.returncode:
        raise Failed(f"piecework {' '.join(argv)[:100]}: {ran.stderr[-1500:]}")
    return ran.stdout


def paid(scratch: Scratch, load: Load, plan: str = "last") -> float:
    """What the engine says it paid, in USD."""
    text = engine(scratch, load, "cost", plan, "--json")
    return json.loads(text.splitlines()[-1])["cost"] / 1e9


WAYS = {"delegated": [], "big alone": ["--solo"], "small alone": ["--solo", "--model", "small"]}


def go(kind: type[Load], pair: Pair, way: str) -> Bill:
    """One workload done once, to the end: applied, and its result run."""
    with Scratch() as scratch:
        scratch.env[pair.env] = KEY
        load = kind(scratch.path / kind.name)
        solo = way != "delegated"
        provider = Provider(scratch.path / "provider", load.solo_rules() if solo else load.rules())
        scratch.providers.append(provider)
        (scratch.path / "config/piecework/config.json").write_text(
            json.dumps({**pair.config(provider.url), "test": load.test}))
        scope = [arg for path in (load.solo_scope() if solo else load.scope) for arg in ("--scope", path)]
        engine(scratch, load, "plan", "--yes", *WAYS[way], *scope, load.request)
        engine(scratch, load, "trust", "last", "--yes")
        engine(scratch, load, "run", "last", "--yes", *(["--no-verify"] if solo else []))
        engine(scratch, load, "apply", "last")
        for good, what in load.check():
            if not good:
                raise Failed(f"{kind.name}, {way}: {what}")
        bill = read_bill(provider, pair)
        said = paid(scratch, load)
        if abs(said - bill.total) > 1e-6:
            raise Failed(f"{kind.name}, {way}: the engine says it paid {said}, the provider's log says {bill.total}")
        return bill


def show_calls(bills: dict[str, Bill]) -> None:
    for way, bill in bills.items():
        for phase, model in sorted({call[:2] for call in bill.calls}):
            mine = [(usage, cost) for *key, usage, cost in bill.calls if key == [phase, model]]
            sums = {key: sum(usage[key] for usage, _ in mine) for key in ("fresh_in", "cache_write", "cache_read", "out")}
            print(f"      {way:11} {phase:8} {model:28} {len(mine):3} calls: in {sums['fresh_in']:6}, written "
                  f"{sums['cache_write']:6}, cached {sums['cache_read']:6}, out {sums['out']:6}  "
                  f"${sum(cost for _, cost in mine):.5f}")


def line(kind: type[Load], pair: Pair, bills: dict[str, Bill]) -> bool:
    mine, big, small = bills["delegated"], bills["big alone"], bills["small alone"]
    calls = sum(call[0] == "execute" for call in mine.calls)
    saving = 100 * (1 - mine.total / big.total)
    share = 100 * (mine.phases["plan"] + mine.phases["verify"]) / big.total
    big_row, small_row = (PRICES[f"{pair.name}/{m}"]["price"] for m in (pair.big, pair.small))
    good = saving >= GOALS[kind.name]
    limit = 100 * (1 - (mine.total - mine.told) / big.total)
    print(f"{kind.name:11} {pair.name:9} {mine.phases['plan']:8.4f} {mine.phases['execute']:8.4f} "
          f"{mine.phases['verify']:8.4f} {mine.total:9.4f} {big.total:9.4f} {small.total:9.4f} {saving:7.1f} "
          f"{GOALS[kind.name]:5} {limit:6.1f} {share:6.1f} {100 * mine.again / max(calls, 1):4.0f} "
          f"{big_row['output'] / small_row['output']:4.0f}{'' if good else '   BELOW THE GOAL'}", flush=True)
    return good


NOTES = """
plan, execute, verify: USD paid in each phase of the delegated way; total: their sum. saving: % under big alone.
o: plan and verify as % of big alone; e: % of execute calls that were repeats; r: output price, big over small.
limit: the saving if what plan and verify tell the big model cost nothing; the diff and its answers are still paid.
What limits the rest is o. A plan and a verdict cost at least their instructions (some 1,800 tokens, whatever the
work is), and the verifier reads every new or changed line once: at an input price of a fifth of the output price
that is 20 % of writing them, so work that is all new text of one kind each cannot save much more than 75 %, and
small work (ten short test modules are five cents) saves less. Moves, repeated changes, lines that stand in several
files and lines that differ in a few words are told once and cost next to nothing; so does a specification that the
new text quotes. Big alone is one call that is shown exactly the right files: an
agent that looks for them pays more. Thinking is not in these figures: it is paid as output, by the big model
once for a plan and once for a verdict, and when it works alone once for all of the work.
"""


def main() -> int:
    words = [w for w in sys.argv[1:] if not w.startswith("-")]
    kinds = [k for k in LOADS if not words or k.name in words]
    print(f"{'workload':11} {'prices of':9} {'plan':>8} {'execute':>8} {'verify':>8} {'total':>9} {'big alone':>9} "
          f"{'small':>9} {'saving%':>7} {'goal':>5} {'limit%':>6} {'o%':>6} {'e%':>4} {'r':>4}")
    good = True
    for kind in kinds:
        for pair in PAIRS:
            try:
                bills = {way: go(kind, pair, way) for way in WAYS}
            except Failed as failed:
                print(f"{kind.name:11} {pair.name:9} FAILED {failed}")
                good = False
                continue
            good &= line(kind, pair, bills)
            if "-v" in sys.argv:
                show_calls(bills)
    print(NOTES, end="")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
