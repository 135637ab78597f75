"""A Lua file run as a spec inside a real editor, headless, in a project with the real engine behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from harness import BINARY, TREE, Scratch, ok

sys.path.insert(0, str(TREE / "tests/editor"))
from tmux import editors  # noqa: E402, F401


def run_spec(editor: str, scratch: Scratch, root: Path, spec: str, facts: dict, seconds: float = 120) -> None:
    """Its results count as ours. [facts] is for the spec, as JSON in the file $PIECEWORK_FACTS."""
    name = Path(editor).name
    is_nvim = subprocess.run([editor, "--version"], capture_output=True, text=True).stdout.startswith("NVIM")
    result, told = scratch.path / "result", scratch.path / "facts.json"
    result.write_text("")
    told.write_text(json.dumps(facts))
    config = json.dumps({"bin": str(BINARY)}).replace("'", "''")
    env = {**scratch.env, "PIECEWORK_RESULT": str(result), "PIECEWORK_SPEC": str(TREE / "tests/e2e" / spec),
           "PIECEWORK_NAME": name, "PIECEWORK_TREE": str(TREE), "PIECEWORK_FACTS": str(told),
           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=0")}
    if " " in env.get("TMPDIR", ""):
        env["TMPDIR"] = "/tmp"  # `%!sort` of Neovim 0.7 itself cannot (E485)
    argv = [editor, *(["--headless"] if is_nvim else ["-es", "-N"]), "-u", "NONE", "-i", "NONE", "--cmd",
            f"set encoding=utf-8 | let &rtp = '{TREE},' . &rtp", "-c", "runtime plugin/piecework.vim", "-c",
            f"let g:piecework = json_decode('{config}')", "-c", f"luafile {TREE}/tests/editor/spec.lua", "-c", "cquit"]
    try:
        ran = subprocess.run(argv, cwd=root, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             errors="replace", timeout=seconds)
        said = ran.stdout + ran.stderr
    except subprocess.TimeoutExpired as late:
        said = str(late)
    text = result.read_text(errors="replace")
    for line in text.splitlines():
        if line.startswith(("ok ", "not ok ")):
            ok(line.startswith("ok "), line.split(" - ", 1)[1])
        else:
            print(line)
    ok("# end" in text, f"{name}: {spec} ends", said)
