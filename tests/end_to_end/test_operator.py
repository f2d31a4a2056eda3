"""What an operator and integrators do with a fleet, with real programs: a client that isn't ours,
watching, finding, changing many at once, completion in real shells, the audit's chain."""
import json
import os
import re
import shutil
import subprocess
import unittest

from harness import BIN, ROOT, Installation, claim_of, wait_for

# The interpreter that Debian's python3-grpcio belongs to.
DEBIAN_PYTHON = '/usr/bin/python3'


def hand_routers(muster, count):
    """Routers played by hand that have joined and beaten once; their identities are gw-0, gw-1 ..."""
    line = muster.claim_line('--max-devices', str(count), '--site', 'riga')
    routers = []
    for i in range(count):
        router = muster.edges['west'].router(claim_of(line))
        router.facts = lambda i=i, facts=router.facts(): {**facts, 'id': f'gw-{i}', 'sn': f'SERIAL{i}',
                                                          'mac': f'48:a9:8a:00:11:0{i}'}
        assert router.enroll()[0] == 200
        assert router.beat()[0] == 200
        routers.append(router)
    muster.wait_online(count)
    return routers


class PythonClientTest(unittest.TestCase):
    def test_a_client_made_by_another_toolchain_lists_creates_and_watches(self):
        with Installation('python-client') as muster:
            muster.first_light(2, versions='7.20.8')
            generated = muster.path('generated')
            os.makedirs(generated)
            protos = sorted(os.listdir(os.path.join(ROOT, 'proto', 'muster', 'v1')))
            subprocess.run(['protoc', '-I', os.path.join(ROOT, 'proto'), f'--python_out={generated}',
                            '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin',
                            f'--grpc_python_out={generated}', *[f'muster/v1/{name}' for name in protos]], check=True)
            key = muster.path('python.key')
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
                file.write(muster.muster('key', 'create', 'python', '--role', 'operator'))
            ran = subprocess.run(
                [DEBIAN_PYTHON, os.path.join(ROOT, 'tests', 'end_to_end', 'python_client.py'), generated,
                 f'127.0.0.1:{muster.api_port}', muster.path('control', 'pki', 'cluster-ca.pem'), key, 'default'],
                capture_output=True, text=True, timeout=120, check=False,
                env={'PATH': os.environ['PATH'], 'PYTHONDONTWRITEBYTECODE': '1'})
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            seen = json.loads(ran.stdout)
            identities = [d['identity'] for d in muster.devices()]
            self.assertEqual(seen['listed'], sorted(identities, reverse=True))
            self.assertEqual(seen['watched'], sorted(identities))
            self.assertEqual((seen['state'], seen['output'].strip()), ('JOB_TARGET_STATE_SUCCEEDED', 'from python'))
            self.assertEqual(seen['refused'], 'NOT_FOUND')


