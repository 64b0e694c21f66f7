"""Damage done to the bytes of a good file, as a strategy of hypothesis."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

WORDS = (0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)


@st.composite
def mutated(draw: st.DrawFn, good: bytes) -> bytes:
    """``good`` after one to four cuts, repetitions, foreign bytes, flipped bits, and lengths that lie."""
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(("cut", "drop", "repeat", "write", "flip", "word", "insert"))):
            case "cut":
                del content[at:]
            case "drop":
                del content[at : at + draw(st.integers(1, 64))]
            case "repeat":
                content[at:at] = content[at : at + draw(st.integers(1, 64))]
            case "write":
                foreign = draw(st.binary(min_size=1, max_size=16))
                content[at : at + len(foreign)] = foreign
            case "insert":
                content[at:at] = draw(
                    st.sampled_from((b"(", b"[", b"-", b'"', b"\x00", b"9" * 30, b"e999", b"{", b"\xff"))
                )
            case "flip" if at < len(content):
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "word":
                content[at : at + 8] = struct.pack("<Q", draw(st.sampled_from(WORDS)))
    return bytes(content)
