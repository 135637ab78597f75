#!/usr/bin/env python3
"""Rows 6, 7, 11, 12 and 14: what the editor feels: gaps of its main loop, the way from a verb to the provider, thousands of
hunks applied, undone and reviewed, and the plugin at startup. Each editor runs in a terminal of its own."""

import json
import math
import os
import pty
import re
import shutil
import subprocess
import sys
import threading
import time

import measure as m
from measure import HERE, ROOT, Home, Samples, Server, row

FILES, HUNKS, STEP = 20, 250, 10


def drain(fd):
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass


def in_terminal(argv, cwd, env, timeout=60):
    """Runs [argv] in an 80x24 terminal that reads everything it writes."""
    master, slave = pty.openpty()
    subprocess.run(['stty', 'rows', '24', 'cols', '80'], stdin=slave, check=False)
    process = subprocess.Popen(argv, cwd=cwd, env={**env, 'TERM': 'xterm'}, stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)
    os.close(slave)
    threading.Thread(target=drain, args=(master,), daemon=True).start()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise RuntimeError(f'{argv[0]} did not end by itself') from None
    finally:
        os.close(master)


def editor(name, script, home, cwd, **variables):
    """Runs a Lua script in the editor with the plugin; what it wrote."""
    out = home.path / 'out'
    out.unlink(missing_ok=True)
    env = {**home.env, **{k: str(v) for k, v in variables.items()}, 'BENCH_OUT': str(out)}
    plugin = {'bin': str(m.BINARY), 'pilot': 'never'}
    argv = [name, '-N', '-u', 'NONE', '-i', 'NONE', '-n', '--cmd', f'set encoding=utf-8 rtp^={ROOT} hidden nomore shortmess+=I',
            '--cmd', f'let g:piecework = {json.dumps(plugin)}', '-c', 'runtime plugin/piecework.vim',
            '-c', f'source {HERE}/editor/raw.vim', '-c', f'luafile {script}']
    in_terminal(argv, cwd, env)
    if not out.exists():
        raise RuntimeError(f'{name} {script}: no result')
    return out.read_text()


def samples(text):
    """Lines of "name value"."""
    found = {}
    for line in text.splitlines():
        key, value = line.split()
        found.setdefault(key, Samples()).append(float(value))
    return found


def version(name):
    return subprocess.run([name, '--version'], capture_output=True, text=True).stdout


def editors():
    """Those of $PIECEWORK_EDITORS, as tests/editor/run.sh has them; else nvim and a Vim with +lua."""
    named = os.environ.get('PIECEWORK_EDITORS', '').split()
    if named:
        return named
    vims = [name for name in ('vim', 'vim.nox', 'vim.gtk3') if shutil.which(name) and '+lua' in version(name)]
    return ['nvim'] * bool(shutil.which('nvim')) + vims[:1]


# ---- 6: gaps -----------------------------------------------------------------------------------------

def gap(name, mode, count, server):
    with Home() as home:
        home.configure(server.url, parallel=64)
        root = home.project('project', m.value_files(count))
        text = editor(name, HERE / 'editor/gap.lua', home, root, BENCH_MODE=mode, BENCH_FILES=count,
                      BENCH_URL=server.calls_url, BENCH_PEER=m.peer())
    return {key: values[0] for key, values in samples(text).items()}


def gaps_in(name, rounds):
    with Server(50, tokens=300, rate=200) as server:
        idle = Samples(gap(name, 'idle', 1, server)['stream_max'] for _ in range(rounds))
        for count in (8, 64):
            floor, ours = [], []
            for _ in range(rounds):
                floor.append(gap(name, 'floor', count, server))
                ours.append(gap(name, 'ours', count, server))
            row(f'6 {name}, {count} tasks stream, status open: largest gap ms / floor',
                Samples(r['stream_max'] for r in ours), Samples(r['stream_max'] for r in floor), '<= 2')
            row('  99 of 100 gaps are below, ms / floor', Samples(r['stream_p99'] for r in ours),
                Samples(r['stream_p99'] for r in floor))
            row('  the verb that starts them holds the editor, ms / floor', Samples(r['start'] for r in ours),
                Samples(r['start'] for r in floor))
            row('  largest gap when they have ended (review, quickfix), ms', Samples(r['end_max'] for r in ours))
        row(f'  {name} idle, largest gap ms', idle)


# ---- 7: verb to request ------------------------------------------------------------------------------

def commits_ms(home):
    """The least that must be on disk before a request leaves: as much as its reservation writes, behind the rest."""
    took = []
    with open(home.path / 'commits', 'ab', buffering=0) as log:
        for _ in range(10):
            log.write(bytes(24 << 10))
            begun = time.perf_counter()
            os.fdatasync(log)
            took.append((time.perf_counter() - begun) * 1e3)
    return took


def verbs(rounds):
    cold, warm, curl, disk = [], [], [], []
    for _ in range(rounds):
        with Home() as home, Server(0) as server:
            home.configure(server.url)
            root = home.project('project', m.value_files(6))
            begun = [float(t) for t in editor('nvim', HERE / 'editor/verbs.lua', home, root, BENCH_ROUNDS=6,
                                              BENCH_URL=server.calls_url).split()]
            arrived = json.loads(server.get('arrivals'))
            disk += commits_ms(home)
        if len(arrived) != len(begun):
            raise RuntimeError(f'{len(arrived)} requests for {len(begun)} verbs')
        took = [(a - b) / 1e3 for a, b in zip(arrived, begun)]
        cold.append(took[0])
        warm += took[2::2]
        curl += took[3::2]
    curl = Samples(curl)
    row('7 :Piecework edit to request, warm, ms', Samples(warm), None, '<= 2')
    row('  the same over a curl process', Samples(warm), curl)
    row('  its commit alone, on its way to this disk, ms', Samples(disk))
    row('7 :Piecework edit to request with engine start, ms', Samples(cold), None, '<= 15')
    row('  the same over a curl process', Samples(cold), curl)


