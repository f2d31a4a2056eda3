"""Several control planes on an etcd of several members, all on loopback: real processes that tests kill, freeze
and bring back."""
import json
import os
import shutil
import signal
import subprocess
import unittest
import urllib.request

from harness import BIN, Installation, free_port, wait_for


class Cluster(Installation):
    """`members` of etcd and `nodes` of musterd. The first node that starts makes the installation."""

    def __init__(self, name, nodes=3, members=3, scheme='http'):
        if not shutil.which('etcd') or not shutil.which('etcdctl'):
            raise unittest.SkipTest('etcd and etcdctl are not installed: apt-get install etcd-server etcd-client')
        super().__init__(name)
        self.scheme = scheme
        # Further flags: of etcd, of musterd for etcd, and of etcdctl.
        self.member_flags, self.node_flags, self.ctl_flags = [], [], []
        self.members = [Member(self, i) for i in range(members)]
        self.nodes = [Node(self, i) for i in range(nodes)]
        self.api_port = self.nodes[0].api_port
        self.master_key = self.path('master-key')

    def start(self):
        for member in self.members:
            member.start()
        for node in self.nodes:
            node.start()
        return self

    def etcd_urls(self):
        return ','.join(member.url for member in self.members)

    def environment(self, **changes):
        """All nodes, whichever answers; with the files of the one that made the installation."""
        first = next((n for n in self.nodes if os.path.exists(n.path('root-key'))), self.nodes[0])
        return super().environment(**{
            'MUSTER_SERVER': ','.join(f'127.0.0.1:{node.api_port}' for node in self.nodes),
            'MUSTER_CA_FILE': first.path('pki', 'cluster-ca.pem'),
            'MUSTER_API_KEY_FILE': first.path('root-key'), **changes})

    def controls(self):
        return [f'127.0.0.1:{node.edge_port}' for node in self.nodes]

    def through(self, node, *arguments, **environment):
        """One command of the client through one node."""
        return self.muster(*arguments, MUSTER_SERVER=f'127.0.0.1:{node.api_port}', **environment)

    def etcdctl(self, *arguments, code=0, endpoints=None):
        result = subprocess.run(['etcdctl', f'--endpoints={endpoints or self.etcd_urls()}', *self.ctl_flags, *arguments],
                                capture_output=True, text=True, timeout=30, env={**os.environ, 'ETCDCTL_API': '3'})
        if code is not None and result.returncode != code:
            raise AssertionError(f'etcdctl {arguments}: {result.stdout}\n{result.stderr}')
        return result.stdout

    def leader(self):
        """The member that leads now."""
        answer = json.loads(self.etcdctl('endpoint', 'status', '-w', 'json', code=None) or '[]')
        for entry in answer:
            if entry['Status']['leader'] == entry['Status']['header']['member_id']:
                return next(m for m in self.members if m.url == entry['Endpoint'])
        return None


class Member:
    """One member of etcd."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.process = cluster, number, None
        self.url = f'{cluster.scheme}://127.0.0.1:{free_port()}'
        # Where the others find it, and where it listens.
        self.peer_url = self.peer_listen = f'http://127.0.0.1:{free_port()}'

    def data_dir(self):
        return self.cluster.path(f'etcd-{self.number}.data')

    def peers(self):
        return ','.join(f'm{m.number}={m.peer_url}' for m in self.cluster.members)

    def start(self):
        self.process = self.cluster.run(f'etcd-{self.number}', [
            'etcd', f'--name=m{self.number}', f'--data-dir={self.data_dir()}',
            f'--listen-client-urls={self.url}', f'--advertise-client-urls={self.url}',
            f'--listen-peer-urls={self.peer_listen}', f'--initial-advertise-peer-urls={self.peer_url}',
            f'--initial-cluster={self.peers()}', '--initial-cluster-state=new', *self.cluster.member_flags])
        return self.process

    def kill(self):
        self.process.kill()


class Node:
    """One musterd of the cluster."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.process = cluster, number, None
        self.api_port, self.edge_port = free_port(), free_port()
        self.metrics_address = None
        # Another version, where a test upgrades.
        self.program = f'{BIN}/musterd'
        # None: the file that all share.
        self.master_key = None

    def path(self, *parts):
        folder = f'control-{self.number}' if self.number else 'control'
        return self.cluster.path(folder, *parts)

    def command(self, *extra):
        return [self.program, '--data-dir', self.path(), '--listen', f'127.0.0.1:{self.api_port}',
                '--listen-edge', f'127.0.0.1:{self.edge_port}', '--metrics', '127.0.0.1:0',
                '--master-key-file', self.master_key or self.cluster.master_key, '--etcd', self.cluster.etcd_urls(),
                '--node-name', f'node-{self.number}', *self.cluster.node_flags, *extra]

    def start(self, wait=True):
        self.process = self.cluster.run(f'musterd-{self.number}', self.command())
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        self.process.ready(r'^ready: api ')
        self.metrics_address = self.process.ready(r'^ready: metrics (\S+)')[1]

    def kill(self):
        self.process.kill()

    def freeze(self):
        self.process.handle.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.handle.send_signal(signal.SIGCONT)

    def metrics(self):
        """The value of every series; nothing where the node was killed meanwhile."""
        try:
            with urllib.request.urlopen(f'http://{self.metrics_address}/metrics', timeout=10) as answer:
                lines = [line for line in answer.read().decode().splitlines() if line and line[0] != '#']
        except OSError:
            return {}
        return {name: float(value) for name, value in (line.rsplit(' ', 1) for line in lines)}

    def log_state(self):
        return next((name.split('"')[1] for name, value in self.metrics().items()
                     if name.startswith('muster_log_state') and value == 1), None)

    def wait_state(self, state, seconds=30):
        wait_for(f'node {self.number} is {state}', lambda: self.log_state() == state, seconds)
