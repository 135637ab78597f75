"""What every end-to-end test needs: a scratch home, the scripted provider, the real binary, TAP.

Nothing of the user's is read or written: HOME, configuration and state live in a scratch directory that is
removed at the end (kept with PIECEWORK_KEEP=1). The key is a canary: tests may grep for it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
# The sanitized build unless told otherwise: every journey is also a hunt for memory errors.
BINARY = Path(os.environ.get("PIECEWORK_BIN", TREE / "build/san/piecework"))
# Of this run alone: another run beside it must not be found by the one that hunts for the key.
KEY = f"canary-3f9d17-{os.getpid()}-not-a-real-key"
# What must be found nowhere: of a key that was cut, too.
KEY_PART = KEY[:18]

_count = 0
_failed = 0


def ok(good: object, what: str, *detail: object) -> bool:
    global _count, _failed
    _count += 1
    _failed += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {what}", flush=True)
    if not good:
        for item in detail:
            for line in str(item).splitlines()[-40:]:
                print(f"# {line}", flush=True)
    return bool(good)


def done() -> None:
    print(f"{_count - _failed} passed, {_failed} failed")
    sys.exit(_failed > 0)


class Provider:
    """tests/provider with a list of rules; `requests()` is its own log."""

    def __init__(self, folder: Path, rules: list[dict], *options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.script, self.log = folder / "script.json", folder / "log.ndjson"
        self.script.write_text(json.dumps(rules, ensure_ascii=False, indent=1))
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        self.bodies = folder / "bodies"
        self.bodies.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, str(TREE / "tests/provider/provider.py"), "--script", str(self.script), "--log",
             str(self.log), "--log-bodies", str(self.bodies), "--port-file", str(port_file), "--parent",
             str(os.getpid()), "--require-key", KEY, *options], stdout=subprocess.DEVNULL)
        wait_for(lambda: port_file.exists() or self.process.poll() is not None, "the provider's port")
        self.port = int(port_file.read_text())
        self.url = f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[dict]:
        """One dict per request that was answered or cut, in order of arrival."""
        whole = self.log.read_text().rpartition("\n")[0] if self.log.exists() else ""  # a line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def count(self) -> int:
        return len(list(self.bodies.iterdir()))

    def bodies_text(self) -> list[str]:
        return [p.read_text() for p in sorted(self.bodies.iterdir())]

    def release(self, name: str) -> None:
        """What a rule holds back `until` this name goes out from now on, until hold()."""
        (self.folder / name).touch()

    def hold(self, name: str) -> None:
        (self.folder / name).unlink()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


class Scratch:
    """A home of its own. Use as a context manager."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="piecework-e2e-")).resolve()
        self.providers: list[Provider] = []
        for name in ("home", "config/piecework", "state"):
            (self.path / name).mkdir(parents=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("ANTHROPIC", "OPENAI", "GIT_", "PIECEWORK"))}
        self.env.update(HOME=str(self.path / "home"), XDG_CONFIG_HOME=str(self.path / "config"),
                        XDG_STATE_HOME=str(self.path / "state"), ANTHROPIC_API_KEY=KEY, LC_ALL="C.UTF-8",
                        PYTHONDONTWRITEBYTECODE="1", GIT_CONFIG_NOSYSTEM="1", EDITOR="true")

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        for provider in self.providers:
            provider.stop()
        if os.environ.get("PIECEWORK_KEEP"):
            print(f"# kept {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    def provider(self, rules: list[dict], *options: str, config: dict | None = None) -> Provider:
        made = Provider(self.path / f"provider{len(self.providers)}", rules, *options)
        self.providers.append(made)
        self.configure(made.url, config)
        return made

    def configure(self, url: str, more: dict | None = None) -> None:
        config = {"providers": {"anthropic": {"base_url": url, "key": {"env": "ANTHROPIC_API_KEY"}}},
                  "models": {"big": ["anthropic/claude-opus-5-5"],
                             "small": ["anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5"]},
                  "budget": 50, **(more or {})}
        (self.path / "config/piecework/config.json").write_text(json.dumps(config))

    def run(self, *argv: str, cwd: Path, stdin: str | None = None, env: dict | None = None,
            timeout: float = 120) -> subprocess.CompletedProcess:
        ran = subprocess.run([str(BINARY), *argv], cwd=cwd, env={**self.env, **(env or {})}, input=stdin,
                             stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                             timeout=timeout, errors="surrogateescape")
        for sign in ("AddressSanitizer", "runtime error:", "LeakSanitizer"):
            if sign in ran.stderr:
                ok(False, f"no sanitizer report from: piecework {' '.join(argv)[:60]}", ran.stderr)
        return ran

    def start(self, *argv: str, cwd: Path) -> subprocess.Popen:
        return subprocess.Popen([str(BINARY), *argv], cwd=cwd, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


class CommandLines:
    """What stands in /proc/*/cmdline of any process while the block runs: `seen`. A key passed to a child would be there."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> CommandLines:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _run(self) -> None:
        while not self._over.wait(0.01):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        self.seen.add(file.read().decode(errors="replace").replace("\0", " "))
                except OSError:
                    continue  # it has ended meanwhile

    def holding(self, words: str) -> list[str]:
        """The providers are told the key they ask for on theirs."""
        return [line for line in self.seen.copy() if words in line and "tests/provider/provider.py" not in line]


def leaks(scratch: Scratch) -> list[str]:
    """Files of ours, databases and all, that hold the key or the beginning of it."""
    return [str(path) for path in scratch.path.rglob("*")
            if path.is_file() and "/provider" not in str(path) and KEY_PART.encode() in path.read_bytes()]


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def hear(process: subprocess.Popen, words: str, seconds: float = 60) -> str:
    """What a process says on stderr, up to the line that holds [words]; the rest is left to communicate()."""
    said, line, end = b"", b"", time.monotonic() + seconds
    while not (line.endswith(b"\n") and words.encode() in line):
        line = b"" if line.endswith(b"\n") else line
        ready = select.select([process.stderr], [], [], max(0, end - time.monotonic()))[0]
        byte = os.read(process.stderr.fileno(), 1) if ready else b""
        if not byte:
            raise TimeoutError(f"waited {seconds} s to hear {words!r}: {said.decode(errors='replace')}")
        said, line = said + byte, line + byte
    return said.decode(errors="replace")


def wait_for(test, what: str, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return True
        time.sleep(0.02)
    raise TimeoutError(f"waited {seconds} s for {what}")


def tree_bytes(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*"))
            if p.is_file() and ".git/" not in str(p.relative_to(root)) + "/" and "__pycache__" not in str(p)}


def model_rules(load, verdicts: list[dict] | None = None) -> list[dict]:
    """The script of a workload: explore, submit the plan, do the tasks, judge."""
    plan = load.plan()
    rules = [{"match": {"has_tool": "submit_plan", "turn": 0},
              "reply": {"tool_calls": [{"name": "list_files", "input": {}}]}},
             {"match": {"has_tool": "submit_plan"}, "reply": {"tool_calls": [{"name": "submit_plan", "input": plan}]}},
             {"match": {"has_tool": "submit_verdicts"},
              "reply": {"tool_calls": [{"name": "submit_verdicts", "input": {"verdicts": verdicts or []}}]}}]
    for marks, reply in load.replies():
        rules.append({"match": {"last_contains": marks}, "reply": {"text": reply}})
    return rules
