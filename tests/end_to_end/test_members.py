"""Nodes that come and go: upgraded one by one, removed, joined."""
import hashlib
import json
import os
import shutil
import subprocess
import threading
import unittest

from cluster import Cluster
from harness import BIN, BUILD, SEED, Installation, wait_for
from test_cluster import keep_script, run_job, targets_of
from test_crashes import Fleet

NEWER = os.path.join(BUILD, 'test-bin', 'musterd-newer')


def status_of(cluster, node, *flags):
    """What one node shows, by display name, and what it says beside."""
    result = cluster.muster_result('cluster', 'status', '-o', 'json', *flags,
                                   MUSTER_SERVER=f'127.0.0.1:{node.api_port}')
    assert result.returncode == 0, result.stderr
    return {n['displayName']: n for n in json.loads(result.stdout)}, result.stderr


def start_fails(node):
    """What a node says that can't start."""
    result = subprocess.run(node.command(), capture_output=True, text=True, timeout=60)
    assert result.returncode == 1, (result.returncode, result.stderr)
    return result.stderr


def digests(folder):
    """Of all files of a state: which of them were touched."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if os.path.isfile(os.path.join(folder, name)):
            with open(os.path.join(folder, name), 'rb') as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def wait_members(cluster, names):
    """Until the member table has these."""
    def joined():
        shown, _ = status_of(cluster, cluster.nodes[0])
        return {name for name, node in shown.items() if 'joinTime' in node} == set(names)
    wait_for(f'{names} are members', joined, 30, 0.2)


class UpgradeTest(unittest.TestCase):
    def finalize(self, cluster, node, *flags):
        return cluster.muster_result('cluster', 'upgrade', 'finalize', *flags,
                                     MUSTER_SERVER=f'127.0.0.1:{node.api_port}')

    def set_window(self, cluster, node):
        return cluster.muster_result('window', 'set', 'night', '--site', 'riga', '--times', 'sun 02:00-05:00',
                                     '--zone', 'UTC', MUSTER_SERVER=f'127.0.0.1:{node.api_port}')

    def wait_levels(self, cluster, node, levels):
        """Until the nodes report these levels to `node`."""
        def reported():
            shown, _ = status_of(cluster, node)
            return [shown.get(f'node-{n.number}', {}).get('featureLevel') for n in cluster.nodes] == levels
        wait_for(f'levels {levels}', reported, 30, 0.2)

    def test_nodes_are_upgraded_one_by_one_under_load_and_nothing_is_lost(self):
        print(f'seed {SEED}', flush=True)
        with Cluster('upgrade') as cluster:
            cluster.start()
            old, new = 3, 4
            cluster.add_edge('west')
            fleet = Fleet(cluster, 6)
            cluster.wait_online(6)
            jobs, notes, stopping = [], [], threading.Event()

            def write():
                while not stopping.is_set():
                    jobs.append(run_job(cluster, f'job-{len(jobs)}'))
                    name = f'note-{len(notes)}'
                    if keep_script(cluster, name).returncode == 0:
                        notes.append(name)

            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            self.assertIn('nothing to do', self.finalize(cluster, cluster.nodes[0]).stderr)
            levels = [old] * 3
            for number, node in enumerate(cluster.nodes):
                before = len(jobs)
                self.assertEqual(node.process.stop(), 0)
                wait_for('writes go on while it is away', lambda: len(jobs) > before + 1, 60)
                node.program = NEWER
                node.start()
                node.wait_state('serving')
                levels[number] = new
                self.wait_levels(cluster, node, levels)
                shown, said = status_of(cluster, node)
                self.assertIn('-newer', shown[f'node-{number}']['version'])
                waiting = [f'node-{i}' for i in range(number + 1, 3)]
                if not waiting:
                    self.assertIn('muster cluster upgrade finalize', said)
                    break
                self.assertIn(f'feature level {old} of {new}: held by the older program of {", ".join(waiting)}', said)
                refused = self.finalize(cluster, node, '--yes')
                self.assertEqual(refused.returncode, 1)
                self.assertIn(f'does not know feature level {new} yet: {", ".join(waiting)}', refused.stderr)
            # What the new version brings waits for the word.
            early = self.set_window(cluster, cluster.nodes[0])
            self.assertEqual(early.returncode, 1, early.stdout)
            self.assertIn(f'feature level {new}', early.stderr)
            asked = self.finalize(cluster, cluster.nodes[1])
            self.assertEqual(asked.returncode, 2)
            self.assertIn('no older musterd can take part', asked.stderr)
            done = self.finalize(cluster, cluster.nodes[1], '--yes')
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f'feature level {old} to {new}', done.stderr)
            self.assertEqual(self.set_window(cluster, cluster.nodes[2]).returncode, 0)
            stopping.set()
            writer.join(90)
            self.assertFalse(writer.is_alive())
            for job in jobs:
                cluster.muster('job', 'watch', job, seconds=120)
                self.assertEqual({t['state'] for t in targets_of(cluster, job)}, {'JOB_TARGET_STATE_SUCCEEDED'}, job)
            fleet.stop()
            self.assertEqual(fleet.refusals(), [])
            for router in fleet.routers:
                self.assertEqual(len(router.started_numbers), len(jobs))
                self.assertEqual(router.started_numbers, sorted(set(router.started_numbers)))
            scripts = cluster.muster('script', 'list', '-o', 'name')
            for name in notes:
                self.assertIn(name, scripts)
            for what in (['device', 'list', '--limit', '0', '-o', 'name'], ['audit', 'list', '-o', 'json']):
                self.assertEqual(len({cluster.through(node, *what) for node in cluster.nodes}), 1, what)
            audit = cluster.muster('audit', 'list', '--all-organizations', '--limit', '0', '-o', 'json')
            self.assertEqual(audit.count('finalized the upgrade'), 1)
            print(f'{len(jobs)} jobs on 6 routers, {len(notes)} scripts while three nodes were replaced', flush=True)
            # The way back is closed, and whoever tries it breaks nothing.
            node = cluster.nodes[0]
            self.assertEqual(node.process.stop(), 0)
            before = digests(node.path())
            node.program = f'{BIN}/musterd'
            self.assertIn('install the newer musterd', start_fails(node))
            self.assertEqual(digests(node.path()), before)
            node.program = NEWER
            node.start()
            node.wait_state('serving')

    def test_a_node_that_was_silent_at_the_end_of_an_upgrade_stops_until_it_is_upgraded(self):
        with Cluster('upgrade-silent', nodes=2, members=1) as cluster:
            cluster.start()
            first, second = cluster.nodes
            wait_members(cluster, ['node-0', 'node-1'])
            second.kill()
            self.assertEqual(first.process.stop(), 0)
            first.program = NEWER
            first.start()
            wait_for('it is silent', lambda: status_of(cluster, first)[0]['node-1'].get('silent'), 40, 0.5)
            asked = self.finalize(cluster, first)
            self.assertEqual(asked.returncode, 2)
            self.assertIn('Silent, and not asked: node-1', asked.stderr)
            self.assertEqual(self.finalize(cluster, first, '--yes').returncode, 0)
            # Its state is of before; the log tells it.
            self.assertIn('install the newer musterd', start_fails(second))
            second.program = NEWER
            second.start()
            second.wait_state('serving')
            self.assertEqual(keep_script(cluster, 'after').returncode, 0)
            self.assertIn('after', cluster.through(second, 'script', 'list'))

    def test_a_node_alone_is_upgraded_the_same_way(self):
        with Installation('upgrade-alone') as muster:
            muster.start_musterd()
            self.assertIn('nothing to do', muster.muster_result('cluster', 'upgrade', 'finalize').stderr)
            self.assertEqual(muster.musterd.stop(), 0)
            command = list(muster.musterd.command)
            newer = muster.run('musterd-newer', [NEWER, *command[1:]])
            newer.ready(r'^ready: api ')
            result = muster.muster_result('cluster', 'status')
            self.assertRegex(result.stderr, r'feature level \d+ of \d+')
            self.assertEqual(newer.stop(), 0)
            # Nothing was finalized: the way back is open.
            muster.start_musterd()
            self.assertEqual(muster.musterd.stop(), 0)
            newer = muster.run('musterd-newer', [NEWER, *command[1:]])
            newer.ready(r'^ready: api ')
            muster.muster('cluster', 'upgrade', 'finalize', '--yes')
            self.assertNotIn('feature level', muster.muster_result('cluster', 'status').stderr)
            self.assertEqual(newer.stop(), 0)
            before = digests(muster.path('control'))
            result = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.assertIn('install the newer musterd', result.stderr)
            self.assertEqual(digests(muster.path('control')), before)


class RemoveTest(unittest.TestCase):
    def remove(self, cluster, node, name, *flags):
        return cluster.muster_result('cluster', 'remove', name, *flags,
                                     MUSTER_SERVER=f'127.0.0.1:{node.api_port}')

    def reports(self, cluster):
        return cluster.etcdctl('get', 'muster/nodes/', '--prefix', '--keys-only').split()

    def test_a_removed_node_stops_itself_and_its_data_directory_is_of_no_use_any_more(self):
        with Cluster('remove', members=1) as cluster:
            cluster.start()
            first, second, third = cluster.nodes
            wait_members(cluster, ['node-0', 'node-1', 'node-2'])
            wait_for('all report', lambda: len(self.reports(cluster)) == 3, 20)
            refused = self.remove(cluster, first, 'node-1')
            self.assertEqual(refused.returncode, 2)
            self.assertIn('2 of the 2 others are serving', refused.stderr)
            self.assertEqual(self.remove(cluster, first, 'node-9', '--yes').returncode, 3)
            done = self.remove(cluster, first, 'node-1', '--yes')
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(second.process.handle.wait(30), 1)
            self.assertIn('this node was removed from the cluster', second.process.errors())
            shown, _ = status_of(cluster, first)
            self.assertEqual(set(shown), {'node-0', 'node-2'})
            shown, _ = status_of(cluster, third, '--removed')
            self.assertTrue(shown['node-1']['removed'])
            wait_for('its report is gone', lambda: len(self.reports(cluster)) == 2, 10)
            owner = cluster.etcdctl('get', 'muster/owner', '-w', 'json')
            self.assertIn('was removed from its cluster for good', start_fails(second))
            # Nor under another id, nor with a state that does not know it yet.
            os.unlink(second.path('node-id'))
            self.assertIn('was removed from its cluster for good', start_fails(second))
            self.assertEqual(json.loads(cluster.etcdctl('get', 'muster/owner', '-w', 'json'))['kvs'],
                             json.loads(owner)['kvs'])
            self.assertEqual(keep_script(cluster, 'after', MUSTER_SERVER=f'127.0.0.1:{third.api_port}').returncode, 0)
            # The machine joins again as another node.
            shutil.rmtree(second.path())
            second.start()
            wait_members(cluster, ['node-0', 'node-1', 'node-2'])
            answer = json.loads(cluster.through(first, 'cluster', 'status', '--removed', '-o', 'json'))
            names = [n['name'] for n in answer if n['displayName'] == 'node-1']
            self.assertEqual(len(set(names)), 2)

    def test_a_node_that_was_away_when_it_was_removed_learns_it_at_its_start(self):
        with Cluster('remove-away', members=1) as cluster:
            cluster.start()
            first, second, third = cluster.nodes
            wait_members(cluster, ['node-0', 'node-1', 'node-2'])
            second.kill()
            self.assertEqual(self.remove(cluster, first, 'node-1', '--yes').returncode, 0)
            said = start_fails(second)
            self.assertIn('was removed from the cluster', said)
            self.assertIn('for good', start_fails(second))
            # Frozen, it has heard of nothing, and may still write once it goes on.
            third.freeze()
            self.assertEqual(self.remove(cluster, first, 'node-2', '--yes').returncode, 0)
            third.thaw()
            self.assertEqual(third.process.handle.wait(30), 1)
            self.assertIn('was removed from the cluster', third.process.errors())
            refused = self.remove(cluster, first, 'node-0', '--yes')
            self.assertEqual(refused.returncode, 1)
            self.assertIn('no other node is serving', refused.stderr)

    def test_the_last_node_stays_and_the_one_that_answers_may_go(self):
        with Cluster('remove-last', nodes=2, members=1) as cluster:
            cluster.start()
            first, second = cluster.nodes
            wait_members(cluster, ['node-0', 'node-1'])
            second.kill()
            wait_for('it is silent', lambda: status_of(cluster, first)[0]['node-1'].get('silent'), 40, 0.5)
            refused = self.remove(cluster, first, 'node-0', '--yes')
            self.assertEqual(refused.returncode, 1)
            self.assertIn('no other node is serving', refused.stderr)
            second.start()
            wait_for('it reports', lambda: not status_of(cluster, first)[0]['node-1'].get('silent'), 20, 0.2)
            asked = self.remove(cluster, first, 'node-0')
            self.assertIn('the one that answers', asked.stderr)
            self.assertEqual(self.remove(cluster, first, 'node-0', '--yes').returncode, 0)
            self.assertEqual(first.process.handle.wait(30), 1)
            refused = self.remove(cluster, second, 'node-1', '--yes')
            self.assertEqual(refused.returncode, 1)
            self.assertIn('no other node is serving', refused.stderr)
            self.assertEqual(keep_script(cluster, 'after', MUSTER_SERVER=f'127.0.0.1:{second.api_port}').returncode, 0)

    def test_a_node_alone_can_not_be_removed(self):
        with Installation('remove-alone') as muster:
            muster.start_musterd()
            name = json.loads(muster.muster('cluster', 'status', '-o', 'json'))[0]['displayName']
            result = muster.muster_result('cluster', 'remove', name, '--yes')
            self.assertEqual(result.returncode, 1)
            self.assertIn('this node is alone', result.stderr)


if __name__ == '__main__':
    unittest.main()
