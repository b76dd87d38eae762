#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one system test for ctest, or lists them.

usage: run.py --list      one line a test: ID, tab, requirement
       run.py ID          exit status 0: passed, 1: failed, 77: skipped
"""
import sys
import unittest
from pathlib import Path

import harness

SKIPPED = 77


def tests(suite):
    for one in suite:
        yield from tests(one) if isinstance(one, unittest.TestSuite) else [one]


def list_all():
    for test in tests(unittest.defaultTestLoader.discover(Path(__file__).parent, "*_test.py")):
        print(f"{test.id()}\t{test.requirement(test._testMethodName)}")


def run(name):
    if reason := harness.why_not_here():
        print(f"skipped: {reason}")
        return SKIPPED
    result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromName(name))
    if result.skipped:
        return SKIPPED
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(list_all() if sys.argv[1] == "--list" else run(sys.argv[1]))
