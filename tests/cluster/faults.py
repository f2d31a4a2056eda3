"""Every kind of fault: what goes wrong, and what puts it right again. A fault is a pair of functions; what it
touches is named, so that two at a time never take the same part or the majority of etcd."""
import base64
import json
import signal
import subprocess


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


KINDS = [kill_node, freeze_node, kill_member, kill_leader, freeze_member, kill_edge, freeze_edge, cut_node_off,
         cut_edge_off, cut_pair, jump_clock, fill_disk, hostile_writer]
