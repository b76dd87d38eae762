#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one test of a folder for ctest, or lists them.

usage: run.py FOLDER --list      one line a test: ID, tab, whose turn it waits for, tab, requirement
       run.py FOLDER ID          exit status 0: passed, 1: failed, 77: skipped
"""
import sys
import unittest
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from lab import harness  # noqa: E402

SKIPPED = 77


def tests(suite):
    for one in suite:
        yield from tests(one) if isinstance(one, unittest.TestSuite) else [one]


def list_all(folder):
    for test in tests(unittest.defaultTestLoader.discover(folder, "*_test.py")):
        method = test._testMethodName
        turn = getattr(getattr(test, method), "turn", test.turn)
        print(test.id(), turn, test.requirement(method), sep="\t")


def run(folder, name):
    if reason := harness.why_not_here():
        print(f"skipped: {reason}")
        return SKIPPED
    sys.path.insert(0, folder)
    result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromName(name))
    if result.skipped:
        return SKIPPED
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(list_all(sys.argv[1]) if sys.argv[2] == "--list" else run(*sys.argv[1:]))
