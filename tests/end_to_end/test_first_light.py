"""A fleet joins, runs changes and reports back; the API answers a client that isn't ours."""
import time
import unittest

from harness import FAMILIES, Installation, claim_of, wait_for


def states(targets):
    return sorted({t['state'] for t in targets})


class FirstLightTest(unittest.TestCase):
    def test_routers_of_five_families_join_run_changes_and_report(self):
        with Installation('first-light') as muster:
            muster.first_light(5)
            versions = sorted(d['routerosVersion'].split()[0] for d in muster.devices())
            self.assertEqual(versions, sorted(FAMILIES.split(',')))
            for device in muster.devices():
                self.assertIn('cpuLoadPercent', device['status'])
                self.assertIn('memoryFreeBytes', device['status'])
            good = muster.muster('job', 'run', '--where', 'online = true', '--script',
                                 '/ip address add address=192.0.2.1/32 interface=ether1 comment="by job"',
                                 '--wait', '--yes', '-o', 'json')
            self.assertIn('JOB_TARGET_STATE_SUCCEEDED', good)
            self.assertNotIn('FAILED', good)
            for script, phase in (('/ip address set [find where comment="by job"] address=nonsense', 'run'),
                                  ('/ip address add address={{{', 'parse')):
                result = muster.muster_result('job', 'run', '--where', 'online = true', '--script', script,
                                              '--wait', '--yes')
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                job = muster.muster_json('job', 'list')[0]
                targets = muster.call('muster.v1.JobService/ListJobTargets', {'parent': job['name']})[0]['targets']
                self.assertEqual(states(targets), ['JOB_TARGET_STATE_FAILED'])
                self.assertEqual(len(targets), 5)
                for target in targets:
                    self.assertEqual(target.get('phase'), phase, target)

    def test_text_with_quotes_dollars_and_umlauts_goes_to_the_router_and_back(self):
        with Installation('text') as muster:
            muster.first_light(2, versions='7.8,7.20.8')
            text = r'say \"hi\" for \$5, back\\slash, äöü'
            muster.muster('job', 'run', '--where', 'online = true', '--script',
                          f':put "{text}"\n/system identity set name="r \\"1\\" äöü"', '--wait', '--yes')
            job = muster.muster_json('job', 'list')[0]
            targets = muster.call('muster.v1.JobService/ListJobTargets', {'parent': job['name']})[0]['targets']
            for target in targets:
                self.assertIn('say "hi" for $5, back\\slash, äöü', target['output'])
            wait_for('the new identity', lambda: all(d.get('identity') == 'r "1" äöü' for d in muster.devices()), 20)

    def test_jobs_of_a_device_run_one_after_another_in_order(self):
        with Installation('order') as muster:
            muster.first_light(1, versions='7.20.8')
            device = muster.devices()[0]['name']
            for i in range(4):
                muster.muster('job', 'run', '--device', device, '--script', f':put "number {i}"')
            jobs = wait_for('all jobs ended', lambda: (found := muster.muster_json('job', 'list')) and
                            all(j.get('endTime') for j in found) and found, 30)
            targets = [muster.call('muster.v1.JobService/ListJobTargets', {'parent': j['name']})[0]['targets'][0]
                       for j in reversed(jobs)]
            self.assertEqual([t['output'].strip() for t in targets], [f'number {i}' for i in range(4)])
            numbers = [int(t['number']) for t in targets]
            self.assertEqual(numbers, sorted(set(numbers)))


class BulkJoinTest(unittest.TestCase):
    def test_routers_that_run_the_line_in_the_same_second_join_spread_over_half_an_hour(self):
        with Installation('spread') as muster:
            muster.start_musterd()
            muster.add_edge()
            late = muster.muster_result('claim', 'create', '--spread', '2h', '--ttl', '1h')
            self.assertEqual(late.returncode, 2, late.stderr)
            self.assertIn('spread', late.stderr)
            line = muster.claim_line('--max-devices', '12', '--spread', '30m')
            self.assertIn('joins within 30m', line)
            speed = 60
            muster.start_routers(line, 12, interval='30s', extra=('--speed', str(speed)))
            begun, seen = time.monotonic(), {}

            def all_online():
                for device in muster.devices('online = true'):
                    seen.setdefault(device['name'], (time.monotonic() - begun) * speed / 60)
                return len(seen) == 12
            wait_for('all are online', all_online, 60, 0.2)
            minutes = sorted(seen.values())
            print('minutes after the line:', [round(minute, 1) for minute in minutes], flush=True)
            self.assertLess(minutes[0], 15)
            self.assertGreater(minutes[-1] - minutes[0], 12)
            for first, third in zip(minutes, minutes[3:]):
                self.assertGreater(third - first, 0.5)


class OtherClientTest(unittest.TestCase):
    def test_buf_lists_creates_and_watches_by_reflection(self):
        with Installation('buf') as muster:
            muster.first_light(1, versions='7.12.2')
            listed = muster.call('muster.v1.DeviceService/ListDevices', {'parent': 'organizations/default'})[0]
            self.assertEqual(listed['totalSize'], 1)
            created = muster.call('muster.v1.JobService/CreateJob', {
                'parent': 'organizations/default', 'device': listed['devices'][0]['name'],
                'script': ':put "hello"', 'requestId': 'first'})[0]['job']
            again = muster.call('muster.v1.JobService/CreateJob', {
                'parent': 'organizations/default', 'device': listed['devices'][0]['name'],
                'script': ':put "hello"', 'requestId': 'first'})[0]['job']
            self.assertEqual(created['name'], again['name'])
            watched = muster.call('muster.v1.JobService/WatchJob', {'name': created['name']})
            self.assertTrue(any(m.get('synced') for m in watched))
            self.assertEqual(watched[-1]['targets'][-1]['state'], 'JOB_TARGET_STATE_SUCCEEDED')
            code, text = muster.call('muster.v1.JobService/CreateJob', {
                'parent': 'organizations/default', 'device': listed['devices'][0]['name'],
                'script': ':put "other"', 'requestId': 'first'}, code=None)
            self.assertIn('already_exists', text)

    def test_a_router_can_be_played_by_hand(self):
        with Installation('hand') as muster:
            muster.first_light(0)
            router = muster.edges['west'].router(claim_of(muster.claim_line('--label', 'k=v')))
            self.assertEqual(router.enroll()[0], 200)
            self.assertTrue(router.token.startswith('m1.') and len(router.token) <= 200)
            self.assertEqual(router.beat(), (200, '0'))
            device = muster.wait_online(1)[0]
            self.assertEqual(device['labels'], {'k': 'v'})
            muster.muster('job', 'run', '--device', device['name'], '--script', ':put "x"')
            number, script = router.take_job()
            self.assertIn(b':put "x"', script)
            router.last = number
            self.assertEqual(router.result(number, out='x'), (200, f'A{number}'))
            self.assertEqual(router.result(number, out='x'), (200, f'A{number}'))
            target = wait_for('the result', lambda: self.ended(muster), 10)
            self.assertEqual((target['state'], target['output']), ('JOB_TARGET_STATE_SUCCEEDED', 'x'))
            self.assertEqual(router.beat(), (200, '0'))

    @staticmethod
    def ended(muster):
        job = muster.muster_json('job', 'list')[0]
        target = muster.call('muster.v1.JobService/ListJobTargets', {'parent': job['name']})[0]['targets'][0]
        return target if job.get('endTime') else None


if __name__ == '__main__':
    unittest.main()
