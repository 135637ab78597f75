#!/usr/bin/env python3
"""The scripted fake model provider: a real HTTP server on loopback that answers as a script says.

Tests, demos and fuzzers point the engine at it instead of at a paid API. It speaks the vendors' wire
formats exactly, misbehaves on request, and logs what it was asked. README.md has the script format.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from server.coding import WAYS  # noqa: E402
from server.dialects.openai_chat import OpenAIChat  # noqa: E402
from server.dialects.quirks import NAMES as QUIRKS  # noqa: E402
from server.dialects.quirks import Quirks  # noqa: E402
from server.http1 import Connection  # noqa: E402
from server.logbook import Logbook  # noqa: E402
from server.rules import Script, ScriptError  # noqa: E402
from server.service import Options, Service  # noqa: E402

PARENT_POLL_SECONDS = 0.25


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--script", type=Path, required=True, help="a JSON script, or a folder of them")
    parser.add_argument("--log", type=Path, help="NDJSON log, appended to")
    parser.add_argument("--log-bodies", type=Path, metavar="DIR", help="write each request body here")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--port-file", type=Path, help="the port is written here once it is open")
    parser.add_argument("--latency-ms", type=float, default=0, help="wait before every answer")
    parser.add_argument("--tokens-per-second", type=float, default=0, help="pace of each stream; 0 = none")
    parser.add_argument("--require-key", metavar="KEY", help="refuse every other key with 401")
    parser.add_argument("--cache-min", type=int, metavar="TOKENS", help="shortest cacheable prefix")
    parser.add_argument("--models", default="", metavar="A,B", help="what GET /v1/models lists")
    parser.add_argument("--batch-polls", type=int, default=1, metavar="N", help="polls before a batch ends")
    quirks = "\n".join(f"  {name}: {meaning}" for name, meaning in sorted(QUIRKS.items()))
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        choices=sorted(QUIRKS),
        metavar="NAME",
        help=f"play a Chat Completions server that differs; may be repeated:\n{quirks}",
    )
    parser.add_argument("--gzip", choices=WAYS, help="compress for clients that accept it")
    parser.add_argument("--limit-rpm", type=int, default=0, metavar="N", help="requests per minute, key and model")
    parser.add_argument("--limit-tpm", type=int, default=0, metavar="N", help="tokens per minute, key and model")
    parser.add_argument("--limit-burst", type=int, default=0, metavar="N", help="requests at once")
    parser.add_argument("--idle-close-ms", type=float, metavar="N", help="close used connections after so long")
    parser.add_argument("--parent", type=int, metavar="PID", help="exit when this process is gone")
    return parser.parse_args()


def write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    os.replace(draft, path)


async def parent_gone(pid: int) -> None:
    """Returns once process [pid] has ended, also when nobody has collected it yet."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:
            pass  # an old kernel, or a sandbox: poll
        else:
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(descriptor, ended.set)
            await ended.wait()
            return
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        await asyncio.sleep(PARENT_POLL_SECONDS)


async def serve(options: argparse.Namespace, script: Script) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = Logbook(options.log, options.log_bodies)
    service = Service(
        script,
        log,
        Options(
            latency_ms=options.latency_ms,
            tokens_per_second=options.tokens_per_second,
            require_key=options.require_key,
            cache_min=options.cache_min,
            batch_polls=options.batch_polls,
            gzip=options.gzip,
            limit_rpm=options.limit_rpm,
            limit_tpm=options.limit_tpm,
            limit_burst=options.limit_burst,
            models=[name for name in options.models.split(",") if name],
        ),
    )
    OpenAIChat.quirks = Quirks(options.quirk)
    if options.idle_close_ms is not None:
        Connection.idle_seconds = options.idle_close_ms / 1000
    tasks: set[asyncio.Task] = set()
    server = await loop.create_server(
        lambda: Connection(service, tasks), "127.0.0.1", options.port, backlog=1024
    )
    port = server.sockets[0].getsockname()[1]
    if options.port_file:
        write_atomically(options.port_file, f"{port}\n")
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    if options.parent:
        watch = loop.create_task(parent_gone(options.parent))
        watch.add_done_callback(lambda _: stop.set())

    await stop.wait()
    server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    log.close()


def main() -> int:
    options = arguments()
    try:
        script = Script(options.script)
    except ScriptError as error:
        print(f"provider: {error}", file=sys.stderr)
        return 2
    asyncio.run(serve(options, script))
    return 0


def run() -> None:
    """For a process forked by the tests: ends it without the clean-up of the one it came from."""
    try:
        status = main()
    except SystemExit as ended:  # argparse
        status = ended.code if isinstance(ended.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
