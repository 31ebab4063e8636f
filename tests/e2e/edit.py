#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""edit.py FILE BACKEND KEY VALUE - set a key of a backend in every service of FILE
edit.py FILE BACKEND remove    - take the backend out of every service

A text editor for files that look like the shipped lb.yaml; comments stay. Fails where nothing changes.
"""
import re
import sys

ITEM = r"^ {6}- (?:\{ *)?name: %s\b"


def set_in_flow(line, key, value):
    line, n = re.subn(r"\b%s: *[^,}]+" % key, f"{key}: {value}", line)
    return line if n else re.sub(r" *\}", f", {key}: {value}}}", line, count=1)


def set_in_block(block, key, value):
    for i, line in enumerate(block):
        changed, n = re.subn(r"^( {8}%s:) [^#\n]*?( *#.*)?$" % key, rf"\1 {value}\2", line.rstrip("\n"))
        if n:
            return block[:i] + [changed + "\n"] + block[i + 1:]
    return block[:1] + [f"        {key}: {value}\n"] + block[1:]


def edit(lines, backend, key, value):
    out = []
    at = 0
    while at < len(lines):
        end = at + 1
        if not re.match(ITEM % re.escape(backend), lines[at]):
            out.append(lines[at])
            at = end
            continue
        while end < len(lines) and lines[end].startswith(" " * 8):
            end += 1
        if key == "remove":
            pass
        elif "{" in lines[at]:
            out.append(set_in_flow(lines[at], key, value))
        else:
            out += set_in_block(lines[at:end], key, value)
        at = end
    return out


def main():
    path, backend, key = sys.argv[1:4]
    value = sys.argv[4] if key != "remove" else None
    with open(path) as file:
        before = file.readlines()
    after = edit(before, backend, key, value)
    if after == before:
        sys.exit(f"edit.py: {key} of {backend}: nothing to change in {path}")
    with open(path, "w") as file:
        file.writelines(after)


main()
