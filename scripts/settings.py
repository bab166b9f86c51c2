#!/usr/bin/env python3
"""Reads the settings of our YAML configs without a YAML package: nested maps of plain values, as in configs/ and in a
run's config.yaml. Lists of maps (the scans of a data set) are passed over.

  scripts/settings.py CONFIG    prints key.sub=value lines, for renderfm-train --set
"""
import pathlib
import re
import sys

LINE = re.compile(r'^( *)([A-Za-z_]\w*):(?:\s+("(?:[^"\\]|\\.)*"|[^#\n]*?))?\s*(?:#.*)?$')


def read_settings(path):
    """{"optimizer.steps": "5000", ...}, values as they are written, quotes taken off."""
    flat, above, passing = {}, [], None  # above: (indent, key) of the maps that a line lies in
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        if line.lstrip().startswith("- "):
            passing = indent
            continue
        if passing is not None and indent > passing:
            continue
        passing = None
        match = LINE.match(line)
        if not match:
            raise ValueError(f"{path} line {number}: expected 'key: value', got '{line.strip()}'")
        while above and above[-1][0] >= indent:
            above.pop()
        key, value = match.group(2), match.group(3)
        if value:
            flat[".".join([*(name for _, name in above), key])] = value[1:-1] if value.startswith('"') else value
        else:
            above.append((indent, key))
    return flat


def main():
    if len(sys.argv) != 2:
        print("usage: scripts/settings.py CONFIG", file=sys.stderr)
        return 1
    try:
        for key, value in read_settings(sys.argv[1]).items():
            print(f"{key}={value}")
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
