"""etcd over TLS, with client certificates and with users: what works, and what each wrong input is told. Nothing is
overwritten by any of them."""
import concurrent.futures
import os
import subprocess
import unittest

from authority import Authority
from cluster import Cluster
from harness import BIN, wait_for
from test_backup import backup
from test_cluster import keep_script, owner_of

# Table of CRC-32C, as iSCSI has it.
CRC = []
for value in range(256):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    CRC.append(value)


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def with_altered_piece(good):
    """One byte of the first piece's body is another, and the piece's checksum is right again."""
    data = bytearray(good)
    head = 60 + int.from_bytes(data[20:24], 'little')
    size = int.from_bytes(data[head + 4:head + 8], 'little')
    data[head + 12 + size // 2] ^= 1
    data[head + 8:head + 12] = crc32c(data[head:head + 8] + data[head + 12:head + 12 + size]).to_bytes(4, 'little')
    return bytes(data)


class Tls(Cluster):
    """A cluster whose etcd wants certificates of an authority of its own."""

    def __init__(self, name, nodes=3, members=3):
        super().__init__(name, nodes, members, scheme='https')
        self.authority = Authority(self.folder, 'authority')
        self.member_files = self.authority.issue('member')
        self.node_files = self.authority.issue('node')
        self.member_flags = ['--client-cert-auth', f'--trusted-ca-file={self.authority.pem}',
                             f'--cert-file={self.member_files[0]}', f'--key-file={self.member_files[1]}']
        self.node_flags = flags(self.authority.pem, self.node_files)
        self.ctl_flags = [f'--cacert={self.authority.pem}', f'--cert={self.node_files[0]}', f'--key={self.node_files[1]}']


def flags(roots, files):
    return ['--etcd-ca-file', roots, '--etcd-cert-file', files[0], '--etcd-key-file', files[1]]


def start_with_users(cluster):
    """Members that want users, and nodes with one for muster/ alone; answers the path of its password."""
    for member in cluster.members:
        member.start()
    wait_for('etcd', lambda: cluster.leader(), 20)
    password = cluster.path('password')
    with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
        file.write('correct\n')
    for words in (['role', 'add', 'muster'], ['role', 'grant-permission', 'muster', '--prefix=true', 'readwrite', 'muster/'],
                  ['role', 'add', 'other'], ['role', 'grant-permission', 'other', '--prefix=true', 'readwrite', 'other/'],
                  ['user', 'add', 'root:root'], ['user', 'grant-role', 'root', 'root'], ['user', 'add', 'node:correct'],
                  ['user', 'grant-role', 'node', 'muster'], ['user', 'add', 'stranger:correct'],
                  ['user', 'grant-role', 'stranger', 'other'], ['auth', 'enable']):
        cluster.etcdctl(*words)
    cluster.ctl_flags = ['--user=root:root']
    cluster.node_flags = ['--etcd-user', 'node', '--etcd-password-file', password]
    return password


class RefusalsTest(unittest.TestCase):
    def musterd(self, cluster, name, *arguments, environment=None):
        """Starts a node in a new folder with these flags for etcd; answers what it says, once it has ended."""
        command = [f'{BIN}/musterd', '--data-dir', cluster.path(name), '--listen', '127.0.0.1:0', '--listen-edge', '127.0.0.1:0',
                   '--metrics', 'off', '--master-key-file', cluster.master_key, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **(environment or {})})

    def check_rows(self, cluster, rows):
        """Each a name, flags and the words that musterd must end with; all at once, since most of them wait."""
        before = cluster.etcdctl('get', '--prefix', 'muster/owner', '-w', 'json')
        entries = cluster.etcdctl('get', 'muster/root', 'muster/rooz', '-w', 'json')
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            results = list(pool.map(lambda row: self.musterd(cluster, f'refused {row[0]}', *row[1]), rows))
        for (name, _, *words), result in zip(rows, results):
            with self.subTest(name):
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                last = result.stderr.strip().splitlines()[-1]
                self.assertTrue(last.startswith('musterd: '), result.stderr)
                for word in words:
                    self.assertIn(word, last)
        kept = [cluster.etcdctl('get', '--prefix', 'muster/owner', '-w', 'json'),
                cluster.etcdctl('get', 'muster/root', 'muster/rooz', '-w', 'json')]
        for was, now in zip([before, entries], kept):
            self.assertEqual(was[was.find('"kvs"'):], now[now.find('"kvs"'):] if '"kvs"' in was else now[now.find('"kvs"'):])

    def work(self, cluster):
        cluster.start()
        cluster.add_edge('west')
        for node in cluster.nodes:
            made = keep_script(cluster, f'by-{node.number}', MUSTER_SERVER=f'127.0.0.1:{node.api_port}')
            self.assertEqual(made.returncode, 0, made.stderr)
        cluster.members[0].kill()
        cluster.nodes[0].kill()
        made = keep_script(cluster, 'with-one-away')
        self.assertEqual(made.returncode, 0, made.stderr)
        cluster.members[0].start()
        cluster.nodes[0].start()
        cluster.nodes[0].wait_state('serving')
        for node in cluster.nodes:
            scripts = cluster.through(node, 'script', 'list', '-o', 'name')
            for name in ['by-0', 'by-1', 'by-2', 'with-one-away']:
                self.assertIn(name, scripts)

    def test_three_nodes_work_on_an_etcd_that_wants_client_certificates(self):
        with Tls('tls') as cluster:
            # An authority that has ended stands before the right one, as after a change of authority.
            old = Authority(cluster.folder, 'old', ended=True)
            both = cluster.path('both.pem')
            with open(both, 'w') as out:
                for pem in (old.pem, cluster.authority.pem):
                    with open(pem) as file:
                        out.write(file.read())
            cluster.node_flags = flags(both, cluster.node_files)
            self.work(cluster)

    def test_three_nodes_work_with_a_user_that_has_one_prefix_alone(self):
        with Cluster('users') as cluster:
            password = start_with_users(cluster)
            self.work(cluster)
            wrong = cluster.path('wrong')
            with open(os.open(wrong, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
                file.write('unlucky\n')
            with open(os.open(cluster.path('open'), os.O_WRONLY | os.O_CREAT, 0o644), 'w') as file:
                file.write('correct\n')
            url = ['--etcd', cluster.etcd_urls()]
            self.check_rows(cluster, [
                ('wrong password', [*url, '--etcd-user', 'node', '--etcd-password-file', wrong], 'refuses this node', '--etcd-password-file'),
                ('unknown user', [*url, '--etcd-user', 'nobody', '--etcd-password-file', password], 'refuses this node', '--etcd-user'),
                ('no user', url, 'refuses this node', '--etcd-user'),
                ('another role', [*url, '--etcd-user', 'stranger', '--etcd-password-file', password], 'refuses this node',
                 'permission denied', 'the role of that user on keys muster/'),
                ('open password file', [*url, '--etcd-user', 'node', '--etcd-password-file', cluster.path('open')], 'chmod 600'),
            ])
            for process in cluster.processes:
                self.assertNotIn('unlucky', process.errors())

    def test_each_wrong_address_and_certificate_is_named(self):
        with Tls('tls-wrong', nodes=1, members=1) as cluster:
            cluster.start()
            self.assertEqual(keep_script(cluster, 'kept').returncode, 0)
            url, roots, files = cluster.etcd_urls(), cluster.authority.pem, cluster.node_files
            foreign = Authority(cluster.folder, 'foreign')
            ended_authority = Authority(cluster.folder, 'ended', ended=True)
            ended = cluster.authority.issue('ended', ended=True)
            stranger = foreign.issue('stranger')
            no_pem = cluster.path('no-pem')
            with open(no_pem, 'w') as file:
                file.write('no certificate\n')
            port = url.rsplit(':', 1)[1]
            self.check_rows(cluster, [
                ('wrong port', ['--etcd', 'https://127.0.0.1:1', *flags(roots, files)], "can't reach etcd at https://127.0.0.1:1",
                 'Connection refused', '--etcd'),
                ('wrong name', ['--etcd', 'https://no-such-host.invalid:2379', *flags(roots, files)], "can't reach etcd", 'no connection'),
                ('http for https', ['--etcd', f'http://127.0.0.1:{port}'], 'it speaks TLS: write https://'),
                ('no client certificate', ['--etcd', url, '--etcd-ca-file', roots], 'wants a client certificate', '--etcd-cert-file'),
                ('foreign client certificate', ['--etcd', url, *flags(roots, stranger)], 'does not take the certificate', stranger[0],
                 '--trusted-ca-file'),
                ('ended client certificate', ['--etcd', url, *flags(roots, ended)], ended[0], 'has ended at 2021-01-01'),
                ('ended authority', ['--etcd', url, *flags(ended_authority.pem, files)], ended_authority.pem, 'has ended at 2021-01-01'),
                ('foreign authority', ['--etcd', url, *flags(foreign.pem, files)], 'signed by none of the authorities', foreign.pem),
                ('no authority', ['--etcd', url, '--etcd-cert-file', files[0], '--etcd-key-file', files[1]],
                 'signed by none of the authorities', 'name another with --etcd-ca-file'),
                ('not of the certificate', ['--etcd', url, *flags(roots, (files[0], stranger[1]))], stranger[1], 'is not that of the certificate'),
                ('no PEM', ['--etcd', url, *flags(no_pem, files)], no_pem, 'holds no PEM certificate'),
                ('absent', ['--etcd', url, *flags(cluster.path('absent'), files)], cluster.path('absent'), "can't read"),
            ])
            for name, pem, word in (('old', cluster.authority.issue('member-ended', ended=True), 'has ended (its own end: 2021-01-01'),
                                    ('name', cluster.authority.issue('member-elsewhere', 'IP:192.0.2.1'), 'is for 192.0.2.1')):
                cluster.members[0].kill()
                cluster.member_flags[2:] = [f'--cert-file={pem[0]}', f'--key-file={pem[1]}']
                cluster.members[0].start()
                with self.subTest(name):
                    result = wait_for('etcd is there', lambda: (r := self.musterd(cluster, f'refused by {name}', *['--etcd', url, *flags(roots, files)])) and
                                      'Connection refused' not in r.stderr and r, 60)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn(word, result.stderr)
            # A node with a state starts, read-only, and its log says why.
            cluster.nodes[0].kill()
            cluster.nodes[0].start()
            cluster.nodes[0].wait_state('read-only: no quorum')
            self.assertIn('is for 192.0.2.1', cluster.nodes[0].process.errors())
            self.assertIn('kept', cluster.through(cluster.nodes[0], 'script', 'list'))
            cluster.members[0].kill()
            cluster.member_flags[2:] = [f'--cert-file={cluster.member_files[0]}', f'--key-file={cluster.member_files[1]}']
            cluster.members[0].start()
            cluster.nodes[0].wait_state('serving', 60)

    def test_an_etcd_of_others_and_one_that_holds_something_are_refused(self):
        with Cluster('foreign', nodes=2, members=1) as cluster, Cluster('foreign-other', nodes=1, members=1) as other:
            cluster.members[0].start()
            cluster.nodes[0].start()
            other.start()
            self.assertEqual(keep_script(cluster, 'kept').returncode, 0)
            key = ('--master-key-file', cluster.master_key)
            made = backup(cluster, 'create', cluster.path('good'), '--data-dir', cluster.nodes[0].path(), *key)
            self.assertEqual(made.returncode, 0, made.stderr)
            other_owner = owner_of(other)
            self.check_rows(cluster, [
                ('foreign etcd, new node', ['--etcd', other.etcd_urls()], 'sealed with another master key', 'copy it from another node'),
                ('plain etcd, https', ['--etcd', cluster.etcd_urls().replace('http:', 'https:')], 'it speaks no TLS: write http://'),
            ])
            # The state of a node on the etcd of another cluster.
            cluster.nodes[0].kill()
            command = [other.etcd_urls() if word == cluster.etcd_urls() else word for word in cluster.nodes[0].command()]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.assertIn('sealed with another master key', result.stderr)
            # A backup into an etcd that is not empty, and altered ones.
            with open(cluster.path('good'), 'rb') as file:
                good = file.read()
            for name, content in (('altered', with_altered_piece(good)), ('cut', good[:len(good) // 2])):
                with open(cluster.path(name), 'wb') as file:
                    file.write(content)
            for file, word in (('good', 'is not empty: it holds muster/'), ('altered', 'was altered after it was made'), ('cut', 'cut short')):
                with self.subTest(file):
                    refused = backup(cluster, 'restore', cluster.path(file), '--data-dir', cluster.path('new'), '--etcd', other.etcd_urls(), *key)
                    self.assertEqual(refused.returncode, 1, refused.stdout)
                    self.assertIn(word, refused.stderr)
                    self.assertFalse(os.path.exists(cluster.path('new')))
            self.assertEqual(owner_of(other), other_owner)
            # What is no record of Muster, or a newer one.
            for record in ('noise', 'MO\x09'):
                cluster.etcdctl('put', 'muster/owner', record)
                result = self.musterd(cluster, f'refused {len(record)}', '--etcd', cluster.etcd_urls())
                self.assertEqual(result.returncode, 1)
                self.assertIn('etcd key muster/owner: it is no owner record of Muster, or one of a newer musterd', result.stderr)


if __name__ == '__main__':
    unittest.main()
