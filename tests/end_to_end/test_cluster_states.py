"""What nodes do whose states are not the same, although they applied the same log."""
import json
import os
import sqlite3
import subprocess
import unittest

from cluster import Cluster
from harness import wait_for
from test_cluster import keep_script
from test_cluster_joining import forget_entries

# Waits for entries, one a second.
ALONE = True
# So many entries lie between two comparisons.
EVERY = 10


def alter(node):
    """Changes a row behind the node's back, while it is down."""
    with sqlite3.connect(node.path('state.db')) as db:
        changed = db.execute("UPDATE organizations SET display_name = display_name || '!'").rowcount
    db.close()
    assert changed == 1, changed


def compared(node):
    return node.metrics().get('muster_state_compared_index', 0)


class ClusterStatesTest(unittest.TestCase):
    def test_a_node_with_another_state_than_most_stops_and_does_not_start_again(self):
        with Cluster('states-three', members=1) as cluster:
            cluster.node_flags = ['--state-hash-every', str(EVERY)]
            cluster.start()
            for node in cluster.nodes:
                wait_for('it was compared and found equal', lambda n=node: compared(n) >= EVERY, 60)
                self.assertEqual(compared(node) % EVERY, 0)
            wrong = cluster.nodes[2]
            self.assertEqual(wrong.process.stop(), 0)
            alter(wrong)
            wrong.start()
            self.assertEqual(wrong.process.handle.wait(60), 1)
            self.assertIn('the state of this node is not that of most nodes', wrong.process.errors())
            self.assertIn('node-2 (', wrong.process.errors())
            again = subprocess.run(wrong.command(), capture_output=True, text=True, timeout=60)
            self.assertEqual(again.returncode, 1)
            self.assertIn('move state-differs and all that begins with state.db out of', again.stderr)
            # The others go on, and keep finding each other equal.
            for node in cluster.nodes[:2]:
                before = compared(node)
                wait_for('the others go on', lambda n=node, b=before: compared(n) > b, 60)
                self.assertEqual(node.log_state(), 'serving')
            self.assertEqual(keep_script(cluster, 'after').returncode, 0)
            # As it said.
            for name in os.listdir(wrong.path()):
                if name == 'state-differs' or name.startswith('state.db'):
                    os.rename(wrong.path(name), cluster.path(f'kept-{name}'))
            forget_entries(cluster)
            wrong.start()
            self.assertIn('after', cluster.through(wrong, 'script', 'list'))
            wait_for('it was compared and found equal', lambda: compared(wrong) > 0, 60)
            self.assertEqual(wrong.log_state(), 'serving')

    def test_two_nodes_with_different_states_both_refuse_changes_and_say_so(self):
        with Cluster('states-two', nodes=2, members=1) as cluster:
            cluster.node_flags = ['--state-hash-every', str(EVERY)]
            cluster.start()
            self.assertEqual(keep_script(cluster, 'before').returncode, 0)
            wrong = cluster.nodes[1]
            self.assertEqual(wrong.process.stop(), 0)
            alter(wrong)
            wrong.start()
            for node in cluster.nodes:
                wait_for('it notices', lambda n=node: n.metrics().get('muster_states_differ') == 1, 60)
                self.assertNotEqual(node.log_state(), 'serving')
                self.assertIn('before', cluster.through(node, 'script', 'list'))
                refused = cluster.muster_result('script', 'create', 'refused', '--file', '-', stdin=':put 1',
                                                MUSTER_SERVER=f'127.0.0.1:{node.api_port}', MUSTER_RETRY_FOR='1s')
                self.assertEqual(refused.returncode, 5, refused.stderr)
                self.assertIn('states differ', refused.stderr)
                own = [n for n in json.loads(cluster.through(node, 'cluster', 'status', '-o', 'json'))
                       if n.get('answering')][0]
                self.assertEqual(own['state'], 'NODE_STATE_STATES_DIFFER')
                self.assertIn('states differ', own['stateReason'])
                self.assertIn('node-0 (', own['stateReason'])
                self.assertIn('node-1 (', own['stateReason'])
                self.assertFalse(os.path.exists(node.path('state-differs')))


if __name__ == '__main__':
    unittest.main()
