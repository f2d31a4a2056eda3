"""Scripts that fit no single reply, from the operator to routers of every family and back."""
import unittest

from harness import FAMILIES, Installation


class LargeScriptsTest(unittest.TestCase):
    def test_a_script_of_64_kib_runs_once_on_every_family(self):
        routers = len(FAMILIES.split(','))
        with Installation('large') as muster:
            muster.first_light(routers)
            script = ':global musterOut "ran to its end"\n/system note set note="large"\n'
            line = '# ' + 'x' * 61 + '\n'
            script = line * ((64 * 1024 - len(script)) // len(line)) + script
            path = muster.path('large.rsc')
            with open(path, 'w') as file:
                file.write(script)
            muster.muster('job', 'run', '--where', 'online = true', '--script-file', path, '--yes', '--wait')
            job = muster.muster_json('job', 'list')[0]
            targets = muster.call('muster.v1.JobService/ListJobTargets', {'parent': job['name']})[0]['targets']
            self.assertEqual(len(targets), routers)
            for target in targets:
                self.assertEqual(target['state'], 'JOB_TARGET_STATE_SUCCEEDED', target)
                self.assertIn('ran to its end', target['output'])
            # A byte more is refused with the limit.
            with open(path, 'a') as file:
                file.write('#' * 64)
            refused = muster.muster_result('job', 'run', '--where', 'online = true', '--script-file', path, '--yes')
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn('65536', refused.stderr)

