"""What operators write and routers say lies in clear in no file of etcd and in no backup, and secrets nowhere."""
import os
import unittest

from cluster import Cluster
from test_backup import backup
from test_crashes import wait_ended


def files_below(*folders):
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                yield os.path.join(parent, name)


def places_of(word, *folders):
    """The files that hold the word in some usual form of text."""
    forms = [word.encode(), word.encode().hex().encode(), word.encode('utf-16-le')]
    found = []
    for path in files_below(*folders):
        with open(path, 'rb') as file:
            content = file.read()
        if any(form in content for form in forms):
            found.append(path)
    return found


class SealedTest(unittest.TestCase):
    def test_nothing_that_was_planted_is_readable_where_it_must_not_be(self):
        with Cluster('sealed', nodes=2, members=3) as cluster:
            cluster.start()
            cluster.add_edge('west')
            sim = cluster.start_routers(cluster.claim_line('--max-devices', '3', '--site', 'planted-site-5518'), 3)
            cluster.wait_online(3)
            secret = 'planted-secret-7731'
            cluster.muster('secret', 'set', 'radius', '--file', '-', stdin=secret)
            job = cluster.muster('job', 'run', '--where', 'online = true', '--yes', '-o', 'name', '--description', 'planted-words-6612',
                                 '--script', ':put "planted-script-9923"; :local s {{secret:radius}}; :put [:len $s]').strip()
            wait_ended(cluster, [job])
            cluster.muster('organization', 'create', 'planted-organization-3', '--display-name', 'planted-name-4471')
            key = cluster.muster('key', 'create', '--role', 'viewer').strip().splitlines()[-1].split()[-1]
            made = backup(cluster, 'create', cluster.path('backup'), '--data-dir', cluster.nodes[0].path(), '--master-key-file', cluster.master_key)
            self.assertEqual(made.returncode, 0, made.stderr)
            sim.stop()
            for node in cluster.nodes:
                node.process.stop()
            for member in cluster.members:
                member.process.stop()
            with open(cluster.nodes[0].path('root-key')) as file:
                root_key = file.read().strip()
            etcd = [cluster.path(f'etcd-{member.number}.data') for member in cluster.members]
            states = [node.path() for node in cluster.nodes]
            # The search itself finds what is there.
            self.assertTrue(places_of('muster/log', *etcd))
            self.assertTrue(places_of('planted-words-6612', *states))
            backups = [path for path in files_below(cluster.folder) if os.path.basename(path) == 'backup']
            self.assertEqual(len(backups), 1)
            with open(backups[0], 'rb') as file:
                packed = file.read()
            for word in ('planted-site-5518', secret, 'planted-words-6612', 'planted-script-9923', 'planted-organization-3',
                         'planted-name-4471', 'radius', 'sim-0000', 'sim-0001', root_key, key):
                with self.subTest(word if 'planted' in word else 'another'):
                    self.assertEqual(places_of(word, *etcd), [])
                    self.assertNotIn(word.encode(), packed)
            for word in (secret, key):
                self.assertEqual(places_of(word, *states), [])
            # Each state has the organization's own key, sealed, and the secret names it.
            for state in states:
                self.assertTrue(places_of('organization-key/', state))
                self.assertTrue(places_of('MUSTERK\x01', state))
            logs = [path for path in files_below(cluster.folder) if path.endswith(('.err', '.out'))]
            for path in logs:
                with open(path, errors='replace') as file:
                    self.assertNotIn(secret, file.read(), path)


if __name__ == '__main__':
    unittest.main()
