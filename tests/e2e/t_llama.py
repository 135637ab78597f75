"""Against a real llama-server, with a tiny model written for it (tests/provider/tiny_gguf.py): what the scripted
provider imitates must hold where nobody of ours wrote the server.

    PIECEWORK_LLAMA_SERVER=/path/to/llama-server python3 -B tests/e2e/t_llama.py [NAME...]

Debian has it in llama.cpp-tools. Without the variable the one of $PATH is taken; without either all is skipped.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "provider"))

from harness import KEY, TREE, Scratch, done, ok, tree_bytes, wait_for  # noqa: E402
from t_money import attempts  # noqa: E402
from tiny_gguf import say_calls, write  # noqa: E402
from workloads import block, git_init  # noqa: E402

SERVER = os.environ.get("PIECEWORK_LLAMA_SERVER") or shutil.which("llama-server")
SKIPPED = 77  # tests/run.sh
UNIT = TREE / "build/san/tests/model/t_llama"

# ---- the server --------------------------------------------------------------------------------------


class LlamaServer:
    """One llama-server on a free port with two slots, and a model as tiny_gguf.write makes it of [model]."""

    def __init__(self, folder: Path, *options: str, ready: bool = True, **model) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "llama-server.log"
        argv = [SERVER, "--model", str(write(folder / "tiny.gguf", **model)), "--port", str(self.port), "--alias", "tiny",
                "--parallel", "2", "--threads", "1", "--ctx-size", "65536", "--metrics", "--offline", *options]
        env = {k: v for k, v in os.environ.items() if not k.startswith("LLAMA_")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**env, "HOME": str(folder)})
        good = (200,) if ready else (200, 503)
        wait_for(lambda: self.health() in good or self.process.poll() is not None, "llama-server")
        assert self.process.poll() is None, self.said()[-2000:]

    def __enter__(self) -> "LlamaServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def health(self) -> int:
        """0 = nobody listens yet, 503 = the model is being loaded, 200 = ready."""
        try:
            self.get("/health")
            return 200
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def busy(self) -> int:
        return sum(slot["is_processing"] for slot in json.loads(self.get("/slots")))

    def counted(self) -> tuple[int, int, int]:
        """Tokens of all requests so far: read, found in the cache, written."""
        lines = [line.split() for line in self.get("/metrics").splitlines() if not line.startswith("#")]
        by_name = {name.removeprefix("llamacpp:"): int(float(value)) for name, value in lines}
        return tuple(by_name[name] for name in ("prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total"))


# ---- the work ----------------------------------------------------------------------------------------

REQUEST = "let every shape say its name"
GOAL = "Return the name of the shape"
SHAPES = ("circle", "square", "triangle")
SUM = "select sum(fresh_in + cache_write), sum(cache_read), sum(out), min(usage_known), sum(cost) from attempt"

# Each dialect the server speaks: the name it goes by in configuration, and what of that differs from the preset.
DIALECTS = {
    "llamacpp": {},
    "anthropic": {"base_url": "URL"},
    "mine": {"base_url": "URL/v1", "dialect": "openai-responses"},
}


def make(root: Path) -> None:
    root.mkdir(parents=True)
    for name in SHAPES:
        (root / f"{name}.py").write_text(f"def name():\n    return None  # {name}\n")
    git_init(root)


def edit_of(name: str) -> str:
    return block(f"{name}.py", f"    return None  # {name}\n", f"    return \"{name}\"\n")


def sayings() -> dict[str, str]:
    """What the model answers, by a mark of the last message: verdicts, edits, the plan, and at first a look around."""
    tasks = [{"id": f"T{i:02}", "title": f"name of {name}", "files": [f"{name}.py"], "body": f"{GOAL}: {name}."}
             for i, name in enumerate(SHAPES, 1)]
    return {"=== circle.py": say_calls(("submit_verdicts", {"verdicts": [], "rest": "ok"})),
            **{f"{GOAL}: {name}.": edit_of(name) for name in SHAPES},
            "    return None  # circle": say_calls(("submit_plan", {"title": "names", "tasks": tasks})),
            REQUEST: "I look around first." + say_calls(("read", {"path": "circle.py", "first": 1, "last": 9}))}


class Case:
    """A project, a server and a configuration that leads to it through one dialect."""

    def __init__(self, dialect: str, *options: str, config: dict | None = None, **model) -> None:
        self.scratch = Scratch()
        self.dialect, self.root = dialect, self.scratch.path / "w"
        make(self.root)
        self.server = LlamaServer(self.scratch.path / "llama", *options, **model)
        url, name = self.server.url, f"{dialect}/tiny"
        row = {key: value.replace("URL", url) for key, value in DIALECTS[dialect].items()}
        self.scratch.env["LLAMACPP_BASE_URL"] = url + "/v1"
        self.scratch.configure(url, {
            "providers": {dialect: row} if row else {}, "models": {"big": name, "small": name},
            "prices": {name: {"input": 0, "output": 0}} if row else {}, **(config or {})})

    def __enter__(self) -> "Case":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()
        self.scratch.__exit__()

    def run(self, *argv: str, **env):
        return self.scratch.run(*argv, cwd=self.root, env=env)

    def edit(self, **env):
        return self.run("edit", "circle.py", f"{GOAL}: circle.", "--yes", **env)

    def outcomes(self) -> list[str]:
        return [outcome for outcome, in attempts(self.scratch, "select outcome from attempt order by id")]


# ---- the tests ---------------------------------------------------------------------------------------


def journey() -> None:
    """Plan with tool calls, run, verify, apply, in each dialect; the ledger is the server's own count."""
    for dialect in DIALECTS:
        with Case(dialect, say=sayings()) as case:
            planned = case.run("plan", "--yes", REQUEST)
            ok(planned.returncode == 0 and "planning: read circle.py" in planned.stderr, f"{dialect}: planned, with tools",
               planned.stdout, planned.stderr)
            ran = case.run("run", "last", "--yes")
            ok(ran.returncode == 0 and "verify: done  3 ok" in ran.stderr, f"{dialect}: ran, and verified", ran.stdout, ran.stderr)
            ok(case.run("apply", "last").returncode == 0, f"{dialect}: applied")
            texts = {name: (case.root / f"{name}.py").read_text() for name in SHAPES}
            ok(all(text == f"def name():\n    return \"{name}\"\n" for name, text in texts.items()), f"{dialect}: to the byte", texts)
            ours, theirs = attempts(case.scratch, SUM)[0], case.server.counted()
            ok(ours == (*theirs, 1, 0) and theirs[1] > 0, f"{dialect}: the ledger is the server's count {theirs}", ours)
            cost = case.run("cost", "last")
            ok("saving: none, the big model costs nothing" in cost.stdout, f"{dialect}: and nothing is saved where nothing costs",
               cost.stdout)
            if dialect == "llamacpp":
                said = case.run("doctor").stdout
                ok("provider llamacpp: key: none needed" in said, f"{dialect}: doctor says that no key is needed", said)


