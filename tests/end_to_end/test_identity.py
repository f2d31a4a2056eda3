"""Who a device is: replaced, cloned, restored, moved, revoked, released; what was imported for it."""
import unittest

from harness import Installation, claim_of, wait_for


class IdentityTest(unittest.TestCase):
    def start(self, name):
        muster = Installation(name)
        self.addCleanup(muster.__exit__, None, None, None)
        muster.first_light(0)
        return muster

    @staticmethod
    def join(muster, *arguments):
        """A router played by hand that is online, and its device."""
        router = muster.edges['west'].router(claim_of(muster.claim_line(*arguments)))
        status, text = router.enroll()
        assert (status, text[:1]) == (200, 'T'), text[:20]
        assert router.beat() == (200, '0')
        return router, IdentityTest.device_of(muster, router)

    @staticmethod
    def device_of(muster, router):
        serial = router.facts()['sn']
        return wait_for('the device', lambda: next(
            (d for d in muster.devices() if d.get('serialNumber') == serial and
             d['status'].get('online') == 'ONLINE_STATE_ONLINE'), None), 20)

    @staticmethod
    def get(muster, name):
        return muster.muster_json('device', 'get', name)

    def wait_device(self, muster, name, what, condition, seconds=30):
        return wait_for(what, lambda: condition(device := self.get(muster, name)) and device, seconds, 0.2)

    def events(self, muster, name):
        return [e['kind'] for e in self.get(muster, name).get('recentEvents', [])]

    def test_a_replacement_goes_on_as_the_same_device_and_the_old_router_is_refused(self):
        muster = self.start('replace')
        old, device = self.join(muster, '--label', 'role=core')
        name = device['name']
        new = muster.edges['west'].router(claim_of(muster.claim_line('--replace', name)))
        self.assertEqual(new.enroll()[0], 200)
        muster.muster('job', 'run', '--device', name, '--script', ':put 1')
        self.assertEqual(new.beat(), (200, '0'))
        after = self.wait_device(muster, name, 'the new serial number',
                                 lambda d: d.get('serialNumber') == new.facts()['sn'])
        self.assertEqual(after['labels'], {'role': 'core'})
        self.assertEqual(after['holdKind'], 'replaced')
        self.assertEqual(len(muster.devices()), 1)
        wait_for('the old token is refused', lambda: old.beat()[0] == 401, 20)
        self.assertIn('replaced', self.events(muster, name))
        self.assertEqual(new.beat(), (200, '0'), 'its jobs wait')
        muster.muster('device', 'accept-identity', name)
        number, script = new.take_job()
        self.assertIn(b':put 1', script)
        new.last = number
        self.assertEqual(new.result(number)[0], 200)

    def test_two_routers_with_one_identity_are_noticed_and_get_no_jobs(self):
        muster = self.start('clone')
        original, device = self.join(muster)
        name = device['name']
        clone = muster.edges['west'].router()
        clone.token = original.token
        wait_for('a clone is seen', lambda: clone.beat() and original.beat() and
                 self.get(muster, name).get('holdKind') == 'clone', 30, 0.3)
        self.assertIn('clone', self.events(muster, name))
        muster.muster('job', 'run', '--device', name, '--script', ':put 1')
        self.assertEqual(original.beat(), (200, '0'))
        self.assertEqual(clone.beat(), (200, '0'))
        text = muster.muster('device', 'get', name)
        self.assertIn('two routers' if 'two routers' in text else 'in turns', text)
        clone.beat()
        self.wait_device(muster, name, 'the clone reported last',
                         lambda d: d.get('serialNumber') == clone.facts()['sn'])
        muster.muster('device', 'accept-identity', name)
        self.assertIn(b':put 1', clone.take_job()[1])

    def test_a_spare_out_of_a_backup_is_held_until_it_is_accepted(self):
        muster = self.start('spare')
        router, device = self.join(muster)
        name = device['name']
        spare = muster.edges['west'].router()
        spare.token = router.token
        self.assertEqual(spare.beat()[0], 200)
        held = self.wait_device(muster, name, 'the hold', lambda d: d.get('jobsHeld'))
        self.assertEqual(held['holdKind'], 'hardware-changed')
        self.assertEqual(muster.muster_result('device', 'resync', name).returncode, 1)
        muster.muster('device', 'accept-identity', name)
        spare.beat()
        self.assertFalse(self.get(muster, name).get('jobsHeld'))

    def test_a_restored_router_goes_on_after_resync(self):
        muster = self.start('resync')
        router, device = self.join(muster)
        name = device['name']
        muster.muster('job', 'run', '--device', name, '--script', ':put 1')
        router.last, _ = router.take_job()
        self.assertEqual(router.result(router.last)[0], 200)
        router.beat()
        self.wait_device(muster, name, 'nothing held', lambda d: not d.get('jobsHeld'))
        router.last = 0
        wait_for('the state went back', lambda: router.beat() and
                 self.get(muster, name).get('holdKind') == 'state-went-back', 20, 0.3)
        muster.muster('job', 'run', '--device', name, '--script', ':put 2')
        self.assertEqual(router.beat(), (200, '0'))
        muster.muster('device', 'resync', name)
        self.assertIn(b':put 2', router.take_job()[1])

    def test_a_pending_device_gets_no_job_before_it_is_accepted(self):
        muster = self.start('approve')
        router, device = self.join(muster, '--approve')
        self.assertEqual(device['state'], 'DEVICE_STATE_PENDING')
        self.assertIn('pending', muster.muster('device', 'list'))
        muster.muster('job', 'run', '--device', device['name'], '--script', ':put 1')
        self.assertEqual(router.beat(), (200, '0'))
        self.assertEqual(router.beat(), (200, '0'))
        muster.muster('device', 'accept', device['name'])
        self.assertIn(b':put 1', router.take_job()[1])

    def test_a_moved_device_keeps_its_token_and_is_gone_from_where_it_was(self):
        muster = self.start('move')
        router, device = self.join(muster, '--label', 'role=core')
        muster.muster('organization', 'create', 'customer')
        muster.muster('device', 'move', device['name'], '--to', 'customer')
        self.assertEqual(muster.devices(), [])
        self.assertEqual(muster.muster_result('device', 'get', device['name']).returncode, 3)
        self.assertEqual(router.beat(), (200, '0'))
        moved = muster.devices(MUSTER_ORGANIZATION='customer')[0]
        self.assertEqual(moved['serialNumber'], router.facts()['sn'])
        self.assertEqual(moved.get('labels', {}), {})
        muster.muster('job', 'run', '--device', moved['name'], '--script', ':put 1',
                      MUSTER_ORGANIZATION='customer')
        self.assertIn(b':put 1', router.take_job()[1])

    def test_a_revoked_router_is_refused_until_it_joins_again_as_itself(self):
        muster = self.start('revoke')
        router, device = self.join(muster)
        muster.muster('device', 'token', 'revoke', device['name'])
        wait_for('401', lambda: router.beat()[0] == 401, 20)
        self.assertIn('revoked', muster.muster('device', 'get', device['name']))
        again = muster.edges['west'].router(claim_of(muster.claim_line('--replace', device['name'])))
        again.nonce = router.nonce
        self.assertEqual(again.enroll()[0], 200)
        self.assertEqual(again.beat(), (200, '0'))
        self.assertEqual(len(muster.devices()), 1)

    def test_what_was_imported_is_given_to_the_router_that_joins(self):
        muster = self.start('import')
        claim = claim_of(muster.claim_line())
        router = muster.edges['west'].router(claim)
        path = muster.path('routers.csv')
        with open(path, 'w') as file:
            file.write(f'serial,name,site,label.role\n{router.facts()["sn"]},riga-core,riga,core\nHC2,x,,\n')
        self.assertEqual(muster.muster_result('device', 'import', path).returncode, 2, 'two want --yes')
        muster.muster('device', 'import', path, '--yes')
        self.assertEqual(len(muster.muster_json('preregistration', 'list')), 2)
        router.enroll()
        router.beat()
        device = self.device_of(muster, router)
        self.assertEqual((device['displayName'], device['site'], device['labels']),
                         ('riga-core', 'riga', {'role': 'core'}))
        self.assertEqual(len(muster.muster_json('preregistration', 'list')), 1)
        with open(path, 'w') as file:
            file.write('serial,name\nHC3,x\nHC3,y\n')
        refused = muster.muster_result('device', 'import', path, '--yes')
        self.assertEqual(refused.returncode, 2)
        self.assertIn('line 3, column 1', refused.stderr)
        self.assertEqual(len(muster.muster_json('preregistration', 'list')), 1)


if __name__ == '__main__':
    unittest.main()
