"""What routers go through once: replaced, moved to another organization, released."""
import time
import unittest

from harness import SEED, Installation, sim_ask, wait_for
from test_faults import all_targets, note_job, state_of
from test_stories import DEADLINE, STORIES, heard_at


class EndOfStoryTest(unittest.TestCase):
    """Replaced, moved, released: what routers go through once."""

    COUNT = max(10, STORIES // 10)

    def identity(self, method, **request):
        return self.muster.call(f'muster.v1.DeviceIdentityService/{method}', request)[0]

    def by_identity(self, organization='default'):
        return {d['identity']: d for d in self.muster.devices(MUSTER_ORGANIZATION=organization)}

    def test_replaced_moved_and_released_routers_leave_nothing_behind(self):
        print(f'seed {SEED}, {self.COUNT} routers', flush=True)
        with Installation('end-of-story') as self.muster:
            muster = self.muster
            muster.start_musterd()
            muster.add_edge()
            self.line = muster.claim_line('--max-devices', str(3 * self.COUNT), '--label', 'fleet=story')
            self.sim = muster.start_routers(self.line, self.COUNT, interval='1s')
            muster.wait_online(self.COUNT, DEADLINE)
            self.replace(0, 1)
            self.move(2)
            self.release()

    def replace(self, dead, spare):
        """The spare takes the place of the dead one; the dead one, found again, is another device."""
        names = self.by_identity()
        device = names[f'sim-{dead:04d}']['name']
        line = self.muster.claim_line('--replace', device)
        spare_before = names[f'sim-{spare:04d}']['name']
        sim_ask(self.sim, f'run {spare} {line}')
        wait_for('the spare is the device now', lambda: self.muster.muster_json('device', 'get', device)['identity'] == f'sim-{spare:04d}', DEADLINE, 1)
        self.muster.muster('device', 'delete', spare_before, '--yes')
        before = len(self.muster.devices())
        sim_ask(self.sim, f'run {dead} {self.line}')
        wait_for('the dead one is a device of its own', lambda: len(self.muster.devices()) == before + 1, DEADLINE, 1)
        again = [d for d in self.muster.devices() if d['identity'] == f'sim-{dead:04d}']
        self.assertEqual(len(again), 1)
        self.assertNotEqual(again[0]['name'], device)
        job = note_job(self.muster, 'replaced', f'identity = "sim-{spare:04d}" AND online = true')
        held = wait_for('its job waits for an operator', lambda: [t for t in all_targets(self.muster, job) if t['device'] == device and state_of(t) == 'HELD'], 30, 1)
        self.assertEqual(len(held), 1)
        self.identity('AcceptDeviceIdentity', name=device)
        wait_for('its job runs', lambda: [t for t in all_targets(self.muster, job) if t['device'] == device and state_of(t) == 'SUCCEEDED'], 60, 1)

    def move(self, index):
        self.muster.muster('organization', 'create', 'acme')
        device = self.by_identity()[f'sim-{index:04d}']['name']
        moved = self.identity('MoveDevice', name=device, organization='organizations/acme')['device']['name']
        self.assertEqual(moved, device.replace('organizations/default', 'organizations/acme'))
        since = time.time()
        wait_for('it is heard in its new organization', lambda: heard_at(self.by_identity('acme')[f'sim-{index:04d}']) > since, 60, 1)
        self.assertNotIn(f'sim-{index:04d}', self.by_identity())

    def release(self):
        alive = {}
        for organization in ('default', 'acme'):
            for identity, device in sorted(self.by_identity(organization).items()):
                if device.get('status', {}).get('online') == 'ONLINE_STATE_ONLINE':
                    alive[identity] = device['name']
        self.assertEqual(len(alive), self.COUNT)
        for name in alive.values():
            self.identity('ReleaseDevice', name=name)

        def left():
            return [i for i in range(self.COUNT) if 'muster' in sim_ask(self.sim, f'export {i}').lower()]
        try:
            wait_for('nothing is left on the routers', lambda: not left(), 60, 2)
        except AssertionError:
            raise AssertionError(f'left on router {left()[0]}:\n' + '\n'.join(
                l for l in sim_ask(self.sim, f'export {left()[0]}').split('\n') if 'muster' in l.lower()))
        for index in range(self.COUNT):
            self.assertNotIn('muster', sim_ask(self.sim, f'dump {index} /certificate'))
            self.assertNotIn('muster', sim_ask(self.sim, f'dump {index} /file'))
        wait_for('all are tombstones', lambda: not (set(d['name'] for o in ('default', 'acme') for d in self.muster.devices(MUSTER_ORGANIZATION=o)) & set(alive.values())), 60, 1)



if __name__ == '__main__':
    unittest.main()
