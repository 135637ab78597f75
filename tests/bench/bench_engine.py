#!/usr/bin/env python3
"""Rows 1, 2, 7 (from the engine's side) and 8: the co-process beside a bare C peer, and what a request costs in bytes."""

import json
import shutil
import subprocess
import sys
import time

import measure as m
from measure import Home, Ran, Samples, Server, row

sys.path.insert(0, str(m.ROOT / 'tests/editor'))
from mpack import pack  # noqa: E402

TRIPS = 5000


def initialize(cwd):
    return pack([0, 1, 'initialize', {'protocol': 1, 'client': 'bench', 'editor': 'bench', 'cwd': str(cwd), 'config': {}}])


# A method that does next to nothing: what is timed is the way in, the table and the way out.
PING = pack([0, 2, 'run/stop', {'plan': 999999}])


class Clients:
    def __init__(self, home, root):
        self.program = m.build('rpc_client', 'rpc_client.c', m.msgpack())
        self.home, self.root = home, root
        self.first, self.second = home.path / 'first', home.path / 'second'
        self.first.write_bytes(initialize(root))
        self.second.write_bytes(PING)

    def run(self, *command, trips=0):
        """(start us, resident KiB, median, p99, least of the round trips in us)"""
        ran = Ran([self.program, str(self.first), str(self.second), str(trips), *command], cwd=self.root,
                  env=self.home.env)
        return [float(x) for x in ran.out.split()]


def node_start_ms():
    script = 'process.stdin.once("data", () => { process.stdout.write("x"); process.exit() })'
    begin = time.perf_counter()
    process = subprocess.Popen(['node', '-e', script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b'x')
    process.stdin.flush()
    process.stdout.read(1)
    took = time.perf_counter() - begin
    process.wait()
    return took * 1e3


def start_and_trips(home, root):
    clients = Clients(home, root)
    serve = [str(m.BINARY), 'serve']
    bare, linked = [m.peer_without_http(), 'serve'], [m.peer(), 'serve']
    clients.run(*serve)  # makes the journal
    ours, base, curl = [], [], []
    for _ in range(4 * m.ROUNDS):
        ours.append(clients.run(*serve))
        base.append(clients.run(*bare))
        curl.append(clients.run(*linked))
    start = Samples(r[0] / 1e3 for r in ours)
    row('1 engine start to the answer of initialize, ms / bare peer', start, Samples(r[0] / 1e3 for r in base), '<= 2')
    row('  the same over a bare peer that links libcurl, ms', start, Samples(r[0] / 1e3 for r in curl))
    if shutil.which('node'):
        row('  the same over node alone, ms', start, Samples(node_start_ms() for _ in range(m.ROUNDS)))
    memory = Samples(r[1] / 1024 for r in ours)
    row('  resident memory when idle, MiB', memory, None, '<= 10')
    row('  the same over the bare peer, MiB', memory, Samples(r[1] / 1024 for r in base))
    ours = [clients.run(*serve, trips=TRIPS) for _ in range(m.ROUNDS)]
    base = [clients.run(*bare, trips=TRIPS) for _ in range(m.ROUNDS)]
    row('2 round trips/s through the method table / bare echo', Samples(1e6 / r[2] for r in ours),
        Samples(1e6 / r[2] for r in base), '>= 0.7')
    row('  99th percentile of a round trip, us', Samples(r[3] for r in ours), Samples(r[3] for r in base))


def command_to_request(home, root, server):
    """From the shell, engine start included: spawn to the request's arrival."""
    ours, base = [], []
    for i in range(m.ROUNDS):
        begin = time.monotonic_ns() / 1e3
        server.reset()
        home.run('edit', f'f{i + 1}.txt:3-3', 'Set the value to 2.', '--yes', cwd=root)
        ours.append((server.stats()['first_us'] - begin) / 1e3)
        begin = time.monotonic_ns() / 1e3
        server.reset()
        subprocess.run(['curl', '-sN', '--data-binary', 'x' * 1000, server.calls_url], stdout=subprocess.DEVNULL, check=True)
        base.append((server.stats()['first_us'] - begin) / 1e3)
    row('7 `piecework edit` to request, ms / curl process', Samples(ours), Samples(base), '')


def bodies(home, root, server):
    """What leaves for a one-line edit; what two tasks of a plan share."""
    server.reset()
    home.run('edit', 'f77.txt:50-50', 'Set the value to 2.', '--yes', '--json', cwd=root)
    stats, body = server.stats(), json.loads(server.get('last'))
    raw = len(server.get('last'))
    text = (root / 'f77.txt').read_text().splitlines()
    sent = ''.join(part['text'] for message in body['messages'] for part in message['content'])
    code = sum(len(json.dumps(line)) - 2 + 2 for line in text if line in sent)
    row('8 bytes of a one-line edit beyond the code shown', raw - code, None, '<= 1000')
    m.note(f'body {raw} bytes, of it code {code}, instruction 19; HTTP header {stats["head_bytes"]} more; '
           f'system prompt {sum(len(s["text"]) for s in body["system"])}')
    server.reset()
    home.run('each', 'f20.txt', 'f21.txt', 'f22.txt', 'Set the value to 2.', '--yes', cwd=root)
    first, last = json.loads(server.get('first')), json.loads(server.get('last'))
    same = first['system'] == last['system'] and first.get('tools') == last.get('tools')
    row('  system prompt and tools of two tasks are the same (1 = yes)', int(same), None, '>= 1')


def main():
    m.head()
    with Home() as home, Server(0) as server:
        home.configure(server.url)
        files = m.value_files(30)
        files['f77.txt'] = ''.join(f'line {i} of a text with some words in it\n' if i != 50 else 'value_77 = 1\n'
                                    for i in range(1, 101))
        root = home.project('project', files)
        start_and_trips(home, root)
        command_to_request(home, root, server)
        bodies(home, root, server)
    return 0


if __name__ == '__main__':
    sys.exit(main())
