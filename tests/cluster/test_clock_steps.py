"""A node whose clock is set while it waits for etcd: it goes on as soon as etcd is back."""
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


if __name__ == '__main__':
    unittest.main()
