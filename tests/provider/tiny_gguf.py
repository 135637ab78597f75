#!/usr/bin/env python3
"""A language model of a few hundred kilobytes, for tests against a real llama-server. Standard library only.

    python3 tests/provider/tiny_gguf.py OUT.gguf [--seed N] [--say MARK=TEXT]... [--forever MARK=TEXT]...

The architecture is llama (two layers, 64 dimensions), the tokenizer one token per byte, the weights are random from
a fixed seed: what such a model says is noise, but it says it through a real tokenizer, chat template, grammar
and sampler, and the same file comes out every time.

`say` makes it answer: where the conversation's last message contains MARK, the reply is TEXT to the byte. The pieces
of TEXT are tokens of their own, the chat template ends the prompt with a token that stands for TEXT, and the output
row of each piece is the embedding of the one before it, so that it wins over all the noise. A reply of `forever`
begins again where it ends. Tool calls are written as
`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, which llama-server reads out of the text when tools are
offered (say_calls writes them).

`slow_start` makes loading last: before it is ready llama-server tries the template out on conversations without a
system message, and for those the template counts to that number (10,000 take about a second).

The file format is GGUF version 3, as described in docs/gguf.md of github.com/ggml-org/ggml: header, metadata,
tensor table, padding, tensors. The names of the tensors and of `tokenizer.ggml.*` are those of the same page and of
llama.cpp, whose SentencePiece tokenizer ("llama") needs no merges and falls back to bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import struct
from pathlib import Path

WIDTH, HEADS, LAYERS, FEED, CONTEXT = 64, 2, 2, 64, 32768
ALIGNMENT = 32
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5  # value types of the metadata
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # kinds of tokens
SURE = 8.0  # how long the output row of a piece is: about 60 in logits, against about 10 of the noise
LOUD, QUIET = 3.0, 0.3  # rows of printable characters, and of all else

# Messages one after another, each between tokens of its own; then tools, and calls as they must be written.
TEMPLATE = """\
{%- if messages[0].role != 'system' %}{% for i in range(SLOW) %}{% endfor %}{% endif %}
{%- if tools %}<|system|>Tools: {{ tools | tojson }}
A call is written <tool_call>{"name": NAME, "arguments": {...}}</tool_call><|end|>{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}<|user|><tool_response>{{ message.content }}</tool_response><|end|>
{%- elif message.role == 'assistant' %}<|assistant|>{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|end|>
{%- else %}<|{{ message.role }}|>{{ message.content }}<|end|>
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>CUES{% endif %}"""


def say_calls(*calls: tuple[str, dict]) -> str:
    return "".join(f"<tool_call>\n{json.dumps({'name': name, 'arguments': given})}\n</tool_call>" for name, given in calls)


def _cues(marks: list[str]) -> str:
    """The part of the template that says which reply is meant."""
    last = "(messages[-1].content or '')"
    words = [f"{{% {'elif' if at else 'if'} {json.dumps(mark)} in {last} %}}<|say{at}|>" for at, mark in enumerate(marks)]
    return "".join(words) + ("{% endif %}" if marks else "")


class Vocabulary:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.kinds: list[int] = []
        self.known: set[str] = set()
        self.next: dict[int, int] = {}  # a token -> the one that must follow
        self.add("<unk>", UNKNOWN)
        self.start, self.end = self.add("<s>", CONTROL), self.add("</s>", CONTROL)
        for byte in range(256):
            self.add(f"<0x{byte:02X}>", BYTE)
        self.add("\u2581", NORMAL)  # a space, as SentencePiece spells it
        for name in ("system", "user", "assistant", "end"):
            self.add(f"<|{name}|>", CONTROL)

    def add(self, text: str, kind: int) -> int:
        assert text not in self.known, text
        self.known.add(text)
        self.texts.append(text)
        self.kinds.append(kind)
        return len(self.texts) - 1

    def say(self, cue: str, text: str, forever: bool = False) -> None:
        """Pieces of about twelve characters, none of them twice in the vocabulary, so that each knows what follows."""
        at, before = 0, self.add(cue, CONTROL)
        first = before + 1
        text = text.replace(" ", "\u2581")
        while at < len(text):
            size = 12
            while text[at : at + size] in self.known and at + size < len(text):
                size += 1
            piece = self.add(text[at : at + size], NORMAL)
            self.next[before] = piece
            before, at = piece, at + size
        self.next[before] = first if forever else self.end


def _metadata(vocabulary: Vocabulary, template: str) -> list[tuple[str, int, object]]:
    count = len(vocabulary.texts)
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "tiny"),
        ("general.alignment", U32, ALIGNMENT),
        ("llama.context_length", U32, CONTEXT),
        ("llama.embedding_length", U32, WIDTH),
        ("llama.block_count", U32, LAYERS),
        ("llama.feed_forward_length", U32, FEED),
        ("llama.rope.dimension_count", U32, WIDTH // HEADS),
        ("llama.attention.head_count", U32, HEADS),
        ("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
        ("llama.vocab_size", U32, count),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, vocabulary.texts)),
        ("tokenizer.ggml.scores", ARRAY, (F32, [0.0] * count)),
        ("tokenizer.ggml.token_type", ARRAY, (I32, vocabulary.kinds)),
        ("tokenizer.ggml.unknown_token_id", U32, 0),
        ("tokenizer.ggml.bos_token_id", U32, vocabulary.start),
        ("tokenizer.ggml.eos_token_id", U32, vocabulary.end),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.ggml.add_space_prefix", BOOL, False),
        ("tokenizer.chat_template", STRING, template),
    ]


def _value(kind: int, value: object) -> bytes:
    if kind == STRING:
        data = value.encode()
        return struct.pack("<Q", len(data)) + data
    if kind == ARRAY:
        of, items = value
        return struct.pack("<IQ", of, len(items)) + b"".join(_value(of, item) for item in items)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


class Tensors:
    """Rows of floats, under their names. A tensor of [rows] rows maps [width] numbers to [rows]."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.all: list[tuple[str, list[int], bytes]] = []

    def row(self, width: int, length: float) -> list[float]:
        return [self.dice.gauss(0, 1) * length / width**0.5 for _ in range(width)]

    def add(self, name: str, rows: list[list[float]]) -> None:
        shape = [len(rows[0])] + ([len(rows)] if len(rows) > 1 else [])
        self.all.append((name, shape, b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)))

    def add_random(self, name: str, width: int, rows: int, length: float) -> None:
        self.add(name, [self.row(width, length) for _ in range(rows)])


