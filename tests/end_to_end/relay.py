"""Passes connections between routers and an edge on and counts their bytes."""
import select
import socket
import threading


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
