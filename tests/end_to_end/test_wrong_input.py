"""What routers and strangers send that they should not."""
import concurrent.futures
import json
import socket
import ssl
import unittest

from harness import Installation, claim_of, wait_for


class WrongInputTest(unittest.TestCase):
    """One installation for all; each test makes its own claims and routers."""

    @classmethod
    def setUpClass(cls):
        cls.muster = Installation('wrong-input')
        cls.muster.first_light(0)
        cls.edge = cls.muster.edges['west']

    @classmethod
    def tearDownClass(cls):
        cls.muster.__exit__(None, None, None)

    def joined(self, **facts):
        router = self.edge.router(claim_of(self.muster.claim_line()))
        status, text = router.enroll(**facts)
        self.assertEqual((status, text[:1]), (200, 'T'), text if status != 200 else '')
        router.device = self.device_of(router)
        return router

    def device_of(self, router):
        found = self.muster.devices(f'serial_number = "{router.facts()["sn"]}"')
        self.assertEqual(len(found), 1)
        return found[0]['name']

    # Claims.

    def test_claims_that_are_wrong_expired_used_or_from_elsewhere_make_no_device(self):
        before = len(self.muster.devices())
        expired = claim_of(self.muster.claim_line('--ttl', '1s'))
        elsewhere = claim_of(self.muster.claim_line('--from', '192.0.2.0/24'))
        used = claim_of(self.muster.claim_line())
        self.assertEqual(self.edge.router(used).enroll()[1][:1], 'T')
        wait_for('the claim expires', lambda: self.installer_status(expired) == 403, 15, 0.5)
        for claim, word, status in (('0' * 32, 'claim-unknown', 401), (expired, 'claim-expired', 403),
                                    (used, 'claim-used', 200), (elsewhere, 'claim-address', 403)):
            self.assertEqual(self.edge.router(claim).enroll(), (200, word))
            self.assertEqual(self.installer_status(claim), status, word)
        self.assertEqual(len(self.muster.devices()), before + 1)

    def installer_status(self, claim):
        return self.edge.router().fetch('GET', '/b/7.20.8', headers={'Authorization': f'Claim {claim}'})[0]

    def test_a_lost_enrolment_reply_makes_no_second_device_and_wastes_no_use(self):
        claim = claim_of(self.muster.claim_line('--max-devices', '2'))
        first, other = self.edge.router(claim), self.edge.router(claim)
        self.assertEqual(first.enroll()[0], 200)
        lost = first.token
        first.token = None
        for _ in range(5):
            first.token = None
            self.assertEqual(first.enroll()[1][:1], 'T')
        self.assertEqual(first.beat(), (200, '0'))
        first.token = lost
        self.assertEqual(first.beat(), (200, '0'), 'the token of the lost reply is as good')
        self.assertEqual(other.enroll()[1][:1], 'T')
        self.assertEqual(self.edge.router(claim).enroll(), (200, 'claim-used'))

    def test_a_hundred_at_once_on_a_claim_for_one_make_exactly_one_device(self):
        claim = claim_of(self.muster.claim_line('--site', 'crowd'))
        with concurrent.futures.ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(lambda _: self.edge.router(claim).enroll(), range(100)))
        self.assertEqual(sum(text.startswith('T') for _, text in answers), 1)
        self.assertEqual(len(self.muster.devices('site = "crowd"')), 1)

    # Tokens.

    def test_forged_tokens_and_those_of_deleted_devices_are_refused_without_effect(self):
        router = self.joined()
        self.assertEqual(router.beat()[0], 200)
        good = router.token
        for change in (good[:-2] + ('AA' if good[-2:] != 'AA' else 'BB'), good[:20], 'm1.', 'm2' + good[2:], '', 'x' * 500,
                       good[:10] + ('A' if good[10] != 'A' else 'B') + good[11:]):
            router.token = change
            self.assertEqual(router.beat()[0], 401, change[:3])
        router.token = good
        self.muster.muster('device', 'delete', router.device, '--yes')
        wait_for('the token is refused', lambda: router.beat()[0] == 401, 10)
        self.assertEqual(self.muster.devices(f'serial_number = "{router.facts()["sn"]}"'), [])

    # Heartbeats.

    def test_wrong_structure_is_400_and_wrong_values_are_dropped(self):
        router = self.joined()
        beat = router.beat_body()
        for body in ('', '{', '[]', '"x"', 'null', json.dumps(beat)[:-1], json.dumps(beat) + 'x', '{"p":1,"p":1,"last":0}',
                     json.dumps({**beat, 'last': -1}), json.dumps({**beat, 'last': 'abc'}), json.dumps({**beat, 'p': 'x'}),
                     json.dumps({**beat, 'last': 1e300}), json.dumps({k: v for k, v in beat.items() if k != 'p'})):
            self.assertEqual(router.post('/v1/heartbeat', body, f'Bearer {router.token}')[0], 400, body[:60])
        for key, value in (('cpu', 1000), ('cpu', 'many'), ('mf', -5), ('mhz', 'fast'), ('up', 'soon'), ('bb', []), ('wr', 1e40),
                           ('health', 'none'), ('links', [{'n': 1, 'rtt': 'x'}]), ('cpus', None), ('tx', 2**70)):
            self.assertEqual(router.beat(**{key: value}), (200, '0'), key)
        self.assertEqual(router.beat(cpu='41', cpus='2'), (200, '0'))
        wait_for('quoted numbers arrive', lambda: self.status(router).get('cpuLoadPercent') == 41, 10)
        self.assertEqual(self.status(router)['cpuCount'], 2)

    def status(self, router):
        return self.muster.muster_json('device', 'get', router.device)['status']

    def test_names_in_any_code_page_are_taken_and_reach_no_terminal_raw(self):
        router = self.joined()
        for name in ('Роутер'.encode('cp1251'), '路由器'.encode('gbk'), b'esc \x1b[31mred\x1b]0;t\x07', b'nul \x00 end', b'\xff\xfe'):
            body = json.dumps(router.beat_body(id='@@')).encode().replace(b'@@', name)
            status, text, _ = router.post('/v1/heartbeat', body, f'Bearer {router.token}')
            self.assertEqual((status, text), (200, '0'), name)
        self.assertEqual(router.beat(id='a\x1b[31mb\u202ec')[0], 200)
        wait_for('the last name', lambda: self.muster.muster_json('device', 'get', router.device).get('identity', '').startswith('a'), 10)
        for output in ('table', 'wide', 'csv', 'yaml', 'json'):
            shown = self.muster.muster('device', 'list', '-o', output)
            self.assertNotIn('\x1b', shown)
            self.assertNotIn('\u202e', shown)

    def test_names_in_the_organizations_code_page_become_the_right_text(self):
        router = self.joined()
        for page, codec, name in (('windows-1251', 'cp1251', 'Роутер № 7'), ('gbk', 'gbk', '路由器乗')):
            self.muster.muster('organization', 'set', 'default', '--code-page', page)
            # As the agent writes it: a backslash before each backslash, also inside of a character.
            raw = name.encode(codec).replace(b'\\', b'\\\\')
            body = json.dumps(router.beat_body(id='@@')).encode().replace(b'@@', raw)

            def shown():
                self.assertEqual(router.post('/v1/heartbeat', body, f'Bearer {router.token}')[0], 200)
                return self.muster.muster_json('device', 'get', router.device).get('identity') == name

            wait_for(f'{name} is shown', shown, 20, 0.2)
        self.muster.muster('organization', 'set', 'default', '--code-page', 'none')

    # HTTP.

    def raw(self, data, seconds=15):
        """The status line of what the edge answers to these bytes."""
        context = self.edge.router().context
        with socket.create_connection(('127.0.0.1', self.edge.port), timeout=seconds) as plain:
            with context.wrap_socket(plain, server_hostname='localhost') as tls:
                tls.sendall(data)
                answer = b''
                while b'\r\n' not in answer:
                    more = tls.recv(4096)
                    if not more:
                        break
                    answer += more
        return answer.split(b'\r\n')[0].decode()

    def test_http_limits_answer_with_their_status(self):
        self.assertIn(' 404 ', self.raw(b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'))
        self.assertIn(' 405 ', self.raw(b'DELETE /v1/heartbeat HTTP/1.1\r\nHost: x\r\n\r\n'))
        self.assertIn(' 400 ', self.raw(b'NONSENSE\r\n\r\n'))
        self.assertIn(' 401 ', self.raw(b'POST /v1/heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}'))
        self.assertIn(' 431 ', self.raw(b'GET /healthz HTTP/1.1\r\nHost: x\r\nX: ' + b'a' * 9000 + b'\r\n\r\n'))
        self.assertIn(' 431 ', self.raw(b'GET /healthz HTTP/1.1\r\nHost: x\r\n' + b''.join(b'X%d: 1\r\n' % i for i in range(70)) + b'\r\n'))
        router = self.joined()
        big = b'POST /v1/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n' % (router.token.encode(), 17000)
        self.assertIn(' 413 ', self.raw(big + b'{' * 17000))
        chunked = b'POST /v1/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n' % router.token.encode()
        self.assertIn(' 413 ', self.raw(chunked + b''.join(b'400\r\n' + b'a' * 1024 + b'\r\n' for _ in range(20)) + b'0\r\n\r\n'))
        self.assertIn(' 408 ', self.raw(b'GET /healthz HT', seconds=30))

    def test_replies_have_a_length_and_are_never_empty_or_chunked(self):
        router = self.joined()
        for method, path, body, authorization in (('GET', '/healthz', None, ''), ('GET', '/ca.pem', None, ''), ('GET', '/nothing', None, ''),
                                                  ('POST', '/v1/heartbeat', json.dumps(router.beat_body()), f'Bearer {router.token}'),
                                                  ('POST', '/v1/heartbeat', 'x', 'Bearer m1.x')):
            status, text, headers = router.fetch(method, path, body, {'Authorization': authorization, 'Accept-Encoding': 'gzip'})
            self.assertTrue(text, path)
            self.assertEqual(int(headers['Content-Length']), len(text.encode()))
            self.assertIsNone(headers['Transfer-Encoding'])
            self.assertIsNone(headers['Content-Encoding'])
            self.assertNotIn(status // 100, (3,))

    def test_both_kinds_of_certificate_are_offered_from_tls_1_2_on(self):
        for cipher in ('ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'):
            router = self.edge.router()
            router.context.set_ciphers(cipher)
            self.assertEqual(router.fetch('GET', '/healthz')[0], 200, cipher)
        old = self.edge.router()
        old.context.minimum_version = ssl.TLSVersion.TLSv1
        old.context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            old.fetch('GET', '/healthz')

    # Jobs.

    def test_a_script_that_is_too_long_for_some_is_refused_with_the_limit_and_the_device(self):
        old = self.joined(ver='6.49.10 (stable)', fmt='esc')
        old.beat(ver='6.49.10 (stable)', fmt='esc')
        self.joined()
        script = self.muster.path('long.rsc')
        with open(script, 'w') as file:
            file.write(':put "' + 'x' * 5000 + '"')
        result = self.muster.muster_result('job', 'run', '--where', f'serial_number = "{old.facts()["sn"]}"', '--script-file', script, '--yes')
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(old.device.split('/')[-1], result.stdout + result.stderr)
        with open(script, 'w') as file:
            file.write('#' + 'x' * 70000)
        self.assertEqual(self.muster.muster_result('job', 'run', '--device', old.device, '--script-file', script).returncode, 1)

    def test_results_for_unknown_numbers_become_events_and_no_job_ends_by_them(self):
        router = self.joined()
        router.beat()
        status, text = router.result(123456789, out='ghost')
        self.assertEqual((status, text), (200, 'A123456789'))
        wait_for('the event', lambda: any(e['kind'] == 'orphan-result' for e in
                                          self.muster.muster_json('device', 'get', router.device).get('recentEvents', [])), 10)


if __name__ == '__main__':
    unittest.main()
