"""Bad versions of the agent are rolled out: the job stops at its canary, and every router is back on the
agent it had, without help. What is bad about a text is done to it between edge and routers; all clocks run
faster (musterd's and the edge's by fast_clock.c, the routers' by --speed), so that the 20 minutes that a router has to
take a new agent pass within a test."""
import os
import re
import time
import unittest

from harness import SEED, Installation, free_port, sim_ask, wait_for
from spoiling_proxy import SpoilingProxy
from test_faults import all_targets, state_of

ROUTERS = int(os.environ.get('MUSTER_ROUTERS', '10'))
LONG = ROUTERS > 100
# Routers of the long form beat every 300 s, those of the short one every 30 s.
PROFILE, INTERVAL, PACE = ('metered', '300s', 10) if LONG else ('normal', '30s', 30)
PATIENCE = 20 * 60 / PACE


def in_beat(text, old, new):
    """The staged beat with something else of the same length: every length and end mark is right."""
    assert len(old) == len(new)
    return text.replace(old, new)


# What a release can get wrong.
BAD = {
    'loads and never beats': lambda text, port: in_beat(text, b'/v1/heartbeat', b'/v1/heartbeet'),
    'has a wrong URL': lambda text, port: in_beat(text, b':%d' % port, b':%d' % (port + 1 if port < 65535 else port - 1)),
    'does not load': lambda text, port: in_beat(text, b':local muBoot', b':lokal muBoot'),
    'is cut': lambda text, port: text[:len(text) // 2],
}
KINDS = list(BAD) if LONG else ['loads and never beats']


class BadAgentTest(unittest.TestCase):
    def agents(self):
        """What each router reports to run."""
        return {d['identity']: d['agentVersion'] for d in self.muster.devices()}

    def test_a_bad_agent_stops_at_the_canary_and_its_router_goes_on_with_the_old_one(self):
        print(f'seed {SEED}, {ROUTERS} routers', flush=True)
        with Installation('bad-agent') as self.muster:
            muster = self.muster
            muster.hurry(PACE)
            muster.start_musterd()
            self.port = free_port()
            edge = muster.add_edge(public_port=self.port)
            self.proxy = SpoilingProxy(muster, self.port, edge)
            line = muster.claim_line('--max-devices', str(ROUTERS), '--profile', PROFILE, '--ttl', '1d')
            self.sim = muster.start_routers(line, ROUTERS, interval=INTERVAL, extra=('--speed', str(PACE)))
            muster.wait_online(ROUTERS, 120)
            self.canaries = []
            for kind in KINDS:
                self.roll_out_bad(kind)
            self.roll_out_good()
            self.proxy.stop()

    def roll_out(self, *extra):
        # Routers that refused a text wait before they ask again: each job gets a canary of its own.
        where = ' AND '.join(['online = true'] + [f'identity != "{i}"' for i in self.canaries])
        self.muster.muster('agent', 'upgrade', '--where', where, '--url', f'https://localhost:{self.port}',
                           '--canary', '1', '--batch', '500', '--yes', *extra)
        return self.muster.muster_json('job', 'list')[0]['name']

    def ended(self, job):
        found = [j for j in self.muster.muster_json('job', 'list') if j['name'] == job]
        return found[0] if found and found[0].get('endTime') else None

    def roll_out_bad(self, kind):
        begun = time.monotonic()
        before = self.agents()
        self.proxy.spoil = lambda text: BAD[kind](text, self.port)
        self.proxy.spoiled = 0
        job = self.roll_out()
        answer = wait_for(f'an agent that {kind} stops', lambda: self.ended(job), 2 * PATIENCE + 60, 0.5)
        targets = all_targets(self.muster, job)
        tried = [t for t in targets if state_of(t) != 'CANCELLED']
        self.assertEqual([state_of(t) for t in tried], ['FAILED'], tried)
        self.assertEqual(len(targets), ROUTERS - len(self.canaries))
        self.assertIn('1 device failed', answer['stopReason'])
        self.assertEqual(self.proxy.spoiled, 1, 'more than the canary fetched it')
        device = tried[0]['device']
        canary = self.muster.muster_json('device', 'get', device)['identity']
        self.canaries.append(canary)
        # Every router, the canary too, beats with the agent that it had.
        heard = {d['name']: d['status']['lastCheckInTime'] for d in self.muster.devices()}
        wait_for('every router beats', lambda: all(
            d['status']['lastCheckInTime'] > heard[d['name']] for d in self.muster.devices()), 120, 0.5)
        self.assertEqual(self.agents(), before)
        # A trial that began late may still go on.
        wait_for('nothing of it is left on the canary', lambda: not re.search(
            r'muster-(beat|run|swap)-new', sim_ask(self.sim, f'dump {int(canary[-4:])} /system/script')), 180, 1)
        print(f'an agent that {kind}: {canary} refused it, {len(targets) - 1} routers never saw it, '
              f'{time.monotonic() - begun:.0f} s', flush=True)

    def roll_out_good(self):
        """The same without a fault reaches all that have not refused one: it was the text, not the way."""
        self.proxy.spoil = None
        job = self.roll_out()
        wait_for('a good agent arrives', lambda: self.ended(job), 2 * PATIENCE + 120, 1)
        targets = all_targets(self.muster, job)
        self.assertEqual({state_of(t) for t in targets}, {'SUCCEEDED'})
        self.assertEqual(len(targets), ROUTERS - len(self.canaries))
        print(f'a good agent: {len(targets)} routers have it', flush=True)


if __name__ == '__main__':
    unittest.main()
