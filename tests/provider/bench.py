#!/usr/bin/env python3
"""How many small requests per second the provider sustains: keep-alive, 64 in flight by default.

    python3 bench.py [--connections 64] [--seconds 5] [--stream]

The load runs in a process of its own on plain asyncio streams; with two cores or more the figure is
the provider's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time

from cases.harness import Provider
from cases.wires import ANTHROPIC, OPENAI, Wire


def request_bytes(wire: Wire, stream: bool) -> bytes:
    body = json.dumps(wire.body("x" * 2000, stream=stream)).encode()
    lines = [f"POST {wire.target(stream)} HTTP/1.1", *(f"{k}: {v}" for k, v in wire.headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


async def worker(port: int, data: bytes, until: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.monotonic()) < until:
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if b"chunked" in head:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        times.append(time.monotonic() - started)
    writer.close()


async def measure(port: int, wire: Wire, options: argparse.Namespace) -> str:
    data, times = request_bytes(wire, options.stream), []
    until = time.monotonic() + options.seconds
    await asyncio.gather(*(worker(port, data, until, times) for _ in range(options.connections)))
    times.sort()
    worst = times[int(len(times) * 0.99)]
    return (
        f"{wire.name}: {len(times) / options.seconds:.0f} requests/s, "
        f"median {statistics.median(times) * 1000:.1f} ms, 99% {worst * 1000:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--stream", action="store_true")
    options = parser.parse_args()
    with Provider([{"reply": {"text": "a small reply of a few words " * 8}}]) as provider:
        for wire in (ANTHROPIC, OPENAI):
            print(asyncio.run(measure(provider.port, wire, options)))


if __name__ == "__main__":
    main()
