"""What clients and routers do while things fail, with a record of what they were promised."""
import os
import random
import subprocess
import sys
import threading

from harness import ROOT, claim_of

RETRIED = ('UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'UNKNOWN', 'ABORTED')


def load_stubs(folder):
    """The modules that another toolchain makes of the .proto files."""
    generated = os.path.join(folder, 'generated')
    os.makedirs(generated)
    protos = sorted(os.listdir(os.path.join(ROOT, 'proto', 'muster', 'v1')))
    subprocess.run(['protoc', '-I', os.path.join(ROOT, 'proto'), f'--python_out={generated}',
                    '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin',
                    f'--grpc_python_out={generated}', *[f'muster/v1/{name}' for name in protos]], check=True)
    sys.path.insert(0, generated)


class Client:
    """Calls one node after the other until one answers."""

    def __init__(self, cluster, chance):
        import grpc
        from muster.v1 import device_service_pb2_grpc, job_service_pb2_grpc, script_service_pb2_grpc
        self.grpc, self.chance, self.refusal = grpc, chance, ''
        environment = cluster.environment()
        with open(environment['MUSTER_CA_FILE'], 'rb') as file:
            roots = file.read()
        with open(environment['MUSTER_API_KEY_FILE']) as file:
            key = file.read().strip()
        credentials = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(roots),
                                                         grpc.access_token_call_credentials(key))
        channels = [grpc.secure_channel(f'127.0.0.1:{node.api_port}', credentials,
                                        options=[('grpc.max_reconnect_backoff_ms', 500)]) for node in cluster.nodes]
        self.devices = [device_service_pb2_grpc.DeviceServiceStub(c) for c in channels]
        self.jobs = [job_service_pb2_grpc.JobServiceStub(c) for c in channels]
        self.scripts = [script_service_pb2_grpc.ScriptServiceStub(c) for c in channels]

    def call(self, stubs, method, request, stopping, seconds=4):
        """The answer and its trailers, from whichever node; None where the end came first. The same request is
        sent until it is answered: its request id makes it one."""
        failures = 0
        while not stopping.is_set():
            try:
                # A channel gets on with a handshake only while a call waits on it: where all nodes were away, calls that
                # fail fast would find it unfinished for ever.
                answer, done = getattr(self.chance.choice(stubs), method).with_call(
                    request, timeout=seconds, wait_for_ready=failures > 10)
                return answer, dict(done.trailing_metadata())
            except self.grpc.RpcError as error:
                if error.code().name not in RETRIED:
                    raise AssertionError(f'{method}: {error.code().name} {error.details()}') from error
                self.refusal = f'{method}: {error.code().name} {error.details()}'
            failures += 1
            stopping.wait(0.05)
        return None


