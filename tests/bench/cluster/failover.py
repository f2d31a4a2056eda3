"""How long a client and an edge hear nothing when a part of a cluster dies: three musterd, three members of etcd and
an edge as real processes; one client that writes, one router that asks the edge for what only a control plane knows."""
import os
import signal
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(ROOT, 'tests', 'end_to_end'), os.path.join(ROOT, 'tests', 'cluster')]
from cluster import Cluster  # noqa: E402
from harness import claim_of, wait_for  # noqa: E402
from workload import load_stubs  # noqa: E402

# An edge that moved twice within this pauses before it moves again, so that two of one identity don't push each
# other out for ever; a fault in each of two seconds is not what is measured.
REST = 2.5
# What counts as silence ends with the first answer; this long it is looked whether another gap follows.
AFTER = 1.0


def say(text):
    print(text, file=sys.stderr, flush=True)


class Heard:
    """When something last answered, and the longest time between two answers since it was asked last."""

    def __init__(self, ask):
        self.ask, self.lock = ask, threading.Lock()
        self.last, self.longest, self.failure = time.monotonic(), 0.0, ''
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping.wait(0.01):
            try:
                answered = self.ask()
            except Exception as problem:  # pylint: disable=broad-except
                answered, self.failure = False, repr(problem)
            if answered:
                now = time.monotonic()
                with self.lock:
                    self.longest = max(self.longest, now - self.last)
                    self.last = now

    def begin(self):
        with self.lock:
            self.longest = 0.0

    def since(self, moment):
        """Whether there was an answer at least AFTER seconds after the first one since `moment`."""
        with self.lock:
            return self.last > moment

    def stop(self):
        self.stopping.set()
        self.thread.join(20)


class Writer:
    """A client as `muster` is one: one channel to the list of nodes, which goes on where one does not answer."""

    def __init__(self, cluster):
        load_stubs(cluster.folder)
        import grpc
        from muster.v1 import script_service_pb2, script_service_pb2_grpc
        self.messages, self.count = script_service_pb2, 0
        environment = cluster.environment()
        with open(environment['MUSTER_CA_FILE'], 'rb') as file:
            roots = file.read()
        with open(environment['MUSTER_API_KEY_FILE']) as file:
            key = file.read().strip()
        # As cli/connection has them.
        options = [('grpc.ssl_target_name_override', 'any-node.muster.internal'), ('grpc.enable_http_proxy', 0),
                   ('grpc.initial_reconnect_backoff_ms', 100), ('grpc.min_reconnect_backoff_ms', 1500),
                   ('grpc.max_reconnect_backoff_ms', 1000), ('grpc.keepalive_time_ms', 3000),
                   ('grpc.keepalive_timeout_ms', 2500), ('grpc.http2.max_pings_without_data', 0)]
        credentials = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(roots),
                                                         grpc.access_token_call_credentials(key))
        target = 'ipv4:' + ','.join(f'127.0.0.1:{node.api_port}' for node in cluster.nodes)
        self.stub = script_service_pb2_grpc.ScriptServiceStub(grpc.secure_channel(target, credentials, options))
        self.request = None

    def ask(self):
        if self.request is None:
            self.count += 1
            name = f'note-{self.count}'
            self.request = self.messages.CreateScriptRequest(parent='organizations/default', script_id=name,
                                                             request_id=name)
            self.request.script.body = f':put {self.count}'
        self.stub.CreateScript(self.request, timeout=30)
        self.request = None
        return True


class Failover:
    """Use as a context manager. Each measure answers (seconds of silence at the client, at the edge)."""

    def __init__(self):
        self.cluster = Cluster('bench-failover')

    def __enter__(self):
        self.cluster.__enter__().start()
        edge = self.cluster.add_edge('west')
        self.claim = claim_of(self.cluster.claim_line('--max-devices', '1', '--ttl', '24h'))
        self.router = edge.router(self.claim)
        self.writer = Heard(Writer(self.cluster).ask)
        # The installer is rendered only for a claim that a control plane knows.
        self.edge = Heard(lambda: self.router.fetch('GET', '/b/7.20.8', headers={
            'Authorization': f'Claim {self.claim}'}, seconds=5)[0] == 200)
        return self

    def __exit__(self, *error):
        self.writer.stop()
        self.edge.stop()
        self.cluster.__exit__(*error)

    def settle(self):
        for node in self.cluster.nodes:
            node.wait_state('serving', 60)
        begin = time.monotonic()
        wait_for('client and edge are answered', lambda: self.answered(begin), 30)
        threading.Event().wait(REST)

    def answered(self, moment):
        return self.writer.since(moment) and self.edge.since(moment)

    def silence(self, fault, longest=30):
        self.writer.begin()
        self.edge.begin()
        moment = time.monotonic()
        fault()
        wait_for('client and edge are answered again', lambda: self.answered(moment + AFTER), longest)
        return self.writer.longest, self.edge.longest

    def holder(self):
        """The node that has the edge: where it dies, client and edge notice."""
        found = [n for n in self.cluster.nodes if n.metrics().get('muster_edge_streams') == 1]
        return found[0] if found else self.cluster.nodes[0]

    def kill_node(self, number):
        """Every second time the one that has the edge."""
        self.settle()
        node = self.holder() if number % 2 == 0 else self.cluster.nodes[number % 3]
        found = self.silence(node.kill)
        node.start()
        return found

    def kill_leader(self):
        self.settle()
        member = wait_for('etcd has a leader', self.cluster.leader, 20)
        found = self.silence(member.kill)
        member.start()
        return found

    def freeze_node(self, number):
        """As a machine that is gone: nothing is refused, nothing answers."""
        self.settle()
        node = self.holder() if number == 0 else self.cluster.nodes[number % 3]
        process = node.process.handle
        try:
            found = self.silence(lambda: process.send_signal(signal.SIGSTOP))
        finally:
            process.send_signal(signal.SIGCONT)
        return found
