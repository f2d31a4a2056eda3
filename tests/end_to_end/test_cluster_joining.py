"""Nodes that come late get the state of another one by themselves: new ones, and those that were away for longer
than etcd keeps entries."""
import json
import os
import threading
import unittest

from cluster import Cluster
from harness import wait_for
from test_cluster import keep_script

ALONE = True


def forget_entries(cluster):
    """What the nodes' trimming does in time: etcd no longer has the entries up to now."""
    revision = json.loads(cluster.etcdctl('get', 'muster/log', '-w', 'json'))['header']['revision']
    cluster.etcdctl('compact', str(revision))


class ClusterJoiningTest(unittest.TestCase):
    def started(self, cluster, nodes):
        for member in cluster.members:
            member.start()
        for node in nodes:
            node.start()
        wait_for('the root is in etcd', lambda: cluster.etcdctl('get', 'muster/root', '--keys-only').strip(), 20)
        self.assertEqual(keep_script(cluster, 'early').returncode, 0)

    def expect_same(self, cluster):
        self.assertEqual(keep_script(cluster, 'later').returncode, 0)
        for node in cluster.nodes:
            node.wait_state('serving')
            scripts = cluster.through(node, 'script', 'list')
            self.assertIn('early', scripts)
            self.assertIn('later', scripts)
            self.assertFalse(os.path.exists(node.path('snapshot-in')))

    def test_a_new_node_gets_the_state_of_another_with_etcd_and_the_master_key_alone(self):
        with Cluster('join-late', members=1) as cluster:
            first, second, late = cluster.nodes
            self.started(cluster, [first, second])
            forget_entries(cluster)
            late.start()
            self.assertIn('took the state of another node', late.process.errors())
            self.expect_same(cluster)
            # And again: nothing is fetched where nothing is missing.
            self.assertEqual(late.process.stop(), 0)
            late.start()
            self.expect_same(cluster)

    def test_a_node_that_was_away_for_too_long_replaces_its_state(self):
        with Cluster('join-back', members=1) as cluster:
            self.started(cluster, cluster.nodes)
            away = cluster.nodes[2]
            self.assertEqual(away.process.stop(), 0)
            self.assertEqual(keep_script(cluster, 'meanwhile').returncode, 0)
            forget_entries(cluster)
            away.start()
            self.assertIn('took the state of another node', away.process.errors())
            self.assertIn('meanwhile', cluster.through(away, 'script', 'list'))
            self.expect_same(cluster)

    def test_a_node_that_runs_but_has_missed_entries_replaces_its_state_without_being_started(self):
        with Cluster('join-frozen', members=1) as cluster:
            self.started(cluster, cluster.nodes)
            frozen = cluster.nodes[2]
            frozen.freeze()
            # Its watch is ended, so that it has to ask anew; and what it asks for is not there any more.
            cluster.members[0].kill()
            cluster.members[0].start()
            wait_for('a change is taken again', lambda: keep_script(cluster, 'meanwhile').returncode == 0, 60, 1)
            forget_entries(cluster)
            frozen.thaw()
            wait_for('it took another state', lambda: 'took the state of another node' in frozen.process.errors(), 90)
            frozen.wait_ready()
            self.assertTrue(frozen.process.alive())
            wait_for('it shows what it missed', lambda: 'meanwhile' in cluster.muster_result(
                'script', 'list', MUSTER_SERVER=f'127.0.0.1:{frozen.api_port}').stdout, 60)

    def test_where_the_node_that_gives_it_dies_another_one_does(self):
        with Cluster('join-killed', members=1) as cluster:
            first, second, late = cluster.nodes
            self.started(cluster, [first, second])
            # Large enough to be caught in the middle: what random bytes pack to.
            for i in range(100):
                result = cluster.muster_result('script', 'create', f'large-{i}', '--file', '-',
                                               stdin=f':put "{os.urandom(31_000).hex()}"')
                self.assertEqual(result.returncode, 0, result.stderr)
            forget_entries(cluster)
            # Who does not tick is asked first.
            ticking = wait_for('one ticks', lambda: [n for n in (first, second)
                                                     if n.metrics().get('muster_ticks_here') == 1], 20)[0]
            source, other = (second, first) if ticking is first else (first, second)
            caught = threading.Event()

            def kill_in_the_middle():
                """As soon as something has come."""
                while not caught.is_set():
                    folder = late.path('snapshot-in')
                    try:
                        sizes = [os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)]
                    except OSError:
                        continue
                    if any(sizes):
                        source.kill()
                        caught.set()
            killer = threading.Thread(target=kill_in_the_middle, daemon=True)
            killer.start()
            late.start()
            killer.join(10)
            self.assertTrue(caught.is_set(), 'the transfer was over too soon')
            errors = late.process.errors()
            self.assertIn('no snapshot from a node', errors)
            self.assertIn('took the state of another node', errors)
            self.assertIn(f'node-{other.number}', errors)
            source.start()
            self.expect_same(cluster)

    def test_a_node_that_waits_for_a_state_can_be_stopped(self):
        with Cluster('join-stop', members=1) as cluster:
            first, second, late = cluster.nodes
            self.started(cluster, [first, second])
            forget_entries(cluster)
            first.kill()
            second.kill()
            late.start(wait=False)
            wait_for('it asks', lambda: 'no snapshot from a node' in late.process.errors(), 30)
            self.assertEqual(late.process.stop(10), 0)
            self.assertFalse(os.path.exists(late.path('snapshot-in')))

    def test_without_a_node_that_serves_a_new_one_says_so_and_leaves_nothing(self):
        with Cluster('join-nobody', members=1) as cluster:
            first, _, late = cluster.nodes
            self.started(cluster, [first])
            forget_entries(cluster)
            first.kill()
            late.start(wait=False)
            self.assertEqual(late.process.handle.wait(120), 1)
            self.assertIn('no node gave its state to this one', late.process.errors())
            self.assertIn('node-0', late.process.errors())
            first.start()
            late.start()
            self.assertEqual(keep_script(cluster, 'later').returncode, 0)
            self.assertIn('early', cluster.through(late, 'script', 'list'))


if __name__ == '__main__':
    unittest.main()
