"""What the benches share: the table, medians, scratch homes, the loopback provider, the C programs beside this file.

A row is a figure, ours, its baseline measured in the same run, and the ratio; the goal is a bound on the ratio
(or on the figure, where there is no baseline). Nothing here fails because something is slow."""

import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / 'tests/bench'
OUT = ROOT / 'build/bench'
BINARY = Path(os.environ.get('PIECEWORK_BIN', ROOT / 'build/piecework'))
ROUNDS = int(os.environ.get('PIECEWORK_BENCH_ROUNDS', '5'))


# ---- the table ---------------------------------------------------------------------------------------

def fmt(value):
    if value is None:
        return ''
    if isinstance(value, str):
        return value
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'


class Samples(list):
    """Several measurements of one figure: a median, and how far they lie apart."""

    @property
    def median(self):
        return statistics.median(self)

    def __str__(self):
        if len(self) < 2:
            return fmt(self[0])
        return f'{fmt(self.median)} [{fmt(min(self))}-{fmt(max(self))}]'


def middle(value):
    return value.median if isinstance(value, Samples) else value


def head():
    print(f'{"figure":58} {"ours":>24} {"baseline":>24} {"ratio":>8}  {"goal":12}', flush=True)


def row(figure, ours, baseline=None, goal='', ratio=None):
    """[goal]: '<= 2' and '>= 0.7' judge the ratio, or ours where there is no baseline; '' judges nothing."""
    if ratio is None and baseline is not None:
        ratio = middle(ours) / middle(baseline)
    judged = ratio if ratio is not None else middle(ours)
    verdict = ''
    if goal:
        sign, bound = goal.split()[:2]
        good = judged <= float(bound) if sign == '<=' else judged >= float(bound)
        verdict = 'ok' if good else 'MISSED'
    show = [str(v) if isinstance(v, Samples) else fmt(v) for v in (ours, baseline)]
    print(f'{figure:58} {show[0]:>24} {show[1]:>24} {fmt(ratio):>8}  {goal:12} {verdict}'.rstrip(), flush=True)


def note(text):
    print(f'  ({text})', flush=True)


# ---- programs ----------------------------------------------------------------------------------------

def build(name, source, *packages, flags=()):
    """A C program beside this file, compiled when it is newer than its binary."""
    OUT.mkdir(parents=True, exist_ok=True)
    made, source = OUT / name, HERE / source
    if made.exists() and made.stat().st_mtime > source.stat().st_mtime:
        return str(made)
    libs = subprocess.run(['pkg-config', '--cflags', '--libs', *packages], capture_output=True, text=True,
                          check=True).stdout.split()
    subprocess.run(['cc', '-O2', '-std=gnu11', '-D_GNU_SOURCE', *flags, '-o', str(made), str(source), *libs],
                   check=True)
    return str(made)


def msgpack():
    return 'msgpack-c' if subprocess.run(['pkg-config', '--exists', 'msgpack-c']).returncode == 0 else 'msgpack'


def peer():
    return build('peer', 'peer.c', 'libuv', 'libcurl', msgpack())


def peer_without_http():
    return build('peer_bare', 'peer.c', 'libuv', msgpack(), flags=['-DNO_HTTP'])


class Ran:
    """A finished program: wall and CPU microseconds, peak memory in KiB."""

    def __init__(self, argv, check=True, **more):
        begin = time.perf_counter()
        more.setdefault('stdout', subprocess.PIPE)
        more.setdefault('stderr', subprocess.PIPE)
        more.setdefault('stdin', subprocess.DEVNULL)
        process = subprocess.Popen(argv, text=True, errors='replace', **more)
        self.out = process.stdout.read() if process.stdout else ''
        err = process.stderr.read() if process.stderr else ''
        _, status, use = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.wall_us = (time.perf_counter() - begin) * 1e6
        self.cpu_us = (use.ru_utime + use.ru_stime) * 1e6
        self.peak_kib = use.ru_maxrss
        if check and process.returncode:
            raise RuntimeError(f'{" ".join(map(str, argv))[:200]}: exit {process.returncode}\n{err[-2000:]}{self.out[-500:]}')


# ---- a provider and a home ---------------------------------------------------------------------------

class Server:
    """loopback.c: answers after [delay] ms; with [tokens] streams that many words at [rate] a second."""

    def __init__(self, delay=0, tokens=0, rate=200):
        program = build('loopback', 'loopback.c', 'libuv')
        self.process = subprocess.Popen([program, str(delay), str(tokens), str(rate)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = f'http://127.0.0.1:{int(self.process.stdout.readline())}'
        self.calls_url = self.url + '/v1/messages'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def get(self, what):
        with urllib.request.urlopen(f'{self.url}/{what}', timeout=30) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self.get('stats'))

    def reset(self):
        self.get('reset')


class Home:
    """A scratch directory with a home, a configuration and a state of its own."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix='piecework-bench-')).resolve()
        for name in ('home', 'config/piecework', 'state', 'runtime'):
            (self.path / name).mkdir(parents=True, mode=0o700)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(('ANTHROPIC', 'OPENAI', 'GIT_', 'PIECEWORK', 'XDG_')) and 'proxy' not in k.lower()}
        self.env.update(HOME=str(self.path / 'home'), XDG_CONFIG_HOME=str(self.path / 'config'),
                        XDG_STATE_HOME=str(self.path / 'state'), XDG_RUNTIME_DIR=str(self.path / 'runtime'),
                        XDG_DATA_HOME=str(self.path / 'data'), ANTHROPIC_API_KEY='not-a-real-key', LC_ALL='C.UTF-8',
                        GIT_CONFIG_NOSYSTEM='1', EDITOR='true')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def configure(self, url, parallel=64, **more):
        config = {'providers': {'anthropic': {'base_url': url, 'key': {'env': 'ANTHROPIC_API_KEY'}, 'limit': parallel}},
                  'models': {'big': ['anthropic/claude-opus-5-5'], 'small': ['anthropic/claude-haiku-5-5']},
                  'budget': 500, 'parallel': parallel, 'pilot': 'never', 'advice': False, **more}
        (self.path / 'config/piecework/config.json').write_text(json.dumps(config))

    def project(self, name, files):
        """A git repository with [files] (name -> text), committed."""
        root = self.path / name
        root.mkdir()
        for path, text in files.items():
            (root / path).write_text(text)
        for argv in (['init', '-q', '-b', 'main'], ['config', 'user.name', 'Bench'],
                     ['config', 'user.email', 'bench@example.invalid'], ['add', '-A'], ['commit', '-q', '-m', 'start']):
            subprocess.run(['git', *argv], cwd=root, env=self.env, check=True, stdout=subprocess.DEVNULL)
        return root

    def run(self, *argv, cwd, check=True):
        return Ran([str(BINARY), *argv], check=check, cwd=cwd, env=self.env)


def value_files(n):
    """n small files; the loopback provider knows what to answer for each."""
    return {f'f{i}.txt': f'# settings of part {i}\nname_{i} = part\nvalue_{i} = 1\nother_{i} = yes\n' for i in range(1, n + 1)}


def children_peak_kib():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
