"""Changes go out in waves, wait for their windows, and are filled in for each router."""
import datetime
import os
import unittest

from harness import Installation, wait_for


class RolloutTest(unittest.TestCase):
    def targets(self, muster, job):
        answer = muster.call('muster.v1.JobService/ListJobTargets', {'parent': job['name']})[0]
        return answer.get('targets', [])

    def test_a_failing_canary_stops_the_job_and_a_rerun_takes_what_failed(self):
        with Installation('canary') as muster:
            muster.first_light(5)
            result = muster.muster_result('job', 'run', '--where', 'online = true', '--script',
                                          ':error "not today"', '--canary', '1', '--batch', '2', '--wait', '--yes')
            self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
            self.assertIn('stopped: 1 device failed, none may', result.stderr)
            job = muster.muster_json('job', 'list')[0]
            targets = self.targets(muster, job)
            states = sorted(t['state'] for t in targets)
            self.assertEqual(states, ['JOB_TARGET_STATE_CANCELLED'] * 4 + ['JOB_TARGET_STATE_FAILED'])
            for target in targets:
                if target['state'] == 'JOB_TARGET_STATE_CANCELLED':
                    self.assertIn('not started', target['error'])
                    self.assertNotIn('number', target)
            short = job['name'].split('/')[-1]
            again = muster.muster_result('job', 'rerun', short, '--failed', '--wait', '--yes')
            self.assertEqual(again.returncode, 1, again.stdout + again.stderr)
            self.assertEqual(muster.muster_json('job', 'list')[0]['targetCount'], 1)

    def test_waves_follow_each_other_over_a_restart_of_the_control_plane(self):
        with Installation('waves') as muster:
            muster.first_light(5)
            muster.muster('job', 'run', '--where', 'online = true', '--script', ':delay 1s; :put done',
                          '--canary', '1', '--batch', '2', '--max-fail', '1', '--yes')
            muster.musterd.stop()
            muster.start_musterd()
            job = wait_for('the end of the last wave', lambda: (j := muster.muster_json('job', 'list')[0]) and
                           j.get('endTime') and j, 60)
            self.assertEqual(job['waves']['openWave'], 3)
            targets = self.targets(muster, job)
            self.assertEqual({t['state'] for t in targets}, {'JOB_TARGET_STATE_SUCCEEDED'})
            by_wave = {}
            for target in targets:
                by_wave.setdefault(target['wave'], []).append(target)
            self.assertEqual([len(by_wave[w]) for w in (1, 2, 3)], [1, 2, 2])
            # Numbers are times: no target of a wave got its number before the wave before had ended.
            for wave in (2, 3):
                self.assertGreater(min(int(t['number']) for t in by_wave[wave]),
                                   max(int(t['number']) for t in by_wave[wave - 1]))

    def test_values_of_the_device_arrive_and_stay_in_their_place(self):
        with Installation('values') as muster:
            # Versions before 7.8 answer no output.
            muster.first_light(4, versions='7.8,7.12.2,7.15.3,7.20.8')
            hostile = '"; /system identity set name=taken; :put "$x [a] \\'
            for device in muster.devices():
                muster.muster('device', 'set', device['name'], '--label', f'note={hostile}', '--label', 'vlan=20')
            script = ':put "{{label.note}}"\n/ip address add address=192.0.2.{{label.vlan}}/32 interface=ether1'
            muster.muster('job', 'run', '--where', 'online = true', '--script', script, '--wait', '--yes')
            for target in self.targets(muster, muster.muster_json('job', 'list')[0]):
                self.assertEqual(target['state'], 'JOB_TARGET_STATE_SUCCEEDED', target)
                self.assertEqual(target['output'].strip(), hostile)
            self.assertNotIn('taken', [d.get('identity') for d in muster.devices()])
            result = muster.muster_result('job', 'run', '--where', 'online = true', '--script',
                                          ':put {{label.none}}', '--yes')
            self.assertEqual(result.returncode, 1)
            self.assertIn('label none is not set', result.stderr)

    def test_a_secret_arrives_and_lies_nowhere(self):
        with Installation('secret') as muster:
            muster.first_light(2, versions='7.8,7.20.8')
            canary = 'canary "of $the [script] secret'
            muster.muster('secret', 'set', 'radius', '--file', '-', stdin=canary + '\n')
            muster.muster('script', 'create', 'keep', '--file', '-', stdin=(
                '/ip address add address=192.0.2.9/32 interface=ether1 comment={{secret:radius}}\n'
                ':put "kept {{secret:radius}}"'))
            muster.muster('job', 'run', '--where', 'online = true', '--script-name', 'keep', '--wait', '--yes')
            job = muster.muster_json('job', 'list')[0]
            for target in self.targets(muster, job):
                self.assertEqual(target['state'], 'JOB_TARGET_STATE_SUCCEEDED', target)
                self.assertIn('kept', target['output'])
            # The routers have exactly the value.
            muster.muster('job', 'run', '--where', 'online = true', '--wait', '--yes', '--script',
                          ':put [:len [/ip address get [find address=192.0.2.9/32] comment]]')
            for target in self.targets(muster, muster.muster_json('job', 'list')[0]):
                self.assertEqual(target['output'].strip(), str(len(canary)))
            shown = muster.muster('job', 'get', job['name'].split('/')[-1], '-o', 'json')
            self.assertNotIn('canary', shown)
            for folder, _, files in os.walk(muster.path()):
                for name in files:
                    with open(os.path.join(folder, name), 'rb') as file:
                        bytes_of = file.read()
                    # As it is, and as it is written into a script.
                    for form in (canary.encode(), b'canary\\20\\22of'):
                        self.assertFalse(form in bytes_of, name)

    def test_a_window_holds_a_job_until_it_opens(self):
        with Installation('window') as muster:
            muster.first_light(1, versions='7.20.8')
            device = muster.devices()[0]['name']
            start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
            times = f'daily {start:%H:%M}-{start + datetime.timedelta(hours=1):%H:%M}'
            muster.muster('window', 'set', 'night', '--device', device, '--times', times, '--zone', 'UTC')
            muster.muster('job', 'run', '--device', device, '--script', ':put now')
            job = muster.muster_json('job', 'list')[0]
            beat = muster.devices()[0]['status']['lastCheckInTime']
            wait_for('two more beats', lambda: muster.devices()[0]['status']['lastCheckInTime'] > beat, 30)
            target = self.targets(muster, job)[0]
            self.assertEqual(target['state'], 'JOB_TARGET_STATE_QUEUED')
            self.assertIn('waits for window night', target['waitReason'])
            muster.muster('window', 'set', 'night', '--device', device, '--times', 'daily 00:00-24:00', '--zone', 'UTC')
            wait_for('the job', lambda: self.targets(muster, job)[0]['state'] == 'JOB_TARGET_STATE_SUCCEEDED', 30)


if __name__ == '__main__':
    unittest.main()
