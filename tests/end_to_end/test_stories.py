"""Life stories of routers: each lives through a seeded row of chapters (jobs, reboots, power losses,
upgrades and downgrades of RouterOS over all families, a wrong clock, the pasted line run again, a
restored configuration) while the control plane and the edge are stopped, killed and started.

After each chapter: every router is heard again, every job has ended, none ran twice, and what is said
of it is true. The interval is compressed; programs and agent text are the real ones."""
import calendar
import os
import random
import re
import sys
import threading
import time
import unittest
from collections import Counter, defaultdict

from harness import FAMILIES, SEED, Installation, sim_ask, wait_for
from test_faults import ENDED, all_targets, note_job, state_of

STORIES = int(os.environ.get('MUSTER_STORIES', '200'))
CHAPTERS = int(os.environ.get('MUSTER_CHAPTERS', '5'))
INTERVAL = max(2, STORIES // 60)
DEADLINE = 240
# A process may keep this much more after the first chapter: caches fill, tables get their rows.
GROWTH_KIB = 24 * 1024

EVENTS = ('nothing', 'nothing', 'reboot', 'power-loss', 'upgrade', 'wrong-clock', 'line-again', 'restore')
OUTAGES = ('none', 'musterd stopped', 'edge killed', 'musterd killed', 'both killed')


class Router:
    """What must be true of one router."""

    def __init__(self, index, version):
        self.index = index
        self.version = version
        self.installed = version
        self.marks = set()  # of jobs that said SUCCEEDED since the configuration last went back
        self.saved = None
        self.held = False


def resident_kib(process):
    with open(f'/proc/{process.handle.pid}/status') as file:
        return int(re.search(r'VmRSS:\s+(\d+) kB', file.read())[1])


def heard_at(device):
    text = device.get('status', {}).get('lastCheckInTime', '1970-01-01T00:00:00Z')
    return calendar.timegm(time.strptime(text[:19], '%Y-%m-%dT%H:%M:%S'))


class StoriesTest(unittest.TestCase):
    def test_routers_live_through_everything_without_a_job_run_twice_or_a_router_dark(self):
        print(f'seed {SEED}, {STORIES} stories of {CHAPTERS} chapters', flush=True)
        self.chance = random.Random(SEED)
        versions = FAMILIES.split(',')
        self.routers = [Router(i, versions[i % len(versions)]) for i in range(STORIES)]
        with Installation('stories') as self.muster:
            self.begin()
            memory = []
            for chapter in range(CHAPTERS):
                self.live(chapter)
                memory.append(resident_kib(self.muster.musterd))
            print(f'musterd KiB after each chapter: {memory}', flush=True)
            self.assertLess(max(memory[1:]) - memory[0], GROWTH_KIB, f'musterd grows: {memory}')
            self.assertTrue(self.sim.alive())
            self.check_starts()

    def begin(self):
        muster = self.muster
        muster.start_musterd()
        muster.add_edge()
        self.line = muster.claim_line('--max-devices', str(2 * STORIES))
        self.sim = muster.start_routers(self.line, STORIES, interval=f'{INTERVAL}s', seed=SEED)
        muster.wait_online(STORIES, DEADLINE)
        self.names = {d['identity']: d['name'] for d in muster.devices()}
        self.assertEqual(len(self.names), STORIES)

    # One chapter.

    def live(self, chapter):
        begun = time.monotonic()
        muster = self.muster
        outage = self.chance.choice(OUTAGES) if chapter else 'none'
        events = {router: self.chance.choice(EVENTS) for router in self.routers}
        job = note_job(muster, chapter, 'identity != ""')
        for router in self.chance.sample(self.routers, len(self.routers)):
            self.happen(router, events[router])
        self.suffer(outage)
        disturbed = time.time()
        self.wait_heard(disturbed)
        self.free_held(events)
        targets = wait_for(f'chapter {chapter}: the job has ended', lambda: self.ended(job), DEADLINE, 1)
        self.judge(chapter, outage, events, targets)
        tally = Counter(state_of(t) for t in targets.values())
        print(f'chapter {chapter}: {outage}, {dict(Counter(events.values()))}, jobs {dict(tally)}, '
              f'{time.monotonic() - begun:.0f} s', flush=True)

    def happen(self, router, event):
        ask = lambda text: sim_ask(self.sim, text)
        if event in ('reboot', 'power-loss'):
            ask(f'{event} {router.index}')
        elif event == 'upgrade':
            router.version = self.chance.choice([v for v in FAMILIES.split(',') if v != router.version])
            ask(f'upgrade {router.index} {router.version}')
        elif event == 'wrong-clock':
            # Ahead of the leaves' end no router would trust them; a board without a clock begins in 1970.
            ask(f'clock {router.index} 0')
        elif event == 'line-again':
            self.assertNotIn('still running', ask(f'run {router.index} {self.line}'))
        elif event == 'restore':
            if router.saved is None:
                ask(f'save {router.index}')
                router.saved = set(router.marks)
            else:
                ask(f'restore {router.index}')
                router.marks = set(router.saved)

    def suffer(self, outage):
        muster, edge = self.muster, self.muster.edges['west']
        if outage == 'musterd stopped':
            self.assertEqual(muster.musterd.stop(), 0)
        if outage in ('musterd killed', 'both killed'):
            muster.musterd.kill()
        if outage in ('edge killed', 'both killed'):
            edge.process.kill()
        if outage != 'none':
            threading.Event().wait(2 * INTERVAL)  # routers beat meanwhile
        if not muster.musterd.alive():
            muster.start_musterd()
        if not edge.process.alive():
            edge.start()

    def wait_heard(self, since):
        def dark():
            return [d['identity'] for d in self.muster.devices() if heard_at(d) < since]
        try:
            wait_for('every router is heard', lambda: not dark(), DEADLINE, 1)
        except AssertionError:
            silent = dark()
            for identity in silent[:3]:
                index = int(identity.split('-')[1])
                sys.stderr.write(f'{identity}: {sim_ask(self.sim, f"show {index}")}{sim_ask(self.sim, f"log {index}")[-1500:]}\n')
            raise AssertionError(f'{len(silent)} routers are dark: {silent[:10]}')

    def free_held(self, events):
        """What went back is held until an operator lets it go on."""
        for device in self.muster.devices():
            if device.get('jobsHeld'):
                router = self.routers[int(device['identity'].split('-')[1])]
                self.assertIn(events[router], ('restore', 'power-loss'), f'{device["identity"]} is held without a reason')
                self.muster.muster('device', 'set', device['name'], '--release-jobs')

    def ended(self, job):
        targets = {t['device']: t for t in all_targets(self.muster, job)}
        if len(targets) < STORIES:
            return None
        if any(state_of(t) == 'HELD' for t in targets.values()):
            self.free_held(defaultdict(lambda: 'restore'))
            return None
        return targets if all(state_of(t) in ENDED for t in targets.values()) else None

    def judge(self, chapter, outage, events, targets):
        for router in self.routers:
            event = events[router]
            target = targets[self.names[f'sim-{router.index:04d}']]
            note = sim_ask(self.sim, f'dump {router.index} /system/note')
            about = f'router {router.index} ({router.installed} -> {router.version}), {event}, {outage}: {target}\n{note}'
            for mark in range(chapter + 1):
                self.assertLessEqual(note.count(f'<{mark}>'), 1, f'job {mark} ran twice: {about}')
            state = state_of(target)
            self.assertIn(state, ('SUCCEEDED', 'LOST', 'FAILED'), about)
            if state == 'SUCCEEDED':
                router.marks.add(chapter)
            # Only what may take a result away excuses a job without one.
            excused = event in ('reboot', 'power-loss', 'upgrade', 'restore') or router.version != router.installed
            if state == 'LOST':
                self.assertTrue(excused, f'lost without a reason: {about}')
            if state == 'FAILED':
                # The runner that was installed for one family may not load on another.
                self.assertTrue(event == 'upgrade' or router.version != router.installed, f'failed without a reason: {about}')
            # A configuration that was restored, or lost with the power, has lost the mark too.
            if event not in ('restore', 'power-loss'):
                for mark in router.marks & {chapter}:
                    self.assertIn(f'<{mark}>', note, f'job {mark} is SUCCEEDED but left no mark: {about}')

    def check_starts(self):
        """No number starts twice, but where the configuration went back, and that was noticed."""
        starts = Counter(re.findall(r'^router (\d+) \S+ job (\d+) starts$', self.sim.errors().replace(':', ''), re.M))
        self.assertGreater(len(starts), STORIES)
        for (index, number), count in starts.items():
            if count > 1:
                kinds = {e['kind'] for e in self.muster.muster_json(
                    'device', 'get', self.names[f'sim-{int(index):04d}'])['recentEvents']}
                self.assertIn('router-state-went-back', kinds, f'router {index} started {number} {count} times, unnoticed')


if __name__ == '__main__':
    unittest.main()