def _weights(vocabulary: Vocabulary, seed: int) -> Tensors:
    tensors = Tensors(seed)
    embedding = [tensors.row(WIDTH, 1) for _ in vocabulary.texts]
    output = [tensors.row(WIDTH, LOUD if _is_printable(vocabulary, at) else QUIET) for at in range(len(embedding))]
    for before, after in vocabulary.next.items():  # added, for more than one reply ends at the same token
        output[after] = [a + SURE * b for a, b in zip(output[after], embedding[before])]
    tensors.add("token_embd.weight", embedding)
    tensors.add("output.weight", output)
    tensors.add("output_norm.weight", [[1.0] * WIDTH])
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            tensors.add(f"{name}{norm}.weight", [[1.0] * WIDTH])
        for part in ("attn_q", "attn_k", "attn_v"):
            tensors.add_random(f"{name}{part}.weight", WIDTH, WIDTH, 1)
        tensors.add_random(f"{name}attn_output.weight", WIDTH, WIDTH, 0.01)  # what is added stays small
        tensors.add_random(f"{name}ffn_gate.weight", WIDTH, FEED, 1)
        tensors.add_random(f"{name}ffn_up.weight", WIDTH, FEED, 1)
        tensors.add_random(f"{name}ffn_down.weight", FEED, WIDTH, 0.01)
    return tensors


def _is_printable(vocabulary: Vocabulary, token: int) -> bool:
    """Letters, digits and what JSON and code need; the end of a reply is among them, or none would ever end."""
    return 3 + 0x20 <= token < 3 + 0x7F or token == vocabulary.end


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)


def write(path: Path, say: dict[str, str] | None = None, forever: dict[str, str] | None = None, slow_start: int = 0,
          seed: int = 1) -> Path:
    """The model as a file. [say], [forever]: what the last message contains -> the reply; the first that fits counts."""
    vocabulary = Vocabulary()
    replies = [(mark, text, False) for mark, text in (say or {}).items()]
    replies += [(mark, text, True) for mark, text in (forever or {}).items()]
    for at, (_, text, again) in enumerate(replies):
        vocabulary.say(f"<|say{at}|>", text, again)
    template = TEMPLATE.replace("CUES", _cues([mark for mark, _, _ in replies])).replace("SLOW", str(slow_start))
    metadata = _metadata(vocabulary, template)
    tensors = _weights(vocabulary, seed).all
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        head += _value(STRING, key) + struct.pack("<I", kind) + _value(kind, value)
    body = b""
    for name, shape, data in tensors:
        head += _value(STRING, name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body))
        body += _padded(data)
    path.write_bytes(_padded(head) + body)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow-start", type=int, default=0)
    for name in ("--say", "--forever"):
        parser.add_argument(name, action="append", default=[], metavar="MARK=TEXT")
    given = parser.parse_args()
    say, forever = (dict(item.split("=", 1) for item in items) for items in (given.say, given.forever))
    write(given.out, say, forever, given.slow_start, given.seed)


if __name__ == "__main__":
    main()
