"""Programs that stop, are killed, or come back with an older state, under load."""
import os
import random
import shutil
import threading
import time
import unittest

from harness import SEED, Installation, claim_of, wait_for

KILLS = int(os.environ.get('MUSTER_KILLS', '5'))
ENDED = {'JOB_TARGET_STATE_SUCCEEDED', 'JOB_TARGET_STATE_FAILED', 'JOB_TARGET_STATE_CANCELLED', 'JOB_TARGET_STATE_EXPIRED',
         'JOB_TARGET_STATE_LOST', 'JOB_TARGET_STATE_REVERTED'}


class Fleet:
    """Routers played by hand that beat in threads of their own and do their jobs honestly."""

    def __init__(self, muster, count, pause=0.2):
        claim = claim_of(muster.claim_line('--max-devices', str(count)))
        self.routers = [muster.edges['west'].router(claim) for _ in range(count)]
        for router in self.routers:
            status, text = router.enroll()
            assert (status, text[:1]) == (200, 'T'), text
            router.started_numbers, router.pending, router.refused, router.calls = [], {}, [], 0
        self.pause, self.stopping, self.began = pause, threading.Event(), time.monotonic()
        self.threads = [threading.Thread(target=self.live, args=(r,), daemon=True) for r in self.routers]
        for thread in self.threads:
            thread.start()

    def live(self, router):
        while not self.stopping.is_set():
            try:
                self.beat_once(router)
            except OSError as problem:
                router.refused.append(repr(problem))
            # An edge lets a router call 120 times at once and twice a second for long.
            hasty = router.calls > 60 + 1.5 * (time.monotonic() - self.began)
            self.stopping.wait(2 if hasty else self.pause)

    @staticmethod
    def beat_once(router):
        for number in sorted(router.pending):
            router.calls += 1
            status, text = router.result(number, out=router.pending[number])
            if status == 200:
                assert text == f'A{number}', text
                del router.pending[number]
            elif status != 503:
                router.refused.append((status, text))
        router.calls += 1
        status, text = router.beat()
        if status != 200:
            router.refused.append((status, text))
        elif text.startswith('J'):
            number = int(text[1:].split()[0])
            if number > router.last:
                router.last = number
                router.started_numbers.append(number)
                router.pending[number] = f'did {number}'

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def refusals(self):
        return [r for router in self.routers for r in router.refused]


def targets_of(muster, job):
    return muster.call('muster.v1.JobService/ListJobTargets', {'parent': job})[0].get('targets', [])


def new_job(muster, text, where='online = true'):
    answer = muster.call('muster.v1.JobService/CreateJob', {
        'parent': 'organizations/default', 'filter': where, 'script': text, 'requestId': text})
    return answer[0]['job']['name']


def wait_ended(muster, jobs, seconds=60):
    def all_ended():
        found = [t for job in jobs for t in targets_of(muster, job)]
        return found and all(t['state'] in ENDED for t in found) and found
    return wait_for('all jobs ended', all_ended, seconds, 0.3)


