"""The keys of a cluster change with each node that is removed: all others go on, what was stolen opens nothing new."""
import os
import random
import shutil
import subprocess
import threading
import unittest

from cluster import Cluster
from harness import SEED, wait_for
from test_backup import backup
from test_cluster import keep_script
from test_cluster_joining import forget_entries
from test_joining_nodes import mode_of
from test_members import start_fails, status_of, wait_members


def keys_of(node):
    """The lines of a node's master key file."""
    with open(node.master_key) as file:
        return file.read().splitlines()


class KeyChangeTest(unittest.TestCase):
    def start(self, cluster, nodes):
        """Each with a master key file of its own."""
        for member in cluster.members:
            member.start()
        first = nodes[0]
        for node in nodes:
            node.master_key = node.path() + '.key'
            if node is not first:
                shutil.copy(first.master_key, node.master_key)
            node.start()
        wait_members(cluster, [f'node-{node.number}' for node in nodes])

    def remove(self, cluster, node, name, code=0):
        result = cluster.muster_result('cluster', 'remove', name, '--yes', MUSTER_SERVER=f'127.0.0.1:{node.api_port}')
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr

    def join_file(self, cluster, node, name):
        path = cluster.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
            file.write(cluster.through(node, 'cluster', 'join-token'))
        return path

    def join_command(self, node, path):
        words = node.command('--join', path)
        at = words.index('--etcd')
        del words[at:at + 2]
        return words

    def test_a_removed_node_takes_no_key_with_it_that_opens_anything_later(self):
        with Cluster('key-change', nodes=4, members=1) as cluster:
            first, second, third, fourth = cluster.nodes
            self.start(cluster, [first, second, third])
            early_file = self.join_file(cluster, first, 'early.join')
            early = backup(cluster, 'create', cluster.path('early'), '--data-dir', first.path(), '--master-key-file', first.master_key)
            self.assertEqual(early.returncode, 0, early.stderr)
            # One is away when another one goes, and whoever took that one's disk has all of it.
            second.kill()
            stolen = keys_of(third)
            wait_for('it is silent', lambda: status_of(cluster, first)[0]['node-1'].get('silent'), 40, 0.5)
            root = cluster.etcdctl('get', 'muster/root', '-w', 'json')
            said = self.remove(cluster, first, 'node-2')
            self.assertIn('key 2', said)
            self.assertEqual(third.process.handle.wait(30), 1)
            self.assertEqual(keys_of(third), stolen)
            self.assertEqual(len(stolen), 1)
            self.assertEqual(keep_script(cluster, 'after', MUSTER_SERVER=f'127.0.0.1:{first.api_port}').returncode, 0)
            self.assertEqual((keys_of(first)[0], len(keys_of(first)), mode_of(first.master_key)), (stolen[0], 2, 0o600))
            wait_for('the root is sealed anew', lambda: cluster.etcdctl('get', 'muster/root', '-w', 'json') != root, 20)
            # It gets the key with the entries that it missed, and keeps it.
            second.start()
            second.wait_state('serving')
            self.assertEqual(keys_of(second), keys_of(first))
            self.assertIn('after', cluster.through(second, 'script', 'list'))
            self.assertEqual(keep_script(cluster, 'second', MUSTER_SERVER=f'127.0.0.1:{second.api_port}').returncode, 0)
            wait_for('both report', lambda: not status_of(cluster, first)[0]['node-1'].get('silent'), 20, 0.2)
            # The stolen key, with etcd at hand: what was before is read again, and nothing of later.
            thief = fourth
            thief.master_key = third.master_key
            said = start_fails(thief)
            self.assertIn('the keys of the cluster were changed when a node was removed', said)
            self.assertIn('copy the master key file of a node that serves', said)
            shutil.rmtree(thief.path())
            forget_entries(cluster)
            self.assertIn('the keys of the cluster were changed', start_fails(thief))
            shutil.rmtree(thief.path())
            later = backup(cluster, 'create', cluster.path('later'), '--data-dir', first.path(), '--master-key-file', first.master_key)
            self.assertEqual(later.returncode, 0, later.stderr)
            for verb, flags in (('verify', ()), ('restore', ('--data-dir', cluster.path('thief')))):
                refused = backup(cluster, verb, cluster.path('later'), '--master-key-file', third.master_key, *flags)
                self.assertEqual(refused.returncode, 1)
                self.assertIn('master key', refused.stderr)
            for name in ('early', 'later'):
                restored = backup(cluster, 'restore', cluster.path(name), '--master-key-file', first.master_key,
                                  '--data-dir', cluster.path(f'restored-{name}'))
                self.assertEqual(restored.returncode, 0, restored.stderr)
            # A machine joins with a file of now, and with none of before.
            thief.master_key = thief.path() + '.key'
            refused = subprocess.run(self.join_command(fourth, early_file), capture_output=True, text=True, timeout=60)
            self.assertEqual(refused.returncode, 1)
            self.assertIn('make a new one', refused.stderr)
            self.assertFalse(os.path.exists(fourth.master_key))
            fourth.process = cluster.run('musterd-3', self.join_command(fourth, self.join_file(cluster, second, 'new.join')))
            fourth.wait_ready()
            fourth.wait_state('serving')
            self.assertEqual(keys_of(fourth), keys_of(first))
            self.assertIn('second', cluster.through(fourth, 'script', 'list'))

    def test_a_key_that_could_not_be_kept_comes_from_the_state_and_nothing_is_sealed_without_it(self):
        with Cluster('key-not-kept', nodes=3, members=1) as cluster:
            first, second, _ = cluster.nodes
            self.start(cluster, cluster.nodes)
            old = keys_of(second)
            os.unlink(second.master_key)
            os.mkdir(second.master_key)
            self.remove(cluster, first, 'node-2')
            wait_for('it says so', lambda: "new key is not in the master key file" in second.process.errors(), 20)
            # It goes on all the same.
            self.assertEqual(keep_script(cluster, 'after', MUSTER_SERVER=f'127.0.0.1:{second.api_port}').returncode, 0)
            refused = cluster.muster_result('cluster', 'join-token', MUSTER_SERVER=f'127.0.0.1:{second.api_port}')
            self.assertEqual(refused.returncode, 1)
            os.rmdir(second.master_key)
            with open(os.open(second.master_key, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
                file.write(old[0] + '\n')
            refused = cluster.muster_result('cluster', 'join-token', MUSTER_SERVER=f'127.0.0.1:{second.api_port}')
            self.assertIn('holds 1 keys, and the cluster has 2', refused.stderr)
            made = backup(cluster, 'create', cluster.path('b'), '--data-dir', second.path(), '--master-key-file', second.master_key)
            self.assertEqual(made.returncode, 1)
            self.assertIn('holds 1 keys, and the cluster has 2', made.stderr)
            self.assertEqual(second.process.stop(), 0)
            second.start()
            second.wait_state('serving')
            self.assertEqual(keys_of(second), keys_of(first))

    def test_whoever_dies_while_the_keys_change_the_others_and_it_go_on(self):
        print(f'seed {SEED}', flush=True)
        chance = random.Random(SEED)
        with Cluster('key-killed', nodes=6, members=1) as cluster:
            first, second, *others = cluster.nodes
            self.start(cluster, cluster.nodes)
            written, stopping = [], threading.Event()

            def write():
                while not stopping.is_set():
                    name = f'note-{len(written)}'
                    if keep_script(cluster, name, MUSTER_SERVER=f'127.0.0.1:{second.api_port}').returncode == 0:
                        written.append(name)

            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            for gone in others:
                # By its id, which is good also when it is gone.
                with open(gone.path('node-id')) as file:
                    name = file.read().strip()
                asked = threading.Thread(target=cluster.muster_result, daemon=True,
                                         args=('cluster', 'remove', name, '--yes'),
                                         kwargs={'MUSTER_SERVER': f'127.0.0.1:{first.api_port}'})
                asked.start()
                stopping.wait(chance.uniform(0.02, 0.2))
                victim = chance.choice([first, first, second])
                victim.kill()
                asked.join(60)
                victim.start()
                victim.wait_state('serving')
                self.remove(cluster, second, name)
                self.assertEqual(gone.process.handle.wait(30), 1)
            stopping.set()
            writer.join(60)
            self.assertFalse(writer.is_alive())
            wait_for('both have all keys', lambda: keys_of(first) == keys_of(second) and len(keys_of(first)) == 5, 20)
            self.assertEqual(len(set(keys_of(first))), 5)
            for node in (first, second):
                scripts = {line.rsplit('/', 1)[-1] for line in cluster.through(node, 'script', 'list', '-o', 'name').split()}
                self.assertEqual([name for name in written if name not in scripts], [])
            print(f'{len(written)} changes while 4 nodes went', flush=True)


if __name__ == '__main__':
    unittest.main()
