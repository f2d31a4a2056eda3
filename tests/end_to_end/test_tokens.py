"""Tokens are rotated and revoked, and routers released, on all families: what stays on them and what
is refused."""
import unittest

from harness import FAMILIES, Installation, sim_ask, wait_for


def said(answer):
    """What a simulated router printed, without the line that ends the answer."""
    return '\n'.join(line.rstrip() for line in answer.split('\n') if line.strip() != '.').strip()


def exported(sim, index):
    """`/export show-sensitive` without its header, which has the time."""
    text = said(sim_ask(sim, f'export {index} show-sensitive'))
    return '\n'.join(line for line in text.split('\n') if not line.startswith('#'))


class TokensTest(unittest.TestCase):
    def events(self, muster, name):
        return [e['kind'] for e in muster.muster_json('device', 'get', name).get('recentEvents', [])]

    def last_heard(self, muster, name):
        return muster.muster_json('device', 'get', name)['status']['lastCheckInTime']

    def test_rotation_refuses_the_old_token_on_every_family_and_silences_nobody(self):
        with Installation('rotate') as muster:
            sim = muster.first_light(5)
            names = {d['identity']: d['name'] for d in muster.devices()}
            read = ':put [/ppp secret get [/ppp secret find where name=muster] password]'
            old = [said(sim_ask(sim, f'run {i} {read}')) for i in range(5)]
            self.assertTrue(all(t.startswith('m1.') for t in old) and len(set(old)) == 5)
            for name in names.values():
                muster.muster('device', 'token', 'rotate', name)
            for name in names.values():
                wait_for('the router uses its new token', lambda: 'token-rotated' in self.events(muster, name), 120, 1)
            for index in range(5):
                name = names[f'sim-{index:04d}']
                new = said(sim_ask(sim, f'run {index} {read}'))
                self.assertTrue(new.startswith('m1.') and new != old[index], 'it keeps the new one')
                thief = muster.edges['west'].router()
                thief.token = old[index]
                wait_for('the old token is refused', lambda: thief.beat()[0] == 401, 20)
                before = self.last_heard(muster, name)
                wait_for('the router goes on', lambda: self.last_heard(muster, name) > before, 30, 0.3)
            # A revoked one is silenced until it joins again; the others go on.
            victim = names['sim-0000']
            muster.muster('device', 'token', 'revoke', victim)
            wait_for('it is refused', lambda: 'revoked' in muster.muster('device', 'get', victim), 20)
            before = self.last_heard(muster, victim)
            other = names['sim-0004']
            for _ in range(3):
                heard = self.last_heard(muster, other)
                wait_for('the others go on', lambda: self.last_heard(muster, other) > heard, 30, 0.3)
            self.assertEqual(self.last_heard(muster, victim), before)

    def test_release_leaves_the_configuration_as_it_was_before_on_every_family(self):
        with Installation('release') as muster:
            muster.first_light(0)
            sim = muster.start_routers(':put "not joined"', 5)
            wait_for('the routers are there', lambda: 'sim-0004' in sim_ask(sim, 'show 4') or
                     'version' in sim_ask(sim, 'show 4'), 30)
            before = [exported(sim, i) for i in range(5)]
            self.assertTrue(all('/system identity' in text for text in before), before[0])
            line = muster.claim_line('--max-devices', '5')
            for index in range(5):
                sim_ask(sim, f'paste {index} {line}')
            devices = muster.wait_online(5)
            joined = [exported(sim, i) for i in range(5)]
            for index in range(5):
                self.assertIn('muster-beat', joined[index])
            for device in devices:
                muster.muster('device', 'release', device['name'], '--yes')
            wait_for('all are released', lambda: not muster.devices(), 90, 1)
            wait_for('nothing of Muster is left', lambda: all('muster' not in exported(sim, i) for i in range(5)), 90, 1)
            for index in range(5):
                self.assertEqual(exported(sim, index), before[index], FAMILIES.split(',')[index])
                self.assertNotIn('muster', sim_ask(sim, f'dump {index} /certificate'))
                self.assertNotIn('mu', said(sim_ask(sim, f'run {index} :foreach f in=[/file find] do={{ :put [/file get $f name] }}')))


if __name__ == '__main__':
    unittest.main()
