"""The case classes: each takes an edit from a history and a random generator and gives a Case, or None when
the edit does not lend itself to it. A class states what must come of it: the new text, or a refusal with one
of the given codes. `may_refuse` marks classes where a refusal is right too, but a wrong text never is."""

import os
import re
import subprocess
import tempfile

from histories import Block, blocks_of, count_run, join, render

WHOLE = object()


class Case:
    def __init__(self, name, reply, shown, want=None, codes=(), present=None, args=(), may_refuse=False, setup=None):
        self.name = name
        self.reply = reply if isinstance(reply, bytes) else reply.encode('utf-8')
        self.shown = {k: v if isinstance(v, bytes) else v.encode('utf-8') for k, v in shown.items()}
        self.want = None if want is None else {k: v if isinstance(v, bytes) else v.encode('utf-8') for k, v in want.items()}
        self.codes = codes
        self.present = None if present is None else {k: v.encode('utf-8') for k, v in present.items()}
        self.args, self.may_refuse, self.setup = list(args), may_refuse, setup


CLASSES = {}


def case_class(kind):
    """kind: exact, recoverable, refuse, safe."""
    def wrap(function):
        CLASSES[function.__name__] = (kind, function)
        return function
    return wrap


def sides(block):
    return list(block.search), list(block.replace)


def simple(edit, pairs, name, shown=None, want=None, **more):
    return Case(name, render(edit.path, pairs), {edit.path: shown or edit.old_text()}, {edit.path: want or edit.new_text()}, **more)


def indent(line):
    return line[:len(line) - len(line.lstrip(' \t'))]


def both(block, function):
    """SEARCH and REPLACE with [function] applied to each line of both."""
    return [function(x) for x in block.search], [function(x) for x in block.replace]


def context_lines(block):
    """Indexes in SEARCH of lines that REPLACE keeps and that are not blank."""
    return [i for i, k in enumerate(block.equal) if k is not None and block.search[i].strip()]


def unique_folded(edit, block):
    """SEARCH stays unique when blanks are ignored."""
    def fold(lines):
        return [' '.join(x.split()) for x in lines]
    return count_run(fold(edit.old), fold(block.search)) == 1


def folded_blocks(edit):
    blocks = blocks_of(edit)
    return blocks if blocks and all(unique_folded(edit, b) for b in blocks) else None


# --- exact and white space ---------------------------------------------------------------------------

@case_class('exact')
def exact(edit, rng):
    blocks = blocks_of(edit)
    return blocks and simple(edit, [sides(b) for b in blocks], 'exact')


