"""Backups that are made under load, restored after a crash, and refused where they are not good."""
import json
import os
import shutil
import subprocess
import threading
import unittest

from cluster import Cluster
from harness import BIN, SEED, Installation, claim_of, wait_for
from test_cluster import keep_script
from test_crashes import Fleet, new_job, targets_of, wait_ended


def backup(muster, verb, *arguments, seconds=120):
    return subprocess.run([f'{BIN}/musterd', 'backup', verb, *arguments], capture_output=True, text=True, timeout=seconds,
                          env=muster.environment())


class BackupTest(unittest.TestCase):
    def create(self, muster, name):
        made = backup(muster, 'create', muster.path(name), '--data-dir', muster.path('control'))
        self.assertEqual(made.returncode, 0, made.stderr)
        return made

    def die_and_restore(self, muster, name):
        """The control plane is killed, its folder lost; what stands in its place comes from the backup."""
        muster.musterd.kill()
        shutil.move(muster.path('control'), muster.path('lost'))
        restored = backup(muster, 'restore', muster.path(name), '--data-dir', muster.path('control'))
        self.assertEqual(restored.returncode, 0, restored.stderr)
        muster.start_musterd()
        return restored.stdout

    def test_after_a_restore_routers_go_on_and_nothing_of_the_past_starts_by_itself(self):
        print(f'seed {SEED}', flush=True)
        with Installation('backup') as muster:
            muster.first_light(0)
            fleet = Fleet(muster, 6)
            muster.wait_online(6)
            wait_ended(muster, [new_job(muster, ':put before')])
            fleet_names = {device['name'] for device in muster.devices()}
            sleeper = muster.edges['west'].router(claim_of(muster.claim_line()))
            sleeper.enroll()
            sleeper.beat()
            muster.wait_online(7)
            known = {device['name'] for device in muster.devices()}
            name = next(iter(known - fleet_names))
            new_job(muster, ':put again')
            # The sleeper does what there is; then three jobs wait for it in the backup.
            number, _ = sleeper.take_job()
            sleeper.last = number
            sleeper.result(number)

            def create_for_sleeper(text):
                return muster.call('muster.v1.JobService/CreateJob', {
                    'parent': 'organizations/default', 'device': name, 'script': text, 'requestId': text})[0]['job']['name']

            def state(job):
                return targets_of(muster, job)[0]['state']

            waiting = [create_for_sleeper(f':put {word}') for word in ('first', 'second', 'third')]
            wait_for('the first lies at the edge', lambda: state(waiting[0]) == 'JOB_TARGET_STATE_AT_EDGE', 20)

            # Under load: jobs are made all the time, and every backup is good.
            stopping, made = threading.Event(), []

            def load():
                while not stopping.is_set():
                    try:
                        made.append(new_job(muster, f':put "load {len(made)}"'))
                    except AssertionError:
                        stopping.wait(0.2)
            for index in range(3):
                self.create(muster, f'quiet-{index}')
            loader = threading.Thread(target=load, daemon=True)
            loader.start()
            wait_for('jobs under way', lambda: len(made) >= 3, 60)
            self.create(muster, 'under-load')
            stopping.set()
            loader.join(60)

            # What comes after the backup is lost: the sleeper runs its first job, whose number the backup
            # knows, and its second, whose number it does not.
            for job in waiting[:2]:
                number, _ = sleeper.take_job()
                sleeper.last = number
                wait_for('the result is taken', lambda: sleeper.result(number) == (200, f'A{number}'), 20, 0.5)
                wait_for('it succeeded', lambda: state(job) == 'JOB_TARGET_STATE_SUCCEEDED', 20)
            lost = new_job(muster, ':put lost')
            wait_for('routers run it', lambda: sum(t['state'] == 'JOB_TARGET_STATE_SUCCEEDED' for t in targets_of(muster, lost)) >= 6, 60)

            said = self.die_and_restore(muster, 'under-load')
            self.assertIn('jobs held', said)
            for job in waiting:
                self.assertEqual(state(job), 'JOB_TARGET_STATE_HELD')
            # The router shows that it has run something since: the jobs that wait say so.
            wait_for('the sleeper is answered', lambda: sleeper.beat() == (200, '0'), 30, 0.5)
            wait_for('the jobs may have run', lambda: all(
                'may have been this job' in targets_of(muster, job)[0].get('error', '') for job in waiting), 20, 0.5)
            for _ in range(5):
                self.assertEqual(sleeper.beat(), (200, '0'), 'nothing starts by itself')
            held = muster.muster_json('device', 'get', name)
            self.assertTrue(held['jobsHeld'])
            self.assertEqual(held['holdKind'], 'restored')

            # By hand: one is dropped, the others let go. What the backup knows as started is not run
            # again; the rest gets a number above all.
            muster.muster('job', 'cancel', waiting[1], '--yes')
            muster.muster('job', 'release', '--device', name, '--yes')
            self.assertEqual(state(waiting[0]), 'JOB_TARGET_STATE_LOST')
            before = sleeper.last
            number, script = sleeper.take_job(30)
            self.assertGreater(number, before)
            self.assertIn(b'third', script)
            sleeper.last = number
            wait_for('the result is taken', lambda: sleeper.result(number) == (200, f'A{number}'), 20, 0.5)
            wait_for('it succeeded', lambda: state(waiting[2]) == 'JOB_TARGET_STATE_SUCCEEDED', 20)

            # Whatever else was held goes on once it is let go, and new jobs run on all.
            for other in muster.devices():
                if other.get('jobsHeld'):
                    muster.muster('job', 'release', '--device', other['name'], '--yes')
            muster.wait_online(7)
            after = new_job(muster, ':put after')
            wait_for('routers run it', lambda: sum(t['state'] == 'JOB_TARGET_STATE_SUCCEEDED' for t in targets_of(muster, after)) >= 6, 90)
            fleet.stop()
            self.assertEqual(fleet.refusals(), [])
            for router in fleet.routers:
                self.assertEqual(router.started_numbers, sorted(set(router.started_numbers)))

            # The new root key is good, the old one still is, and the audit's chain holds.
            muster.muster('device', 'list', '-o', 'name')
            muster.muster('device', 'list', '-o', 'name', MUSTER_API_KEY_FILE=muster.path('lost', 'root-key'))
            entries = muster.muster('audit', 'list', '--limit', '0', '--all-organizations')
            self.assertIn('restored this installation from a backup of', entries)
            muster.muster('audit', 'verify')

    def test_each_bad_input_is_named_and_leaves_nothing(self):
        with Installation('bad-backup') as muster:
            muster.start_musterd()
            self.create(muster, 'good')
            with open(muster.path('good'), 'rb') as file:
                good = file.read()
            flipped = bytearray(good)
            flipped[len(good) // 2] ^= 4
            newer = bytearray(good)
            newer[16] = 7
            files = {'cut': good[:-1], 'flipped': bytes(flipped), 'longer': good + b'x', 'noise': os.urandom(5000), 'empty': b'',
                     'newer': bytes(newer)}
            for name, content in files.items():
                with open(muster.path(name), 'wb') as file:
                    file.write(content)
            os.symlink(muster.path('good'), muster.path('link'))
            with open(os.open(muster.path('other-key'), os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
                file.write('5' * 64 + '\n')
            with open(os.open(muster.path('open-key'), os.O_WRONLY | os.O_CREAT, 0o644), 'w') as file:
                file.write('5' * 64 + '\n')
            os.mkdir(muster.path('mine'), 0o700)
            with open(muster.path('mine', 'thing'), 'w') as file:
                file.write('mine')
            key = muster.path('control.master-key')
            cases = [
                ('cut', 'new', key, 'cut short'), ('flipped', 'new', key, 'damaged'), ('longer', 'new', key, 'behind its end'),
                ('noise', 'new', key, 'no backup of Muster'), ('empty', 'new', key, 'no backup of Muster'),
                ('newer', 'new', key, 'newer musterd'), ('link', 'new', key, 'symbolic link'),
                ('control', 'new', key, 'no regular file'), ('absent', 'new', key, 'No such file'),
                ('good', 'new', muster.path('other-key'), 'another master key'),
                ('good', 'new', muster.path('open-key'), 'chmod 600'),
                ('good', 'new', muster.path('no-key'), 'is missing'),
                ('good', 'control', key, 'not empty'), ('good', 'mine', key, 'not empty'),
            ]
            for file, folder, key_file, word in cases:
                with self.subTest(file=file, folder=folder, word=word):
                    result = backup(muster, 'restore', muster.path(file), '--data-dir', muster.path(folder), '--master-key-file', key_file)
                    self.assertEqual(result.returncode, 1, result.stdout)
                    self.assertIn(word, result.stderr)
                    self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
                    self.assertFalse(os.path.exists(muster.path('new')))
            self.assertEqual(os.listdir(muster.path('mine')), ['thing'])
            # A backup overwrites nothing either, and the control plane that it is of is still well.
            again = backup(muster, 'create', muster.path('good'), '--data-dir', muster.path('control'))
            self.assertEqual(again.returncode, 1)
            with open(muster.path('good'), 'rb') as file:
                self.assertEqual(file.read(), good)
            self.assertEqual([n for n in os.listdir(muster.path('control')) if 'backup' in n], [])
            self.assertEqual([n for n in os.listdir(muster.folder) if 'partial' in n], [])
            muster.muster('organization', 'list')
            unproven = backup(muster, 'verify', muster.path('good'))
            self.assertEqual(unproven.returncode, 0)
            self.assertIn("can't be told without the master key", unproven.stdout)
            proven = backup(muster, 'verify', muster.path('good'), '--master-key-file', key)
            self.assertIn('whole and authentic', proven.stdout)

    def test_a_backup_of_a_serving_node_makes_a_late_node_or_a_control_plane_of_its_own(self):
        with Cluster('cluster-backup', nodes=3, members=1) as cluster:
            first, second, late = cluster.nodes
            cluster.members[0].start()
            first.start()
            second.start()
            self.assertEqual(keep_script(cluster, 'early').returncode, 0)
            key = ('--master-key-file', cluster.master_key)
            made = backup(cluster, 'create', cluster.path('node'), '--data-dir', first.path(), *key)
            self.assertEqual(made.returncode, 0, made.stderr)
            restored = backup(cluster, 'restore', cluster.path('node'), '--data-dir', late.path(), '--as-node', *key)
            self.assertEqual(restored.returncode, 0, restored.stderr)
            # Older entries are gone: nobody begins from the first one.
            revision = json.loads(cluster.etcdctl('get', 'muster/log', '-w', 'json'))['header']['revision']
            cluster.etcdctl('compact', str(revision - 1))
            late.start()
            self.assertEqual(keep_script(cluster, 'later').returncode, 0)
            for node in cluster.nodes:
                scripts = cluster.through(node, 'script', 'list')
                self.assertIn('early', scripts)
                self.assertIn('later', scripts)
            for node in cluster.nodes:
                node.kill()
            cluster.members[0].kill()
            # etcd is gone for good: one node goes on alone, from the same file.
            alone = cluster.path('alone')
            refused = subprocess.run([f'{BIN}/musterd', '--data-dir', first.path(), '--metrics', 'off', *key],
                                     capture_output=True, text=True, timeout=60)
            self.assertIn('belongs to a cluster', refused.stderr)
            restored = backup(cluster, 'restore', cluster.path('node'), '--data-dir', alone, *key)
            self.assertEqual(restored.returncode, 0, restored.stderr)
            process = cluster.run('alone', [f'{BIN}/musterd', '--data-dir', alone, '--listen', '127.0.0.1:0',
                                            '--listen-edge', '127.0.0.1:0', '--metrics', 'off', *key])
            api = process.ready(r'^ready: api (.*)$')[1]
            listed = subprocess.run([f'{BIN}/muster', 'script', 'list', '--server', api, '--ca-file', os.path.join(alone, 'pki', 'cluster-ca.pem'),
                                     '--api-key-file', os.path.join(alone, 'root-key'), '--organization', 'default'],
                                    capture_output=True, text=True, timeout=60, env=cluster.environment())
            self.assertIn('early', listed.stdout, listed.stderr)


if __name__ == '__main__':
    unittest.main()
