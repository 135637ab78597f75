#!/usr/bin/env python3
"""The patch engine against the least C program that does the same, GNU patch and git, in one run.

Each row is a ratio of medians. The engine and the C floor are timed inside their processes: reading the files
and making the new text, without process start and without writing it out. The peers are timed as processes.
Growth rows give the exponent between two sizes (1.0 = linear)."""

import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUNDS = int(os.environ.get('PIECEWORK_BENCH_ROUNDS', '5'))


def build(scratch):
    floor, engine = os.path.join(scratch, 'floor'), os.path.join(scratch, 'engine')
    subprocess.run(['cc', '-O2', '-o', floor, f'{ROOT}/tests/bench/patch_floor.c'], check=True)
    libs = subprocess.run(['pkg-config', '--libs', 'libgit2', 'libpcre2-8'], capture_output=True, text=True,
                          check=True).stdout.split()
    subprocess.run(['make', '-s', '-C', ROOT, 'build/patch.a', 'build/lib.a', 'build/base.a'], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(['cc', '-O2', '-std=gnu11', '-D_GNU_SOURCE', f'-I{ROOT}/native/src', '-o', engine,
                    f'{ROOT}/tests/bench/patch_engine.c', f'{ROOT}/build/patch.a', f'{ROOT}/build/lib.a',
                    f'{ROOT}/build/base.a', *libs, '-lm'], check=True)
    return floor, engine


def line(i):
    return f'    value_{i} = compute_something({i}, "some text of a usual length", {i * 7 % 1000})'


def make_file(path, lines):
    with open(path, 'w') as out:
        out.writelines(line(i) + '\n' for i in range(lines))


def make_edits(scratch, name, lines, hunks):
    """The same change as a reply, as edits for the floor, and as a unified diff."""
    step = lines // hunks
    reply, edits, diff = [], [], [f'--- a/{name}', f'+++ b/{name}']
    for k in range(hunks):
        i = k * step + step // 2
        around = [line(x) for x in range(i - 2, i + 3)]
        new = around[2] + ' # changed'
        reply += [name, '<<<<<<< SEARCH', *around, '=======', *around[:2], new, *around[3:], '>>>>>>> REPLACE']
        edits.append(f'{i + 1} {new}')
        diff += [f'@@ -{i - 1},5 +{i - 1},5 @@', ' ' + around[0], ' ' + around[1], '-' + around[2], '+' + new,
                 ' ' + around[3], ' ' + around[4]]
    paths = [os.path.join(scratch, f'{name}.{kind}') for kind in ('reply', 'edits', 'diff')]
    for path, rows in zip(paths, (reply, edits, diff)):
        with open(path, 'w') as out:
            out.write('\n'.join(rows) + '\n')
    return paths


def timed(command, **more):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)
    return time.perf_counter() - start


def median(command, rounds=ROUNDS, before=None, **more):
    times = []
    for _ in range(rounds):
        if before:
            before()
        times.append(timed(command, **more))
    return statistics.median(times)