def counted() -> None:
    """Asked beforehand, in the dialects that can ask, the server says to the token what it then reads."""
    for dialect in DIALECTS:
        with Case(dialect, say=sayings()) as case:
            case.run("plan", "--yes", REQUEST)
            before = case.server.counted()
            count = case.run("preview", "last", "T01", "--count")
            if dialect == "llamacpp":
                ok(count.returncode == 1 and "counts no tokens" in count.stderr, f"{dialect}: has no count", count.stderr)
                continue
            said = re.search(r"^--- counted by \w+: (\d+) tokens in ", count.stdout, re.M)
            ok(count.returncode == 0 and said, f"{dialect}: counts", count.stdout, count.stderr)
            ok(case.server.counted() == before, f"{dialect}: and reads nothing for it")
            ran = case.run("run", "last", "--yes", "--no-verify", "--only", "T01")
            read = attempts(case.scratch, "select fresh_in + cache_read from attempt where task = 'T01'")
            ok(said and read == [(int(said[1]),)], f"{dialect}: {said and said[1]} tokens", read, ran.stderr)


def reach() -> None:
    for dialect in DIALECTS:
        with Case(dialect, say=sayings()) as case:
            said = case.run("doctor", "--reach").stdout
            ok(re.search(rf"^ok +provider {dialect}: reached in \d+ ms", said, re.M), f"{dialect}: is reached", said)
        with Case(dialect, ready=False, say=sayings(), slow_start=40_000) as case:
            said = case.run("doctor", "--reach").stdout
            ok(f"provider {dialect}: the server is still loading its model (503)" in said, f"{dialect}: is not ready", said)


