"""What a Mach-O file, which is what macOS loads, says of itself: its header and load commands.

The names are those of Apple's `mach-o/loader.h` and `mach-o/nlist.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MH_MAGIC_64 = 0xFEEDFACF
CPUS = {0x0100000C: "arm64", 0x01000007: "x86_64"}
PROGRAM, SHARED_LIBRARY = "program", "shared library"
FILE_TYPES = {2: PROGRAM, 6: SHARED_LIBRARY}

LC_SYMTAB = 0x2
LC_ID_DYLIB = 0xD
# Plain, weak, reexported, upward.
LC_LOADS = (0xC, 0x80000018, 0x8000001F, 0x80000023)

# Bits of `n_type`: of debug information, of the type, and whether other files see the symbol.
N_STAB, N_TYPE, N_EXT = 0xE0, 0x0E, 0x01
# Apple's linker writes the one, zig the other.
DYNAMIC_LOOKUP_ORDINALS = (0xFE, 0)


@dataclass(frozen=True)
class MachO:
    cpu: str
    file_type: str
    # What a program that is linked with this library looks for.
    install_name: str | None
    # The install names of what is loaded with it.
    loaded: frozenset[str]
    # The functions that none of these has: they are looked for in the whole process.
    looked_up: frozenset[str]


def read(path: Path) -> MachO:
    """Raises ValueError for another kind of file."""
    image = path.read_bytes()
    magic, cpu, _, file_type, commands, *_ = struct.unpack_from("<8I", image.ljust(32, b"\0"))
    if magic != MH_MAGIC_64:
        raise ValueError("not a 64-bit Mach-O file")
    install_name = None
    loaded: set[str] = set()
    looked_up: set[str] = set()
    at = 32
    for _ in range(commands):
        command, size, offset = struct.unpack_from("<3I", image, at)
        if command == LC_ID_DYLIB:
            install_name = _text(image, at + offset)
        elif command in LC_LOADS:
            loaded.add(_text(image, at + offset))
        elif command == LC_SYMTAB:
            looked_up.update(_looked_up(image, *struct.unpack_from("<4I", image, at + 8)))
        at += size
    return MachO(
        CPUS.get(cpu, hex(cpu)),
        FILE_TYPES.get(file_type, str(file_type)),
        install_name,
        frozenset(loaded),
        frozenset(looked_up),
    )


def _looked_up(image: bytes, symbols: int, count: int, strings: int, _: int) -> Iterator[str]:
    for at in range(symbols, symbols + 16 * count, 16):
        name, kind, _section, description, _value = struct.unpack_from("<IBBHQ", image, at)
        undefined = kind & (N_STAB | N_TYPE | N_EXT) == N_EXT
        # The high byte is the library's number.
        if undefined and description >> 8 in DYNAMIC_LOOKUP_ORDINALS:
            yield _text(image, strings + name)


def _text(image: bytes, at: int) -> str:
    return image[at : image.index(b"\0", at)].decode()
