#!/usr/bin/env python3
"""Writes base/num_powers.def, the powers of ten that base/num_shortest.c scales doubles with: powers_of_ten.py OUTPUT

A row is POWER(high, low), the leading 128 bits of 10^k rounded up, for k from -292 to 324: what the largest double and the
smallest subnormal one need.
"""

import sys

POWER_MIN, POWER_MAX, BITS = -292, 324, 128


def leading_bits(k: int) -> int:
    """10^k / 2^e, rounded up, e being such that it has BITS bits."""
    top, bottom = 10 ** max(k, 0), 10 ** max(-k, 0)
    shift = top.bit_length() - bottom.bit_length() - BITS
    for e in (shift, shift + 1):
        up, down = top << max(-e, 0), bottom << max(e, 0)
        value = -(-up // down)
        if value.bit_length() == BITS:
            return value
    raise ValueError(k)


def main() -> int:
    with open(sys.argv[1], "w", encoding="ascii") as out:
        for k in range(POWER_MIN, POWER_MAX + 1):
            value = leading_bits(k)
            out.write(f"POWER(0x{value >> 64:016x}, 0x{value & (1 << 64) - 1:016x}) /* 1e{k} */\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