@case_class('exact')
def out_of_order(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or len(blocks) < 2:
        return None
    pairs = [sides(b) for b in blocks]
    pairs.reverse()
    return simple(edit, pairs, 'out_of_order')


@case_class('exact')
def fewer_context(edit, rng):
    blocks = blocks_of(edit, context=1)
    return blocks and simple(edit, [sides(b) for b in blocks], 'fewer_context')


@case_class('exact')
def trailing_in_reply(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks or any(x != x.rstrip() for x in edit.old + edit.new):
        return None
    tail = rng.choice([' ', '  ', '\t'])
    return simple(edit, [both(b, lambda x: x + tail) for b in blocks], 'trailing_in_reply')


@case_class('exact')
def trailing_in_file(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks or any(x != x.rstrip() for x in edit.old + edit.new):
        return None
    old, new = list(edit.old), list(edit.new)
    touched = {x for i1, i2, j1, j2 in edit.changes for x in edit.old[i1:i2] + edit.new[j1:j2]}
    j = 0
    marked = 0
    for i1, i2, j1, j2 in edit.changes + [(len(old), len(old), len(new), len(new))]:
        while j < j1:
            i = i1 - (j1 - j)
            if rng.random() < 0.3 and old[i].strip() and old[i] not in touched:
                old[i] += '  '
                new[j] += '  '
                marked += 1
            j += 1
        j = j2
    return marked and simple(edit, [sides(b) for b in blocks], 'trailing_in_file', join(old), join(new))


def common_indent(lines):
    full = [indent(x) for x in lines if x.strip()]
    if not full:
        return ''
    least = min(full, key=len)
    return least if all(x.startswith(least) for x in full) else ''


@case_class('exact')
def outdented(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    pairs, any_cut = [], False
    for b in blocks:
        cut = common_indent(b.search + b.replace)
        any_cut |= bool(cut)
        pairs.append(both(b, lambda x: x[len(cut):] if x.strip() else x))
    return any_cut and simple(edit, pairs, 'outdented')


@case_class('exact')
def shifted(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    pad = rng.choice(['  ', '    ', '\t'])
    if any('\t' in indent(x) for x in edit.old) != (pad == '\t'):
        return None
    return simple(edit, [both(b, lambda x: pad + x if x.strip() else x) for b in blocks], 'shifted')


def unit_of(lines):
    widths = {len(indent(x)) for x in lines if x.strip() and indent(x)}
    for unit in (4, 2, 8, 3):
        if widths and all(w % unit == 0 for w in widths):
            return unit
    return None


@case_class('exact')
def tabs_for_spaces(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks or any('\t' in indent(x) for x in edit.old + edit.new):
        return None
    pairs = []
    for b in blocks:
        unit = unit_of(b.search + b.replace)
        if not unit or unit_of(b.search) != unit:
            return None
        pairs.append(both(b, lambda x: '\t' * (len(indent(x)) // unit) + x.lstrip(' ')))
    return simple(edit, pairs, 'tabs_for_spaces')


@case_class('exact')
def spaces_for_tabs(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    for b in blocks:
        if any(' ' in indent(x) for x in b.search + b.replace) or not any(indent(x) for x in b.search):
            return None
    width = rng.choice([2, 4, 8])
    return simple(edit, [both(b, lambda x: indent(x).replace('\t', ' ' * width) + x.lstrip('\t')) for b in blocks],
                  'spaces_for_tabs')


@case_class('exact')
def other_width(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks or any('\t' in indent(x) for x in edit.old):
        return None
    pairs = []
    for b in blocks:
        unit = unit_of(b.search + b.replace)
        levels = {len(indent(x)) for x in b.search if x.strip()}
        if unit not in (2, 4) or len(levels) < 2:
            return None
        new = 2 if unit == 4 else 4
        pairs.append(both(b, lambda x: ' ' * (len(indent(x)) // unit * new) + x.lstrip(' ')))
    return simple(edit, pairs, 'other_width')


@case_class('exact')
def first_line_only(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    pairs, any_cut = [], False
    for b in blocks:
        search, replace = sides(b)
        full = [x for x in search if x.strip()]
        if b.equal[0] != 0 or not search[0].strip() or len(full) < 2:
            return None
        any_cut |= bool(indent(search[0]))
        search[0] = search[0].lstrip()
        replace[0] = replace[0].lstrip()
        pairs.append((search, replace))
    return any_cut and simple(edit, pairs, 'first_line_only')


@case_class('exact')
def crlf_file(edit, rng):
    blocks = blocks_of(edit)
    return blocks and simple(edit, [sides(b) for b in blocks], 'crlf_file', join(edit.old, '\r\n'), join(edit.new, '\r\n'))


@case_class('exact')
def crlf_reply(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    return Case('crlf_reply', render(edit.path, [sides(b) for b in blocks], '\r\n'), {edit.path: edit.old_text()},
                {edit.path: edit.new_text()})


@case_class('exact')
def no_final_newline(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or not edit.new[-1] or not edit.old[-1]:
        return None
    return simple(edit, [sides(b) for b in blocks], 'no_final_newline', edit.old_text()[:-1], edit.new_text()[:-1])


@case_class('exact')
def byte_order_mark(edit, rng):
    blocks = blocks_of(edit)
    return blocks and simple(edit, [sides(b) for b in blocks], 'byte_order_mark', '\ufeff' + edit.old_text(),
                             '\ufeff' + edit.new_text())


@case_class('exact')
def foreign_bytes(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    places = [i for i in range(len(edit.old)) if not any(b.at <= i < b.end for b in blocks)]
    if not places:
        return None
    i = rng.choice(places)
    j = i + sum((j2 - j1) - (i2 - i1) for i1, i2, j1, j2 in edit.changes if i2 <= i)
    def with_byte(lines, at):
        return b''.join(x.encode() + (b' \xff\xfe' if k == at else b'') + b'\n' for k, x in enumerate(lines))
    return simple(edit, [sides(b) for b in blocks], 'foreign_bytes', with_byte(edit.old, i), with_byte(edit.new, j))


# --- the reply around the blocks ---------------------------------------------------------------------

@case_class('exact')
def chatter(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    parts = ['Sure, here is the change.', '']
    for b in blocks:
        lang = rng.choice(['', 'python', 'diff', 'c'])
        head = rng.choice([[edit.path, '```' + lang], ['```' + lang, edit.path], [f'### `{edit.path}`', '', '```' + lang],
                           [f'**{edit.path}**', '```' + lang], [f'File: {edit.path}', '```' + lang]])
        parts += [*head, '<<<<<<< SEARCH', *b.search, '=======', *b.replace, '>>>>>>> REPLACE', '```', '', 'Then:', '']
    parts += ['That is all. Let me know!', '']
    return Case('chatter', '\n'.join(parts), {edit.path: edit.old_text()}, {edit.path: edit.new_text()})


@case_class('exact')
def thinking(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    draft = render(edit.path, [(blocks[0].search, ['WRONG'])])
    reply = f'<think>\nLet me see.\n{draft}\nNo.\n</think>\n\n' + render(edit.path, [sides(b) for b in blocks])
    return Case('thinking', reply, {edit.path: edit.old_text()}, {edit.path: edit.new_text()})


@case_class('exact')
def odd_markers(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    head = rng.choice(['<<<<<<< SEARCH>', '<<<<<< SEARCH', '<<<<<<<<< search', '------- SEARCH', '<<<<<<< ORIGINAL', '  <<<<<<< SEARCH '])
    tail = rng.choice(['>>>>>>> REPLACE', '>>>>>> REPLACE ', '+++++++ REPLACE', '>>>>>>> UPDATED', ' >>>>>>> replace'])
    parts = []
    for b in blocks:
        if any(x.strip() and set(x.strip()) == {'='} for x in b.search + b.replace):
            return None
        parts += [edit.path, head, *b.search, rng.choice(['=======', '=====', '======== ']), *b.replace, tail]
    return Case('odd_markers', '\n'.join(parts) + '\n', {edit.path: edit.old_text()}, {edit.path: edit.new_text()})


@case_class('recoverable')
def close_path(edit, rng):
    blocks = blocks_of(edit)
    name = edit.path.rsplit('/', 1)[-1]
    if not blocks or len(name) < 6:
        return None
    at = rng.randrange(1, len(name) - 1)
    wrong = rng.choice([name, './' + edit.path, 'a/' + edit.path, 'project/' + edit.path,
                        edit.path[:len(edit.path) - len(name)] + name[:at] + name[at + 1:], edit.path.upper()])
    return Case('close_path', render(wrong, [sides(b) for b in blocks]), {edit.path: edit.old_text()},
                {edit.path: edit.new_text()}, args=['--file', edit.path])


@case_class('recoverable')
def line_numbers(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    pairs = []
    for b in blocks:
        at = b.at + 1
        search = [f'{at + i} | {x}' for i, x in enumerate(b.search)]
        replace = [f'{at + i} | {x}' for i, x in enumerate(b.replace)]
        pairs.append((search, replace))
    return simple(edit, pairs, 'line_numbers')


@case_class('recoverable')
def html_entities(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    def escape(x):
        return x.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    for b in blocks:
        if any('&' in x for x in b.search) or not any(escape(x) != x for x in b.search):
            return None
    return simple(edit, [both(b, escape) for b in blocks], 'html_entities')


@case_class('recoverable')
def dividers_in_text(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or len(blocks) != 1 or any(set(x) == {'='} for x in edit.old if x):
        return None
    b = blocks[0]
    kept = context_lines(b)
    if not kept:
        return None
    i = rng.choice(kept)
    search, replace = sides(b)
    line = '=' * rng.choice([5, 6, 7, 7, 8])
    search.insert(i + 1, line)
    replace.insert(b.equal[i] + 1, line)
    old, new = list(edit.old), list(edit.new)
    old.insert(b.at + i + 1, line)
    before = sum((j2 - j1) - (i2 - i1) for i1, i2, j1, j2 in edit.changes if i2 <= b.at + i)
    new.insert(b.at + i + 1 + before, line)
    return simple(edit, [(search, replace)], 'dividers_in_text', join(old), join(new))


@case_class('exact')
def unified_diff(edit, rng):
    import difflib
    text = '\n'.join(difflib.unified_diff(edit.old, edit.new, 'a/' + edit.path, 'b/' + edit.path, lineterm='', n=3))
    fence = rng.random() < 0.5
    return Case('unified_diff', f'```diff\n{text}\n```\n' if fence else text + '\n', {edit.path: edit.old_text()},
                {edit.path: edit.new_text()})


def git_in(folder, *args, stdin=None):
    return subprocess.run(['git', *args], cwd=folder, input=stdin, capture_output=True)


@case_class('recoverable')
def as_git_applies(edit, rng):
    """git's own diff on a text that moved since: the result is git's."""
    present = list(edit.old)
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(present) + 1)
        present[at:at] = [f'added meanwhile {rng.randrange(10 ** 6)}'] * rng.randrange(1, 4)
    eol = rng.choice(['\n', '\n', '\r\n'])
    last = rng.choice(['', eol])
    def text(lines):
        return (eol.join(lines) + last).encode()
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, 'f')
        def write(data):
            with open(place, 'wb') as out:
                out.write(data)
        git_in(folder, 'init', '-q')
        write(text(edit.old))
        git_in(folder, '-c', 'core.autocrlf=false', 'add', 'f')
        write(text(edit.new))
        diff = git_in(folder, '-c', 'core.autocrlf=false', 'diff').stdout
        write(text(present))
        if not diff or git_in(folder, '-c', 'core.autocrlf=false', 'apply', stdin=diff).returncode:
            return None
        with open(place, 'rb') as file:
            want = file.read()
    return Case('as_git_applies', diff, {'f': text(present)}, {'f': want})


@case_class('recoverable')
def diff_wrong_counts(edit, rng):
    import difflib
    if not blocks_of(edit):
        return None
    blocks = blocks_of(edit, context=3)
    if any(count_run(edit.old, b.search) != 1 for b in [Block(edit, [c], 3) for c in edit.changes]):
        return None
    lines = list(difflib.unified_diff(edit.old, edit.new, 'a/' + edit.path, 'b/' + edit.path, lineterm='', n=3))
    lines = [re.sub(r'^@@ .*', f'@@ -{rng.randrange(1, 99)},7 +{rng.randrange(1, 99)},9 @@', x) for x in lines]
    return Case('diff_wrong_counts', '```diff\n' + '\n'.join(lines) + '\n```\n', {edit.path: edit.old_text()},
                {edit.path: edit.new_text()})


# --- drift in the quoted lines -----------------------------------------------------------------------

def calm(lines, i, kept):
    """Whether the run of blank lines around line i, and its neighbours, are all kept by the edit."""
    first = last = i
    while first > 0 and not lines[first].strip():
        first -= 1
    while last + 1 < len(lines) and not lines[last].strip():
        last += 1
    return all(kept(x) for x in range(first, last + 1))


@case_class('recoverable')
def blank_lines_dropped(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    pairs, dropped = [], 0
    for b in blocks:
        gone_s, gone_r = set(), set()
        for i, k in enumerate(b.equal):
            # Where blank lines stand beside a change nobody could tell on which side of them it goes.
            if k is not None and not b.search[i].strip() and calm(b.search, i, lambda x: b.equal[x] is not None) \
                    and calm(b.replace, k, lambda x: x in b.equal):
                gone_s.add(i)
                gone_r.add(k)
        dropped += len(gone_s)
        pairs.append(([x for i, x in enumerate(b.search) if i not in gone_s],
                      [x for i, x in enumerate(b.replace) if i not in gone_r]))
    return dropped and simple(edit, pairs, 'blank_lines_dropped')


@case_class('recoverable')
def blank_lines_added(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    pairs, added = [], 0
    for b in blocks:
        search, replace = [], []
        where = None
        for i in range(1, len(b.search)):
            if b.equal[i] is not None and b.equal[i - 1] is not None and b.equal[i] == b.equal[i - 1] + 1 \
                    and b.search[i].strip() and b.search[i - 1].strip():
                where = i
        search, replace = sides(b)
        if where is not None:
            search.insert(where, '')
            replace.insert(b.equal[where], '')
            added += 1
        pairs.append((search, replace))
    return added and simple(edit, pairs, 'blank_lines_added')


@case_class('recoverable')
def typography(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks:
        return None
    pairs, changed = [], 0
    for b in blocks:
        search, replace = sides(b)
        for i in context_lines(b):
            fancy = search[i].replace("'", '\u2019').replace('"', '\u201c').replace(' - ', ' \u2013 ')
            changed += fancy != search[i]
            search[i] = replace[b.equal[i]] = fancy
        pairs.append((search, replace))
    return changed and simple(edit, pairs, 'typography')


@case_class('recoverable')
def elided_middle(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or len(blocks) != 1:
        return None
    b = Block(edit, [c for c in edit.changes], 12)
    runs = []
    start = None
    for i in range(len(b.equal) + 1):
        plain = i < len(b.equal) and b.equal[i] is not None and (i == 0 or b.equal[i] == (b.equal[i - 1] or 0) + 1 or start is None)
        if plain and start is None:
            start = i
        elif not plain and start is not None:
            if i - start >= 9:
                runs.append((start, i))
            start = None
    runs = [(a, z) for a, z in runs]
    if not runs:
        return None
    a, z = rng.choice(runs)
    a, z = a + 3, z - 3
    near, far = b.search[max(0, a - 3):a], b.search[z:z + 3]
    # Both pieces must be unique in the file, as the rules ask for.
    if count_run(edit.old, b.search[:a]) != 1 or count_run(edit.old, b.search[z:]) != 1 or len(far) < 3 or len(near) < 3:
        return None
    mark = rng.choice(['...', '    ...', '# ... existing code ...', '// ... rest of the code ...', '    # ... unchanged ...'])
    search = b.search[:a] + [mark] + b.search[z:]
    replace = b.replace[:b.equal[a]] + [mark] + b.replace[b.equal[z - 1] + 1:]
    return simple(edit, [(search, replace)], 'elided_middle')


def typo(line, rng):
    words = [m for m in re.finditer(r'[A-Za-z_]{4,}', line)]
    if not words:
        return None
    m = rng.choice(words)
    at = rng.randrange(m.start(), m.end() - 1)
    kind = rng.randrange(3)
    if kind == 0:
        out = line[:at] + line[at + 1:]
    elif kind == 1:
        out = line[:at] + line[at + 1] + line[at] + line[at + 2:]
    else:
        out = line[:at] + line[at] + line[at:]
    return out if out != line else None


def worth_fuzzing(block):
    return sum(1 for x in block.search if x.strip()) >= 4


@case_class('recoverable')
def typo_in_context(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks or not all(worth_fuzzing(b) for b in blocks):
        return None
    pairs, done = [], False
    for b in blocks:
        search, replace = sides(b)
        lines = [i for i in context_lines(b) if len(search[i].strip()) >= 12]
        if lines:
            i = rng.choice(lines)
            wrong = typo(search[i], rng)
            if wrong:
                search[i] = replace[b.equal[i]] = wrong
                done = True
        pairs.append((search, replace))
    return done and simple(edit, pairs, 'typo_in_context')


@case_class('recoverable')
def typo_in_replaced(edit, rng):
    blocks = folded_blocks(edit)
    if not blocks or not all(worth_fuzzing(b) for b in blocks):
        return None
    pairs, done = [], False
    for b in blocks:
        search, replace = sides(b)
        gone = [i for i, k in enumerate(b.equal) if k is None and len(search[i].strip()) >= 12]
        if gone and not done:
            i = rng.choice(gone)
            wrong = typo(search[i], rng)
            if wrong and wrong not in replace:
                search[i] = wrong
                done = True
        pairs.append((search, replace))
    # Only with the text the model saw is a slip known from a line that changed meanwhile.
    return done and simple(edit, pairs, 'typo_in_replaced', present={edit.path: edit.old_text()})


# --- several places ------------------------------------------------------------------------------------

def twin_edit(edit, rng):
    """A block whose SEARCH stands twice: the part around it is copied to the end of the file."""
    blocks = blocks_of(edit)
    if not blocks or len(blocks) != 1:
        return None
    b = blocks[0]
    around = edit.old[max(0, b.at - 6):b.end + 6]
    gap = ['', f'marker line number {rng.randrange(1000)}', ''] * 4
    return b, edit.old + gap + around, edit.new + gap + around, len(edit.old) + len(gap)


@case_class('refuse')
def twins_without_range(edit, rng):
    twin = twin_edit(edit, rng)
    if not twin:
        return None
    b, old, _, _ = twin
    return Case('twins_without_range', render(edit.path, [sides(b)]), {edit.path: join(old)}, codes=('ambiguous',))


@case_class('recoverable')
def twins_with_range(edit, rng):
    twin = twin_edit(edit, rng)
    if not twin:
        return None
    b, old, new, _ = twin
    return simple(edit, [sides(b)], 'twins_with_range', join(old), join(new),
                  args=['--file', f'{edit.path}:{b.at + 1}-{b.end}'])


@case_class('refuse')
def outside_range(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or len(edit.old) < 60:
        return None
    b = blocks[0]
    if any(x.strip().startswith(('import', 'from', '#include', 'use ', 'using', 'require', 'const')) for x in b.search + b.replace):
        return None
    far = [i for i in range(1, len(edit.old) - 5) if i > b.end + 12 or i + 5 < b.at - 10]
    if not far:
        return None
    at = rng.choice(far)
    return Case('outside_range', render(edit.path, [sides(b)]), {edit.path: edit.old_text()}, codes=('out_of_range',),
                args=['--file', f'{edit.path}:{at}-{at + 4}'])


# --- the file changed meanwhile ------------------------------------------------------------------------

def meanwhile(edit, rng, distances):
    """Someone adds a line [distance] lines from the first change; (present, wanted)."""
    i1, i2, j1, j2 = edit.changes[0]
    spots = [i1 - d for d in distances if i1 - d >= 0 and not any(c[0] - 6 < i1 - d < c[1] + 6 for c in edit.changes[1:])]
    if not spots:
        return None
    at = rng.choice(spots)
    line = f'    added meanwhile {rng.randrange(10 ** 6)}'
    return edit.old[:at] + [line] + edit.old[at:], edit.new[:at] + [line] + edit.new[at:]


@case_class('recoverable')
def stale_far(edit, rng):
    blocks, texts = blocks_of(edit), meanwhile(edit, rng, range(5, 40))
    if not blocks or not texts:
        return None
    return Case('stale_far', render(edit.path, [sides(b) for b in blocks]), {edit.path: edit.old_text()},
                {edit.path: join(texts[1])}, present={edit.path: join(texts[0])})


@case_class('recoverable')
def stale_near(edit, rng):
    blocks, texts = blocks_of(edit), meanwhile(edit, rng, range(2, 4))
    if not blocks or not texts:
        return None
    return Case('stale_near', render(edit.path, [sides(b) for b in blocks]), {edit.path: edit.old_text()},
                {edit.path: join(texts[1])}, present={edit.path: join(texts[0])})


@case_class('refuse')
def stale_conflict(edit, rng):
    blocks = blocks_of(edit)
    gone = [(i1, i2) for i1, i2, j1, j2 in edit.changes if i2 > i1]
    if not blocks or not gone:
        return None
    i = rng.randrange(*rng.choice(gone))
    present = list(edit.old)
    present[i] = present[i] + ' /* changed */'
    if present[i] in edit.new:
        return None
    return Case('stale_conflict', render(edit.path, [sides(b) for b in blocks]), {edit.path: edit.old_text()},
                codes=('stale',), present={edit.path: join(present)})


@case_class('refuse')
def changed_without_base(edit, rng):
    """As stale_conflict, but nobody says what the model saw."""
    blocks = blocks_of(edit)
    gone = [(i1, i2) for i1, i2, j1, j2 in edit.changes if i2 > i1]
    if not blocks or not gone:
        return None
    i = rng.randrange(*rng.choice(gone))
    present = list(edit.old)
    if not present[i].strip():
        return None
    present[i] += rng.choice([' // changed', '  # mine', ' + 1', ', other', ' 2'])
    if present[i] in edit.new:
        return None
    return Case('changed_without_base', render(edit.path, [sides(b) for b in blocks]), {edit.path: join(present)},
                codes=('stale', 'not_found', 'ambiguous', 'indent', 'unchanged'))


@case_class('refuse')
def stale_gone(edit, rng):
    """The target was removed meanwhile; a copy that differs in a line to be replaced stands elsewhere."""
    blocks = blocks_of(edit)
    if not blocks or len(blocks) != 1 or len(edit.old) < 12:
        return None
    b = blocks[0]
    gone = [i for i, k in enumerate(b.equal) if k is None]
    if not gone:
        return None
    copy = list(b.search)
    copy[rng.choice(gone)] += ' // other'
    present = edit.old[:b.at] + edit.old[b.end:] + ['', 'another part', ''] + copy
    return Case('stale_gone', render(edit.path, [sides(b)]), {edit.path: edit.old_text()}, codes=('stale',),
                present={edit.path: join(present)})


# --- must be refused -----------------------------------------------------------------------------------

@case_class('refuse')
def invented(edit, rng):
    """SEARCH quotes lines that are nowhere in the file."""
    lines = [f'    {w} = {rng.randrange(99)}' for w in ('quux', 'corge', 'grault', 'garply')]
    return Case('invented', render(edit.path, [(lines, lines[:2])]), {edit.path: edit.old_text()}, codes=('not_found',))


@case_class('refuse')
def one_bad_block(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    bad = (['no such line here', 'nor this one'], ['x'])
    pairs = [sides(b) for b in blocks]
    pairs.insert(rng.randrange(len(pairs) + 1), bad)
    return Case('one_bad_block', render(edit.path, pairs), {edit.path: edit.old_text()}, codes=('not_found',))


@case_class('refuse')
def overlapping(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    b = blocks[0]
    if len(b.search) < 2 or b.equal[-1] is None:
        return None
    changed = [i for i, k in enumerate(b.equal) if k is None]
    if not changed:
        return None
    other = ['another wish']
    return Case('overlapping', render(edit.path, [sides(b), (b.search, other)]), {edit.path: edit.old_text()},
                codes=('overlap',))


@case_class('refuse')
def truncated(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    reply = render(edit.path, [sides(b) for b in blocks])
    cut = reply.rindex('>>>>>>> REPLACE')
    start = reply.rindex('<<<<<<< SEARCH') + 16
    return Case('truncated', reply[:rng.randrange(start, cut + 1)], {edit.path: edit.old_text()}, codes=('truncated',))


@case_class('refuse')
def missing_divider(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or any(x.strip() and set(x.strip()) == {'='} for x in edit.old + edit.new):
        return None
    reply = render(edit.path, [sides(b) for b in blocks]).replace('\n=======\n', '\n', 1)
    return Case('missing_divider', reply, {edit.path: edit.old_text()}, codes=('malformed',))


@case_class('safe')
def lazy_replace(edit, rng):
    """REPLACE leaves out lines that SEARCH has, with a remark."""
    blocks = blocks_of(edit)
    if not blocks or len(blocks) != 1:
        return None
    b = Block(edit, edit.changes, 6)
    if count_run(edit.old, b.search) != 1 or len(b.replace) < 6:
        return None
    kept = {k: i for i, k in enumerate(b.equal) if k is not None}
    spots = [i for i in range(1, len(b.replace) - 3) if b.replace[i].strip()
             and all(kept.get(i + d) is not None and kept[i + d] == kept.get(i - 1, -9) + d + 1 for d in (0, 1, 2))]
    if not spots:
        return None
    at = rng.choice(spots)
    mark = rng.choice(['# ... existing code ...', '// ... rest unchanged ...', '    ...', '/* ... */'])
    replace = b.replace[:at] + [mark] + b.replace[at + 2:]
    return Case('lazy_replace', render(edit.path, [(b.search, replace)]), {edit.path: edit.old_text()},
                {edit.path: edit.new_text()}, may_refuse=True)


@case_class('safe')
def conflict_markers(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    b = blocks[0]
    replace = ['<<<<<<< HEAD', *b.search, '>>>>>>> theirs']
    return Case('conflict_markers', render(edit.path, [(b.search, replace)]), {edit.path: edit.old_text()},
                codes=('conflict_markers',))


ADVERSARIAL = [
    ('../../etc/passwd', ('path_outside',)), ('/etc/passwd', ('path_outside',)), ('~/.profile', ('path_outside',)),
    ('C:/x.txt', ('path_outside',)), ('.git/config', ('path_git',)), ('sub/.git/hooks/x', ('path_git',)),
    ('x/../../y.txt', ('path_outside',)), ('link/inner.txt', ('path_symlink',)), ('outlink', ('path_symlink',)),
    ('ignored.log', ('path_ignored',)), ('pipe', ('path_special',)), ('dir', ('path_special',)),
    ('README.MD', ('path_case',)),
]


@case_class('refuse')
def adversarial_path(edit, rng):
    path, codes = rng.choice(ADVERSARIAL)
    search = [] if rng.random() < 0.5 else ['x']
    return Case('adversarial_path', render(path, [(search, ['y'])]), {edit.path: edit.old_text()}, codes=codes,
                setup='adversarial')


@case_class('refuse')
def not_listed(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    return Case('not_listed', render('some/other_file_entirely.txt', [sides(b) for b in blocks]),
                {edit.path: edit.old_text()}, codes=('not_listed',), args=['--file', edit.path])


@case_class('refuse')
def hostile_bytes(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    reply = render(edit.path, [sides(b) for b in blocks]).encode()
    bad = rng.choice([b'\0', b'\xff', b'\xc0\x80', b'\xed\xa0\x80'])
    at = reply.index(b'=======') + 8
    return Case('hostile_bytes', reply[:at] + bad + reply[at:], {edit.path: edit.old_text()}, codes=('not_text',))


@case_class('refuse')
def emptied(edit, rng):
    return Case('emptied', render(edit.path, [(edit.old, [])]), {edit.path: edit.old_text()}, codes=('emptied',))


@case_class('refuse')
def no_change(edit, rng):
    blocks = blocks_of(edit)
    if not blocks:
        return None
    return Case('no_change', render(edit.path, [(b.search, b.search) for b in blocks]), {edit.path: edit.old_text()},
                codes=('unchanged',))


# --- whole files ---------------------------------------------------------------------------------------

@case_class('exact')
def new_file(edit, rng):
    path = 'fresh/' + edit.path
    if rng.random() < 0.5:
        reply = render(path, [([], edit.new)])
    else:
        if any(x.lstrip().startswith(('```', '~~~')) for x in edit.new):
            return None
        reply = f'{path}\n```\n{join(edit.new)}```\n'
    if any('...' in x or 'existing' in x or 'unchanged' in x for x in edit.new):
        return None
    if any(x.startswith(('<<<<<<<', '>>>>>>>', '=======', '--- ', '@@')) for x in edit.new):
        return None
    return Case('new_file', reply, {edit.path: edit.old_text()}, {edit.path: edit.old_text(), path: edit.new_text()})


@case_class('exact')
def deleted_by_diff(edit, rng):
    import difflib
    text = '\n'.join(difflib.unified_diff(edit.old, [], 'a/' + edit.path, '/dev/null', lineterm=''))
    return Case('deleted_by_diff', text + '\n', {edit.path: edit.old_text(), 'keep.txt': 'x\n'}, {'keep.txt': 'x\n'})


@case_class('exact')
def renamed_by_diff(edit, rng):
    import difflib
    target = 'moved/' + edit.path
    text = '\n'.join(difflib.unified_diff(edit.old, edit.new, 'a/' + edit.path, 'b/' + target, lineterm=''))
    head = f'diff --git a/{edit.path} b/{target}\nsimilarity index 90%\nrename from {edit.path}\nrename to {target}\n'
    return Case('renamed_by_diff', head + text + '\n', {edit.path: edit.old_text()}, {target: edit.new_text()})


@case_class('recoverable')
def bare_range(edit, rng):
    blocks = blocks_of(edit)
    if not blocks or len(blocks) != 1:
        return None
    b = blocks[0]
    if b.equal[0] is None or b.equal[-1] is None or not b.search[0].strip() or not b.search[-1].strip():
        return None
    if any(x.lstrip().startswith('```') or '...' in x for x in b.replace):
        return None
    return Case('bare_range', '```\n' + join(b.replace) + '```\n', {edit.path: edit.old_text()},
                {edit.path: edit.new_text()}, args=['--file', f'{edit.path}:{b.at + 1}-{b.end}'])