class Workload:
    """Scripts that are kept, jobs that are made and sometimes cancelled, one register that only rises and is read
    through any node."""

    def __init__(self, cluster, seed, devices):
        load_stubs(cluster.folder)
        from muster.v1 import device_service_pb2, job_service_pb2, script_service_pb2
        self.device_messages, self.job_messages, self.script_messages = (
            device_service_pb2, job_service_pb2, script_service_pb2)
        self.cluster, self.devices, self.stopping = cluster, devices, threading.Event()
        self.scripts, self.jobs, self.cancelled = [], [], []
        self.written, self.reads, self.stale = 0, 0, 0
        self.problems, self.clients = [], []
        self.threads = [threading.Thread(target=self.run, args=(work, random.Random(f'{seed}{work}')), daemon=True)
                        for work in ('keep_scripts', 'make_jobs', 'raise_register', 'read_register', 'read_register')]
        for thread in self.threads:
            thread.start()

    def run(self, work, chance):
        try:
            self.clients.append(Client(self.cluster, chance))
            getattr(self, work)(self.clients[-1], chance)
        except Exception as problem:  # pylint: disable=broad-except
            self.problems.append(f'{work}: {problem!r}')

    def keep_scripts(self, client, chance):
        count = 0
        while not self.stopping.wait(chance.uniform(0.02, 0.2)):
            count += 1
            request = self.script_messages.CreateScriptRequest(
                parent='organizations/default', script_id=f'note-{count}', request_id=f'note-{count}')
            request.script.body = f':put {count}'
            if client.call(client.scripts, 'CreateScript', request, self.stopping):
                self.scripts.append(f'note-{count}')

    def make_jobs(self, client, chance):
        count = 0
        while not self.stopping.wait(chance.uniform(0.1, 1.0)):
            count += 1
            request = self.job_messages.CreateJobRequest(
                parent='organizations/default', filter='identity:*', script=f':put "job {count}"',
                request_id=f'job-{count}')
            made = client.call(client.jobs, 'CreateJob', request, self.stopping)
            if not made:
                return
            self.jobs.append(made[0].job.name)
            if chance.random() < 0.25:
                request = self.job_messages.CancelJobRequest(name=made[0].job.name, request_id=f'cancel-{count}')
                if client.call(client.jobs, 'CancelJob', request, self.stopping):
                    self.cancelled.append(made[0].job.name)

    def raise_register(self, client, chance):
        value = 0
        while not self.stopping.wait(chance.uniform(0.01, 0.1)):
            value += 1
            request = self.device_messages.UpdateDeviceRequest(request_id=f'register-{value}')
            request.device.name, request.device.notes = self.devices[0], str(value)
            request.update_mask.paths.append('notes')
            if client.call(client.devices, 'UpdateDevice', request, self.stopping):
                self.written = value

    def read_register(self, client, chance):
        seen = 0
        while not self.stopping.wait(chance.uniform(0.005, 0.05)):
            least = max(self.written, seen)
            got = client.call(client.devices, 'GetDevice',
                              self.device_messages.GetDeviceRequest(name=self.devices[0]), self.stopping)
            if not got:
                return
            # Without a majority a node answers what it has, and says so.
            if 'muster-stale' in got[1]:
                self.stale += 1
                continue
            self.reads += 1
            value = int(got[0].device.notes or 0)
            if value < least:
                self.problems.append(f'a read went back: {value} after {least}')
            seen = max(seen, value)

    def refusals(self):
        """What each client was told last where it had to try again."""
        return [client.refusal for client in self.clients]

    def progress(self):
        return len(self.scripts) + len(self.jobs) + self.written

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        return [t.name for t in self.threads if t.is_alive()]


class Routers:
    """Played by hand, half of them at each edge; they beat, do their jobs honestly, and note what they started.
    An edge that is away is no refusal; an answer that a router can't go on with is."""

    GOOD = (200, 429, 503)

    def __init__(self, cluster, edges, count):
        claim = claim_of(cluster.claim_line('--max-devices', str(count)))
        self.stopping, self.refusals, self.routers = threading.Event(), [], []
        for index in range(count):
            router = cluster.edges[edges[index % len(edges)]].router(claim)
            status, text = router.enroll()
            assert (status, text[:1]) == (200, 'T'), text
            router.started_numbers, router.pending = [], {}
            self.routers.append(router)
        self.threads = [threading.Thread(target=self.live, args=(r,), daemon=True) for r in self.routers]
        for thread in self.threads:
            thread.start()

    def live(self, router):
        while not self.stopping.is_set():
            try:
                self.beat(router)
            except OSError:
                pass
            except Exception as problem:  # pylint: disable=broad-except
                self.refusals.append(repr(problem))
            self.stopping.wait(0.3)

    def beat(self, router):
        for number in sorted(router.pending):
            status, _ = router.result(number, out=router.pending[number])
            if status == 200:
                del router.pending[number]
            elif status not in self.GOOD:
                self.refusals.append((status, number))
        status, text = router.beat()
        if status not in self.GOOD:
            self.refusals.append((status, text))
        elif status == 200 and text.startswith('J'):
            number = int(text[1:].split()[0])
            if number > router.last:
                router.last = number
                router.started_numbers.append(number)
                router.pending[number] = f'did {number}'

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

