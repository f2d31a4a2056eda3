"""Passes connections between routers and an edge on: counting their bytes, or as slowly as 2G."""
import asyncio
import select
import socket
import threading
import time


class Relay:
    """Passes connections on to a port and counts the bytes of each."""

    def __init__(self, port):
        self.target = None
        self.counts = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(('127.0.0.1', port), backlog=1024)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        up = down = 0
        with client, socket.create_connection(('127.0.0.1', self.target)) as server:
            open_ends = {client: server, server: client}
            while open_ends:
                for source in select.select(list(open_ends), [], [])[0]:
                    target = open_ends[source]
                    try:
                        data = source.recv(65536)
                        if data:
                            target.sendall(data)
                        else:
                            target.shutdown(socket.SHUT_WR)
                    except OSError:
                        data = b''
                    if not data:
                        del open_ends[source]
                    elif source is client:
                        up += len(data)
                    else:
                        down += len(data)
        with self.lock:
            self.counts.append((up, down))

    def take(self):
        with self.lock:
            taken, self.counts = self.counts, []
        return taken


class SlowLink:
    """A link like 2G between routers and an edge: what goes in comes out `one_way` seconds later, at `rate` bytes
    a second each way and connection. `shakes` are the seconds from the first byte of a router to the first byte
    behind its handshake, for the connections that came so far."""

    CHUNK = 128
    APPLICATION_DATA = 23

    def __init__(self, port):
        self.target, self.one_way, self.rate = None, 0.0, 1e9
        self.shakes, self.calling = [], {}
        self.loop = asyncio.new_event_loop()
        listener = socket.create_server(('127.0.0.1', port), backlog=1024)
        self.loop.run_until_complete(asyncio.start_server(self.serve, sock=listener))
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        edge = self.loop.create_future()
        up = asyncio.ensure_future(self.pump(reader, edge, begun=time.monotonic()))
        try:
            await self.pump((await edge)[0], writer)
            await up
        except OSError:
            writer.close()

    async def pump(self, source, target, begun=None):
        """Passes on what comes from `source`; `target` is a writer, or the edge that is still to be called."""
        free, seen = self.loop.time(), b''
        while True:
            data = await source.read(self.CHUNK)
            now = self.loop.time()
            free = max(free, now) + len(data) / self.rate
            self.loop.call_at(free + self.one_way, self.deliver, target, data)
            if not data:
                return
            seen += data
            if begun is not None and self.is_through(seen):
                self.shakes.append(time.monotonic() - begun)
                begun = None
            await asyncio.sleep(free - now)

    def deliver(self, target, data):
        if isinstance(target, asyncio.Future):
            asyncio.ensure_future(self.deliver_to_edge(target, data))
        elif data and not target.is_closing():
            target.write(data)
        else:
            target.close()

    async def deliver_to_edge(self, edge, data):
        # The edge sees a connection when the first bytes of a router come: on a real link they arrive with the end
        # of TCP's own handshake.
        if not edge.done() and not self.calling.get(edge):
            self.calling[edge] = True
            try:
                edge.set_result(await asyncio.open_connection('127.0.0.1', self.target))
            except OSError as error:
                edge.set_exception(error)
            del self.calling[edge]
        self.deliver((await edge)[1], data)

    @classmethod
    def is_through(cls, seen):
        """Whether a record of application data has begun in what a router has sent."""
        at = 0
        while at + 5 <= len(seen):
            if seen[at] == cls.APPLICATION_DATA:
                return True
            at += 5 + int.from_bytes(seen[at + 3:at + 5], 'big')
        return False
