"""Life stories of routers: each lives through a seeded row of chapters (jobs, reboots, power losses,
upgrades and downgrades of RouterOS over all families, a wrong clock, the pasted line run again, a
restored configuration, a new installation, a replacement, slow, cut and broken links) while the control
plane and the edge are stopped, killed and started. Then some move to another organization and back, and
at the end each is released.

After each chapter: every router is heard again, every job has ended, none ran twice, and what is said
of it is true. After the release nothing of Muster is left on any. The interval is compressed; programs
and agent text are the real ones."""
import calendar
import json
import os
import random
import re
import sys
import threading
import time
import unittest
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

from harness import FAMILIES, SEED, Installation, sim_ask, wait_for
from test_faults import ENDED, all_targets, note_job, state_of

STORIES = int(os.environ.get('MUSTER_STORIES', '200'))
CHAPTERS = int(os.environ.get('MUSTER_CHAPTERS', '5'))
INTERVAL = max(2, STORIES // 60)
PAUSE = INTERVAL / 4
# For machines that do other things too.
DEADLINE = 900
# A process may keep this much more after the first chapter: caches fill, tables get their rows.
GROWTH_KIB = 24 * 1024

EVENTS = ('nothing', 'nothing', 'reboot', 'power-loss', 'upgrade', 'wrong-clock', 'line-again', 'restore',
          'netinstall', 'replaced', 'slow-link', 'link-down', 'replies-lost', 'reply-cut')
# What may take the result of a job away.
EXCUSES = ('reboot', 'power-loss', 'upgrade', 'restore', 'replaced')
# What takes the notes away that jobs have left on the router.
FORGETS = ('restore', 'power-loss', 'replaced')
# What lets jobs wait for an operator.
HOLDS = ('restore', 'power-loss', 'replaced')
OUTAGES = ('none', 'musterd stopped', 'edge killed', 'musterd killed', 'both killed')


class Router:
    """What must be true of one router."""

    def __init__(self, index, version):
        self.index = index
        self.version = version
        self.installed = version
        self.marks = set()  # of jobs that said SUCCEEDED since the configuration last went back
        self.saved = None
        self.mac = ''
        self.name = ''  # of its device; another one after a new installation
        self.line = ''  # what was pasted to replace it

    def begin_anew(self):
        self.installed, self.marks, self.saved = self.version, set(), None


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
        self.tally, self.events = Counter(), Counter()
        versions = FAMILIES.split(',')
        self.routers = [Router(i, versions[i % len(versions)]) for i in range(STORIES)]
        with Installation('stories') as self.muster:
            self.begin()
            memory = []
            for chapter in range(CHAPTERS):
                self.live(chapter)
                memory.append(resident_kib(self.muster.musterd))
            self.travel()
            twice = self.check_starts()
            by_hand = self.release()
            memory.append(resident_kib(self.muster.musterd))
            self.assertTrue(self.sim.alive())
            figures = {'stories': STORIES, 'jobs': sum(self.tally.values()), **self.tally, **self.events,
                       'starts': self.starts, 'started_twice_noticed': twice, 'released_by_hand': by_hand,
                       'musterd_kib': memory}
            print(f'musterd KiB after each chapter and the release: {memory}', flush=True)
            print(f'story figures: {json.dumps(figures)}', flush=True)
            self.assertLess(max(memory[1:]) - memory[0], GROWTH_KIB, f'musterd grows: {memory}')

    def begin(self):
        muster = self.muster
        muster.start_musterd()
        muster.add_edge()
        self.line = muster.claim_line('--max-devices', str(STORIES * (CHAPTERS + 1)))
        self.sim = muster.start_routers(self.line, STORIES, interval=f'{INTERVAL}s', seed=SEED)
        muster.muster('organization', 'create', 'acme')
        muster.wait_online(STORIES, DEADLINE)
        macs = {d['identity']: d['macAddress'] for d in muster.devices()}
        self.assertEqual(len(macs), STORIES)
        for router in self.routers:
            router.mac = macs[f'sim-{router.index:04d}']
        self.learn_names()

    def learn_names(self):
        """The newest device of an address is the router; what it was before is deleted."""
        found, gone = defaultdict(list), []
        for device in self.muster.devices():
            found[device['macAddress']].append(device)
        for router in self.routers:
            # Two that were made within one tick of the state have one time: the unknown one is newer.
            mine = sorted(found[router.mac], key=lambda d: (d['createTime'], d['name'] != router.name))
            router.name = mine[-1]['name']
            gone += [old['name'] for old in mine[:-1]]
        self.each(lambda name: self.muster.muster('device', 'delete', name, '--yes'), gone)

    @staticmethod
    def each(call, arguments):
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(call, arguments))

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
        for router in self.routers:
            if events[router] in ('slow-link', 'link-down'):
                sim_ask(self.sim, f'heal {router.index}')
        self.wait_joined([r for r in self.routers if events[r] == 'netinstall'])
        self.wait_replaced([r for r in self.routers if events[r] == 'replaced'])
        self.wait_heard(time.time())
        self.free_held(events)
        targets = wait_for(f'chapter {chapter}: the job has ended', lambda: self.ended(job), DEADLINE, PAUSE)
        self.assertEqual(len(targets), STORIES)
        self.judge(chapter, outage, events, targets)
        tally = Counter(state_of(t) for t in targets.values())
        self.tally.update(tally)
        self.events.update(events.values())
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
            ask(f'paste {router.index} {self.line}')
        elif event == 'netinstall':
            ask(f'netinstall {router.index}')
            ask(f'paste {router.index}')
            router.begin_anew()
        elif event == 'replaced':
            router.line = self.muster.claim_line('--replace', router.name)
            ask(f'netinstall {router.index}')
            ask(f'paste {router.index} {router.line}')
            router.begin_anew()
        elif event == 'slow-link':
            ask(f'slow {router.index} 2')
        elif event == 'link-down':
            ask(f'down {router.index}')
        elif event == 'replies-lost':
            ask(f'lose {router.index} 2 /v1/heartbeat')
        elif event == 'reply-cut':
            ask(f'cut {router.index} {self.chance.randrange(200)} /v1/heartbeat')
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

    def wait_joined(self, routers):
        """Those that were installed anew are new devices; the old ones are deleted."""
        pasted = time.monotonic()

        def joined():
            nonlocal pasted
            count = Counter(d['macAddress'] for d in self.muster.devices())
            missing = [r for r in routers if count[r.mac] < 2]
            if missing and time.monotonic() - pasted > 60:
                pasted = time.monotonic()
                for router in missing:  # the edge was away: somebody pastes the line again
                    sim_ask(self.sim, f'paste {router.index}')
            return not missing
        wait_for('new installations have joined', joined, DEADLINE, PAUSE)
        self.learn_names()

    def wait_replaced(self, routers):
        """Those that took a device's place have its name, and its jobs wait."""
        pasted = time.monotonic()

        def replaced():
            nonlocal pasted
            held = {d['name'] for d in self.muster.devices() if d.get('jobsHeld')}
            missing = [r for r in routers if r.name not in held]
            if missing and time.monotonic() - pasted > 60:
                pasted = time.monotonic()
                for router in missing:
                    sim_ask(self.sim, f'paste {router.index} {router.line}')
            return not missing
        wait_for('replacements have joined', replaced, DEADLINE, PAUSE)

    def wait_heard(self, since):
        def dark():
            heard = {d['name']: heard_at(d) for d in self.muster.devices()}
            return [r for r in self.routers if heard.get(r.name, 0) < since]
        try:
            wait_for('every router is heard', lambda: not dark(), DEADLINE, PAUSE)
        except AssertionError:
            silent = dark()
            for router in silent[:3]:
                sys.stderr.write(sim_ask(self.sim, f'show {router.index}') + sim_ask(self.sim, f'log {router.index}')[-1500:])
            raise AssertionError(f'{len(silent)} routers are dark: {[r.index for r in silent[:10]]}')

    def free_held(self, events):
        """What went back is held until an operator lets it go on."""
        for device in self.muster.devices():
            if device.get('jobsHeld'):
                router = next(r for r in self.routers if r.name == device['name'])
                self.assertIn(events[router], HOLDS, f'router {router.index} is held without a reason')
                self.muster.muster('job', 'release', '--device', device['name'])

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
            if event == 'netinstall':
                continue  # the job was for what it was before
            target = targets[router.name]
            note = sim_ask(self.sim, f'dump {router.index} /system/note')
            about = f'router {router.index} ({router.installed} -> {router.version}), {event}, {outage}: {target}\n{note}'
            for mark in range(chapter + 1):
                self.assertLessEqual(note.count(f'<{mark}>'), 1, f'job {mark} ran twice: {about}')
            state = state_of(target)
            self.assertIn(state, ('SUCCEEDED', 'LOST', 'FAILED'), about)
            if state == 'SUCCEEDED':
                router.marks.add(chapter)
            # Only what may take a result away excuses a job without one.
            excused = event in EXCUSES or router.version != router.installed
            if state == 'LOST':
                # Three replies that did not arrive are the other reason.
                excused = excused or (event in ('replies-lost', 'reply-cut') and target['timesSent'] == 3)
                self.assertTrue(excused, f'lost without a reason: {about}')
            if state == 'FAILED':
                # The runner that was installed for one family may not load on another.
                self.assertTrue(event == 'upgrade' or router.version != router.installed, f'failed without a reason: {about}')
            # A configuration that was restored, or lost with the power, has lost the mark too.
            if event not in FORGETS:
                for mark in router.marks & {chapter}:
                    self.assertIn(f'<{mark}>', note, f'job {mark} is SUCCEEDED but left no mark: {about}')

    def check_starts(self):
        """No number starts twice, but where the configuration went back, and that was noticed."""
        starts = Counter(re.findall(r'^router (\d+) \S+ job (\d+) starts$', self.sim.errors().replace(':', ''), re.M))
        self.starts = sum(starts.values())
        self.assertGreater(len(starts), STORIES)
        twice = 0
        for (index, number), count in starts.items():
            if count > 1:
                twice += 1
                kinds = {e['kind'] for e in self.muster.muster_json(
                    'device', 'get', self.routers[int(index)].name)['recentEvents']}
                self.assertIn('router-state-went-back', kinds, f'router {index} started {number} {count} times, unnoticed')
        return twice

    # The last chapters.

    def travel(self):
        """One in twenty moves to another organization, runs a job there, and comes back."""
        sim_ask(self.sim, 'heal *')
        travellers = self.chance.sample(self.routers, max(2, STORIES // 20))
        self.move(travellers, 'acme')
        job = self.muster.call('muster.v1.JobService/CreateJob', {
            'parent': 'organizations/acme', 'filter': 'identity != ""',
            'script': '/system note set note=([/system note get note] . "<away>")'})[0]['job']['name']

        def ended():
            targets = all_targets(self.muster, job)
            return len(targets) == len(travellers) and all(state_of(t) in ENDED for t in targets) and targets
        for target in wait_for('the job away from home has ended', ended, DEADLINE, PAUSE):
            self.assertEqual(state_of(target), 'SUCCEEDED', target)
        for router in travellers:
            self.assertEqual(sim_ask(self.sim, f'dump {router.index} /system/note').count('<away>'), 1)
        self.move(travellers, 'default')
        print(f'{len(travellers)} routers moved to another organization and back', flush=True)

    def move(self, travellers, organization):
        since = time.time()
        here = {'acme': 'default', 'default': 'acme'}[organization]
        self.each(lambda r: self.muster.muster('device', 'move', r.name, '--to', organization,
                                               MUSTER_ORGANIZATION=here), travellers)
        for router in travellers:
            router.name = f'organizations/{organization}/devices/{router.name.split("/")[-1]}'

        def heard():
            at = {d['name']: heard_at(d) for d in self.muster.devices(MUSTER_ORGANIZATION=organization)}
            return all(at.get(r.name, 0) > since for r in travellers)
        wait_for(f'movers are heard in {organization}', heard, DEADLINE, PAUSE)

    def release(self):
        """Every router is released; answers how many needed the line that removes Muster by hand."""
        self.each(lambda r: self.muster.muster('device', 'release', r.name, '--yes'), self.routers)

        def left():
            names = {d['name'] for d in self.muster.devices()}
            return [r for r in self.routers if r.name in names]
        try:
            wait_for('all are released', lambda: not left(), DEADLINE, PAUSE)
        except AssertionError:
            pass  # what an operator does then
        by_hand = left()
        for router in by_hand:
            self.assertNotEqual(router.version, router.installed, f'router {router.index} was not released')
            line = self.muster.muster('device', 'release', router.name, '--offline').strip()
            self.assertNotIn('still running', sim_ask(self.sim, f'run {router.index} {line}'))
            self.muster.muster('device', 'delete', router.name, '--yes')
        # The agent goes some seconds after it has said that it goes.
        for router in self.routers:
            wait_for(f'nothing is left on router {router.index}', lambda: not self.leftover(router), 60, 1)
        return len(by_hand)

    def leftover(self, router):
        return any('muster' in sim_ask(self.sim, f'{what}').lower() for what in (
            f'export {router.index}', f'dump {router.index} /certificate', f'dump {router.index} /file'))


if __name__ == '__main__':
    unittest.main()
