#!/usr/bin/env python3
"""Every test, file and interop case that docs/conformance.md names exists, and every
row that says yes names one.
"""

import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAME = re.compile(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`")


def unit_tests():
    found = set()
    for folder, _folders, files in os.walk(os.path.join(TOP, "tests", "unit")):
        for name in files:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found |= set(re.findall(r"tcase_add_(?:loop_)?test\(\s*\w+,\s*(\w+)", file.read()))
    return found


def interop_cases():
    return subprocess.run(
        [sys.executable, os.path.join(TOP, "tests", "interop", "run.py"), "--list"],
        check=True, capture_output=True, text=True).stdout


def complaints(line, tests, cases):
    for name in NAME.findall(line):
        if name not in tests:
            yield "no test %s" % name
    for path in re.findall(r"`(tests/[\w/.]+)`", line):
        if not os.path.exists(os.path.join(TOP, path)):
            yield "no file %s" % path
    named = re.findall(r'interop "([^"]+)"', line)
    if line.startswith('| "'):
        named += re.findall(r'"([^"]+)"', line)
    for case in named:
        pattern = ".*".join(re.escape(part.strip()) for part in case.split("..."))
        if not re.search(pattern, cases):
            yield "no interop case %s" % case
    has_proof = NAME.search(line) or "tests/" in line or "interop" in line
    if "| yes |" in line and not line.startswith('| "') and not has_proof:
        yield "yes without a proof"


def main():
    tests, cases = unit_tests(), interop_cases()
    found = False
    with open(os.path.join(TOP, "docs", "conformance.md"), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for complaint in complaints(line, tests, cases):
                print("docs/conformance.md:%d: %s" % (number, complaint))
                found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
