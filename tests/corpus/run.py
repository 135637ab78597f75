#!/usr/bin/env python3
"""run.py [--seed N] [--count N] [--classes A,B] [--binary PATH] [--keep DIR] [REPO...]

Generates cases of every class from the git histories of REPO... and applies each with `piecework patch`.
Prints a table by class and ends with "N passed, N failed". A case fails when a wrong text was written, when a
refusal has another code, or when anything but the wanted files changed. A recoverable case that is refused
counts against its class: 2 % may be, or one where a class has so few cases that 2 % of them are none."""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from classes import CLASSES
from histories import edits


def write(root, files):
    for path, data in files.items():
        place = os.path.join(root, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, 'wb') as out:
            out.write(data)


def read_tree(root):
    found = {}
    for folder, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d != '.git' and not os.path.islink(os.path.join(folder, d))]
        for name in names:
            place = os.path.join(folder, name)
            if os.path.isfile(place) and not os.path.islink(place):
                with open(place, 'rb') as file:
                    found[os.path.relpath(place, root)] = file.read()
    return found


def set_up_adversarial(root, outside):
    os.makedirs(os.path.join(root, 'dir'))
    os.makedirs(os.path.join(root, 'sub/.git/hooks'))
    os.symlink(outside, os.path.join(root, 'link'))
    os.symlink(os.path.join(outside, 'inner.txt'), os.path.join(root, 'outlink'))
    os.mkfifo(os.path.join(root, 'pipe'))
    write(root, {'ignored.log': b'x\n', '.gitignore': b'*.log\n', 'README.md': b'x\n'})
    subprocess.run(['git', 'init', '-q', root], check=True)


def run_case(case, binary, scratch):
    """'right', 'refused', or a sentence saying what is wrong."""
    shutil.rmtree(scratch, ignore_errors=True)
    root, base, outside = (os.path.join(scratch, x) for x in ('root', 'base', 'outside'))
    os.makedirs(outside)
    write(outside, {'inner.txt': b'x\n'})
    write(root, case.present or case.shown)
    args = list(case.args)
    if case.present:
        write(base, case.shown)
        args += ['--base', base]
    if case.setup == 'adversarial':
        set_up_adversarial(root, outside)
    before = read_tree(root)
    done = subprocess.run([binary, 'patch', '--root', root, '--json', *args], input=case.reply, capture_output=True,
                          timeout=120)
    if done.returncode not in (0, 1):
        return f'exit {done.returncode}: {done.stderr.decode(errors="replace")[:300]}'
    after = read_tree(root)
    if read_tree(outside) != {'inner.txt': b'x\n'}:
        return 'wrote outside the root'
    answer = json.loads(done.stdout)
    codes = [r['code'] for r in answer['refusals']]
    if done.returncode == 1:
        if after != before:
            return 'refused, but files changed'
        if case.codes and not set(codes) & set(case.codes):
            return f'refused as {codes}, not {list(case.codes)}'
        return 'refused'
    if case.want is None:
        return 'WRONG: applied what must be refused'
    if case.setup is None and after != case.want:
        return 'WRONG: another text was written'
    return 'right'


def judge(kind, case, outcome):
    """(passed, silently wrong)"""
    if outcome.startswith('WRONG') or outcome not in ('right', 'refused'):
        return False, outcome.startswith('WRONG')
    if case.want is None:
        return outcome == 'refused', False
    return outcome == 'right' or case.may_refuse, False


def keep(folder, number, case, outcome, scratch):
    place = os.path.join(folder, f'{case.name}-{number}')
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(scratch, place, symlinks=True, ignore_dangling_symlinks=True,
                    ignore=lambda d, names: [n for n in names if n in ('.git', 'pipe')])
    with open(os.path.join(place, 'reply'), 'wb') as out:
        out.write(case.reply)
    if case.want:
        write(os.path.join(place, 'want'), case.want)
    write(os.path.join(place, 'shown'), case.shown)
    with open(os.path.join(place, 'why'), 'w') as out:
        out.write(outcome + '\n' + ' '.join(case.args) + '\n')


def generate(repos, seed, count, wanted):
    """Cases round robin over the repositories until each class has its share."""
    rng = random.Random(seed)
    share = max(1, count // len(wanted))
    have = collections.Counter()
    for repo in repos:
        target = {name: (share * (repos.index(repo) + 1) + len(repos) - 1) // len(repos) for name in wanted}
        for edit in edits(repo, rng, count):
            for name in wanted:
                if have[name] >= target[name]:
                    continue
                case = CLASSES[name][1](edit, rng)
                if case:
                    have[name] += 1
                    yield name, case
            if all(have[name] >= target[name] for name in wanted):
                break


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=2400)
    parser.add_argument('--classes', default='')
    parser.add_argument('--binary', default='build/piecework')
    parser.add_argument('--keep', default='')
    parser.add_argument('repos', nargs='+')
    options = parser.parse_args()
    wanted = options.classes.split(',') if options.classes else list(CLASSES)
    table = collections.defaultdict(collections.Counter)
    scratch = tempfile.mkdtemp(prefix='corpus-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
    failed = total = wrong = 0
    for name, case in generate(options.repos, options.seed, options.count, wanted):
        kind = CLASSES[name][0]
        outcome = run_case(case, options.binary, scratch)
        passed, silent = judge(kind, case, outcome)
        total += 1
        wrong += silent
        row = table[name]
        row['cases'] += 1
        row['right'] += passed
        row['refused'] += outcome == 'refused'
        row['wrong'] += silent
        if not passed:
            if options.keep:
                keep(options.keep, row['cases'], case, outcome, scratch)
            print(f'# {name} {row["cases"]}: {outcome}', file=sys.stderr)
    shutil.rmtree(scratch, ignore_errors=True)
    print(f'{"class":22} {"kind":12} {"cases":>6} {"right":>6} {"refused":>8} {"wrong":>6}')
    for name in wanted:
        row, kind = table[name], CLASSES[name][0]
        may_refuse = max(1, row['cases'] // 50) if kind == 'recoverable' else 0
        bad = row['right'] + may_refuse < row['cases'] or row['wrong'] > 0
        failed += bad
        print(f'{name:22} {kind:12} {row["cases"]:6} {row["right"]:6} {row["refused"]:8} {row["wrong"]:6}{"  BAD" if bad else ""}')
    print(f'{total} cases, {wrong} silently wrong')
    print(f'{len(wanted) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
