#!/usr/bin/env python3
"""Rows 3, 4, 5 and 13: a thousand real tasks (prompt, journal, reply, locate, guard, result) through `piecework run`
against a provider on the loopback, beside a bare libcurl peer, a curl process per call, and SQLite alone."""

import math
import os
import shutil
import subprocess
import sys
import time

import measure as m
from measure import Home, Ran, Samples, Server, row

TASKS, PARALLEL, DELAY_MS = 1000, 64, 50
IDEAL_MS = TASKS * DELAY_MS / PARALLEL


def plan_of_files(n):
    return ''.join(f'  - f{i}.txt\n' for i in range(1, n + 1))


def plan_of_ranges(n):
    return ''.join(f'  - f1.txt:{i * 4 - 3}-{i * 4}\n' for i in range(1, n + 1))


class Tasks:
    """`n` small files, or ranges of one file, each changed by a task of its own."""

    def __init__(self, server, n, one_file=False):
        self.server, self.n = server, n
        files = m.value_files(n)
        if one_file:
            # The provider answers for the file of the value's number: here that is always f1.txt.
            files = {'f1.txt': ''.join(f'# part {i}\nname_{i} = part\nvalue_1 = 1 # {i}\nother_{i} = yes\n'
                                       for i in range(1, n + 1))}
        each = plan_of_ranges(n) if one_file else plan_of_files(n)
        self.files = files
        self.plan = f'---\ntitle: bench\n---\n## T01 change each value\neach:\n{each}executor: model\n\nSet the value to 2.\n'

    def run(self, parallel=PARALLEL):
        with Home() as home:
            home.configure(self.server.url, parallel=parallel)
            root = home.project('project', self.files)
            plan = home.path / 'plan.md'
            plan.write_text(self.plan)
            self.server.reset()
            ran = home.run('run', str(plan), '--yes', '--no-verify', '--json', cwd=root)
        stats = self.server.stats()
        done = ran.out.count('"state":"done","title"')
        if done != self.n or stats['requests'] != self.n:
            raise RuntimeError(f'{done} of {self.n} tasks done with {stats["requests"]} requests')
        ran.makespan_ms = (stats['last_us'] - stats['first_us']) / 1e3
        ran.most = stats['most']
        return ran


def bare(server, n, parallel=PARALLEL):
    server.reset()
    ran = Ran([m.peer(), 'calls', server.calls_url, str(n), str(parallel)])
    stats = server.stats()
    ran.makespan_ms = (stats['last_us'] - stats['first_us']) / 1e3
    return ran


def curl_processes(server, n):
    """n calls, a process each, PARALLEL at once; ms of wall clock."""
    begin, running, started = time.perf_counter(), [], 0
    while started < n or running:
        running = [p for p in running if p.poll() is None]
        while started < n and len(running) < PARALLEL:
            running.append(subprocess.Popen(['curl', '-sN', '--data-binary', 'x' * 1000, server.calls_url],
                                            stdout=subprocess.DEVNULL))
            started += 1
        time.sleep(0.0005)
    return (time.perf_counter() - begin) * 1e3


def slow_provider(rounds):
    """Row 3."""
    with Server(DELAY_MS) as server:
        tasks = Tasks(server, TASKS)
        runs, peers = [], []
        for _ in range(rounds):
            runs.append(tasks.run())
            peers.append(bare(server, TASKS))
        ideal = Samples([IDEAL_MS])
        row('3 1,000 tasks, 50 ms, 64 in flight: makespan ms / ideal', Samples(r.makespan_ms for r in runs), ideal,
            '<= 1.10')
        row('  whole wall clock of the command, ms / ideal', Samples(r.wall_us / 1e3 for r in runs), ideal)
        row('  bare libcurl peer, ms / ideal', Samples(r.makespan_ms for r in peers), ideal)
        row('  makespan over that of bare libcurl', Samples(r.makespan_ms for r in runs),
            Samples(r.makespan_ms for r in peers))
        if shutil.which('curl'):
            share = TASKS // 5
            row('  curl process per call, ms / ideal', Samples([curl_processes(server, share) * TASKS / share]), ideal)
        small = Tasks(server, TASKS // 100)
        few, many = Samples(small.run().wall_us for _ in range(rounds)), Samples(r.wall_us for r in runs)
        exponent(f'13 growth of 3, {TASKS // 100} to {TASKS} tasks: exponent', few, many, 100)


def store_alone(group, tasks=TASKS):
    with Home() as home:
        wall, cpu = Ran([m.build('store_floor', 'store_floor.c', 'sqlite3'), str(home.path / 'floor.db'), str(tasks),
                         str(group)]).out.split()
    return float(wall), float(cpu)


def exponent(figure, small, large, times, goal='<= 1.1'):
    row(figure, math.log(m.middle(large) / m.middle(small), times), None, goal)


def fast_provider(rounds):
    """Rows 4, 5 and 13."""
    with Server(0) as server:
        one, tasks, twice = Tasks(server, 1), Tasks(server, TASKS), Tasks(server, 20 * TASKS // 10)
        alone = [one.run() for _ in range(rounds)]
        start_us = Samples(r.cpu_us for r in alone).median
        runs = [tasks.run() for _ in range(rounds)]
        peers = [bare(server, TASKS) for _ in range(rounds)]
        stores = [store_alone(PARALLEL) for _ in range(rounds)]
        commit_ms = Samples(w / 1e3 / (2 * math.ceil(TASKS / PARALLEL)) for w, _ in stores)
        m.note(f'a commit of SQLite alone takes {commit_ms} ms on this disk: no call leaves before its own is on it')
        cpu = Samples((r.cpu_us - start_us) / TASKS for r in runs)
        rate = Samples(TASKS / r.makespan_ms * 1e3 for r in runs)
        row('4 1,000 tasks, 0 ms, 64 in flight: tasks/s', rate, None, '>= 5000')
        row('  the same over bare libcurl: tasks/s', rate, Samples(TASKS / p.makespan_ms * 1e3 for p in peers))
        row('  the same over SQLite alone, 64 rows a commit: tasks/s', rate, Samples(TASKS / w * 1e6 for w, _ in stores))
        row('  CPU us per task, start of the program taken off', cpu, None, '<= 200')
        row('  CPU us per task over bare libcurl + SQLite alone', cpu,
            Samples((p.cpu_us + c) / TASKS for p, (_, c) in zip(peers, stores)))
        large = [twice.run() for _ in range(max(1, rounds // 2))]
        base = Samples(r.peak_kib for r in alone).median
        row(f'5 memory: KiB per task with {twice.n} tasks, start taken off',
            Samples((r.peak_kib - base) / twice.n for r in large), None, '<= 16')
        small = Tasks(server, twice.n // 100)
        few = [small.run() for _ in range(rounds)]
        exponent(f'13 growth of 4, {small.n} to {twice.n} tasks, CPU: exponent',
                 Samples(max(r.cpu_us - start_us, 1) for r in few), Samples(r.cpu_us - start_us for r in large), 100)
        exponent(f'13 growth of 5, {small.n} to {twice.n} tasks, memory: exponent',
                 Samples(max(r.peak_kib - base, 64) for r in few), Samples(r.peak_kib - base for r in large), 100)


def main():
    rounds = max(1, (m.ROUNDS + 1) // 2)
    m.head()
    slow_provider(rounds)
    fast_provider(rounds)
    return 0


if __name__ == '__main__':
    sys.exit(main())
