"""Who is online: a router that falls silent is told once, in time, whatever node one asks; one whose edge falls
silent is not blamed."""
import json
import threading
import time
import unittest

from cluster import Cluster
from harness import BIN, claim_of, json_stream, wait_for

# Three intervals of 30 s, and what the agent, the edge and the log may add.
OFFLINE_SECONDS = (92, 95)


class Beating:
    """Routers by hand that check in each 5 s until they are told to rest."""

    def __init__(self, routers):
        self.routers, self.resting, self.over = routers, set(), threading.Event()
        self.last = {}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            for name, router in self.routers.items():
                if name in self.resting:
                    continue
                try:
                    if router.beat()[0] == 200:
                        self.last[name] = time.monotonic()
                except OSError:
                    # Its edge is away.
                    pass
            self.over.wait(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(30)


class PresenceTest(unittest.TestCase):
    def test_a_dead_router_is_told_once_within_95_seconds_and_a_dead_edge_blames_none(self):
        with Cluster('presence', members=1) as cluster:
            cluster.start()
            edges = {'west': cluster.add_edge('west'), 'east': cluster.add_edge('east')}
            routers, names = {}, {}
            for name, edge in (('dies', 'west'), ('lives', 'west'), ('cut-off', 'east')):
                routers[name] = edges[edge].router(claim_of(cluster.claim_line()))
                self.assertEqual(routers[name].enroll()[0], 200)
                names[name] = next(d['name'] for d in cluster.devices() if d['name'] not in names.values())
            watch = cluster.run('watch', [f'{BIN}/muster', 'device', 'watch', '-o', 'json'], cluster.environment())

            def told(name):
                """The states that the watch has told of the device, without those that are as before."""
                states = [change['device']['status']['online'].removeprefix('ONLINE_STATE_')
                          for change in json_stream(watch.output()) if change['device']['name'] == names[name]]
                return [state for i, state in enumerate(states) if i == 0 or states[i - 1] != state]

            with Beating(routers) as beating:
                wait_for('all are online', lambda: all(told(name)[-1:] == ['ONLINE'] for name in routers), 30, 0.5)
                beating.resting.add('dies')
                edges['east'].process.kill()
                threading.Event().wait(10)
                died = beating.last['dies']
                # Whichever has the watch is among them.
                for node in cluster.nodes:
                    node.kill()
                    node.start()
                    node.wait_state('serving')
                wait_for('it is offline', lambda: told('dies')[-1] == 'OFFLINE', 100, 0.2)
                took = time.monotonic() - died
                print(f'offline after {took:.1f} s', flush=True)
                self.assertGreater(took, OFFLINE_SECONDS[0])
                # Three for a watch that tells once a second, and for a busy machine.
                self.assertLess(took, OFFLINE_SECONDS[1] + 3)
                wait_for('nobody knows of the other', lambda: told('cut-off')[-1] == 'UNKNOWN', 20, 0.5)
                for node in cluster.nodes:
                    shown = {device['name']: device['status']['online'] for device in
                             json.loads(cluster.through(node, 'device', 'list', '-o', 'json'))}
                    self.assertEqual([shown[names[name]] for name in ('dies', 'lives', 'cut-off')],
                                     [f'ONLINE_STATE_{word}' for word in ('OFFLINE', 'ONLINE', 'UNKNOWN')])
                self.assertNotIn('OFFLINE', told('cut-off'))
                edges['east'].start()
                beating.resting.discard('dies')
                for name in ('dies', 'cut-off'):
                    wait_for(f'{name} is back', lambda n=name: told(n)[-1] == 'ONLINE', 30, 0.5)
            self.assertEqual(told('dies')[-3:], ['ONLINE', 'OFFLINE', 'ONLINE'])
            self.assertEqual([state for state in told('lives') if state != 'NEVER'], ['ONLINE'])


if __name__ == '__main__':
    unittest.main()