def schema() -> None:
    """JSON of a schema: not asked for by any command, so that a unit test asks."""
    if not UNIT.exists():
        ok(False, f"{UNIT.relative_to(TREE)} is there: make MODE=san units")
        return
    with Case("llamacpp") as case:
        ran = subprocess.run([str(UNIT)], cwd=TREE, env={**os.environ, "PIECEWORK_LLAMA_URL": case.server.url + "/v1"},
                             capture_output=True, text=True, timeout=120)
        ok(ran.returncode == 0 and "ok 2" in ran.stdout, "schema: noise keeps to it", ran.stdout, ran.stderr)


def noise() -> None:
    """What a model of random weights says is refused with a reason, sent back once, and all of it counted."""
    for dialect in DIALECTS:
        with Case(dialect) as case:
            before = tree_bytes(case.root)
            ran = case.edit()
            ok(ran.returncode == 1 and "there is no SEARCH/REPLACE block in the reply" in ran.stderr, f"{dialect}: noise is no edit",
               ran.stdout, ran.stderr)
            ok(case.outcomes() == ["ok", "ok"], f"{dialect}: asked twice, answered twice", case.outcomes())
            ok(attempts(case.scratch, SUM)[0][:3] == case.server.counted(), f"{dialect}: the ledger is the server's count")
            ran = case.run("plan", "--yes", REQUEST)
            ok(ran.returncode == 4 and "without handing in a plan" in ran.stderr, f"{dialect}: noise is no plan", ran.stdout, ran.stderr)
            ok(tree_bytes(case.root) == before, f"{dialect}: nothing was written")