class FleetTest(unittest.TestCase):
    def test_devices_are_found_watched_and_changed_together(self):
        with Installation('fleet') as muster:
            muster.first_light(0)
            hand_routers(muster, 4)
            self.find(muster)
            watch = muster.run('watch', [f'{BIN}/muster', 'device', 'watch', '--where', 'site = riga'],
                               muster.environment())
            wait_for('the first listing', lambda: '4 devices' in watch.errors(), 20)
            self.assertEqual(len(re.findall(r'^added +gw-\d: online', watch.output(), re.M)), 4, watch.output())
            self.assertEqual(muster.muster_result('device', 'set', '--where', 'site = riga', '--site', 'rix').returncode, 2)
            out = muster.muster('device', 'set', '--where', 'site = riga', '--label', 'ring=canary', '--notes', 'all', '--yes')
            self.assertEqual(out.count('ring=canary'), 4)
            names = muster.muster('device', 'list', '--where', 'identity = gw-1 OR identity = gw-2', '-o', 'name')
            partly = muster.muster_result('device', 'set', '-', '--site', 'rix', '--yes', stdin=names + 'nobody\n')
            self.assertEqual(partly.returncode, 6, partly.stderr)
            self.assertIn('changed 2 of 3 devices', partly.stderr)
            wait_for('what left the filter', lambda: len(re.findall(r'^removed +gw-[12]: ', watch.output(), re.M)) == 2, 20)
            # The watch outlives a restart of the control plane, and says nothing twice.
            lines = watch.output().count('\n')
            muster.musterd.stop()
            muster.start_musterd()
            muster.muster('device', 'set', 'gw-0', '--site', 'rix')
            wait_for('a change after the restart', lambda: re.search(r'^removed +gw-0: ', watch.output(), re.M), 30)
            self.assertNotIn('added', ''.join(watch.output().splitlines(True)[lines:]))

    def test_a_doctor_says_what_the_edge_remembers_and_what_to_do(self):
        with Installation('doctor') as muster:
            muster.first_light(0)
            router = hand_routers(muster, 1)[0]
            whole = muster.muster_json('device', 'doctor', 'gw-0')
            self.assertEqual(whole['contacts'][0]['kind'], 'CONTACT_KIND_CHECK_IN')
            self.assertEqual(whole['tlsVersion'], 'TLSv1.2')
            self.assertTrue(whole['tlsCipher'])
            self.assertNotIn('FINDING_LEVEL_PROBLEM', [f['level'] for f in whole['findings']])
            self.assertEqual(router.post('/v1/heartbeat', '{"p":', f'Bearer {router.token}')[0], 400)
            sick = wait_for('the refusal', lambda: (answer := muster.muster_json('device', 'doctor', 'gw-0')) and
                            answer['contacts'][0]['kind'] == 'CONTACT_KIND_REFUSED' and answer, 20)
            self.assertEqual(sick['contacts'][0]['httpStatus'], 400)
            self.assertIn('refused', [f['code'] for f in sick['findings']])
            text = muster.muster('device', 'doctor', 'gw-0')
            self.assertIn('HTTP 400', text)
            self.assertNotIn(router.token, text)
            # An edge that is away is said, and what to do about it.
            muster.edges['west'].process.stop()
            away = wait_for('the silence', lambda: (answer := muster.muster_json('device', 'doctor', 'gw-0')) and
                            not answer['contacts'] and answer, 20)
            self.assertIn('no-contacts', [f['code'] for f in away['findings']])

    def find(self, muster):
        for text, identities in (('serial2', ['gw-2']), ('48A98A001101', ['gw-1']), ('48-a9-8a-00-11-03', ['gw-3']),
                                 ('48a9.8a00.1100', ['gw-0']), ('127.0.0.0/8', ['gw-0', 'gw-1', 'gw-2', 'gw-3']),
                                 ('GW-', ['gw-0', 'gw-1', 'gw-2', 'gw-3'])):
            found = muster.muster_json('device', 'find', text)
            self.assertEqual(sorted(d['identity'] for d in found), identities, text)
        self.assertEqual(muster.muster_result('device', 'find', 'nowhere').returncode, 3)

    def test_the_audit_is_listed_by_filters_and_its_chain_is_verified(self):
        with Installation('audit') as muster:
            muster.first_light(0)
            hand_routers(muster, 1)
            muster.muster('device', 'set', 'gw-0', '--notes', 'one')
            muster.muster('device', 'set', 'gw-0', '--notes', 'two')
            entries = muster.muster_json('audit', 'list', '--method', 'UpdateDevice')
            self.assertEqual(len(entries), 2)
            self.assertEqual(muster.muster_json('audit', 'list', '--method', 'UpdateDevice', '--until', '1h'), [])
            self.assertEqual(len(muster.muster_json('audit', 'list', '--method', 'Update', '--resource', '/devices/',
                                                    '--since', '1h')), 2)
            self.assertIn('is whole', muster.muster_result('audit', 'verify').stderr)
            export = muster.path('audit.json')
            with open(export, 'w') as file:
                file.write(muster.muster('audit', 'list', '--limit', '0', '--all-organizations', '-o', 'json'))
            self.assertIn('is whole', muster.muster_result('audit', 'verify', '--file', export).stderr)
            number = max(int(e['sequence']) for e in entries)
            with open(export) as file:
                changed = json.load(file)
            next(e for e in changed if int(e['sequence']) == number)['summary'] = 'looked at the device'
            with open(export, 'w') as file:
                json.dump(changed, file)
            result = muster.muster_result('audit', 'verify', '--file', export)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f'entry {number} was changed', result.stderr)
            self.assertEqual(self.verify_after_tampering(muster, number), number)

    def verify_after_tampering(self, muster, number):
        """Changes an entry in the database behind the server's back; what the server calls the first broken one."""
        muster.musterd.stop()
        subprocess.run(['sqlite3', muster.path('control', 'state.db'),
                        f"UPDATE audit SET actor = 'apiKeys/0000000000001' WHERE sequence = {number}"], check=True)
        muster.start_musterd()
        result = muster.muster_result('audit', 'verify')
        self.assertEqual(result.returncode, 1, result.stderr)
        return int(re.search(r'entry (\d+) was changed', result.stderr)[1])