class CrashTest(unittest.TestCase):
    def test_no_router_is_refused_while_the_control_plane_is_away(self):
        with Installation('away') as muster:
            muster.first_light(0)
            fleet = Fleet(muster, 10)
            muster.wait_online(10)
            before = new_job(muster, ':put before')
            wait_ended(muster, [before])
            for _ in range(2):
                waiting = new_job(muster, f':put "waiting {time.monotonic()}"')
                self.assertEqual(muster.musterd.stop(), 0)
                threading.Event().wait(3)
                muster.start_musterd()
                targets = wait_ended(muster, [waiting])
                self.assertEqual({t['state'] for t in targets}, {'JOB_TARGET_STATE_SUCCEEDED'})
            fleet.stop()
            self.assertEqual(fleet.refusals(), [])
            for router in fleet.routers:
                self.assertEqual(len(router.started_numbers), len(set(router.started_numbers)))

    def test_what_was_acknowledged_survives_kill_9(self):
        print(f'seed {SEED}', flush=True)
        chance = random.Random(SEED)
        with Installation('kill') as muster:
            muster.first_light(0)
            fleet = Fleet(muster, 8)
            devices = muster.wait_online(8)
            jobs, notes, lock, stopping = [], {}, threading.Lock(), threading.Event()

            def write():
                count = 0
                while not stopping.is_set():
                    count += 1
                    device = devices[count % len(devices)]['name']
                    note = f'note {count}'
                    try:
                        muster.call('muster.v1.DeviceService/UpdateDevice', {
                            'device': {'name': device, 'notes': note}, 'updateMask': 'notes', 'requestId': note})
                        with lock:
                            notes[device] = note
                        if count % 4 == 0:
                            job = new_job(muster, f':put "job {count}"')
                            with lock:
                                jobs.append(job)
                    except AssertionError:
                        stopping.wait(0.2)

            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            for _ in range(KILLS):
                threading.Event().wait(chance.uniform(0.5, 2.0))
                muster.musterd.kill()
                muster.start_musterd()
            wait_for('a job after the last kill', lambda: len(jobs) > 0, 30)
            stopping.set()
            writer.join(60)
            now = {d['name']: d for d in muster.devices()}
            for device, note in notes.items():
                # One more may have been written whose answer was lost.
                self.assertGreaterEqual(int(now[device]['notes'].split()[1]), int(note.split()[1]))
            targets = wait_ended(muster, jobs, 120)
            fleet.stop()
            self.assertEqual({t['state'] for t in targets}, {'JOB_TARGET_STATE_SUCCEEDED'})
            self.assertEqual(fleet.refusals(), [])
            for router in fleet.routers:
                self.assertEqual(len(router.started_numbers), len(set(router.started_numbers)))
                self.assertEqual(router.started_numbers, sorted(router.started_numbers))

    def test_a_control_plane_restored_from_an_older_copy_reuses_no_number(self):
        with Installation('restored') as muster:
            muster.first_light(0)
            fleet = Fleet(muster, 5)
            muster.wait_online(5)
            wait_ended(muster, [new_job(muster, ':put one')])
            muster.musterd.stop()
            shutil.copytree(muster.path('control'), muster.path('copy'))
            muster.start_musterd()
            wait_ended(muster, [new_job(muster, ':put two'), new_job(muster, ':put three')])
            muster.musterd.stop()
            shutil.rmtree(muster.path('control'))
            shutil.move(muster.path('copy'), muster.path('control'))
            muster.start_musterd()
            # Routers report a higher number than the copy knows: nothing wrong, the next is above it.
            targets = wait_ended(muster, [new_job(muster, ':put four')])
            self.assertEqual({t['state'] for t in targets}, {'JOB_TARGET_STATE_SUCCEEDED'})
            fleet.stop()
            self.assertEqual(fleet.refusals(), [])
            for router in fleet.routers:
                self.assertEqual(len(router.started_numbers), 4)
                self.assertEqual(router.started_numbers, sorted(set(router.started_numbers)))

    def test_a_result_that_comes_for_a_job_the_copy_never_knew_is_shown_as_orphan(self):
        with Installation('orphan') as muster:
            muster.first_light(0)
            router = muster.edges['west'].router(claim_of(muster.claim_line()))
            router.enroll()
            router.beat()
            device = muster.wait_online(1)[0]['name']
            muster.musterd.stop()
            shutil.copytree(muster.path('control'), muster.path('copy'))
            muster.start_musterd()
            new_job(muster, ':put x')
            number, _ = router.take_job()
            router.last = number
            muster.musterd.stop()
            shutil.rmtree(muster.path('control'))
            shutil.move(muster.path('copy'), muster.path('control'))
            muster.start_musterd()
            wait_for('the result is taken', lambda: router.result(number) == (200, f'A{number}'), 30, 0.5)
            events = wait_for('the orphan', lambda: [e for e in muster.muster_json('device', 'get', device).get('recentEvents', [])
                                                     if e['kind'] == 'orphan-result'], 10)
            self.assertIn(str(number), events[0]['message'])

    def test_a_job_can_be_cancelled_until_it_was_sent(self):
        with Installation('cancel') as muster:
            muster.first_light(0)
            router = muster.edges['west'].router(claim_of(muster.claim_line()))
            router.enroll()
            router.beat()
            device = muster.wait_online(1)[0]['name']

            def create(text):
                return muster.call('muster.v1.JobService/CreateJob', {
                    'parent': 'organizations/default', 'device': device, 'script': text, 'requestId': text})[0]['job']['name']

            def state(job):
                return targets_of(muster, job)[0]['state']

            first, queued = create(':put first'), create(':put queued')
            wait_for('the first lies at the edge', lambda: state(first) == 'JOB_TARGET_STATE_AT_EDGE', 10)
            self.assertEqual(state(queued), 'JOB_TARGET_STATE_QUEUED')
            muster.muster('job', 'cancel', queued, '--yes')
            self.assertEqual(state(queued), 'JOB_TARGET_STATE_CANCELLED')
            muster.muster('job', 'cancel', first, '--yes')
            wait_for('the edge gave it back', lambda: state(first) == 'JOB_TARGET_STATE_CANCELLED', 10)
            self.assertEqual(router.beat(), (200, '0'), 'a cancelled job is not sent')
            sent = create(':put sent')
            number, _ = router.take_job()
            wait_for('it was sent', lambda: state(sent) in ('JOB_TARGET_STATE_SENT', 'JOB_TARGET_STATE_RUNNING'), 10)
            self.assertNotEqual(muster.muster_result('job', 'cancel', sent, '--yes').returncode, 0)
            router.last = number
            router.result(number)
            wait_for('it succeeded', lambda: state(sent) == 'JOB_TARGET_STATE_SUCCEEDED', 10)
            self.assertNotEqual(muster.muster_result('job', 'cancel', sent, '--yes').returncode, 0)

    def test_the_edge_may_be_killed_and_its_routers_go_on(self):
        with Installation('edge-killed') as muster:
            muster.first_light(0)
            fleet = Fleet(muster, 5)
            muster.wait_online(5)
            muster.edges['west'].process.kill()
            job = new_job(muster, ':put after')
            muster.edges['west'].start()
            targets = wait_ended(muster, [job])
            fleet.stop()
            self.assertEqual({t['state'] for t in targets}, {'JOB_TARGET_STATE_SUCCEEDED'})

    def test_a_second_control_plane_on_the_same_folder_is_refused(self):
        with Installation('second') as muster:
            muster.start_musterd()
            second = muster.run('second', [muster.musterd.command[0], '--data-dir', muster.path('control'),
                                           '--listen', '127.0.0.1:0', '--listen-edge', '127.0.0.1:0'])
            self.assertEqual(second.handle.wait(20), 1)
            self.assertIn(muster.path('control'), second.errors())
            self.assertEqual(len(second.errors().strip().splitlines()), 1, second.errors())
            self.assertEqual(muster.musterd.stop(), 0)
            os.chmod(muster.path('control'), 0o755)
            third = muster.run('third', muster.musterd.command)
            self.assertEqual(third.handle.wait(20), 1)
            self.assertIn('700', third.errors())


if __name__ == '__main__':
    unittest.main()
