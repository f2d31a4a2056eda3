"""Attackers between router and edge, in another organization, and looking at what is left lying around."""
import http.server
import os
import re
import ssl
import subprocess
import threading
import unittest

from harness import Installation, claim_of, free_port, sim_ask, wait_for


class ManInTheMiddle:
    """An HTTPS server with a certificate of its own, in the place of the edge."""

    def __init__(self, folder, port, ca_pem, script):
        self.requests = []
        key, certificate = os.path.join(folder, 'evil.key'), os.path.join(folder, 'evil.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
                        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
                       check=True, capture_output=True)
        with open(certificate) as file:
            self.certificate = file.read()
        seen = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def answer(self):
                self.rfile.read(int(self.headers.get('Content-Length', 0)))
                seen.append((self.path, self.headers.get('Authorization', '')))
                body = (ca_pem(self.server.evil) if self.path == '/ca.pem' else script).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self.server.evil = self.certificate
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


class ManInTheMiddleTest(unittest.TestCase):
    def test_no_certificate_of_a_man_in_the_middle_stays_on_a_router(self):
        with Installation('middle') as muster:
            muster.first_light(0)
            edge = muster.edges['west']
            with open(muster.path('control', 'pki', 'router-ca.pem')) as file:
                root = file.read()
            lines = [muster.claim_line('--max-devices', '5') for _ in range(5)]
            edge.process.stop()
            cases = {'wrong': lambda evil: evil, 'both': lambda evil: root + evil, 'both, turned': lambda evil: evil + root,
                     'none': lambda evil: 'no certificate here\n', 'twice': lambda evil: root + root}
            for (name, ca_pem), line in zip(cases.items(), lines):
                with self.subTest(name):
                    middle = ManInTheMiddle(muster.folder, edge.port, ca_pem, ':log info "owned"')
                    sim = muster.start_routers(line, 5, name=f'sim-{name[:4].strip(",")}')
                    wait_for('every router has asked', lambda: sum(p == '/ca.pem' for p, _ in middle.requests) >= 5, 30)
                    wait_for('every pasted line ended', lambda: sim.errors().count('the pasted line ended') >= 5, 60)
                    paths = {p for p, _ in middle.requests}
                    self.assertFalse(any(a for _, a in middle.requests), f'{name}: no secret goes to a stranger')
                    self.assertEqual(paths, {'/ca.pem'}, name)
                    for router in range(5):
                        certificates = sim_ask(sim, f'dump {router} /certificate')
                        # The root itself, served twice, is one certificate: RouterOS refuses the second as known.
                        self.assertNotIn('localhost', certificates, name)
                        self.assertNotIn('muster-beat', sim_ask(sim, f'dump {router} /system/script'), name)
                    sim.stop()
                    middle.stop()

    def test_an_enrolled_router_tells_a_man_in_the_middle_nothing_and_comes_back(self):
        with Installation('middle-later') as muster:
            sim = muster.first_light(3, versions='6.49.10,7.8,7.20.8')
            edge = muster.edges['west']
            edge.process.stop()
            middle = ManInTheMiddle(muster.folder, edge.port, lambda evil: evil, 'J99999999999999999 4 2f0a.')
            threading.Event().wait(5)
            self.assertEqual(middle.requests, [], 'no request is made over a connection that is not trusted')
            middle.stop()
            edge.start()
            muster.wait_online(3)
            self.assertTrue(sim.alive())


class OrganizationsTest(unittest.TestCase):
    def test_a_second_organization_sees_and_reaches_nothing_of_the_first(self):
        with Installation('tenants') as muster:
            muster.first_light(0)
            router = muster.edges['west'].router(claim_of(muster.claim_line()))
            router.enroll()
            router.beat()
            device = muster.wait_online(1)[0]['name']
            job = muster.call('muster.v1.JobService/CreateJob', {'parent': 'organizations/default', 'device': device,
                                                                 'script': ':put x', 'requestId': 'same'})[0]['job']['name']
            muster.muster('organization', 'create', 'other')
            key = muster.path('other-key')
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
                file.write(muster.muster('key', 'create', '--role', 'admin', MUSTER_ORGANIZATION='other'))
            mine = {'MUSTER_ORGANIZATION': 'other', 'MUSTER_API_KEY_FILE': key}
            self.assertEqual(muster.muster_json('device', 'list', **mine), [])
            self.assertEqual(muster.muster_json('job', 'list', **mine), [])
            self.assertEqual(muster.muster_result('device', 'get', device, **mine).returncode, 3)
            self.assertEqual(muster.muster_result('job', 'get', job, **mine).returncode, 3)
            self.assertIn(muster.muster_result('device', 'list', MUSTER_API_KEY_FILE=key).returncode, (3, 4))
            for method, request in (
                    ('DeviceService/GetDevice', {'name': device}),
                    ('DeviceService/ListDevices', {'parent': 'organizations/default'}),
                    ('DeviceService/DeleteDevice', {'name': device}),
                    ('DeviceService/UpdateDevice', {'device': {'name': device, 'notes': 'x'}, 'updateMask': 'notes'}),
                    ('JobService/CreateJob', {'parent': 'organizations/default', 'device': device, 'script': ':put y'}),
                    ('JobService/CreateJob', {'parent': 'organizations/other', 'device': device, 'script': ':put y'}),
                    ('JobService/WatchJob', {'name': job}), ('JobService/CancelJob', {'name': job}),
                    ('JobService/ListJobTargets', {'parent': job}),
                    ('ClaimService/CreateClaim', {'parent': 'organizations/default'}),
                    ('AuditService/ListAuditEntries', {'parent': 'organizations/default'}),
                    ('EdgeAdminService/ListEdges', {}), ('OrganizationService/CreateOrganization', {'organizationId': 'third'})):
                answer = muster.call(f'muster.v1.{method}', request, key_file=key, code=None)
                self.assertIsInstance(answer, tuple, f'{method} {request}')
                self.assertRegex(answer[1], 'not_found|permission_denied', f'{method} {request}')
            # The same request id in another organization is another request.
            found = muster.call('muster.v1.JobService/CreateJob', {'parent': 'organizations/other', 'filter': 'online = true', 'script': ':put x',
                                                                   'requestId': 'same'}, key_file=key, code=None)
            self.assertNotIn(job, str(found))


