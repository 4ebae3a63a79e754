# SPDX-License-Identifier: MIT
"""What a shared library says of itself: class, machine, segments, what it needs, exports and takes from others. Little-endian ELF, which all of
Android's ABIs are."""
import struct
from dataclasses import dataclass, field

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_SYMTAB, DT_SONAME, DT_RPATH, DT_TEXTREL, DT_RUNPATH, DT_VERDEF = 1, 5, 6, 14, 15, 22, 29, 0x6ffffffc
SHT_DYNSYM = 11


class NotElf(Exception):
    pass


@dataclass
class Facts:
    bits: int = 0
    machine: int = 0
    loads: list = field(default_factory=list)  # (offset, address, alignment)
    needed: list = field(default_factory=list)
    soname: str = ""
    paths: list = field(default_factory=list)  # RPATH, RUNPATH
    relocates_text: bool = False
    versions: list = field(default_factory=list)  # defined
    exports: list = field(default_factory=list)
    imports: list = field(default_factory=list)


def _text(data, at):
    return data[at:data.index(b"\0", at)].decode()


def _offset(loads, address):
    for offset, start, _, size in loads:
        if start <= address < start + size:
            return offset + address - start
    raise NotElf(f"address {address:#x} is in no segment")


def _segments(data, bits):
    if bits == 64:
        start, (size, count) = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<HH", data, 54)
    else:
        start, (size, count) = struct.unpack_from("<I", data, 28)[0], struct.unpack_from("<HH", data, 42)
    for i in range(count):
        at = start + i * size
        if bits == 64:
            kind, _, offset, address, _, length, _, align = struct.unpack_from("<IIQQQQQQ", data, at)
        else:
            kind, offset, address, _, length, _, _, align = struct.unpack_from("<IIIIIIII", data, at)
        yield kind, offset, address, length, align


def _dynamic(data, bits, offset, length):
    size = bits // 4
    for at in range(offset, offset + length, size):
        tag, value = struct.unpack_from("<qQ" if bits == 64 else "<iI", data, at)
        if tag == 0:
            return
        yield tag, value


def _sections(data, bits):
    if bits == 64:
        start, (size, count) = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<HH", data, 58)
    else:
        start, (size, count) = struct.unpack_from("<I", data, 32)[0], struct.unpack_from("<HH", data, 46)
    for i in range(count):
        if bits == 64:
            _, kind, _, _, offset, length = struct.unpack_from("<IIQQQQ", data, start + i * size)
        else:
            _, kind, _, _, offset, length = struct.unpack_from("<IIIIII", data, start + i * size)
        yield kind, offset, length


def _symbols(data, bits, strings, facts):
    for kind, offset, length in _sections(data, bits):
        if kind != SHT_DYNSYM:
            continue
        size = 24 if bits == 64 else 16
        for at in range(offset + size, offset + length, size):
            if bits == 64:
                name, _, _, section = struct.unpack_from("<IBBH", data, at)
            else:
                name, _, _, _, _, section = struct.unpack_from("<IIIBBH", data, at)
            if section == 0:
                facts.imports.append(_text(data, strings + name))
            elif section != 0xfff1:  # the version itself is absolute
                facts.exports.append(_text(data, strings + name))


def _versions(data, at, strings):
    while True:
        flags, _, _, _, aux, following = struct.unpack_from("<HHHIII", data, at + 2)
        if not flags & 1:  # the base is the library's name
            yield _text(data, strings + struct.unpack_from("<I", data, at + aux)[0])
        if not following:
            return
        at += following


def read(data):
    """Facts of the bytes of a library. Raises NotElf, struct.error, ValueError or IndexError on what is none."""
    if data[:4] != b"\x7fELF" or data[4] not in (1, 2) or data[5] != 1:
        raise NotElf("no little-endian ELF")
    facts = Facts(bits=32 * data[4], machine=struct.unpack_from("<H", data, 18)[0])
    loads, dynamic = [], []
    for kind, offset, address, length, align in _segments(data, facts.bits):
        if kind == PT_LOAD:
            loads.append((offset, address, align, length))
            facts.loads.append((offset, address, align))
        elif kind == PT_DYNAMIC:
            dynamic = list(_dynamic(data, facts.bits, offset, length))
    tags = dict(dynamic)
    strings = _offset(loads, tags[DT_STRTAB]) if DT_STRTAB in tags else 0
    facts.needed = [_text(data, strings + value) for tag, value in dynamic if tag == DT_NEEDED]
    facts.paths = [_text(data, strings + value) for tag, value in dynamic if tag in (DT_RPATH, DT_RUNPATH)]
    facts.soname = _text(data, strings + tags[DT_SONAME]) if DT_SONAME in tags else ""
    facts.relocates_text = DT_TEXTREL in tags
    if DT_VERDEF in tags:
        facts.versions = list(_versions(data, _offset(loads, tags[DT_VERDEF]), strings))
    _symbols(data, facts.bits, strings, facts)
    return facts
