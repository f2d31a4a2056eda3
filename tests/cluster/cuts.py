"""Links that can be cut: what is sent while a link is cut waits, as behind a switch that passes nothing on, and
arrives when it is mended, if the ends still want it."""
import asyncio
import socket
import threading

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


class Link:
    """Passes connections to `port` of loopback on to another port."""

    def __init__(self, target):
        self.target = target
        listener = socket.create_server(('127.0.0.1', 0), backlog=256)
        self.port = listener.getsockname()[1]
        self.whole = asyncio.Event()
        self.whole.set()
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, sock=listener), LOOP).result()

    def cut(self):
        LOOP.call_soon_threadsafe(self.whole.clear)

    def mend(self):
        LOOP.call_soon_threadsafe(self.whole.set)

    async def serve(self, reader, writer):
        await self.whole.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection('127.0.0.1', self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.pump(reader, far_writer), self.pump(far_reader, writer))

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self.whole.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