class SecretsTest(unittest.TestCase):
    def test_no_secret_lies_in_logs_arguments_metrics_databases_or_answers(self):
        with Installation('canary') as muster:
            muster.first_light(2, versions='6.49.10,7.20.8')
            claim = claim_of(muster.claim_line())
            router = muster.edges['west'].router(claim)
            router.enroll()
            router.beat()
            api_key = muster.muster('key', 'create', '--role', 'viewer').strip()
            with open(muster.path('control', 'root-key')) as file:
                root_key = file.read().strip()
            with open(muster.edges['west'].join_file) as file:
                join_token = re.search(r'(?im)^[^:\n]*token: *(\S+)', file.read())[1]
            secrets = {'claim': claim, 'token': router.token, 'api key': api_key, 'root key': root_key, 'join token': join_token}
            with open(muster.path('muster-sim.line')) as file:
                secrets['claim of the fleet'] = claim_of(file.read())
            router.token = router.token[:-4] + 'AAAA'
            router.beat()
            places = {}
            for process in muster.processes:
                with open(f'/proc/{process.handle.pid}/cmdline', 'rb') as file:
                    places[f'arguments of {process.name}'] = file.read()
                places[f'output of {process.name}'] = (process.output() + process.errors()).encode()
            for folder, _, names in os.walk(muster.folder):
                for name in names:
                    if name == 'root-key' or name.startswith('header-') or name.endswith(('.line', '.join', '.out', '.err')) or '/bin' in folder:
                        continue
                    with open(os.path.join(folder, name), 'rb') as file:
                        places[os.path.join(folder, name)] = file.read()
            for method, request in (('DeviceService/ListDevices', {'parent': 'organizations/default'}), ('ClaimService/ListClaims', {'parent': 'organizations/default'}),
                                    ('ApiKeyService/ListApiKeys', {}), ('EdgeAdminService/ListEdges', {}), ('AuditService/ListAuditEntries', {})):
                places[method] = str(muster.call(f'muster.v1.{method}', request)).encode()
            for what, secret in secrets.items():
                for forms in (secret.encode(), bytes.fromhex(secret) if re.fullmatch('[0-9a-f]{32}', secret) else secret.encode()):
                    for place, content in places.items():
                        self.assertNotIn(forms, content, f'{what} in {place}')


class RevokedEdgeTest(unittest.TestCase):
    def test_a_revoked_edge_is_cut_off_and_stays_so(self):
        with Installation('revoke') as muster:
            muster.first_light(0)
            router = muster.edges['west'].router(claim_of(muster.claim_line()))
            router.enroll()
            router.beat()
            device = muster.wait_online(1)[0]['name']
            muster.muster('edge', 'revoke', 'west', '--yes')
            wait_for('the edge is revoked', lambda: muster.muster_json('edge', 'list')[0]['state'] == 'EDGE_STATE_REVOKED', 10)
            threading.Event().wait(1)
            last = muster.muster_json('device', 'get', device)['status']['lastCheckInTime']
            try:
                router.beat()
            except OSError:
                pass
            muster.edges['west'].process.kill()
            muster.edges['west'].start(wait=False)
            threading.Event().wait(3)
            self.assertEqual(muster.muster_json('device', 'get', device)['status']['lastCheckInTime'], last)

    def test_a_join_file_works_once(self):
        with Installation('join') as muster:
            muster.first_light(0)
            edge = muster.edges['west']
            port = free_port()
            thief = muster.run('thief', [edge.process.command[0], '--data-dir', muster.path('thief'), '--control', f'127.0.0.1:{muster.edge_port}',
                                         '--join-file', edge.join_file, '--listen', f'127.0.0.1:{port}', '--public-url', edge.url])
            self.assertEqual(thief.handle.wait(30), 1)
            self.assertEqual(len(thief.errors().strip().splitlines()[-1:]), 1)


if __name__ == '__main__':
    unittest.main()
