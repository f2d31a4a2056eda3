"""What an operator has a router do at once: stop what runs, beat fast."""
import time
import unittest

from harness import Installation, wait_for
from test_operator import hand_routers


class StopTest(unittest.TestCase):
    def targets(self, muster, job):
        return muster.call('muster.v1.JobService/ListJobTargets', {'parent': job['name']})[0].get('targets', [])

    def states(self, muster, job):
        return sorted(t['state'].removeprefix('JOB_TARGET_STATE_') for t in self.targets(muster, job))

    def test_a_job_that_runs_is_stopped_on_routers_of_every_family(self):
        with Installation('stop') as muster:
            muster.first_light(5)
            muster.muster('job', 'run', '--where', 'online = true', '--timeout', '1h', '--yes', '--script',
                          ':delay 1h; /system identity set name=late')
            job = muster.muster_json('job', 'list')[0]
            short = job['name'].split('/')[-1]
            wait_for('all run it', lambda: self.states(muster, job) == ['RUNNING'] * 5, 60, 0.2)
            plain = muster.muster_result('job', 'cancel', short, '--yes')
            self.assertEqual(plain.returncode, 1, plain.stderr)
            self.assertIn('--running stops it there too', plain.stderr)
            self.assertEqual(self.states(muster, job), ['RUNNING'] * 5)
            # A restart of the control plane in between forgets nothing.
            stopped = muster.muster_result('job', 'cancel', short, '--running', '--yes')
            self.assertEqual(stopped.returncode, 0, stopped.stderr)
            self.assertIn('told 5 routers to stop it', stopped.stderr)
            muster.musterd.stop()
            muster.start_musterd()
            wait_for('all have stopped', lambda: self.states(muster, job) == ['CANCELLED'] * 5, 60, 0.2)
            for target in self.targets(muster, job):
                self.assertEqual(target['error'], 'stopped while it ran; what it had done stays', target)
            # They take jobs again, and what came after the delay was never done.
            self.assertEqual(muster.muster_result('job', 'run', '--where', 'online = true', '--yes', '--wait',
                                                  '--script', ':put next').returncode, 0)
            self.assertNotIn('late', [d['identity'] for d in muster.devices()])
            entries = muster.muster_json('audit', 'list', '--limit', '20')
            self.assertTrue([e for e in entries if 'told 5 routers to stop it' in e['summary']], entries)

    def test_a_result_that_is_faster_than_the_stop_counts(self):
        with Installation('stop-late') as muster:
            muster.first_light(0)
            router = hand_routers(muster, 1)[0]
            muster.muster('job', 'run', '--device', 'gw-0', '--script', ':put 1')
            job = muster.muster_json('job', 'list')[0]
            number, _ = router.take_job()
            router.last = number
            router.beat(run=number)
            wait_for('it runs', lambda: self.states(muster, job) == ['RUNNING'], 20)
            muster.muster('job', 'cancel', '--device', 'gw-0', job['name'], '--running')
            wait_for('the edge says K', lambda: router.beat(run=number)[1] == f'K{number}', 20, 0.2)
            self.assertEqual(self.states(muster, job), ['RUNNING'])
            self.assertEqual(router.result(number)[0], 200)
            wait_for('its result', lambda: self.states(muster, job) == ['SUCCEEDED'], 20)


class FastBeatsTest(unittest.TestCase):
    def test_jobs_start_at_once_while_a_router_beats_fast(self):
        with Installation('fast') as muster:
            muster.first_light(1, versions='7.20.8', interval='20s')
            identity = muster.devices()[0]['identity']
            slow = muster.muster_result('device', 'beat', identity, '--for', '10m')
            self.assertEqual(slow.returncode, 2)
            self.assertIn('2s to 5m', slow.stderr)
            asked = muster.muster_result('device', 'beat', identity, '--for', '2m')
            self.assertEqual(asked.returncode, 0, asked.stderr)
            self.assertIn('beats every 2 s for 2m from its next beat on', asked.stderr)
            # The first one waits for the next beat, the others don't.
            self.assertEqual(muster.muster_result('job', 'run', '--device', identity, '--script', ':put 0',
                                                  '--wait').returncode, 0)
            for i in range(1, 4):
                begun = time.monotonic()
                self.assertEqual(muster.muster_result('job', 'run', '--device', identity, '--script', f':put {i}',
                                                      '--wait').returncode, 0)
                self.assertLess(time.monotonic() - begun, 8, 'a beat comes every 20 s otherwise')
            self.assertTrue([e for e in muster.muster_json('audit', 'list', '--limit', '20')
                             if 'beat fast for 120 s' in e['summary']])

    def test_an_agent_that_knows_no_fast_beats_is_not_asked(self):
        with Installation('fast-old') as muster:
            muster.first_light(0)
            router = hand_routers(muster, 1)[0]
            refused = muster.muster_result('device', 'beat', 'gw-0')
            self.assertEqual(refused.returncode, 1)
            self.assertIn('agent upgrade', refused.stderr)
            router.beat(agent='2')
            wait_for('the newer agent', lambda: muster.devices()[0].get('agentVersion') == '2', 20)
            answer = muster.muster_json('device', 'beat', 'gw-0', '--for', '90s')
            self.assertIn('expectedBeatTime', answer)
            wait_for('the edge says F', lambda: router.beat(agent='2')[1] == 'F90', 20, 0.2)


if __name__ == '__main__':
    unittest.main()
