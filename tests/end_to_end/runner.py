"""Runs test_*.py in a folder, this one, prints a line per test and, last, "N passed, N failed".

Without a pattern two files run at once (MUSTER_TEST_JOBS), each in a process of its own, since most of
their time is spent waiting. A file with a line ALONE = True runs after them, by itself: it measures
times. What failed is named once more at the end. With MUSTER_TEST_AGAIN=1 it is first run again, alone:
a test that passes then is `unsteady`, which is told and counts as passed.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
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


def summary(passed, failed):
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


def run_here(files, pattern=''):
    """The tests of files (a glob) whose names hold the pattern, in this process."""
    loader = unittest.TestLoader()
    if pattern:
        loader.testNamePatterns = [f'*{pattern}*']
    result = Result()
    loader.discover('.', files).run(result)
    return summary(result.passed, len(result.failures) + len(result.errors))


def run_apart(file, pattern=''):
    """The tests of a file in a process of its own; answers (passed, failed, names of the failed)."""
    ended = subprocess.run([sys.executable, __file__, '--file', os.path.abspath(file), pattern], text=True,
                           env={**os.environ, 'MUSTER_SEED': str(harness.SEED)}, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    *lines, last = ended.stdout.splitlines() or ['']
    counts = re.fullmatch(r'(\d+) passed, (\d+) failed', last)
    if not counts:
        lines += [last, f'FAILED   {file} ended early']
    print('\n'.join(lines), flush=True)
    failed = re.findall(r'^FAILED   (\S+)', '\n'.join(lines), re.M)
    return (*map(int, counts.groups()), failed) if counts else (0, 1, failed)


def run_again(names):
    """Runs these tests alone; answers those that did not pass then either."""
    still = []
    for name in names:
        file, _, test = name.partition('.')
        passed, failed, _ = run_apart(f'{file}.py', test) if test != 'py' else (0, 1, [])
        if passed == 1 and failed == 0:
            print(f'unsteady {name}: it failed, and passed alone', flush=True)
        else:
            still.append(name)
    return still


def run_all(jobs):
    files = sorted(glob.glob('test_*.py'))
    alone = [file for file in files if 'ALONE = True\n' in open(file, encoding='utf-8')]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        counts = list(pool.map(run_apart, [file for file in files if file not in alone]))
    counts += map(run_apart, alone)
    passed = sum(count for count, _, _ in counts)
    # A test with several wrong parts is one.
    failed = list(dict.fromkeys(name for _, _, names in counts for name in names))
    if os.environ.get('MUSTER_TEST_AGAIN') == '1':
        still = run_again(failed)
        passed, failed = passed + len(failed) - len(still), still
    for name in failed:
        print(f'FAILED   {name}', flush=True)
    return summary(passed, len(failed))


def main(folder=os.path.dirname(os.path.abspath(__file__))):
    if sys.argv[1:2] == ['--file']:
        os.chdir(os.path.dirname(sys.argv[2]))
        return run_here(os.path.basename(sys.argv[2]), *sys.argv[3:4])
    os.chdir(folder)
    print(f'seed: {harness.SEED} (MUSTER_SEED repeats it)', flush=True)
    jobs = int(os.environ.get('MUSTER_TEST_JOBS', '2'))
    if len(sys.argv) > 1 or jobs == 1:
        return run_here('test_*.py', *sys.argv[1:2])
    return run_all(jobs)


if __name__ == '__main__':
    sys.exit(main())
