#!/usr/bin/env python3
"""A second reader of the tape, written from docs/tape.md alone.

    python3 tests/tape_reader.py DIR

Checks the stamps, the padding, every header's CRC32C, the order of numbers and inputs, and, where the
module `blake3` can be imported, the chain of headers and the payloads' hashes. Prints a line a block.
Exits 0 if all is right, 1 if not, 2 if there is no tape.
"""

import struct
import sys
from pathlib import Path

try:
    from blake3 import blake3
except ImportError:
    blake3 = None

PAGE, SECTOR, STAMP, HEADER = 4096, 512, 0xA5, 200
CONTENT = SECTOR - 1
KINDS = ["genesis", "records", "dropped", "closed"]
FIELDS = struct.Struct("<8sHBBIQIIIQQqq32s32s32s32sI")
NAMES = ("magic version kind flags epoch number records payload_bytes raw_bytes sequence_first "
         "sequence_last time_first_ns time_last_ns digest root payload previous crc").split()


class Broken(Exception):
    """What is wrong."""


def table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = list(table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def need(right, what):
    if not right:
        raise Broken(what)


def block(data, at):
    """The header and payload at an offset; None where no block was written."""
    first = data[at:at + SECTOR]
    if len(first) < SECTOR or first[-1] == 0:
        return None
    need(first[-1] == STAMP, "a stamp is wrong")
    header = dict(zip(NAMES, FIELDS.unpack(first[:HEADER])))
    need(header["magic"] == b"JANUSBLK", "it does not begin as a block does")
    need(crc32c(first[:HEADER - 4]) == header["crc"], "the CRC of its header is wrong")
    need(header["version"] in (1, 2, 3, 4), f"format {header['version']} is not known")
    content = PAGE // SECTOR * CONTENT
    span = -(-(HEADER + header["payload_bytes"]) // content) * PAGE
    sectors = [data[at + place:at + place + SECTOR] for place in range(0, span, SECTOR)]
    if any(len(sector) < SECTOR or sector[-1] == 0 for sector in sectors):
        return None
    need(all(sector[-1] == STAMP for sector in sectors), "a stamp is wrong")
    inner = b"".join(sector[:-1] for sector in sectors)
    payload, padding = inner[HEADER:HEADER + header["payload_bytes"]], inner[HEADER + header["payload_bytes"]:]
    need(not any(padding), "there is something behind its payload")
    header.update(span=span, bytes=first[:HEADER])
    return header, payload


def join(header, payload, before):
    """Checks a block by itself and against the one before."""
    if blake3:
        need(blake3(payload).digest() == header["payload"], "its payload is not the one its header names")
    if before is None:
        need(header["number"] > 0 or header["previous"] == header["root"], "it does not begin a tape")
        return
    need(header["number"] == before["number"] + 1, "its number is not the next")
    need(header["root"] == before["root"], "it is of another run")
    need(header["sequence_first"] == before["sequence_last"] + 1, "its inputs are not the next")
    if blake3:
        link = blake3(b"janus block 1" + before["bytes"]).digest()
        need(header["previous"] == link, "it was not written behind the one before")


def read(folder):
    before = None
    for segment in sorted((folder / "tape").glob("[0-9]*.seg")):
        data, at = segment.read_bytes(), 0
        try:
            while found := block(data, at):
                header, payload = found
                join(header, payload, before)
                print(f"{segment.name} {at:>10} block {header['number']} {KINDS[header['kind']]} epoch "
                      f"{header['epoch']} records {header['records']} inputs {header['sequence_first']} to "
                      f"{header['sequence_last']} latched {header['flags'] & 1} digest {header['digest'].hex()}")
                before, at = header, at + header["span"]
        except Broken as broken:
            print(f"{segment.name} {at:>10} broken: {broken}")
            return 1
    if before is None:
        print(f"{folder}: there is no tape here", file=sys.stderr)
        return 2
    if not blake3:
        print("SKIPPED hashes: the module blake3 is not installed")
    return 0


if __name__ == "__main__":
    sys.exit(read(Path(sys.argv[1])) if len(sys.argv) == 2 else 2)
