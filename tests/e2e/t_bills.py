"""Bills of servers that differ: what they refuse is learned without a failed task, what they do not tell is shown as
an estimate, what nobody knows is shown as unknown, and the caps hold all the same."""

import csv
import io
import json
import re
import sys

from harness import KEY, Provider, Scratch, done, ok, wait_for
from t_money import attempts, log
from t_storm import make, reply, tasks_text

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


ALL = (learned,)

if __name__ == "__main__":
    for test in ALL:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()
