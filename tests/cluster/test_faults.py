"""Three control planes, three members of etcd and two edges under beats, jobs, cancels and results, while one part
after the other fails. Afterwards: what was acknowledged is there, once, on every node; all nodes have the same
state; no number was started twice; every router did its jobs in order; no read went back.

MUSTER_FAULT_SECONDS: for how long (300), or MUSTER_FAULTS: how many; each kind comes before any comes again.
MUSTER_SEED repeats a run as far as the machine does."""
import collections
import json
import os
import random
import sqlite3
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'end_to_end'))

from faults import KINDS  # noqa: E402
from faulty_cluster import FaultyCluster  # noqa: E402
from harness import SEED, wait_for  # noqa: E402
from workload import Routers, Workload  # noqa: E402

FAULTS = int(os.environ.get('MUSTER_FAULTS', '0'))
SECONDS = int(os.environ.get('MUSTER_FAULT_SECONDS', '300'))
ROUTERS = 16
# What differs between nodes by right.
NOT_COMPARED = {'node', 'entries', 'slabs', 'engine_note'}
SUCCEEDED, CANCELLED, LOST = ('JOB_TARGET_STATE_SUCCEEDED', 'JOB_TARGET_STATE_CANCELLED', 'JOB_TARGET_STATE_LOST')


def tables_of(path):
    """{table: rows} of a state that no process has open."""
    with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, database.execute(f'SELECT * FROM {name}')))
                for name in names if name not in NOT_COMPARED and not name.startswith('sqlite_')}


class ClusterFaultsTest(unittest.TestCase):
    def test_nothing_is_lost_and_nothing_done_twice_whatever_fails(self):
        chance = random.Random(SEED)
        began = time.monotonic()
        with FaultyCluster('faults') as cluster:
            cluster.node_flags = ['--state-hash-every', '100']
            cluster.start()
            cluster.add_edge('west')
            cluster.add_edge('east')
            routers = Routers(cluster, ['west', 'east'], ROUTERS)
            devices = [device['name'] for device in cluster.wait_online(ROUTERS)]
            self.assertEqual(routers.refusals, [])
            workload = Workload(cluster, SEED, devices)
            injected = collections.Counter()
            bag, faults_began = [], time.monotonic()
            while (sum(injected.values()) < FAULTS if FAULTS else time.monotonic() - faults_began < SECONDS):
                self.one_round(cluster, workload, chance, injected, bag)
            self.assertEqual(workload.stop(), [])
            self.assertEqual(workload.problems, [])
            self.finish_jobs(cluster, workload, routers)
            self.acknowledged_on_every_node(cluster, workload)
            routers.stop()
            self.assertEqual(routers.refusals, [])
            self.same_state(cluster)
            print(f'{sum(injected.values())} faults in {time.monotonic() - began:.0f} s: {dict(injected)}; '
                  f'{len(workload.scripts)} scripts, {len(workload.jobs)} jobs, {len(workload.cancelled)} cancels, '
                  f'{workload.written} writes and {workload.reads} reads of the register ({workload.stale} stale); '
                  f'seed {SEED}', flush=True)

    def one_round(self, cluster, workload, chance, injected, bag):
        faults = []
        for _ in range(chance.choice([1, 1, 2])):
            if not bag:
                bag.extend(chance.sample(KINDS, len(KINDS)))
            kind = bag.pop()
            fault = kind(cluster, chance)
            if fault and any(fault.parts & other.parts for other in faults):
                bag.insert(0, kind)
            elif fault:
                faults.append(fault)
        for fault in faults:
            print(f'{time.strftime("%H:%M:%S")} {fault.kind}', flush=True)
            fault.inject()
            injected[fault.kind.split(' by ')[0]] += 1
        threading.Event().wait(chance.uniform(0.3, 6))
        for fault in reversed(faults):
            fault.heal()
        for node in cluster.nodes:
            node.wait_state('serving', 60)
        before = workload.progress()
        try:
            wait_for('writes go on', lambda: workload.progress() > before or workload.problems, 60)
        except AssertionError as problem:
            raise AssertionError(f'{problem}; clients were told: {workload.refusals()}') from problem
        self.assertEqual(workload.problems, [])

    def finish_jobs(self, cluster, workload, routers):
        for router in routers.routers:
            self.assertEqual(router.started_numbers, sorted(set(router.started_numbers)), 'in order, and none twice')
        states = collections.Counter()
        for job in workload.jobs:
            wait_for(f'{job} has ended', lambda: json.loads(cluster.muster('job', 'get', job, '-o', 'json')).get('endTime'),
                     120, 0.5)
        wait_for('the results are there', lambda: not any(router.pending for router in routers.routers), 60)
        names = {device['serialNumber']: device['name'] for device in cluster.devices()}
        # Numbers are a device's own.
        done = {(names[router.facts()['sn']], number) for router in routers.routers
                for number in router.started_numbers}
        for job in workload.jobs:
            for target in cluster.muster_json('job', 'get', job, '--targets'):
                states[target['state']] += 1
                number = (target['device'], int(target.get('number', 0)))
                if target['state'] == SUCCEEDED:
                    self.assertTrue(number in done, f'{number} of {job} was never started')
                elif target['state'] == CANCELLED:
                    self.assertFalse(number in done, f'{number} of {job} was cancelled, and started')
        self.assertLessEqual(set(states), {SUCCEEDED, CANCELLED, LOST}, states)
        self.assertLessEqual(states[LOST], states[SUCCEEDED] / 10, states)
        print(f'targets: {dict(states)}', flush=True)

    def acknowledged_on_every_node(self, cluster, workload):
        for node in cluster.nodes:
            scripts = cluster.through(node, 'script', 'list', '-o', 'name').split()
            short = collections.Counter(name.rsplit('/', 1)[-1] for name in scripts)
            self.assertEqual([name for name in workload.scripts if short[name] != 1], [])
            jobs = collections.Counter(cluster.through(node, 'job', 'list', '--limit', '0', '-o', 'name').split())
            self.assertEqual([job for job in workload.jobs if jobs[job] != 1], [])
            device = json.loads(cluster.through(node, 'device', 'get', workload.devices[0], '-o', 'json'))
            self.assertGreaterEqual(int(device.get('device', device)['notes']), workload.written)

    def same_state(self, cluster):
        for edge in cluster.edges.values():
            edge.process.kill()
        # Without a majority nothing is added, so that all come to the same end.
        for member in cluster.members[1:]:
            member.kill()

        def same_index():
            indexes = {node.metrics().get('muster_log_index') for node in cluster.nodes}
            return len(indexes) == 1
        wait_for('all nodes are at the same entry', same_index, 30, 0.5)
        for node in cluster.nodes:
            metrics = node.metrics()
            self.assertEqual(metrics['muster_states_differ'], 0)
            # All along, not only at the end.
            self.assertGreater(metrics['muster_state_compared_index'], metrics['muster_log_index'] / 2)
            node.process.stop()
        first, *others = [tables_of(node.path('state.db')) for node in cluster.nodes]
        for other in others:
            self.assertEqual(set(first), set(other))
            for table, rows in first.items():
                self.assertEqual(rows, other[table], table)


if __name__ == '__main__':
    unittest.main()
