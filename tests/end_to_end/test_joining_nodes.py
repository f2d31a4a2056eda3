"""A machine becomes a node of a cluster with one file, once."""
import json
import os
import shutil
import subprocess
import time
import unittest

from cluster import Cluster
from harness import ROOT, wait_for
from test_cluster import keep_script
from test_cluster_joining import forget_entries
from test_cluster_refusals import Tls, start_with_users
from test_members import digests, wait_members


def mode_of(path):
    return os.stat(path).st_mode & 0o777


class JoiningNodesTest(unittest.TestCase):
    def token(self, cluster, node, name='node.join', *flags):
        """The path of a new join file."""
        path = cluster.path(name)
        text = cluster.through(node, 'cluster', 'join-token', *flags)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
            file.write(text)
        return path

    def command(self, node, *extra):
        """Without what the join file brings, and with a master key file of its own."""
        words = node.command(*extra)
        at = words.index('--etcd')
        del words[at:at + 2]
        words[words.index('--master-key-file') + 1] = node.path() + '.key'
        return words

    def join_fails(self, node, path, environment=None, *extra):
        result = subprocess.run(self.command(node, '--join', path, *extra), capture_output=True, text=True, timeout=90,
                                env={**os.environ, **(environment or {})})
        self.assertEqual(result.returncode, 1, result.stderr)
        return result.stderr

    def started(self, cluster, node, command):
        node.process = cluster.run(f'musterd-{node.number}', command)
        node.wait_ready()
        node.wait_state('serving')

    def test_a_machine_joins_with_one_file_and_needs_nothing_of_it_later(self):
        with Cluster('join-node', nodes=3, members=1) as cluster:
            cluster.members[0].start()
            first, second, third = cluster.nodes
            first.start()
            second.start()
            self.assertEqual(keep_script(cluster, 'before', MUSTER_SERVER=f'127.0.0.1:{first.api_port}').returncode, 0)
            path = self.token(cluster, first)
            with open(path) as file, open(cluster.master_key) as key:
                text, secret = file.read(), key.read().strip()
            self.assertNotIn(secret, text)
            self.assertNotIn(cluster.etcd_urls(), text)
            # The first address is of a node that is gone meanwhile: the next one answers.
            first.kill()
            self.started(cluster, third, self.command(third, '--join', path))
            first.start()
            wait_members(cluster, ['node-0', 'node-1', 'node-2'])
            self.assertIn('before', cluster.through(third, 'script', 'list'))
            settings = third.path('etcd', 'settings.toml')
            self.assertEqual((mode_of(settings), mode_of(third.path() + '.key')), (0o600, 0o600))
            with open(third.path() + '.key') as file:
                self.assertEqual(file.read().strip(), secret)
            # Later starts find all they need.
            os.unlink(path)
            self.assertEqual(third.process.stop(), 0)
            self.started(cluster, third, self.command(third))
            self.assertEqual(keep_script(cluster, 'after', MUSTER_SERVER=f'127.0.0.1:{third.api_port}').returncode, 0)
            audit = cluster.through(first, 'audit', 'list', '--all-organizations', '-o', 'json')
            self.assertEqual(audit.count("took the cluster's key with this token"), 1)

    def test_a_machine_joins_with_one_file_long_after_the_beginning(self):
        with Cluster('join-late-file', nodes=2, members=1) as cluster:
            cluster.members[0].start()
            first, second = cluster.nodes
            first.start()
            wait_for('the root is in etcd', lambda: cluster.etcdctl('get', 'muster/root', '--keys-only').strip(), 20)
            self.assertEqual(keep_script(cluster, 'before').returncode, 0)
            path = self.token(cluster, first)
            forget_entries(cluster)
            self.started(cluster, second, self.command(second, '--join', path))
            self.assertIn('took the state of another node', second.process.errors())
            self.assertIn('before', cluster.through(second, 'script', 'list'))
            wait_members(cluster, ['node-0', 'node-1'])

    def joins_with_the_file_alone(self, cluster, secrets):
        """The file and what is written of it show no secret; the second node needs no flags for etcd, ever."""
        first, second = cluster.nodes
        first.start()
        self.assertEqual(keep_script(cluster, 'before').returncode, 0)
        path = self.token(cluster, first)
        cluster.node_flags = []
        with open(path) as file:
            text = file.read()
        for secret in secrets:
            with open(secret) as file:
                self.assertNotIn(file.read().strip(), text)
        self.started(cluster, second, self.command(second, '--join', path))
        os.unlink(path)
        self.assertEqual(second.process.stop(), 0)
        self.started(cluster, second, self.command(second))
        self.assertIn('before', cluster.through(second, 'script', 'list'))
        self.assertEqual({mode_of(second.path('etcd', name)) for name in os.listdir(second.path('etcd'))}, {0o600})

    def test_a_machine_joins_with_one_file_where_etcd_wants_certificates(self):
        with Tls('join-tls', nodes=2, members=1) as cluster:
            cluster.members[0].start()
            self.joins_with_the_file_alone(cluster, [cluster.node_files[1]])

    def test_a_machine_joins_with_one_file_where_etcd_wants_a_user(self):
        with Cluster('join-user', nodes=2, members=1) as cluster:
            self.joins_with_the_file_alone(cluster, [start_with_users(cluster)])

    def test_a_file_that_can_not_be_used_says_why_and_nothing_is_written(self):
        with Cluster('join-wrong', nodes=2, members=1) as cluster:
            cluster.members[0].start()
            first, second = cluster.nodes
            first.start()
            path = self.token(cluster, first)
            with open(path) as file:
                text = file.read()

            def put(name, content, mode=0o600):
                target = cluster.path(name)
                with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
                    file.write(content)
                os.chmod(target, mode)
                return target

            self.assertIn('there is no join file', self.join_fails(second, cluster.path('nowhere')))
            self.assertIn('can be read by others', self.join_fails(second, put('open.join', text, 0o644)))
            middle = text.index('-----\n') + 200
            altered = text[:middle] + ('A' if text[middle] != 'A' else 'B') + text[middle + 1:]
            self.assertIn('damaged or altered', self.join_fails(second, put('altered.join', altered)))
            self.assertIn('no join file', self.join_fails(second, put('cut.join', text[:300])))
            # A machine on which the time of the file has passed.
            subprocess.run(['cc', '-O1', '-shared', '-fPIC', '-o', cluster.path('fast_clock.so'),
                            os.path.join(ROOT, 'tests', 'end_to_end', 'fast_clock.c'), '-ldl'], check=True)
            late = {'LD_PRELOAD': cluster.path('fast_clock.so'), 'FAST_CLOCK_PACE': '60',
                    'FAST_CLOCK_BEGAN': f'{time.time() - 120:.6f}'}
            self.assertIn('has expired', self.join_fails(second, path, late))
            # What lies there is not overwritten.
            key = put('control-1.key', 'another key\n')
            self.assertIn('overwrites nothing', self.join_fails(second, path))
            with open(key) as file:
                self.assertEqual(file.read(), 'another key\n')
            os.unlink(key)
            self.assertEqual(set(os.listdir(second.path())) - {'lock'}, set())
            # All that did not use it up: it is good still, once.
            self.started(cluster, second, self.command(second, '--join', path))
            self.assertEqual(second.process.stop(), 0)
            before = digests(second.path())
            self.assertIn('of a node already', self.join_fails(second, path))
            self.assertEqual(digests(second.path()), before)
            shutil.move(second.path(), cluster.path('elsewhere'))
            shutil.move(second.path() + '.key', cluster.path('elsewhere.key'))
            self.assertIn('was used already', self.join_fails(second, path))
            self.assertEqual(set(os.listdir(second.path())) - {'lock'}, set())
            self.assertFalse(os.path.exists(second.path() + '.key'))

    def test_the_file_of_another_cluster_opens_nothing(self):
        with Cluster('join-foreign', nodes=2, members=1) as cluster, Cluster('join-home', nodes=2, members=1) as other:
            for one in (cluster, other):
                one.members[0].start()
            cluster.nodes[0].start()
            path = self.token(cluster, cluster.nodes[0])
            cluster.nodes[0].kill()
            # Another cluster's node has its address now.
            other.nodes[0].edge_port = cluster.nodes[0].edge_port
            other.nodes[0].start()
            self.assertIn('no node of the cluster answers', self.join_fails(other.nodes[1], path))
            self.assertFalse(os.path.exists(other.nodes[1].path() + '.key'))

    def test_a_node_alone_gives_out_no_file(self):
        with Cluster('join-alone', nodes=1, members=1) as cluster:
            node = cluster.nodes[0]
            words = node.command()
            at = words.index('--etcd')
            del words[at:at + 2]
            at = words.index('--node-name')
            del words[at:at + 2]
            node.process = cluster.run('musterd-0', words)
            node.wait_ready()
            result = cluster.muster_result('cluster', 'join-token', MUSTER_SERVER=f'127.0.0.1:{node.api_port}')
            self.assertEqual(result.returncode, 1)
            self.assertIn('alone', result.stderr)
            self.assertEqual(result.stdout, '')


if __name__ == '__main__':
    unittest.main()
