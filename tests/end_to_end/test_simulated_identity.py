"""Who a device is, seen from routers that execute the agent's text: netinstall (a reset without defaults
leaves as little), a spare from a backup, a spare from an export, a clone, an old backup. Each has its rule
(docs/identity.md), its event, and a job that runs once and only where it should."""
import os
import unittest

from harness import SEED, Installation, sim_ask, wait_for
from test_faults import all_targets, note_job, state_of

# One router for each part that it plays; as many as there are boards times versions would be too.
ROLES = ('anew', 'again', 'dead', 'spare', 'exported', 'heir', 'original', 'clone', 'old', 'reset', 'same')
DEADLINE = 60 * int(os.environ.get('MUSTER_PATIENCE', '2'))


class SimulatedIdentityTest(unittest.TestCase):
    def ask(self, role, text, *more):
        command, _, rest = text.partition(' ')
        return sim_ask(self.sim, ' '.join([command, str(self.index[role]), *([rest] if rest else []), *map(str, more)]))

    def device(self, name):
        return self.muster.muster_json('device', 'get', name)

    def wait_device(self, name, what, condition):
        return wait_for(what, lambda: condition(device := self.device(name)) and device, DEADLINE, 0.3)

    def events(self, name):
        return [e['kind'] for e in self.device(name).get('recentEvents', [])]

    def wait_event(self, name, kind):
        wait_for(f'event {kind}', lambda: kind in self.events(name), DEADLINE, 0.3)

    def of_serial(self, serial):
        return [d for d in self.muster.devices() if d.get('serialNumber') == serial]

    def new_job(self, mark, name):
        """A job for one device that leaves its mark in the router's note."""
        identity = self.device(name)['identity']
        job = note_job(self.muster, mark, f'identity = "{identity}"')
        wait_for('the job has its devices', lambda: any(t['device'] == name for t in all_targets(self.muster, job)), DEADLINE, 0.2)
        return job

    def state(self, job, name):
        return next(state_of(t) for t in all_targets(self.muster, job) if t['device'] == name)

    def wait_done(self, job, name):
        wait_for('the job succeeds', lambda: self.state(job, name) == 'SUCCEEDED', DEADLINE, 0.3)

    def ran(self, role, mark):
        return self.ask(role, 'dump /system/note').count(f'<{mark}>')

    def assert_held(self, name, kind):
        self.wait_device(name, f'jobs held for {kind}', lambda d: d.get('holdKind') == kind)
        self.wait_event(name, kind if kind != 'state-went-back' else 'router-state-went-back')

    def test_each_change_of_identity_has_its_rule_its_event_and_its_job(self):
        print(f'seed {SEED}', flush=True)
        with Installation('simulated-identity') as self.muster:
            muster = self.muster
            # Boards of which the simulator's third of five has no serial number: more routers than roles.
            muster.first_light(2 * len(ROLES))
            self.sim = muster.processes[-1]
            self.line = muster.claim_line('--max-devices', '50')
            known = [d for d in muster.devices() if d.get('serialNumber')]
            self.assertGreaterEqual(len(known), len(ROLES))
            chosen = dict(zip(ROLES, sorted(known, key=lambda d: d['identity'])))
            self.index = {role: int(d['identity'][-4:]) for role, d in chosen.items()}
            self.name = {role: d['name'] for role, d in chosen.items()}
            self.serial = {role: d['serialNumber'] for role, d in chosen.items()}
            for play in (self.netinstall, self.netinstall_as_itself, self.reset, self.reset_as_itself, self.spare_from_backup,
                         self.spare_from_export, self.clone, self.old_backup):
                with self.subTest(play.__name__):
                    play()
                    print(f'played: {play.__name__}', flush=True)

    def netinstall(self):
        """Installed anew and the line pasted: another device; both say that the serial number is known."""
        self.ask('anew', 'netinstall')
        self.ask('anew', f'paste {self.line}')
        found = wait_for('a second device', lambda: len(d := self.of_serial(self.serial['anew'])) == 2 and d, DEADLINE, 0.3)
        fresh = next(d['name'] for d in found if d['name'] != self.name['anew'])
        for name in (self.name['anew'], fresh):
            self.wait_event(name, 'serial-known')
        self.assertFalse(self.device(fresh).get('jobsHeld'))
        self.muster.muster('device', 'delete', self.name['anew'], '--yes')
        job = self.new_job('anew', fresh)
        self.wait_done(job, fresh)
        self.assertEqual(self.ran('anew', 'anew'), 1)

    def reset_with(self, role, line):
        """A reset that runs the line afterwards, in the background: RouterOS gives it two minutes."""
        self.ask(role, f'put muster.rsc {line}')
        self.ask(role, 'paste /system reset-configuration no-defaults=yes skip-backup=yes run-after-reset=muster.rsc')

    def reset(self):
        """Nothing is left of the token, so it is another device; both say that the serial number is known."""
        self.reset_with('reset', self.muster.claim_line('--spread', '10s'))
        found = wait_for('a second device', lambda: len(d := self.of_serial(self.serial['reset'])) == 2 and d, DEADLINE, 0.3)
        fresh = next(d['name'] for d in found if d['name'] != self.name['reset'])
        for name in (self.name['reset'], fresh):
            self.wait_event(name, 'serial-known')
        job = self.new_job('reset', fresh)
        self.wait_done(job, fresh)
        self.assertEqual(self.ran('reset', 'reset'), 1)

    def reset_as_itself(self):
        """A line with --replace: the same device, whose jobs wait until they are let go."""
        name = self.name['same']
        self.reset_with('same', self.muster.claim_line('--replace', name, '--spread', '10s'))
        self.assert_held(name, 'replaced')
        self.assertEqual(len(self.of_serial(self.serial['same'])), 1)
        job = self.new_job('same', name)
        wait_for('the job is held', lambda: self.state(job, name) == 'HELD', DEADLINE, 0.3)
        self.muster.muster('job', 'release', '--device', name)
        self.wait_done(job, name)
        self.assertEqual(self.ran('same', 'same'), 1)

    def takes_over(self, role, device_role, mark):
        """A line with --replace on a bare router: it is that device, and its jobs wait until they are let go."""
        name = self.name[device_role]
        self.ask(role, 'netinstall')
        self.ask(role, f'paste {self.muster.claim_line("--replace", name)}')
        self.assert_held(name, 'replaced')
        self.wait_device(name, 'the serial number of the new board', lambda d: d.get('serialNumber') == self.serial[role])
        job = self.new_job(mark, name)
        wait_for('the job is held', lambda: self.state(job, name) == 'HELD', DEADLINE, 0.3)
        self.muster.muster('job', 'release', '--device', name)
        self.wait_done(job, name)
        self.assertEqual(self.ran(role, mark), 1)

    def netinstall_as_itself(self):
        self.takes_over('again', 'again', 'again')
        self.assertEqual(len(self.of_serial(self.serial['again'])), 1)

    def spare_from_backup(self):
        """The dead board's backup on another board: held with both boards named, until it is accepted."""
        name, spare = self.name['dead'], self.name['spare']
        self.ask('dead', 'down')
        self.muster.muster('device', 'delete', spare, '--yes')
        self.ask('spare', 'restore', self.index['dead'])
        self.assert_held(name, 'hardware-changed')
        message = next(e['message'] for e in self.device(name)['recentEvents'] if e['kind'] == 'hardware-changed')
        for role in ('dead', 'spare'):
            self.assertIn(self.serial[role], message)
        job = self.new_job('spare', name)
        wait_for('the job is held', lambda: self.state(job, name) == 'HELD', DEADLINE, 0.3)
        self.muster.muster('device', 'accept-identity', name)
        self.wait_done(job, name)
        self.assertEqual((self.ran('spare', 'spare'), self.ran('dead', 'spare')), (1, 0))

    def spare_from_export(self):
        """An export holds no token: the spare joins by a line that lets it take the place."""
        name = self.name['exported']
        export = self.ask('exported', 'export')
        self.assertIn('muster-beat', export)
        self.assertNotRegex(export, r'm1\.[A-Za-z0-9_-]{20}')
        self.muster.muster('device', 'delete', self.name['heir'], '--yes')
        self.takes_over('heir', 'exported', 'heir')
        # The board whose place was taken is refused, and says nothing for the device any more.
        refused = lambda: self.ask('exported', 'log').count('401')
        wait_for('the old board is refused', refused, DEADLINE, 0.5)
        self.assertEqual(self.device(name)['serialNumber'], self.serial['heir'])

    def clone(self):
        """Two routers with one identity: no jobs for either until one is taken off and the other accepted."""
        name = self.name['original']
        self.muster.muster('device', 'delete', self.name['clone'], '--yes')
        self.ask('clone', 'restore', self.index['original'])
        self.assert_held(name, 'clone')
        job = self.new_job('clone', name)
        wait_for('the job is held', lambda: self.state(job, name) == 'HELD', DEADLINE, 0.3)
        self.ask('clone', 'netinstall')
        self.ask('clone', f'paste {self.line}')
        wait_for('the clone is a device of its own', lambda: self.of_serial(self.serial['clone']), DEADLINE, 0.3)
        self.wait_device(name, 'the original reports', lambda d: d.get('serialNumber') == self.serial['original'])
        self.muster.muster('device', 'accept-identity', name)
        self.wait_done(job, name)
        self.assertEqual((self.ran('original', 'clone'), self.ran('clone', 'clone')), (1, 0))

    def old_backup(self):
        """An old backup brings an old job number: held, nothing runs again, resync lets it go on."""
        name = self.name['old']
        self.ask('old', 'save')
        first = self.new_job('first', name)
        self.wait_done(first, name)
        self.ask('old', 'restore')
        self.assert_held(name, 'state-went-back')
        self.assertEqual(self.ran('old', 'first'), 0)
        second = self.new_job('second', name)
        wait_for('the job is held', lambda: self.state(second, name) == 'HELD', DEADLINE, 0.3)
        self.muster.muster('device', 'resync', name)
        self.wait_done(second, name)
        self.assertEqual((self.ran('old', 'first'), self.ran('old', 'second')), (0, 1))


if __name__ == '__main__':
    unittest.main()
