"""Real editors in a real terminal: tmux 80x24, real keys, the screen as text.

    with Editor("nvim", cwd, env) as e:
        e.command("Piecework plan do it")
        e.wait("plan 1 ready")
        e.keys("ZZ")

Each Editor has a tmux server of its own, so that nothing of the user's tmux is touched.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
# Prompts that stop the user: none of them may ever appear.
PROMPT = re.compile(r"Press ENTER|-- More --|\[O\]K|Hit ENTER", re.IGNORECASE)


def has_lua(editor: str) -> bool:
    version = subprocess.run([editor, "--version"], capture_output=True, text=True).stdout
    return version.startswith("NVIM") or re.search(r"[+]lua\b", version) is not None


def editors() -> list[str]:
    """Those of $PIECEWORK_EDITORS, else nvim and a vim with +lua."""
    named = os.environ.get("PIECEWORK_EDITORS", "").split()
    if named:
        return named
    found = ["nvim"] if shutil.which("nvim") else []
    for vim in ("vim", "vim.nox", "vim.gtk3"):
        if shutil.which(vim) and has_lua(vim):
            return [*found, vim]
    return found


class Editor:
    def __init__(self, editor: str, cwd: Path, env: dict[str, str], *files: str, width: int = 80, height: int = 24,
                 setup: list[str] | None = None) -> None:
        self.editor, self.cwd, self.env = editor, cwd, env
        self.files, self.size = files, (width, height)
        self.folder = Path(tempfile.mkdtemp(prefix="piecework-tmux-"))
        self.socket = str(self.folder / "socket")
        self.log: list[str] = []
        version = subprocess.run([editor, "--version"], capture_output=True, text=True).stdout
        self.is_nvim = version.startswith("NVIM")
        self.ready = self.folder / "ready"
        rc = ["set encoding=utf-8 hidden nomore", f"let &runtimepath = '{TREE},' .. &runtimepath", "filetype plugin indent on",
              "syntax on", "set noswapfile laststatus=2", f"autocmd VimEnter * call writefile([], '{self.ready}')",
              *(setup or [])]
        (self.folder / "vimrc").write_text("\n".join(rc) + "\n")

    def tmux(self, *argv: str) -> str:
        ran = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *argv], env=self.env, cwd=self.cwd,
                             capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"tmux {argv[0]}: {ran.stderr.strip()}")
        return ran.stdout

    def __enter__(self) -> Editor:
        argv = [self.editor, "-u", str(self.folder / "vimrc"), "-i", "NONE", *([] if self.is_nvim else ["-N"]), *self.files]
        self.env = {**self.env, "TERM": "xterm-256color"}
        self.tmux("new-session", "-d", "-x", str(self.size[0]), "-y", str(self.size[1]), "-c", str(self.cwd), *argv)
        self.tmux("set-option", "-g", "remain-on-exit", "on")
        self.tmux("set-option", "-s", "escape-time", "0")
        self.wait_until(self.ready.exists, "the editor")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- keys ---

    def keys(self, *keys: str) -> None:
        """Keys by tmux's names: "ZZ" types two letters, "Enter", "Escape", "C-w" are keys."""
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)

    def command(self, ex: str) -> None:
        self.keys("Escape")
        self.type(":" + ex)
        self.keys("Enter")

    # --- the screen ---

    def screen(self) -> str:
        text = self.tmux("capture-pane", "-p")
        if PROMPT.search(text) and (not self.log or self.log[-1] != text):
            self.log.append(text)
        return text

    def wait_until(self, test, what: str, seconds: float = 60) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if test():
                return True
            time.sleep(0.05)
        raise TimeoutError(f"{self.editor}: waited {seconds} s for {what}; the screen:\n{self.screen()}")

    def wait(self, pattern: str, seconds: float = 60) -> str:
        """Until the screen matches."""
        self.wait_until(lambda: re.search(pattern, self.screen()), f"/{pattern}/", seconds)
        return self.screen()

    def gone(self, pattern: str, seconds: float = 60) -> None:
        self.wait_until(lambda: not re.search(pattern, self.screen()), f"no /{pattern}/", seconds)

    def prompts(self) -> list[str]:
        """Screens that showed a hit-enter or other prompt."""
        self.screen()
        return self.log

    # --- the editor's own view ---

    def eval(self, expression: str, seconds: float = 60) -> str:
        """The value of a Vim script expression, through a file: no message, no prompt."""
        answer = self.folder / "answer"
        answer.unlink(missing_ok=True)
        self.command(f"silent call writefile([json_encode({expression})], '{answer}.new') | "
                     f"call rename('{answer}.new', '{answer}')")
        self.wait_until(answer.exists, f"the value of {expression}", seconds)
        return answer.read_text().strip()

    def quickfix(self) -> dict:
        import json
        return json.loads(self.eval("extend(getqflist({'title': 1, 'winid': 1}), {'items': map(getqflist(), "
                                    "{_, v -> {'file': fnamemodify(bufname(v.bufnr), ':p'), 'lnum': v.lnum, 'text': v.text, "
                                    "'type': v.type, 'valid': v.valid}})})"))

    def quit(self) -> None:
        self.command("qall!")
        self.wait_until(lambda: self.tmux("display-message", "-p", "#{pane_dead}").strip() == "1",
                        "the editor to quit")
