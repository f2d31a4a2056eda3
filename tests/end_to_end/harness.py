"""Real processes on loopback for tests that cross programs: a control plane, edges, simulated
routers, and a router played by hand. Every wait has a deadline; only processes started here are
ended, by pid."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('MUSTER_BUILD', os.path.join(ROOT, 'build', 'dev'))
BIN = os.path.join(BUILD, 'bin')
FAMILIES = '6.49.10,7.8,7.12.2,7.15.3,7.20.8'
SEED = int(os.environ.get('MUSTER_SEED', '0')) or random.SystemRandom().randrange(1, 2**31)


def wait_for(what, condition, seconds=60, pause=0.05):
    """The first true answer of `condition`; AssertionError naming `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f'{what}: not within {seconds} s')
        threading.Event().wait(pause)


class FreePorts:
    """Ports of loopback that nobody listens on, from outside the range that the kernel takes for outgoing
    connections, each told to one process only: as tests/support/free_port.h does, with the same names."""

    def __init__(self):
        with open('/proc/sys/net/ipv4/ip_local_port_range', encoding='ascii') as file:
            outgoing = int(file.read().split()[0])
        self.ports = range(10000, outgoing if outgoing > 11000 else 65536)
        self.random = random.SystemRandom()
        self.claims = []

    def take(self):
        for _ in range(1000):
            port = self.random.choice(self.ports)
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f'\0muster-test-port-{port}')
                with socket.socket() as probe:
                    probe.bind(('127.0.0.1', port))
            except OSError:
                claim.close()
                continue
            self.claims.append(claim)
            return port
        raise AssertionError('no free port on loopback')


free_port = FreePorts().take


class Process:
    """One program with its output in files."""

    def __init__(self, name, folder, command, environment=None):
        self.name = name
        self.command = command
        self.out_path = os.path.join(folder, f'{name}.out')
        self.err_path = os.path.join(folder, f'{name}.err')
        with open(self.out_path, 'ab') as out, open(self.err_path, 'ab') as err:
            self.offset = out.tell()
            self.handle = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err,
                                           env={**os.environ, **(environment or {})})

    def output(self):
        with open(self.out_path, errors='replace') as file:
            file.seek(self.offset)
            return file.read()

    def errors(self):
        with open(self.err_path, errors='replace') as file:
            return file.read()

    def ready(self, pattern, seconds=30):
        """The match of a line that the program prints when it is ready."""
        def found():
            match = re.search(pattern, self.output(), re.M)
            if not match and self.handle.poll() is not None:
                raise AssertionError(f'{self.name} ended with {self.handle.returncode}: {self.errors()[-2000:]}')
            return match
        return wait_for(f'{self.name} says {pattern}', found, seconds)

    def stop(self, seconds=30):
        """SIGTERM; answers the exit code."""
        if self.handle.poll() is None:
            self.handle.send_signal(signal.SIGTERM)
        try:
            return self.handle.wait(seconds)
        except subprocess.TimeoutExpired:
            self.handle.kill()
            self.handle.wait()
            raise AssertionError(f'{self.name} did not end within {seconds} s of SIGTERM')

    def kill(self):
        """kill -9."""
        if self.handle.poll() is None:
            self.handle.kill()
        self.handle.wait()

    def alive(self):
        return self.handle.poll() is None


class Installation:
    """A control plane with its edges in a folder of its own. Use as a context manager."""

    def __init__(self, name):
        parent = os.path.join(BUILD, 'end_to_end')
        os.makedirs(parent, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix=f'{name}-', dir=parent)
        self.processes = []
        self.api_port = free_port()
        self.edge_port = free_port()
        self.edges = {}
        self.musterd = None
        self.clocks = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for process in reversed(self.processes):
            if kind is not None and not process.alive():
                sys.stderr.write(f'{process.name} had ended with {process.handle.returncode}\n')
            process.kill()
        if kind is None and not os.environ.get('MUSTER_KEEP'):
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            sys.stderr.write(f'kept {self.folder}\n')

    def hurry(self, pace):
        """From now on programs start with clocks that run `pace` times as fast, all from one beginning;
        the programs know nothing of it. The simulator has --speed, which leaves its network in real time;
        start_routers(hurried=True) hurries that, too."""
        if os.uname().machine != 'x86_64':
            raise unittest.SkipTest('fast_clock.c is for x86_64')
        source = os.path.join(ROOT, 'tests', 'end_to_end', 'fast_clock.c')
        subprocess.run(['cc', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', self.path('fast_clock.so'),
                        source, '-ldl'], check=True)
        self.clocks = {'LD_PRELOAD': self.path('fast_clock.so'), 'FAST_CLOCK_PACE': str(pace),
                       'FAST_CLOCK_BEGAN': f'{time.time():.6f}'}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run(self, name, command, environment=None):
        process = Process(name, self.folder, command, environment)
        self.processes.append(process)
        return process

    # The control plane.

    def start_musterd(self, *extra):
        self.musterd = self.run('musterd', [
            f'{BIN}/musterd', '--data-dir', self.path('control'),
            '--listen', f'127.0.0.1:{self.api_port}', '--listen-edge', f'127.0.0.1:{self.edge_port}',
            '--metrics', '127.0.0.1:0', *extra], self.clocks)
        self.musterd.ready(r'^ready: api ')
        self.musterd.ready(r'^ready: edges ')
        return self.musterd

    def environment(self, **changes):
        values = {
            'MUSTER_SERVER': f'127.0.0.1:{self.api_port}',
            'MUSTER_CA_FILE': self.path('control', 'pki', 'cluster-ca.pem'),
            'MUSTER_API_KEY_FILE': self.path('control', 'root-key'),
            'MUSTER_ORGANIZATION': 'default',
            'XDG_CONFIG_HOME': self.path('config'),
            'NO_COLOR': '1',
        }
        values.update(changes)
        return {**os.environ, **{k: v for k, v in values.items() if v is not None}}

    def muster(self, *arguments, code=0, stdin='', **environment):
        """Runs the command line client; answers its stdout. `code` None: any exit code."""
        result = self.muster_result(*arguments, stdin=stdin, **environment)
        if code is not None and result.returncode != code:
            raise AssertionError(f'muster {" ".join(arguments)}: exit {result.returncode}, not {code}\n'
                                 f'{result.stdout}\n{result.stderr}')
        return result.stdout

    def muster_result(self, *arguments, stdin='', seconds=120, **environment):
        return subprocess.run([f'{BIN}/muster', *arguments], input=stdin, capture_output=True, text=True,
                              timeout=seconds, env=self.environment(**environment))

    def muster_json(self, *arguments, **environment):
        return json.loads(self.muster(*arguments, '-o', 'json', **environment))

    def call(self, method, request, key_file=None, code=0):
        """One call by buf, a client that isn't ours. Answers the messages, or (code, text) of a failure."""
        header = self.path(f'header-{threading.get_ident()}')
        with open(key_file or self.path('control', 'root-key')) as file:
            key = file.read().strip()
        with open(os.open(header, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
            file.write(f'authorization: Bearer {key}\n')
        result = subprocess.run(
            [buf_path(), 'curl', '--protocol', 'grpc', '--reflect-protocol', 'grpc-v1alpha',
             '--cacert', self.path('control', 'pki', 'cluster-ca.pem'), '-H', f'@{header}',
             '--reflect-header', f'@{header}', '-d', json.dumps(request),
             f'https://127.0.0.1:{self.api_port}/{method}'],
            capture_output=True, text=True, timeout=90)
        if code == 0 and result.returncode != 0:
            raise AssertionError(f'{method}: {result.stdout}\n{result.stderr}')
        if result.returncode != 0:
            return result.returncode, result.stdout + result.stderr
        return list(json_stream(result.stdout))

    # Edges.

    def controls(self):
        return [f'127.0.0.1:{self.edge_port}']

    def add_edge(self, name='west', *extra, public_port=None):
        port = free_port()
        url = f'https://localhost:{public_port or port}'
        join_file = self.path(f'{name}.join')
        text = self.muster('edge', 'create', name, '--url', url)
        with open(os.open(join_file, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
            file.write(text)
        self.edges[name] = Edge(self, name, port, url, join_file, extra)
        return self.edges[name].start()

    # Routers.

    def claim_line(self, *arguments):
        return self.muster('claim', 'create', *arguments).strip()

    def start_routers(self, line, count=1, versions=FAMILIES, interval='1s', name='muster-sim', seed=None, extra=(),
                      hurried=False):
        line_file = self.path(f'{name}.line')
        with open(os.open(line_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
            file.write(line + '\n')
        return self.run(name, [f'{BIN}/muster-sim', '--bootstrap-file', line_file, '--count', str(count),
                               '--interval', interval, '--versions', versions,
                               '--seed', str(seed or SEED), *extra], self.clocks if hurried else None)

    def devices(self, where='', **environment):
        arguments = ['device', 'list', '--limit', '0'] + (['--where', where] if where else [])
        return self.muster_json(*arguments, **environment)

    def wait_online(self, count, seconds=90, where='online = true'):
        return wait_for(f'{count} routers online',
                        lambda: (found := self.devices(where)) and len(found) >= count and found, seconds, 0.3)

    def first_light(self, routers=1, **options):
        """Control plane, one edge, `routers` simulated routers that are online."""
        self.start_musterd()
        self.add_edge()
        line = self.claim_line('--max-devices', str(max(routers, 1)))
        sim = self.start_routers(line, routers, **options) if routers else None
        if routers:
            self.wait_online(routers)
        return sim


class Edge:
    def __init__(self, installation, name, port, url, join_file, extra):
        self.installation, self.name, self.port, self.url = installation, name, port, url
        self.join_file, self.extra = join_file, extra
        self.process = None

    def start(self, wait=True):
        installation = self.installation
        self.process = installation.run(f'edge-{self.name}', [
            f'{BIN}/muster-edge', '--data-dir', installation.path(f'edge-{self.name}'),
            *(word for control in installation.controls() for word in ('--control', control)),
            '--join-file', self.join_file,
            '--listen', f'127.0.0.1:{self.port}', '--public-url', self.url, '--metrics', '127.0.0.1:0',
            *self.extra], installation.clocks)
        if wait:
            self.process.ready(r'^ready: https ')
        return self

    def router(self, claim=None):
        return HandRouter(self.installation, self.port, claim)


class HandRouter:
    """A router played by hand: what docs/device-protocol.md says, over a new TLS 1.2 connection per call."""

    def __init__(self, installation, port, claim=None):
        self.port, self.claim, self.token = port, claim, None
        self.context = ssl.create_default_context(cafile=installation.path('control', 'pki', 'router-ca.pem'))
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.nonce = os.urandom(16).hex()
        self.boot = os.urandom(4).hex()
        self.last = 0
        self.started = time.monotonic()

    def fetch(self, method, path, body=None, headers=None, seconds=15):
        """(status, text, headers)"""
        connection = http.client.HTTPSConnection('localhost', self.port, context=self.context, timeout=seconds)
        try:
            data = body.encode() if isinstance(body, str) else body
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode(errors='replace'), response.headers
        finally:
            connection.close()

    def post(self, path, body, authorization):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.fetch('POST', path, text, {'Authorization': authorization, 'Content-Type': 'application/json'})

    def facts(self):
        return {'id': 'by hand', 'sn': f'HAND{self.nonce[:6]}', 'mac': '02:00:00:00:00:01', 'ver': '7.20.8 (stable)',
                'board': 'RB750Gr3', 'arch': 'mmips', 'fmt': 'hex,esc', 'agent': '1'}

    def enroll(self, **changes):
        body = {'p': 1, 'nonce': self.nonce, **self.facts(), **({'token': self.token} if self.token else {}), **changes}
        status, text, _ = self.post('/v1/enroll', body, f'Claim {self.claim}')
        if status == 200 and text.startswith('T'):
            self.token = text[1:].strip()
        return status, text

    def beat_body(self, **changes):
        return {'p': 1, 'boot': self.boot, 'up': f'{int(time.monotonic() - self.started)}s', 'clock': '2026-01-01 00:00:00',
                'last': self.last, 'run': 0, 'err': 0, **self.facts(), 'cpu': 7, 'cpus': 4, 'mhz': '880MHz',
                'mf': 100000000, 'mt': 268435456, 'df': 5000000, 'dt': 16777216, **changes}

    def beat(self, **changes):
        status, text, _ = self.post('/v1/heartbeat', self.beat_body(**changes), f'Bearer {self.token}')
        return status, text

    def take_job(self, seconds=20):
        """Beats until a job is in the reply; answers (number, script)."""
        def job():
            status, text = self.beat()
            match = re.fullmatch(r'J(\d+) (\d+) ([0-9a-f]+)\.', text)
            return status == 200 and match
        match = wait_for('a job in the reply', job, seconds, 0.2)
        assert int(match[2]) == len(match[3]), 'length of the payload'
        return int(match[1]), bytes.fromhex(match[3])

    def result(self, number, status='ok', **changes):
        body = {'p': 1, 'n': number, 'st': status, 'out': '', 'enc': 'text', **changes}
        code, text, _ = self.post('/v1/result', body, f'Bearer {self.token}')
        return code, text


def sim_ask(sim, command):
    """One command to the simulator's standard input; its answer ends with a line "." on stdout."""
    with open(sim.out_path, 'rb') as file:
        file.seek(0, os.SEEK_END)
        sim.handle.stdin.write((command + '\n').encode())
        sim.handle.stdin.flush()
        answer = b''

        def whole():
            nonlocal answer
            answer += file.read()
            return answer == b'.\n' or answer.endswith(b'\n.\n')
        wait_for(f'the simulator answers "{command.split()[:2]}"', whole, 35, 0.001)
    return answer.decode(errors='replace')


def claim_of(line):
    """The claim that stands in a bootstrap line."""
    return re.search(r'(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])', line)[1]


def buf_path():
    folder = os.path.join(ROOT, 'third_party', 'buf', 'node_modules', '@bufbuild')
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        return os.path.join(folder, name, 'bin', 'buf')
    raise AssertionError('buf is not installed; run tests/end_to_end/run')


def json_stream(text):
    """The JSON values that stand one after another in a text."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text):
            value, at = decoder.raw_decode(text, at)
            yield value
