"""Stands between routers and an edge with the edge's own certificate, and spoils what passes: what a bad
release of the agent, or a bad edge, would answer."""
import glob
import http.client
import http.server
import ssl
import threading


class SpoilingProxy:
    """Listens from construction on; `spoil`, while set, changes the agent texts that routers fetch."""

    def __init__(self, installation, port, edge):
        self.spoil = None
        self.spoiled = 0
        self.lock = threading.Lock()
        proxy = self
        outward = ssl.create_default_context(cafile=installation.path('control', 'pki', 'router-ca.pem'))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            timeout = 60

            def pass_on(self):
                size = int(self.headers.get('Content-Length', '0'))
                body = self.rfile.read(size) if size else None
                kept = {k: v for k, v in self.headers.items() if k.lower() not in ('host', 'connection')}
                onward = http.client.HTTPSConnection('localhost', edge.port, context=outward, timeout=60)
                try:
                    onward.request(self.command, self.path, body, {**kept, 'Connection': 'close'})
                    reply = onward.getresponse()
                    answer, status, kind = reply.read(), reply.status, reply.getheader('Content-Type', 'text/plain')
                except OSError:
                    answer, status, kind = b'E\n', 503, 'text/plain'
                finally:
                    onward.close()
                if self.path.startswith('/agent/') and status == 200:
                    answer = proxy.change(answer)
                self.send_response(status)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(answer)))
                self.send_header('Connection', 'close')
                self.end_headers()
                self.wfile.write(answer)
                self.close_connection = True

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def finish_request(self, request, client_address):
                # The handshake is the thread's work, not the listener's.
                try:
                    with inward.wrap_socket(request, server_side=True) as secured:
                        self.RequestHandlerClass(secured, client_address, self)
                except OSError:
                    pass  # a router that went away

        leaf, = glob.glob(installation.path(f'edge-{edge.name}', 'identity.*', 'router-ecdsa.pem'))
        inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inward.load_cert_chain(leaf, leaf.removesuffix('pem') + 'key')
        self.server = Server(('127.0.0.1', port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def change(self, text):
        with self.lock:
            if self.spoil is None:
                return text
            changed = self.spoil(text)
            assert changed != text, 'nothing was there to spoil'
            self.spoiled += 1
            return changed

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