# ---- 11: apply and undo ------------------------------------------------------------------------------

def apply_project(home):
    """Plan 1: 5,000 hunks over 20 files, made without a model."""
    text = ''.join(f'line {i} calls old_name(with, some, arguments)\n' if i % STEP == 5 else f'line {i} of a text\n'
                   for i in range(1, HUNKS * STEP + 1))
    root = home.project('project', {f'm{i}.txt': text for i in range(1, FILES + 1)})
    each = ''.join(f'  - m{i}.txt\n' for i in range(1, FILES + 1))
    plan = home.path / 'plan.md'
    plan.write_text(f'---\ntitle: bench\n---\n## T01 rename\neach:\n{each}executor: substitute\npattern: old_name\n'
                    'replace: new_name\nword: true\n')
    home.run('run', str(plan), '--yes', '--no-verify', cwd=root)
    return root


def apply_in(name, rounds):
    with Home() as home:
        home.configure('http://127.0.0.1:9')
        root = apply_project(home)
        text = editor(name, HERE / 'editor/apply.lua', home, root, BENCH_FILES=FILES, BENCH_HUNKS=HUNKS, BENCH_STEP=STEP,
                      BENCH_ROUNDS=rounds)
    found = samples(text)
    if found['left_ours'].median != HUNKS or found['left_raw'].median != HUNKS or found['decided'].median != FILES * HUNKS:
        raise RuntimeError(f'{name}: not every hunk was applied: {text}')
    row(f'11 {name}: 5,000 hunks over 20 files, apply ms / raw recipe', found['ours'], found['raw'], '<= 1.5')
    row('  undo, ms / undo of the raw recipe', found['ours_undo'], found['raw_undo'], '<= 1.5')
    row('  the verb :Piecework apply, engine, loading and all, ms', found['verb'])
    row('  the same: largest gap of the main loop, ms', found['verb_gap'])
    m.row(f'13 growth of 11, 60 to 5,000 hunks, {name}: exponent',
          math.log(found['ours'].median / max(found['few'].median, 0.01), HUNKS / 3), None, '<= 1.1')


# ---- 14: a large review ------------------------------------------------------------------------------

def review_in(name, rounds):
    with Home() as home:
        home.configure('http://127.0.0.1:9')
        root = apply_project(home)
        text = editor(name, HERE / 'editor/review.lua', home, root, BENCH_ROUNDS=rounds, BENCH_KEYS=500)
    found = samples(text)
    if found['ours_next_line'].median != found['raw_next_line'].median:
        raise RuntimeError(f'{name}: ]c went elsewhere: {text}')
    row(f'14 {name}: review of 5,000 hunks opened, CPU ms / raw fill', found['ours_open'], found['raw_open'], '<= 1.5')
    row('  until its first screen, engine and all, ms', found['ours_first'])
    row('  until all of it is there, ms', found['ours_all'])
    row('  the same: largest gap of the main loop, ms', found['ours_gap'], None, '<= 50')
    row('14   ]c held down, 500 hunks with redraw, CPU ms / a search', found['ours_next'], found['raw_next'], '<= 1.5')
    row('  a hunk is decided: largest gap of the main loop, ms', found['decide_gap'], None, '<= 50')
    row('  the same with its 5,000 entries in the quickfix list, ms', found['tick_gap'])
    row('  all are accepted, the list too: largest gap, ms', found['all_gap'])


# ---- 12: startup -------------------------------------------------------------------------------------

def startup_once(name, home, with_plugin):
    log = home.path / 'startup'
    log.unlink(missing_ok=True)
    rtp = f' rtp^={ROOT}' if with_plugin else ''
    mode = ['--headless'] if 'nvim' in name else ['-es']
    subprocess.run([name, *mode, '-N', '-u', 'NONE', '-i', 'NONE', '--startuptime', str(log), '--cmd', f'set encoding=utf-8{rtp}',
                    '-c', 'runtime plugin/piecework.vim', '-c', 'qall!'], cwd=home.path, env=home.env, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    text = log.read_text(errors='replace')
    total = float(re.findall(r'^(\d+\.\d+)', text, re.M)[-1])
    found = re.search(r'^\d+\.\d+\s+(\d+\.\d+)\s+\d+\.\d+: sourcing \S*plugin/piecework\.vim', text, re.M)
    return total, float(found.group(1)) if found else 0.0


def startup(name):
    with Home() as home:
        having = [startup_once(name, home, True) for _ in range(4 * m.ROUNDS)]
        none = [startup_once(name, home, False) for _ in range(4 * m.ROUNDS)]
    row(f'12 {name}: plugin/ at startup, ms', Samples(s for _, s in having), None, '<= 0.5')
    row('  the whole start, ms / without it', Samples(t for t, _ in having), Samples(t for t, _ in none))


def main():
    m.head()
    rounds = max(1, (m.ROUNDS + 1) // 2)
    if shutil.which('nvim'):
        verbs(rounds)
    else:
        m.note('row 7 needs nvim')
    for name in editors():
        gaps_in(name, rounds)
        apply_in(name, m.ROUNDS)
        review_in(name, rounds)
        startup(name)
    return 0


if __name__ == '__main__':
    sys.exit(main())
