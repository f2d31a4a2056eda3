"""Every kind of fault: what goes wrong, and what puts it right again. A fault is a pair of functions; what it
touches is named, so that two at a time never take the same part or the majority of etcd."""
import base64
import json
import os
import shutil
import signal
import subprocess

from harness import wait_for


class Fault:
    def __init__(self, kind, parts, inject, heal):
        self.kind, self.parts, self.inject, self.heal = kind, parts, inject, heal


def freeze(kind, process, part):
    return Fault(f'SIGSTOP {kind}', {part}, lambda: process.handle.send_signal(signal.SIGSTOP),
                 lambda: process.handle.send_signal(signal.SIGCONT))


def restart(node):
    node.start(wait=False)
    node.wait_ready()


def kill_node(cluster, chance):
    node = chance.choice(cluster.nodes)
    return Fault('kill -9 musterd', {node}, node.kill, lambda: restart(node))


def freeze_node(cluster, chance):
    node = chance.choice(cluster.nodes)
    return freeze('musterd', node.process, node)


def kill_member(cluster, chance):
    member = chance.choice(cluster.members)
    return Fault('kill -9 etcd', {'etcd'}, member.kill, member.start)


def kill_leader(cluster, _):
    member = cluster.leader() or cluster.members[0]
    return Fault('kill -9 leader of etcd', {'etcd'}, member.kill, member.start)


def freeze_member(cluster, chance):
    return freeze('etcd', chance.choice(cluster.members).process, 'etcd')


def kill_edge(cluster, chance):
    name = chance.choice(sorted(cluster.edges))
    return Fault('kill -9 edge', {name}, lambda: cluster.edges[name].process.kill(), lambda: cluster.restart_edge(name))


def freeze_edge(cluster, chance):
    name = chance.choice(sorted(cluster.edges))
    return freeze('edge', cluster.edges[name].process, name)


def cut(links):
    for link in links:
        link.cut()


def mend(links):
    for link in links:
        link.mend()


def cut_node_off(cluster, chance):
    node = chance.choice(cluster.nodes)
    return Fault('node cut off from etcd', {node}, lambda: cut(node.to_etcd), lambda: mend(node.to_etcd))


def cut_edge_off(cluster, chance):
    links = cluster.edge_links[name := chance.choice(sorted(cluster.edges))]
    return Fault('edge cut off from nodes', {name}, lambda: cut(links), lambda: mend(links))


def cut_member_off(cluster, chance):
    """A member of etcd that the other members can't reach, nor it them; nodes can. Half of the time it leads."""
    member = chance.choice(cluster.members)
    if chance.random() < 0.5:
        member = cluster.leader() or member
    return Fault('member of etcd cut off from the others', {'etcd'}, member.wire.cut, member.wire.mend)


def cut_pair(cluster, chance):
    """One node can't reach one member; everything else can."""
    node = chance.choice(cluster.nodes)
    link = chance.choice(node.to_etcd)
    return Fault('link between a node and a member cut', {node}, link.cut, link.mend)


def jump_clock(cluster, chance):
    node = chance.choice(cluster.nodes)
    seconds = chance.choice([1, -1]) * chance.choice([3600, 365 * 86400])
    return Fault(f'clock off by {seconds} s', {node}, lambda: node.jump(seconds), lambda: node.jump(0))


def fill_disk(cluster, chance):
    node = chance.choice(cluster.nodes)
    if not node.disk:
        return None

    def heal():
        node.empty_disk()
        # A node that could not write has ended: better than going on without knowing what is kept.
        if not node.process.alive():
            restart(node)
    return Fault('disk full', {node}, node.fill_disk, heal)


def values_of_log(cluster, count):
    """The newest values of the key that orders the log, oldest first."""
    newest = json.loads(cluster.etcdctl('get', 'muster/log', '-w', 'json'))
    values = []
    revision = newest['kvs'][0]['mod_revision']
    while revision > 0 and len(values) < count:
        old = subprocess.run(['etcdctl', f'--endpoints={cluster.etcd_urls()}', 'get', 'muster/log', f'--rev={revision}',
                              '-w', 'json'], capture_output=True, text=True, timeout=30, check=False,
                             env={'ETCDCTL_API': '3', 'PATH': '/usr/bin:/bin'})
        if old.returncode != 0:
            break
        value = json.loads(old.stdout)['kvs'][0]
        values.insert(0, base64.b64decode(value['value']))
        revision = value['mod_revision'] - 1
    return values


def write_to_log(cluster, value):
    subprocess.run(['etcdctl', f'--endpoints={cluster.etcd_urls()}', 'put', 'muster/log'], input=value,
                   capture_output=True, timeout=30, check=False, env={'ETCDCTL_API': '3', 'PATH': '/usr/bin:/bin'})


def hostile_writer(cluster, chance):
    def inject():
        values = values_of_log(cluster, 4)
        write_to_log(cluster, chance.randbytes(chance.choice([1, 40, 4000])))
        if values:
            # One again, then some in another order, then one that was changed.
            write_to_log(cluster, values[-1])
            for value in reversed(values):
                write_to_log(cluster, value)
            changed = bytearray(values[0])
            changed[chance.randrange(len(changed))] ^= 1
            write_to_log(cluster, bytes(changed))
    return Fault('a stranger writes to etcd', {'etcd'}, inject, lambda: None)


def old_snapshot(cluster, _):
    """All of etcd is put back to a moment ago: the nodes must refuse it and end. Then what was there is put back."""
    snapshot = cluster.path('old-snapshot')

    def inject():
        cluster.etcdctl('snapshot', 'save', snapshot, endpoints=cluster.members[0].url)
        written = cluster.written()
        wait_for('more is written', lambda: cluster.written() > written + 3, 30)
        for member in cluster.members:
            member.kill()
            os.rename(member.data_dir(), f'{member.data_dir()}.right')
            cluster.etcdctl('snapshot', 'restore', snapshot, '--name', f'm{member.number}', '--data-dir',
                            member.data_dir(), '--initial-cluster', member.peers(),
                            '--initial-advertise-peer-urls', member.peer_url)
        os.unlink(snapshot)
        for member in cluster.members:
            member.start()
        for node in cluster.nodes:
            code = node.process.handle.wait(60)
            assert code == 1, f'node {node.number} ended with {code} at an older etcd'
            assert 'was restored' in node.process.errors() or 'etcd ends at entry' in node.process.errors(), \
                node.process.errors()[-500:]

    def heal():
        for member in cluster.members:
            member.kill()
            shutil.rmtree(member.data_dir())
            os.rename(f'{member.data_dir()}.right', member.data_dir())
        for member in cluster.members:
            member.start()
        wait_for('etcd has a leader', cluster.leader, 30)
        for node in cluster.nodes:
            restart(node)
    return Fault('etcd restored from an old snapshot', {'etcd', *cluster.nodes}, inject, heal)


KINDS = [kill_node, freeze_node, kill_member, kill_leader, freeze_member, kill_edge, freeze_edge, cut_node_off,
         cut_edge_off, cut_pair, cut_member_off, jump_clock, fill_disk, hostile_writer, old_snapshot]
