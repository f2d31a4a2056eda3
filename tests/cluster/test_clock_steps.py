"""A node whose clock is set while it waits for etcd: it goes on as soon as etcd is back. And nodes whose clocks are
apart: each knows all the same which of the others lives."""
import json
import time
import unittest

from faulty_cluster import FaultyCluster
from harness import wait_for


class ClockStepsTest(unittest.TestCase):
    def test_a_node_whose_clock_is_set_back_while_etcd_is_away_goes_on_at_once(self):
        with FaultyCluster('clock-steps') as cluster:
            cluster.start()
            for seconds in 2 * (3600, 365 * 86400):
                for node in cluster.nodes:
                    node.jump(seconds)
                for member in cluster.members:
                    member.kill()
                for node in cluster.nodes:
                    wait_for('it notices', lambda n=node: n.log_state() == 'read-only: no quorum', 30)
                # As it is corrected while they wait for the next attempt.
                for node in cluster.nodes:
                    node.jump(0)
                for member in cluster.members:
                    member.start()
                for node in cluster.nodes:
                    node.wait_state('serving', 20)
                wait_for('all report themselves again', lambda: not any(
                    node.get('silent') for node in cluster.muster_json('cluster', 'status')), 20, 0.5)

    def test_nodes_whose_clocks_are_an_hour_apart_know_who_of_the_others_is_silent(self):
        with FaultyCluster('clocks-apart') as cluster:
            cluster.start()

            def silent(node):
                shown = json.loads(cluster.through(node, 'cluster', 'status', '-o', 'json'))
                self.assertEqual(len(shown), 3)
                return {n['displayName'] for n in shown if n.get('silent')}
            ahead, behind, dead = cluster.nodes
            for node in (ahead, behind):
                wait_for('all have reported', lambda n=node: silent(n) == set(), 30, 0.5)
            ahead.jump(3600)
            behind.jump(-3600)
            # Longer than a report may stay away.
            until = time.monotonic() + 20
            while time.monotonic() < until:
                for node in cluster.nodes:
                    self.assertEqual(silent(node), set(), f'as node-{node.number} sees it')
                time.sleep(0.5)
            dead.kill()
            for node in (ahead, behind):
                wait_for('the dead one is silent', lambda n=node: silent(n) == {'node-2'}, 30, 0.5)


if __name__ == '__main__':
    unittest.main()
