"""Runs test_*.py in a folder, this one, prints a line per test and, last, "N passed, N failed"."""
import os
import sys
import time
import unittest

import harness


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = 0
        self.begin = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def report(self, word, test, text=''):
        name = test.id() if hasattr(test, 'id') else str(test)
        print(f'{word:8} {name} ({time.monotonic() - self.begin:.1f} s)\n{text}'.rstrip(), flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.report('ok', test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.report('FAILED', test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.report('FAILED', test, self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        failures, errors = len(self.failures), len(self.errors)
        super().addSubTest(test, subtest, err)
        for found in (self.failures[failures:], self.errors[errors:]):
            for _, text in found:
                self.report('FAILED', subtest, text)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.report('skipped', test, reason)


def main(folder=os.path.dirname(os.path.abspath(__file__))):
    os.chdir(folder)
    pattern = sys.argv[1] if len(sys.argv) > 1 else ''
    print(f'seed: {harness.SEED} (MUSTER_SEED repeats it)', flush=True)
    loader = unittest.TestLoader()
    if pattern:
        loader.testNamePatterns = [f'*{pattern}*']
    result = Result()
    loader.discover('.', 'test_*.py').run(result)
    failed = len(result.failures) + len(result.errors)
    print(f'{result.passed} passed, {failed} failed')
    return 0 if failed == 0 and result.passed > 0 else 1


if __name__ == '__main__':
    sys.exit(main())
