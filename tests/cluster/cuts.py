"""Links that can be cut: what is sent while a link is cut waits, as behind a switch that passes nothing on, and
arrives when it is mended, if the ends still want it."""
import asyncio
import os
import socket
import threading

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


class Wire:
    """What one end of links hangs on: cut, nothing comes to it or from it."""

    def __init__(self):
        self.whole = asyncio.Event()
        self.whole.set()

    def cut(self):
        LOOP.call_soon_threadsafe(self.whole.clear)

    def mend(self):
        LOOP.call_soon_threadsafe(self.whole.set)


async def whole(wires):
    """When none of them is cut any more."""
    while not all(wire.whole.is_set() for wire in wires):
        for wire in wires:
            await wire.whole.wait()


class Link:
    """Passes connections to `port` of loopback on to another port."""

    def __init__(self, target):
        self.target = target
        listener = socket.create_server(('127.0.0.1', 0), backlog=256)
        self.port = listener.getsockname()[1]
        self.wire = Wire()
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, sock=listener), LOOP).result()

    def cut(self):
        self.wire.cut()

    def mend(self):
        self.wire.mend()

    def wires(self, _):
        """What a connection from this port of loopback hangs on."""
        return [self.wire]

    async def serve(self, reader, writer):
        wires = self.wires(writer.get_extra_info('peername')[1])
        await whole(wires)
        try:
            far_reader, far_writer = await asyncio.open_connection('127.0.0.1', self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.pump(reader, far_writer, wires), self.pump(far_reader, writer, wires))

    async def pump(self, reader, writer, wires):
        try:
            while data := await reader.read(65536):
                await whole(wires)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class PeerLink(Link):
    """The way of all others to one of several processes that speak with each other: a connection hangs on the wires
    of both ends, so that one process can be cut off in both directions. `ends` answers {pid: wire}."""

    def __init__(self, target, own, ends):
        self.own, self.ends = own, ends
        super().__init__(target)

    def wires(self, port):
        inode = inode_of(port)
        return [self.own] + [wire for pid, wire in self.ends().items() if holds_socket(pid, inode)]


def inode_of(port):
    """Of the socket of loopback with this local port that is connected."""
    with open('/proc/net/tcp') as table:
        for line in list(table)[1:]:
            fields = line.split()
            if int(fields[1].rsplit(':', 1)[1], 16) == port and fields[3] == '01':
                return fields[9]
    return None


def holds_socket(pid, inode):
    folder = f'/proc/{pid}/fd'
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(os.path.join(folder, name)) == f'socket:[{inode}]':
                return True
        except OSError:
            pass
    return False
