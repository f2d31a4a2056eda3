"""Simulated routers that execute the agent's real text while replies are lost, routers reboot at any
step of a job and configurations go back: many at once against one control plane and one edge."""
import os
import re
import unittest
from collections import Counter

from harness import SEED, Installation, sim_ask, wait_for

ROUTERS = int(os.environ.get('MUSTER_ROUTERS', '150'))
JOBS = int(os.environ.get('MUSTER_JOBS_EACH', '3'))
ENDED = ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED', 'LOST', 'REVERTED')


def note_job(muster, mark, where):
    """A job that leaves its mark behind the router's note each time that it runs."""
    return muster.call('muster.v1.JobService/CreateJob', {
        'parent': 'organizations/default', 'filter': where, 'requestId': f'mark {mark} {where}',
        'script': f'/system note set note=([/system note get note] . "<{mark}>")'})[0]['job']['name']


def all_targets(muster, job):
    found, token = [], ''
    while True:
        page = muster.call('muster.v1.JobService/ListJobTargets', {'parent': job, 'pageSize': 1000, 'pageToken': token})[0]
        found += page.get('targets', [])
        token = page.get('nextPageToken', '')
        if not token:
            return found


def state_of(target):
    return target['state'].removeprefix('JOB_TARGET_STATE_')


class FaultsTest(unittest.TestCase):
    def test_lost_replies_and_reboots_start_no_job_twice_and_lose_none_wrongly(self):
        print(f'seed {SEED}, {ROUTERS} routers', flush=True)
        with Installation('faults') as muster:
            muster.start_musterd()
            muster.add_edge()
            line = muster.claim_line('--max-devices', str(ROUTERS), '--label', 'fleet=faults')
            sim = muster.start_routers(line, ROUTERS, interval='2s', extra=(
                '--behaviour', 'reboot-any,lose-reply,lose-result,lose-enrolment'))
            devices = muster.wait_online(ROUTERS, 240)
            self.assertEqual(len(devices), ROUTERS, 'a lost reply made a second device')
            jobs = [note_job(muster, mark, 'labels.fleet = "faults"') for mark in range(JOBS)]
            targets = wait_for('all jobs ended', lambda: self.ended(muster, jobs), 420, 2)
            self.assertEqual(len(targets), ROUTERS * JOBS)
            self.assertTrue(sim.alive())
            self.check(muster, sim, jobs, targets)

    @staticmethod
    def ended(muster, jobs):
        targets = []
        for job in jobs:
            found = all_targets(muster, job)
            if not found or any(state_of(t) not in ENDED for t in found):
                return None
            targets += [(job, t) for t in found]
        return targets

    def check(self, muster, sim, jobs, targets):
        by_identity = {d['identity']: d['name'] for d in muster.devices('labels.fleet = "faults"')}
        said = sim.errors()
        starts = Counter(re.findall(r'^router (\d+) \S+ job (\d+) starts$', said.replace(':', ''), re.M))
        self.assertEqual([s for s, count in starts.items() if count > 1], [], 'a number was started twice')
        rebooted = {m for m in re.findall(r'^router (\d+) \S+ rebooted', said, re.M)}
        tally = Counter(state_of(t) for _, t in targets)
        print(f'states {dict(tally)}, {len(rebooted)} routers rebooted', flush=True)
        state = {(t['device'], jobs.index(job)): t for job, t in targets}
        self.assertLessEqual(set(tally), {'SUCCEEDED', 'LOST'})
        for index in range(ROUTERS):
            note = sim_ask(sim, f'dump {index} /system/note')
            for mark in range(JOBS):
                ran = note.count(f'<{mark}>')
                target = state[by_identity[f'sim-{index:04d}'], mark]
                self.assertLessEqual(ran, 1, f'router {index} ran job {mark} {ran} times')
                if state_of(target) == 'SUCCEEDED':
                    self.assertEqual(ran, 1, f'router {index}: job {mark} is SUCCEEDED but left no mark')
                elif str(index) not in rebooted:
                    # Three replies with it were lost, so it was given up before it could start.
                    self.assertEqual((ran, target.get('timesSent')), (0, 3), f'router {index}: job {mark} is LOST without a reason')

    def test_routers_whose_configuration_went_back_are_noticed_and_held(self):
        with Installation('went-back') as muster:
            muster.start_musterd()
            muster.add_edge()
            count = max(5, ROUTERS // 10)
            line = muster.claim_line('--max-devices', str(count))
            sim = muster.start_routers(line, count, interval='1s')
            muster.wait_online(count)
            first = [note_job(muster, 'first', 'online = true')]
            wait_for('the first job ended', lambda: self.ended(muster, first), 120, 1)
            for index in range(count):
                sim_ask(sim, f'save {index}')
            second = [note_job(muster, 'second', 'online = true')]
            wait_for('the second job ended', lambda: self.ended(muster, second), 120, 1)
            for index in range(count):
                sim_ask(sim, f'restore {index}')
            wait_for('every router is held', lambda: all(d.get('jobsHeld') for d in muster.devices()), 60, 1)
            for device in muster.devices():
                events = muster.muster_json('device', 'get', device['name'])['recentEvents']
                self.assertIn('router-state-went-back', {e['kind'] for e in events})
            third = note_job(muster, 'third', 'site = ""')
            wait_for('beats go on', lambda: {state_of(t) for t in all_targets(muster, third)} <= {'HELD', 'QUEUED'} or None, 10)
            for index in range(count):
                note = sim_ask(sim, f'dump {index} /system/note')
                self.assertEqual(note.count('<first>'), 1)
                self.assertNotIn('<third>', note)
            freed = muster.devices()[0]['name']
            muster.muster('job', 'release', '--device', freed)
            wait_for('the freed router goes on', lambda: [t for t in all_targets(muster, third)
                                                          if t['device'] == freed and state_of(t) == 'SUCCEEDED'], 30, 0.5)
            self.assertFalse(muster.muster_json('device', 'get', freed).get('jobsHeld'))


if __name__ == '__main__':
    unittest.main()
