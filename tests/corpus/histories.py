"""Edits from git histories: pairs of texts of one file before and after a commit, and SEARCH/REPLACE blocks
cut from their difference. Everything is drawn with the given random generator, so that a seed and a set of
repositories give the same edits again."""

import difflib
import os
import subprocess

MAX_BYTES = 120_000
MAX_LINES = 2500


class Edit:
    """One file of one commit: `old` and `new` are lists of lines without line ends, both ending in one."""

    def __init__(self, repo, commit, path, old, new):
        self.repo, self.commit, self.path, self.old, self.new = repo, commit, path, old, new
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        self.changes = [op[1:] for op in matcher.get_opcodes() if op[0] != 'equal']

    def old_text(self):
        return join(self.old)

    def new_text(self):
        return join(self.new)


def join(lines, eol='\n'):
    return ''.join(line + eol for line in lines)


def git(repo, *args, stdin=None):
    env = dict(os.environ, GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_COUNT='1', GIT_CONFIG_KEY_0='safe.directory',
               GIT_CONFIG_VALUE_0='*')
    return subprocess.run(['git', '-C', repo, *args], input=stdin, capture_output=True, check=True, env=env).stdout


def changed_files(repo, limit):
    """(commit, path) of modifications, newest first."""
    out = git(repo, 'log', '--no-merges', '--diff-filter=M', '--name-only', '--format=%x00%H', '-n', str(limit), '--all')
    for part in out.decode('utf-8', 'replace').split('\0')[1:]:
        lines = part.split('\n')
        for path in lines[1:]:
            if path and not path.startswith('"'):
                yield lines[0], path


def blob(repo, spec):
    try:
        return git(repo, 'cat-file', 'blob', spec)
    except subprocess.CalledProcessError:
        return None


def text_lines(data):
    """The lines of a plain text: UTF-8, LF only, newline at the end; None for anything else."""
    if not data or len(data) > MAX_BYTES or b'\0' in data or b'\r' in data or not data.endswith(b'\n'):
        return None
    try:
        lines = data.decode('utf-8').split('\n')[:-1]
    except UnicodeDecodeError:
        return None
    if len(lines) > MAX_LINES or data.startswith(b'\xef\xbb\xbf'):
        return None
    return lines


def mutated(lines, rng):
    """The lines with one to three places changed, added to or cut."""
    new = list(lines)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(new))
        kind = rng.randrange(3)
        if kind == 0:
            del new[at:at + rng.randrange(1, 4)]
        elif kind == 1:
            source = rng.randrange(len(lines))
            new[at:at] = [x.replace('e', 'ee', 1) for x in lines[source:source + rng.randrange(1, 5)]]
        elif new[at].strip():
            new[at] = new[at].replace('a', 'o', 1) + rng.choice(['', '  # changed', ';'])
    return new


def synthetic(folder, rng, count):
    """Edits made up from the files of a folder that is no repository."""
    places = sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names
                    if name.endswith(('.py', '.c', '.h', '.lua', '.vim', '.js', '.txt')))
    for _ in range(count * 4):
        place = rng.choice(places)
        try:
            with open(place, 'rb') as file:
                old = text_lines(file.read())
        except OSError:
            continue
        if old is None or len(old) < 20:
            continue
        new = mutated(old, rng)
        if new and new != old:
            yield Edit(folder, '', os.path.relpath(place, folder), old, new)


def edits(repo, rng, count, limit=4000):
    """Up to [count] edits of [repo] of at most 6 changes and 60 changed lines."""
    if not os.path.isdir(os.path.join(repo, '.git')) and not os.path.isdir(os.path.join(repo, 'objects')):
        yield from synthetic(repo, rng, count)
        return
    candidates = list(changed_files(repo, limit))
    rng.shuffle(candidates)
    found = 0
    for commit, path in candidates:
        old = text_lines(blob(repo, f'{commit}^:{path}'))
        new = text_lines(blob(repo, f'{commit}:{path}'))
        if old is None or new is None or old == new or len(old) < 8:
            continue
        edit = Edit(repo, commit, path, old, new)
        size = sum(max(i2 - i1, j2 - j1) for i1, i2, j1, j2 in edit.changes)
        if len(edit.changes) > 6 or size > 60:
            continue
        yield edit
        found += 1
        if found >= count:
            return


def count_run(lines, run):
    """How often the run of lines occurs."""
    if not run:
        return 0
    first, n = run[0], len(run)
    return sum(1 for i, line in enumerate(lines) if line == first and lines[i:i + n] == run)


class Block:
    """SEARCH is old[at:end]; `equal` holds for each SEARCH line its index in REPLACE, or None when changed."""

    def __init__(self, edit, changes, context):
        self.at = max(0, changes[0][0] - context)
        self.end = min(len(edit.old), changes[-1][1] + context)
        self.search = edit.old[self.at:self.end]
        self.replace, self.equal = [], []
        i = self.at
        for i1, i2, j1, j2 in changes:
            while i < i1:
                self.equal.append(len(self.replace))
                self.replace.append(edit.old[i])
                i += 1
            self.equal += [None] * (i2 - i1)
            self.replace += edit.new[j1:j2]
            i = i2
        while i < self.end:
            self.equal.append(len(self.replace))
            self.replace.append(edit.old[i])
            i += 1


def blocks_of(edit, context=3, unique=True):
    """The edit as blocks that do not share lines; None when some SEARCH cannot be made unique."""
    for more in range(context, 9):
        groups = []
        for change in edit.changes:
            if groups and change[0] - groups[-1][-1][1] <= 2 * more:
                groups[-1].append(change)
            else:
                groups.append([change])
        blocks = [Block(edit, group, more) for group in groups]
        if not unique or all(b.search and count_run(edit.old, b.search) == 1 for b in blocks):
            return blocks
    return None


def render(path, blocks, eol='\n'):
    out = []
    for search, replace in blocks:
        out += [path, '<<<<<<< SEARCH', *search, '=======', *replace, '>>>>>>> REPLACE', '']
    return eol.join(out) + eol
