"""msgpack, as much as our messages need: for what speaks to the engine in its place, or to it."""

import struct


def pack(value) -> bytes:
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if -32 <= value < 0:
            return struct.pack("b", value)
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogateescape")
        return (bytes([0xa0 + len(raw)]) if len(raw) < 32 else b"\xdb" + struct.pack(">I", len(raw))) + raw
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())


SIZES = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q",
         0xca: ">f", 0xcb: ">d"}
LENGTHS = {0xd9: ">B", 0xda: ">H", 0xdb: ">I", 0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xdc: ">H", 0xdd: ">I",
           0xde: ">H", 0xdf: ">I"}


class Reader:
    def __init__(self, stream) -> None:
        self.stream = stream

    def take(self, n: int) -> bytes:
        data = self.stream.read(n)
        if len(data) < n:
            raise EOFError
        return data

    def number(self, form: str):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, n: int) -> str:
        return self.take(n).decode("utf-8", "surrogateescape")

    def value(self):
        b = self.take(1)[0]
        if b < 0x80:
            return b
        if b < 0x90:
            return {self.value(): self.value() for _ in range(b & 15)}
        if b < 0xa0:
            return [self.value() for _ in range(b & 15)]
        if b < 0xc0:
            return self.text(b & 31)
        if b >= 0xe0:
            return b - 256
        if b in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[b]
        if b in SIZES:
            return self.number(SIZES[b])
        n = self.number(LENGTHS[b])
        if b in (0xdc, 0xdd):
            return [self.value() for _ in range(n)]
        if b in (0xde, 0xdf):
            return {self.value(): self.value() for _ in range(n)}
        return self.text(n)