def output(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def median_of(measure, rounds=ROUNDS):
    return statistics.median(measure() for _ in range(rounds))


def engine_ms(engine, file, reply, name, rounds=ROUNDS):
    """(milliseconds inside the engine, peak memory in bytes, tier) as the program itself reports them."""
    rows = [subprocess.run([engine, file, reply, name], check=True, capture_output=True, text=True).stdout.split()
            for _ in range(rounds)]
    return statistics.median(float(r[0]) for r in rows), int(rows[0][1]), rows[0][2]


def floor_ms(engine, file, rounds=ROUNDS):
    """Milliseconds the same program takes to read the file's bytes once, hashing every line."""
    rows = [subprocess.run([engine, file], check=True, capture_output=True, text=True).stdout.split()
            for _ in range(rounds)]
    return statistics.median(float(r[0]) for r in rows)


def row(text, value, goal):
    print(f'{text:66} {value:8.2f}   {goal}')


def many_hunks(scratch, floor, engine):
    name, lines, hunks = 'big.txt', 1_000_000, 10_000
    path = os.path.join(scratch, name)
    make_file(path, lines)
    reply, edits, diff = make_edits(scratch, name, lines, hunks)
    out = os.path.join(scratch, 'out')
    base = median_of(lambda: float(output([floor, path, edits, out])))
    ours, memory, _ = engine_ms(engine, path, reply, name)
    subprocess.run([engine, path, reply, name, out + '2'], check=True, stdout=subprocess.DEVNULL)
    assert open(out, 'rb').read() == open(out + '2', 'rb').read(), 'the results differ'
    size = os.path.getsize(path)
    row('10,000 blocks into 1,000,000 lines: engine / C floor', ours / base, 'goal <= 3')
    row('  the same as a unified diff', engine_ms(engine, path, diff, name)[0] / base, '')
    row('  peak memory / size of the file', memory / size, 'goal <= 3')
    if shutil.which('patch'):
        gnu = median(['patch', '-s', '-o', out, path, diff], rounds=3)
        row('  GNU patch / C floor', gnu * 1000 / base, 'a peer')
    work = os.path.join(scratch, 'work')
    os.makedirs(work)
    try:
        git = median(['timeout', '20', 'git', 'apply', diff], rounds=1, cwd=work,
                     before=lambda: shutil.copy(path, work))
        row('  git apply / C floor', git * 1000 / base, 'a peer')
    except subprocess.CalledProcessError:
        print(f'{"  git apply":66} over 20 s   a peer')
    one, _, _ = make_edits(scratch, 'big.txt', lines, 1)
    ours, _, _ = engine_ms(engine, path, one, name)
    row('one exact block in 1,000,000 lines: engine / reading and hashing', ours / floor_ms(engine, path), 'goal <= 3')


def fuzzy_block(scratch, engine):
    name, lines = 'fuzzy.txt', 200_000
    path = os.path.join(scratch, name)
    make_file(path, lines)
    i = lines - 50
    around = [line(x) for x in range(i - 5, i + 6)]
    wrong = list(around)
    wrong[2] = wrong[2].replace('something', 'somethnig')
    new = list(wrong)
    new[5] += ' # changed'
    reply = os.path.join(scratch, 'fuzzy.reply')
    with open(reply, 'w') as out:
        out.write('\n'.join([name, '<<<<<<< SEARCH', *wrong, '=======', *new, '>>>>>>> REPLACE', '']))
    ours, memory, tier = engine_ms(engine, path, reply, name)
    assert tier == 'fuzzy', tier
    row('fuzzy block near the end of 200,000 lines / reading and hashing', ours / floor_ms(engine, path), 'goal <= 3')
    row('  peak memory / size of the file', memory / os.path.getsize(path), 'goal <= 3')


def growth(scratch, engine):
    def ms(lines, hunks):
        name = f'grow{lines}.txt'
        path = os.path.join(scratch, name)
        make_file(path, lines)
        return engine_ms(engine, path, make_edits(scratch, name, lines, hunks)[0], name)[0]
    small, large = ms(10_000, 100), ms(1_000_000, 100)
    row('growth with the file, 10,000 to 1,000,000 lines, 100 blocks: exponent', math.log(large / small, 100), 'goal <= 1.1')
    few, many = ms(100_000, 100), ms(100_000, 10_000)
    row('growth with the blocks, 100 to 10,000 in 100,000 lines: exponent', math.log(many / few, 100), 'goal <= 1.1')
    row('1,000 blocks in 100,000 lines: ms', ms(100_000, 1000), '')


def main():
    scratch = tempfile.mkdtemp(prefix='bench-patch-')
    try:
        floor, engine = build(scratch)
        many_hunks(scratch, floor, engine)
        fuzzy_block(scratch, engine)
        growth(scratch, engine)
    finally:
        shutil.rmtree(scratch)
    return 0


if __name__ == '__main__':
    sys.exit(main())
