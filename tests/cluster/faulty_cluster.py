"""A cluster whose every part can be made to fail by itself: links between nodes and etcd and between edges and
nodes that can be cut, a clock per node, a small disk per node."""
import json
import os
import shutil
import struct
import subprocess

from cluster import Cluster, Node
from cuts import Link, PeerLink, Wire
from harness import ROOT

DISK_MIB = 96


class FaultyNode(Node):
    def __init__(self, cluster, number):
        super().__init__(cluster, number)
        self.to_etcd = []
        self.disk = None

    def prepare(self):
        """Called once, when the members have their ports."""
        self.to_etcd = [Link(int(member.url.rsplit(':', 1)[1])) for member in self.cluster.members]
        self.jump(0)
        os.makedirs(self.path(), mode=0o700)
        # What is inside can fill it without filling the machine's.
        mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK_MIB}m,mode=0700', 'tmpfs', self.path()],
                                 capture_output=True, check=False)
        self.disk = self.path() if mounted.returncode == 0 else None

    def command(self, *extra):
        links = ','.join(f'http://127.0.0.1:{link.port}' for link in self.to_etcd)
        return [links if word == self.cluster.etcd_urls() else word for word in super().command(*extra)]

    def start(self, wait=True):
        self.process = self.cluster.run(f'musterd-{self.number}', self.command(), {
            'LD_PRELOAD': self.cluster.path('fast_clock.so'), 'FAST_CLOCK_JUMP_FILE': self.jump_file()})
        if wait:
            self.wait_ready()
        return self

    def jump_file(self):
        return self.cluster.path(f'jump-{self.number}')

    def jump(self, seconds):
        """The node's clock is off by so much from now on."""
        with open(os.open(self.jump_file(), os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
            file.write(struct.pack('<q', seconds * 10**9))

    def fill_disk(self):
        with open(os.path.join(self.disk, 'filler'), 'wb', buffering=0) as file:
            try:
                while True:
                    file.write(b'\0' * 65536)
            except OSError:
                return

    def empty_disk(self):
        os.unlink(os.path.join(self.disk, 'filler'))


class FaultyCluster(Cluster):
    def __init__(self, name):
        super().__init__(name)
        self.nodes = [FaultyNode(self, i) for i in range(len(self.nodes))]
        self.api_port = self.nodes[0].api_port
        self.edge_links = {}
        for member in self.members:
            member.wire = Wire()
            link = PeerLink(int(member.peer_listen.rsplit(':', 1)[1]), member.wire, self.wires_of_members)
            member.peer_url = f'http://127.0.0.1:{link.port}'
        source = os.path.join(ROOT, 'tests', 'end_to_end', 'fast_clock.c')
        subprocess.run(['cc', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o',
                        self.path('fast_clock.so'), source, '-ldl'], check=True)
        for node in self.nodes:
            node.prepare()

    def __exit__(self, kind, error, trace):
        for process in reversed(self.processes):
            process.kill()
        for node in self.nodes:
            if not node.disk:
                continue
            if kind is not None:
                shutil.copytree(node.disk, f'{node.disk}.kept', dirs_exist_ok=True)
            subprocess.run(['umount', '-l', node.disk], check=False)
        super().__exit__(kind, error, trace)

    def written(self):
        """How many entries the log has."""
        return int(json.loads(self.etcdctl('get', 'muster/log', '-w', 'json'))['kvs'][0]['version'])

    def wires_of_members(self):
        return {m.process.handle.pid: m.wire for m in self.members if m.process}

    def controls(self):
        """Each edge that is added gets links of its own."""
        if self.adding not in self.edge_links:
            self.edge_links[self.adding] = [Link(node.edge_port) for node in self.nodes]
        return [f'127.0.0.1:{link.port}' for link in self.edge_links[self.adding]]

    def add_edge(self, name='west', *extra, public_port=None):
        self.adding = name
        return super().add_edge(name, *extra, public_port=public_port)

    def restart_edge(self, name):
        self.adding = name
        self.edges[name].start()
