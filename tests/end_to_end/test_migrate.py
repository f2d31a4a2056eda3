"""From one node to a cluster and back, and a backup that is restored into etcd: what was there is there afterwards,
edges and routers go on, and whatever is killed on the way is finished by the next try."""
import os
import subprocess
import unittest

from cluster import Cluster
from harness import BIN, SEED, wait_for
from test_backup import backup
from test_cluster import keep_script
from test_crashes import Fleet, new_job, targets_of, wait_ended


def alone(node):
    """The command of a node that is one by itself."""
    words = node.command()
    at = words.index('--etcd')
    return words[:at] + words[at + 2:at + 2 + words[at + 2:].index('--node-name')]


def migrate_command(cluster, node, to, *more):
    return [f'{BIN}/musterd', 'migrate', '--to', to, '--data-dir', node.path(), '--etcd', cluster.etcd_urls(),
            '--master-key-file', cluster.master_key, *more]


def migrate(cluster, node, to, *more):
    return subprocess.run(migrate_command(cluster, node, to, *more), capture_output=True, text=True, timeout=120)


def migrate_through_kills(cluster, node, to, step):
    """Starts it again and again, and kills it a little later each time, until one comes through by itself."""
    kills = 0
    while True:
        process = subprocess.Popen(migrate_command(cluster, node, to), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, errors = process.communicate(timeout=kills * step)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        print(f'migrate --to {to}: came through after {kills} kills', flush=True)
        assert process.returncode == 0, errors
        return kills, out


class MigrateTest(unittest.TestCase):
    def start_alone(self, cluster, node):
        node.process = cluster.run(f'alone-{node.number}', alone(node))
        node.wait_ready()

    def check_all(self, cluster, jobs, notes, node):
        for job in jobs:
            states = {t['state'] for t in targets_of(cluster, job)}
            self.assertEqual(states, {'JOB_TARGET_STATE_SUCCEEDED'}, job)
        scripts = cluster.through(node, 'script', 'list', '-o', 'name')
        for name in notes:
            self.assertIn(name, scripts)
        held = [d['name'] for d in cluster.muster_json('device', 'list', '--limit', '0') if d.get('jobsHeld')]
        self.assertEqual(held, [], 'a migration holds nothing')
        cluster.muster('audit', 'verify')

    def test_there_and_back_with_kills_on_the_way_loses_nothing(self):
        print(f'seed {SEED}', flush=True)
        with Cluster('migrate', nodes=2, members=3) as cluster:
            first, second = cluster.nodes
            for member in cluster.members:
                member.start()
            self.start_alone(cluster, first)
            cluster.add_edge('west')
            fleet = Fleet(cluster, 6, pause=2)
            cluster.wait_online(6)
            jobs = [new_job(cluster, ':put alone')]
            wait_ended(cluster, jobs)
            self.assertEqual(keep_script(cluster, 'alone').returncode, 0)
            running = migrate(cluster, first, 'etcd')
            self.assertEqual(running.returncode, 1)
            self.assertIn('in use by another musterd', running.stderr)
            # A job is on its way and results come while nobody is there.
            jobs.append(new_job(cluster, ':put "on its way"'))
            first.kill()
            kills, said = migrate_through_kills(cluster, first, 'etcd', 0.004)
            self.assertGreater(kills, 2)
            self.assertIn('etcd, from entry', said)
            refused = subprocess.run(alone(first), capture_output=True, text=True, timeout=60)
            self.assertEqual(refused.returncode, 1)
            self.assertIn('belongs to a cluster', refused.stderr)
            first.start()
            # What was asked before is known by its request id: no second job.
            self.assertEqual(new_job(cluster, ':put "on its way"'), jobs[1])
            wait_ended(cluster, jobs)
            made = backup(cluster, 'create', cluster.path('node'), '--data-dir', first.path(), '--master-key-file', cluster.master_key)
            self.assertEqual(made.returncode, 0, made.stderr)
            restored = backup(cluster, 'restore', cluster.path('node'), '--data-dir', second.path(), '--as-node',
                              '--master-key-file', cluster.master_key)
            self.assertEqual(restored.returncode, 0, restored.stderr)
            second.start()
            jobs.append(new_job(cluster, ':put "two nodes"'))
            self.assertEqual(keep_script(cluster, 'two').returncode, 0)
            wait_ended(cluster, jobs)
            for node in cluster.nodes:
                self.check_all(cluster, jobs, ['alone', 'two'], node)

            first.kill()
            busy = migrate(cluster, first, 'local')
            self.assertEqual(busy.returncode, 1)
            self.assertIn('(node-1, ', busy.stderr)
            self.assertIn('stop all other nodes', busy.stderr)
            # What the other had written, and this one had not heard of, comes along.
            second_only = keep_script(cluster, 'second-only', MUSTER_SERVER=f'127.0.0.1:{second.api_port}')
            self.assertEqual(second_only.returncode, 0, second_only.stderr)
            second.kill()
            kills, said = migrate_through_kills(cluster, first, 'local', 0.15)
            self.assertGreater(kills, 2)
            self.assertIn('is one node', said)
            # The other can neither go on nor take the same way.
            result = subprocess.run(second.command(), capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.assertIn('the installation was moved to node', result.stderr)
            twice = migrate(cluster, second, 'local')
            self.assertEqual(twice.returncode, 1)
            self.assertIn('was moved to node', twice.stderr)
            again = migrate(cluster, first, 'etcd')
            self.assertEqual(again.returncode, 1)
            self.assertIn('is not empty', again.stderr)
            self.start_alone(cluster, first)
            wait_for('the edge is back', lambda: first.metrics().get('muster_edge_streams') == 1, 30)
            jobs.append(new_job(cluster, ':put "alone again"'))
            wait_ended(cluster, jobs)
            self.check_all(cluster, jobs, ['alone', 'two', 'second-only'], first)
            fleet.stop()
            self.assertEqual(fleet.refusals(), [])
            for router in fleet.routers:
                self.assertEqual(router.started_numbers, sorted(set(router.started_numbers)))
            audit = cluster.muster('audit', 'list', '--limit', '0', '--all-organizations')
            self.assertEqual(audit.count('moved this installation from one node to etcd'), 1)
            self.assertEqual(audit.count('moved this installation from etcd to node'), 1)

    def test_a_backup_is_restored_into_an_empty_etcd_and_into_no_other(self):
        with Cluster('restore-etcd', nodes=2, members=1) as cluster:
            first, second = cluster.nodes
            cluster.members[0].start()
            self.start_alone(cluster, first)
            cluster.add_edge('west')
            key = ('--master-key-file', cluster.master_key)
            self.assertEqual(keep_script(cluster, 'kept').returncode, 0)
            fleet = Fleet(cluster, 2)
            cluster.wait_online(2)
            fleet.stop()
            waiting = new_job(cluster, ':put waiting', where='online = true OR online = false')
            wait_for('it waits', lambda: len(targets_of(cluster, waiting)) == 2, 20)
            made = backup(cluster, 'create', cluster.path('whole'), '--data-dir', first.path(), *key)
            self.assertEqual(made.returncode, 0, made.stderr)
            first.kill()
            os.rename(first.path(), cluster.path('lost'))
            into = ('--data-dir', first.path(), '--etcd', cluster.etcd_urls(), *key)
            cluster.etcdctl('put', 'muster/log', 'of somebody')
            refused = backup(cluster, 'restore', cluster.path('whole'), *into)
            self.assertEqual(refused.returncode, 1)
            self.assertIn('is not empty: it holds muster/log', refused.stderr)
            self.assertFalse(os.path.exists(first.path()))
            cluster.etcdctl('del', 'muster/log')
            restored = backup(cluster, 'restore', cluster.path('whole'), *into)
            self.assertEqual(restored.returncode, 0, restored.stderr)
            self.assertIn('--etcd', restored.stdout)
            other = backup(cluster, 'restore', cluster.path('whole'), '--data-dir', second.path(), '--etcd', cluster.etcd_urls(), *key)
            self.assertEqual(other.returncode, 1)
            self.assertIn('is not empty: it holds muster/owner', other.stderr)
            self.assertFalse(os.path.exists(second.path()))
            first.start()
            self.assertEqual({t['state'] for t in targets_of(cluster, waiting)}, {'JOB_TARGET_STATE_HELD'})
            self.assertIn('kept', cluster.muster('script', 'list'))
            # The next node comes from a backup of this one.
            made = backup(cluster, 'create', cluster.path('node'), '--data-dir', first.path(), *key)
            self.assertEqual(made.returncode, 0, made.stderr)
            as_node = backup(cluster, 'restore', cluster.path('node'), '--data-dir', second.path(), '--as-node', *key)
            self.assertEqual(as_node.returncode, 0, as_node.stderr)
            second.start()
            self.assertEqual(keep_script(cluster, 'later').returncode, 0)
            for node in cluster.nodes:
                self.assertIn('later', cluster.through(node, 'script', 'list'))
            wait_for('the edge is back', lambda: sum(n.metrics().get('muster_edge_streams') == 1 for n in cluster.nodes) == 1, 30)


if __name__ == '__main__':
    unittest.main()
