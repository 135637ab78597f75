"""Starts providers by forking one process that has already loaded everything: a tenth of the time of a fresh one.

    Child(arguments, folder)   in the tests: pid, poll, wait, send_signal, what it said
    main()                     in the process that forks: a JSON line per child in, its pid out

A keeper process stands between the two and writes the exit status of its child to a file, as nobody else may wait
for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

TIMEOUT = 60.0


class Child:
    _lock = threading.Lock()
    _nursery: subprocess.Popen | None = None

    def __init__(self, arguments: list[str], folder: Path):
        self._output, self._errors, self._status = (folder / name for name in ("stdout", "stderr", "status"))
        order = {"arguments": arguments, "folder": str(folder)}
        with Child._lock:
            nursery = Child._start()
            nursery.stdin.write(json.dumps(order) + "\n")
            nursery.stdin.flush()
            self.pid = int(nursery.stdout.readline())

    @staticmethod
    def _start() -> subprocess.Popen:
        if Child._nursery is None:
            command = [sys.executable, "-S", "-W", "ignore", str(Path(__file__).resolve())]
            Child._nursery = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        return Child._nursery

    def first_line(self) -> str:
        """What it says first; "" when it ends without a word."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            ended = self.poll() is not None
            said = self._output.read_text() if self._output.exists() else ""
            if "\n" in said or ended:
                return said.partition("\n")[0]
            time.sleep(0.002)
        raise TimeoutError("the provider says nothing")

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def poll(self) -> int | None:
        return int(self._status.read_text()) if self._status.exists() else None

    def wait(self, timeout: float = TIMEOUT) -> int:
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.002)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _keep(order: dict, provider: Any) -> None:
    """In the keeper: forks the provider, tells its pid, waits for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    folder = Path(order["folder"])
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        for descriptor, name in ((0, os.devnull), (1, folder / "stdout"), (2, folder / "stderr")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
        sys.argv = ["provider.py", *order["arguments"]]
        provider.run()
    os.write(1, f"{pid}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    draft = folder / "status.draft"
    draft.write_text(str(status))
    draft.rename(folder / "status")


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import provider

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            _keep(json.loads(line), provider)
            os._exit(0)


if __name__ == "__main__":
    main()
