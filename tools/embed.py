#!/usr/bin/env python3
"""Makes a file into a C array: embed.py INPUT OUTPUT.c HEADER NAME."""

import sys


def main() -> int:
    source, target, header, name = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    lines = [
        f'#include "{header}"',
        "",
        f"const size_t {name}_bytes = {len(data)};",
        f"const unsigned char {name}[] = {{",
    ]
    for start in range(0, len(data), 16):
        lines.append("    " + " ".join(f"{byte}," for byte in data[start : start + 16]))
    lines.append("};")
    with open(target, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