class CompletionTest(unittest.TestCase):
    CASES = (
        (['dev'], ['device']),
        (['device', 'fi'], ['find']),
        (['device', 'set', 'gw-', ], ['gw-0', 'gw-1']),
        (['device', 'list', '--li'], ['--limit']),
        (['job', 'run', '--device', 'gw-1'], ['gw-1']),
        (['job', 'run', '--ends-with', 're'], ['reboot', 'result']),
        (['device', 'list', '-o', 'j'], ['json']),
        (['device', 'set', 'gw-0', '--site', 'r'], ['riga']),
        (['device', 'nonsense', 'x'], []),
    )

    def test_bash_completes_words_flags_and_names(self):
        self.complete('bash', lambda words: (
            '. <(muster completion bash)\n'
            f'COMP_WORDS=(muster {" ".join(words)}); COMP_CWORD={len(words)}\n'
            '_muster; printf "%s\\n" "${COMPREPLY[@]}"\n'))

    def test_zsh_completes_words_flags_and_names(self):
        if not shutil.which('zsh'):
            self.skipTest('zsh is not installed')
        self.complete('zsh', lambda words: (
            'compdef() { :; }\n'
            'compadd() { shift; print -l -- "$@"; }\n'
            '_files() { print FILES; }\n'
            '. <(muster completion zsh)\n'
            f'words=(muster {" ".join(words)}); CURRENT={len(words) + 1}\n_muster\n'))

    def complete(self, shell, script):
        with Installation(f'completion-{shell}') as muster:
            muster.first_light(0)
            hand_routers(muster, 2)
            environment = {**muster.environment(), 'PATH': f'{BIN}:{os.environ["PATH"]}'}

            def ask(words):
                ran = subprocess.run([shell, '-f' if shell == 'zsh' else '--norc', '-c', script(words)],
                                     capture_output=True, text=True, timeout=30, env=environment, check=False)
                self.assertEqual(ran.stderr, '', words)
                return [line for line in ran.stdout.splitlines() if line]

            for words, expected in self.CASES:
                self.assertEqual(ask(words), expected, words)
            job = muster.muster_json('job', 'run', '--device', 'gw-0', '--script', ':put 1')['name'].rsplit('/', 1)[1]
            self.assertEqual(ask(['job', 'get', job[:3]]), [job])
            # A server that is away costs a moment and completes nothing.
            muster.musterd.stop()
            self.assertEqual(ask(['device', 'get', 'gw']), [])
            self.assertEqual(ask(['device', 'g']), ['get'])


if __name__ == '__main__':
    unittest.main()
