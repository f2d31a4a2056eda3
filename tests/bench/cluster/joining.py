"""How long a fresh node takes in a cluster of many devices, from its start until it serves: three members of etcd, a
musterd whose state was seeded and migrated there, and one that has nothing but the master key. Meanwhile every device
checks in each 30 s through eight simulated edges."""
import json
import os
import subprocess
import time

from cluster import Cluster
from failover import say
from harness import BIN, wait_for

# Of one step; what takes longer is not measured.
LONGEST = 300


def bench_state(devices, *arguments):
    """muster-bench-ingest makes and keeps the seeded state."""
    subprocess.run([f'{BIN}/muster-bench-ingest', f'--devices={devices}', *arguments], check=True, timeout=600)


def start_first(cluster, node, devices):
    """With all devices, in an etcd that has nothing of their history."""
    bench_state(devices, f'--copy-to={cluster.folder}')
    cluster.master_key = cluster.path('control.master-key')
    for member in cluster.members:
        member.start()
    wait_for('etcd has a leader', cluster.leader, 30)
    subprocess.run([f'{BIN}/musterd', 'migrate', '--to', 'etcd', '--data-dir', node.path(), '--master-key-file',
                    cluster.master_key, '--etcd', cluster.etcd_urls()], check=True, stdout=subprocess.DEVNULL,
                   timeout=LONGEST)
    node.start()
    node.wait_state('serving', LONGEST)
    wait_for('the root is in etcd', lambda: cluster.etcdctl('get', 'muster/root', '--keys-only').strip(), 30)


def devices_of(node):
    return round(sum(value for name, value in node.metrics().items() if name.startswith('muster_devices{')))


def keep_note(cluster, node, name):
    """A change that is answered through `node`."""
    result = cluster.muster_result('script', 'create', name, '--file', '-', stdin=':put 1',
                                   MUSTER_SERVER=f'127.0.0.1:{node.api_port}')
    if result.returncode != 0:
        raise AssertionError(result.stderr)


def start_load(cluster, node, devices):
    """Every device checks in each 30 s, until the input of the process ends; answers it once that goes on."""
    load = cluster.run('load', [f'{BIN}/muster-bench-ingest', f'--devices={devices}', f'--folder={cluster.folder}',
                                f'--load=127.0.0.1:{node.edge_port}'])
    load.ready('^loading$', LONGEST)
    before = node.metrics()['muster_log_index']
    wait_for('check-ins are applied', lambda: node.metrics().get('muster_log_index', 0) > before + 20, 30)
    return load


def join(devices):
    """The figures; AssertionError where the node did not get all."""
    say(f'a fresh node joins a cluster of {devices} devices')
    with Cluster('bench-joining', nodes=2) as cluster:
        first, fresh = cluster.nodes
        start_first(cluster, first, devices)
        keep_note(cluster, first, 'before')
        load = start_load(cluster, first, devices)
        begin = time.monotonic()
        fresh.start(wait=False)
        fresh.process.ready(r'^ready: api ', LONGEST)
        fresh.wait_ready()
        fresh.wait_state('serving', LONGEST)
        keep_note(cluster, fresh, 'through-the-fresh-one')
        seconds = time.monotonic() - begin
        load.handle.stdin.close()
        if 'took the state of another node' not in fresh.process.errors():
            raise AssertionError('it did not need the state of another node, so nothing was measured')
        if devices_of(fresh) != devices or 'before' not in cluster.through(fresh, 'script', 'list'):
            raise AssertionError(f'the fresh node has {devices_of(fresh)} devices')
        if load.handle.wait(LONGEST) != 0:
            raise AssertionError(f'the check-ins failed: {load.errors()[-2000:]}')
        sent = json.loads(load.output().splitlines()[-1])
        return {'join_seconds': round(seconds, 2), 'join_devices': devices,
                'join_state_mb': round(os.path.getsize(first.path('state.db')) / 1e6),
                'join_checkins_per_second': round(sent['checkins_per_second']), 'join_checkins_lost': sent['lost']}
