"""Routers behind metered links, what they cost a month; and routers that are refused, which must be quiet."""
import os
import threading
import time
import unittest

from harness import SEED, Installation, free_port, sim_ask, wait_for
from relay import Relay, SlowLink

ROUTERS = int(os.environ.get('MUSTER_ROUTERS', '20'))
LONG = ROUTERS > 100
PACE = 10 if LONG else 30
METERED = 300
SECONDS_A_MONTH = 30 * 24 * 3600


class LinksTest(unittest.TestCase):
    def start(self):
        """A control plane and an edge that routers reach through a relay."""
        self.muster.start_musterd()
        port = free_port()
        relay = Relay(port)
        relay.target = self.muster.add_edge(public_port=port).port
        return relay

    def test_metered_routers_stay_online_for_a_few_megabytes_a_month(self):
        print(f'seed {SEED}, {ROUTERS} routers', flush=True)
        with Installation('metered') as self.muster:
            self.muster.hurry(PACE)
            relay = self.start()
            line = self.muster.claim_line('--max-devices', str(ROUTERS), '--profile', 'metered', '--ttl', '1d')
            self.muster.start_routers(line, ROUTERS, interval=f'{METERED}s', extra=('--speed', str(PACE)))
            self.muster.wait_online(ROUTERS, 240)
            # The first beats after a start say everything.
            threading.Event().wait(1.5 * METERED / PACE)
            relay.take()
            begun = time.monotonic()
            threading.Event().wait(3 * METERED / PACE)
            counts, seconds = relay.take(), (time.monotonic() - begun) * PACE
            self.assertEqual(len(self.muster.devices('online = true')), ROUTERS)
            each = sum(up + down for up, down in counts) / seconds * SECONDS_A_MONTH / ROUTERS
            beats = len(counts) / ROUTERS / (seconds / METERED)
            print(f'{ROUTERS} metered routers in {seconds:.0f} s of their time: {len(counts)} beats, '
                  f'{beats:.2f} for each {METERED} s; a month: {each / 1e6:.1f} MB each, '
                  f'{each * 1000 / 1e9:.1f} GB for 1,000', flush=True)
            self.assertLess(abs(beats - 1), 0.2)
            self.assertLess(each, 20e6)

    def test_deleted_and_revoked_routers_write_fewer_than_300_log_lines_a_day(self):
        with Installation('quiet') as self.muster:
            muster = self.muster
            muster.start_musterd()
            muster.add_edge()
            speed, hours = 1000, 24 if LONG else 6
            sim = muster.start_routers(muster.claim_line('--max-devices', '2'), 2, versions='6.49.10,7.20.8',
                                       interval='30s', extra=('--speed', str(speed)))
            first, second = muster.wait_online(2, 60)
            muster.muster('device', 'delete', first['name'], '--yes')
            muster.muster('device', 'token', 'revoke', second['name'])
            lines = lambda: [sim_ask(sim, f'log {i}').count('\n') for i in (0, 1)]
            wait_for('both are refused', lambda: min(lines()) >= 8, 60, 0.3)
            before, begun = lines(), time.monotonic()
            threading.Event().wait(hours * 3600 / speed)
            day = 24 * 3600 / ((time.monotonic() - begun) * speed)
            written = [(after - b) * day for after, b in zip(lines(), before)]
            print(f'log lines a day of a deleted and of a revoked router: {[round(w) for w in written]}', flush=True)
            for count in written:
                self.assertLess(count, 300)
                self.assertGreater(count, 30, 'it does not even try')


class SlowLinkTest(unittest.TestCase):
    """2G: an answer takes 11 s, a connection carries 500 bytes a second, a handshake takes 24 s."""
    PACE = 10
    ROUND_TRIP = 11
    RATE = 500

    def slow(self, link):
        link.one_way, link.rate = self.ROUND_TRIP / 2 / self.PACE, self.RATE * self.PACE

    def add_link(self, name):
        port = free_port()
        link = SlowLink(port)
        link.target = self.muster.add_edge(name, public_port=port).port
        return link

    def routers(self, link_name, versions):
        line = self.muster.claim_line('--max-devices', '5', '--profile', 'slow', '--ttl', '1d', '--edge', link_name,
                                      '--site', link_name)
        return self.muster.start_routers(line, len(versions.split(',')), versions, '60s', link_name, hurried=True)

    def assert_stays_online(self, count, link, beats):
        """`beats` more handshakes of each router, with all of them online all the time."""
        wanted = len(link.shakes) + count * beats
        while len(link.shakes) < wanted:
            threading.Event().wait(0.5)
            self.assertEqual(len(self.muster.devices('online = true')), count)
        shakes = [shake * self.PACE for shake in link.shakes[-count * beats:]]
        print('handshakes took', [round(shake, 1) for shake in shakes], 's', flush=True)
        self.assertGreater(min(shakes), 20)

    def test_routers_whose_handshakes_take_more_than_20_seconds_join_and_stay_online(self):
        with Installation('slow-link') as self.muster:
            self.muster.hurry(self.PACE)
            self.muster.start_musterd()
            # No fetch of these versions ends because nothing comes for 10 s.
            link = self.add_link('west')
            self.slow(link)
            self.routers('west', '6.49.10,7.12.2')
            self.muster.wait_online(2, 120)
            self.assert_stays_online(2, link, 4)

    def test_routers_with_an_idle_timeout_stay_online_on_such_a_link_once_they_have_joined(self):
        with Installation('slower-link') as self.muster:
            self.muster.hurry(self.PACE)
            self.muster.start_musterd()
            link = self.add_link('west')
            self.routers('west', '7.16.2,7.20.8')
            self.muster.wait_online(2, 60)
            self.slow(link)
            del link.shakes[:]
            wait_for('the first slow handshake', lambda: link.shakes, 60, 0.3)
            self.assert_stays_online(2, link, 4)


if __name__ == '__main__':
    unittest.main()