def rejected_key() -> None:
    variables = {"llamacpp": "LLAMA_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "mine": "MY_KEY"}
    for dialect, name in variables.items():
        config = {"pilot": "never", "parallel": 2}
        with Scratch() as folder:
            keys = folder.path / "keys"
            keys.write_text("the-right-one\n")
            with Case(dialect, "--api-key-file", str(keys), say=sayings(), config=config) as case:
                file = case.scratch.path / "config/piecework/config.json"
                written = json.loads(file.read_text())
                if dialect == "mine":
                    written["providers"][dialect]["key"] = {"env": name}
                    file.write_text(json.dumps(written))
                plan = case.scratch.path / "plan.md"
                plan.write_text("---\ntitle: names\n---\n" + "".join(
                    f"## T{i} {shape}\nfiles: {shape}.py\n{GOAL}: {shape}.\n\n" for i, shape in enumerate(SHAPES)))
                ran = case.run("run", str(plan), "--yes", "--no-verify", **{name: KEY})
                said = [line for line in ran.stderr.splitlines() if line.startswith("piecework: ")]
                ok(ran.returncode == 4 and said and "does not accept the key (401): Invalid API Key. Check the key" in said[0],
                   f"{dialect}: a wrong key", ran.stdout, ran.stderr)
                ok(KEY not in ran.stdout + ran.stderr, f"{dialect}: is not said")
                refused = case.server.said().count("unauthorized: ")
                ok(1 <= refused <= 2, f"{dialect}: {refused} calls, those in flight when it was known")
                ran = case.run("resume", "--yes", **{name: "the-right-one"})
                ok(ran.returncode == 0, f"{dialect}: the right key", ran.stdout, ran.stderr)


def overflow() -> None:
    """A prompt that does not fit is one call; an answer that does not fit is a cut one."""
    for dialect in DIALECTS:
        with Case(dialect, "--ctx-size", "1024", say=sayings()) as case:
            ran = case.edit()
            ok(ran.returncode == 1 and "the prompt does not fit into the model's context (400): request (" in ran.stderr,
               f"{dialect}: too long a prompt is said to be one", ran.stdout, ran.stderr)
            ok(case.outcomes() == ["too_big"], f"{dialect}: and not sent again", case.outcomes())
        short = {"models": {"small": {"model": f"{dialect}/tiny", "max_output": 64}}}
        with Case(dialect, forever={GOAL: "again and again, "}, config=short) as case:
            ran = case.edit()
            ok(ran.returncode == 1 and case.outcomes() == ["truncated", "truncated"], f"{dialect}: too long a reply is a cut one",
               ran.stdout, ran.stderr, case.outcomes())
            outs = attempts(case.scratch, "select out from attempt")
            ok(outs == [(64,), (128,)], f"{dialect}: at the limit that was asked for, then at twice that", outs)


def loading() -> None:
    """Asked while it loads its model the server says 503: waited for, longer than three tries take, and said."""
    for dialect in DIALECTS:
        with Case(dialect, ready=False, say=sayings(), slow_start=40_000) as case:
            ok(case.server.health() == 503, f"{dialect}: the server is loading")
            ran = case.edit()
            ok(ran.returncode == 0 and "+    return \"circle\"" in ran.stdout, f"{dialect}: and then it answers", ran.stdout, ran.stderr)
            waits = [line for line in ran.stderr.splitlines() if "the server is still loading its model" in line]
            ok(waits and all(line.startswith("T01 waits ") for line in waits), f"{dialect}: said {len(waits)} times", ran.stderr)
            ok(case.outcomes() == ["ok"], f"{dialect}: one call in the ledger", case.outcomes())
            ok(attempts(case.scratch, SUM)[0][:3] == case.server.counted(), f"{dialect}: the ledger is the server's count")


def cancel() -> None:
    """The slot is free at once, long before the reply would have ended."""
    for dialect in DIALECTS:
        with Case(dialect, forever={GOAL: "again and again, "}, config={"models": {
                "small": {"model": f"{dialect}/tiny", "max_output": 30000}, "big": f"{dialect}/tiny"}}) as case:
            running = case.scratch.start("edit", "circle.py", f"{GOAL}: circle.", "--yes", cwd=case.root)
            wait_for(lambda: case.server.busy() == 1, "a busy slot")
            time.sleep(0.3)  # some of the reply has come
            running.send_signal(signal.SIGTERM)
            start = time.monotonic()
            wait_for(lambda: case.server.busy() == 0, "a free slot")
            took = time.monotonic() - start
            out, err = running.communicate(timeout=30)
            ok(running.returncode == 1 and "piecework: stopped" in err, f"{dialect}: stopped", out, err)
            ok(took < 1, f"{dialect}: the slot is free after {1000 * took:.0f} ms")
            ok("cancel task" in case.server.said(), f"{dialect}: because it was cancelled", case.server.said())
            ok(case.server.counted()[2] < 30000, f"{dialect}: not because it had ended")
            row = attempts(case.scratch, "select outcome, usage_known, fresh_in > 0, out > 0 from attempt")
            ok(row == [("cancelled", 0, 1, 1)], f"{dialect}: what it cost is estimated", row)


ALL = (journey, counted, reach, schema, noise, rejected_key, overflow, loading, cancel)

if __name__ == "__main__":
    if not SERVER:
        print("skip: no llama-server in $PIECEWORK_LLAMA_SERVER or $PATH (Debian: llama.cpp-tools)")
        sys.exit(SKIPPED)
    for test in ALL:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()
