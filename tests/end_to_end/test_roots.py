"""The root that routers trust is replaced under a fleet of all families, and no router falls silent."""
import http.client
import ssl
import time
import unittest

from harness import FAMILIES, Installation, sim_ask, wait_for

UPGRADE = 240


def heard_since(muster, moment):
    """Identities of the devices that have checked in after `moment` of the wall clock."""
    heard = set()
    for device in muster.devices():
        text = device.get('status', {}).get('lastCheckInTime', '')
        if text and time.mktime(time.strptime(text[:19], '%Y-%m-%dT%H:%M:%S')) - time.timezone > moment:
            heard.add(device['identity'])
    return heard


class RootsTest(unittest.TestCase):
    FIVE = {f'sim-{i:04d}' for i in range(5)}
    OFF = 'sim-0005'

    def roots(self):
        answer = self.muster.call('muster.v1.RouterRootService/ListRouterRoots', {})[0]
        return {r['name'].split('/')[1]: r for r in answer['routerRoots']}

    def wait_trusting(self, root, count):
        wait_for(f'{count} devices trust root {root}',
                 lambda: self.roots()[root].get('trustingCount', 0) == count, UPGRADE, 1)

    def upgrade(self, identities):
        self.muster.muster('agent', 'upgrade', '--where', ' OR '.join(f'identity = "{i}"' for i in sorted(identities)),
                           '--canary', '1', '--batch', '100', '--max-fail', '0', '--yes')
        job = self.muster.muster_json('job', 'list')[0]['name']
        wait_for('the upgrade has ended', lambda: (j := self.muster.muster_json('job', 'get', job)) and
                 'endTime' in (j.get('job') or j), 2 * UPGRADE, 1)
        answer = self.muster.call('muster.v1.JobService/ListJobTargets', {'parent': job})[0]
        self.assertEqual({t['state'] for t in answer['targets']}, {'JOB_TARGET_STATE_SUCCEEDED'}, answer)

    def refused(self, *arguments):
        result = self.muster.muster_result('root', *arguments, '--yes')
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    def shown_root_is(self, pem):
        """Whether the edge's certificate verifies with this root alone."""
        context = ssl.create_default_context(cadata=pem)
        connection = http.client.HTTPSConnection('localhost', self.muster.edges['west'].port, context=context, timeout=10)
        try:
            connection.request('GET', '/ca.pem')
            return connection.getresponse().read().decode() == pem
        except ssl.SSLCertVerificationError:
            return False
        finally:
            connection.close()

    def none_dark(self, identities):
        since = time.time() + 1
        wait_for('every router checks in', lambda: identities <= heard_since(self.muster, since), 60, 0.5)

    def activate(self, root, *arguments):
        self.muster.muster('root', 'activate', root, '--yes', *arguments)
        wait_for('the edge shows it', lambda: self.roots()[root].get('servingEdges') == ['edges/west'], 60, 0.5)
        wait_for('its certificate ends in it', lambda: self.shown_root_is(self.roots()[root]['pem']), 20, 0.5)

    def test_five_families_go_over_to_a_new_root_and_one_that_was_off_is_named(self):
        with Installation('roots') as self.muster:
            muster = self.muster
            sim = muster.first_light(6, versions=FAMILIES + ',7.20.8')
            everyone = self.FIVE | {self.OFF}
            self.wait_trusting('1', 6)
            muster.muster('root', 'create')
            self.assertIn('6 devices do not trust root 2', self.refused('activate', '2'))
            self.assertIn('activate it or retire it first', muster.muster_result('root', 'create').stderr)
            self.assertIn('is the active one', self.refused('retire', '1'))
            sim_ask(sim, 'down 5')
            self.upgrade(self.FIVE)
            self.wait_trusting('2', 5)
            refusal = self.refused('activate', '2')
            self.assertIn('1 device does not trust root 2', refusal)
            self.assertIn(self.OFF, refusal)
            self.assertIn('--cut-off 1', refusal)

            # With the operator's word it is cut off; the others go on.
            self.activate('2', '--cut-off', '1')
            self.none_dark(self.FIVE)
            sim_ask(sim, 'up 5')
            back = time.time() + 1
            self.none_dark(self.FIVE)
            self.assertNotIn(self.OFF, heard_since(muster, back), 'it trusts the old root alone')

            # Until the old root is retired the way back is open, and does no harm to anybody.
            self.activate('1')
            self.none_dark(everyone)
            self.upgrade({self.OFF})
            self.wait_trusting('2', 6)
            self.activate('2')
            self.none_dark(everyone)

            muster.muster('root', 'retire', '1', '--yes')
            self.assertIn('is retired', self.refused('activate', '1'))
            self.upgrade(everyone)
            self.wait_trusting('1', 0)
            self.none_dark(everyone)
            for index in range(6):
                self.assertEqual(sim_ask(sim, f'run {index} :put [:len [/certificate find]]').split('\n')[0].strip(), '1')
            muster.muster('job', 'run', '--where', 'online = true', '--script', ':put 1', '--wait', '--yes')
            actions = [e['method'].split('/')[1] for e in muster.muster_json(
                'audit', 'list', '--all-organizations', '--method', 'RouterRoot')]
            self.assertEqual(sorted(actions), ['ActivateRouterRoot'] * 3 + ['CreateRouterRoot', 'RetireRouterRoot'])

            # A restart finds the new root, and a router joins under it.
            muster.musterd.stop()
            muster.start_musterd()
            muster.start_routers(muster.claim_line(), 1, versions='7.12.2', name='late', seed=4711)
            wait_for('the late one joins', lambda: self.roots()['2'].get('trustingCount', 0) == 7, 90, 1)

    def test_a_router_that_was_left_behind_joins_again_by_a_new_line(self):
        with Installation('left-behind') as self.muster:
            muster = self.muster
            sim = muster.first_light(2, versions='6.49.10,7.20.8')
            self.wait_trusting('1', 2)
            names = {d['identity']: d['name'] for d in muster.devices()}
            muster.muster('root', 'create')
            # A router that joins now takes both.
            muster.start_routers(muster.claim_line(), 1, versions='7.8', name='late', seed=4711)
            self.wait_trusting('2', 1)
            sim_ask(sim, 'down *')
            self.activate('2', '--cut-off', '2')
            muster.muster('root', 'retire', '1', '--cut-off', '2', '--yes')
            sim_ask(sim, 'up *')
            for index, identity in enumerate(['sim-0000', 'sim-0001']):
                line = muster.claim_line('--replace', names[identity])
                sim_ask(sim, f'paste {index} {line}')
            self.wait_trusting('2', 3)
            self.assertEqual(len(muster.devices()), 3)
            for index in range(2):
                self.assertEqual(sim_ask(sim, f'run {index} :put [:len [/certificate find]]').split('\n')[0].strip(), '1')


if __name__ == '__main__':
    unittest.main()
