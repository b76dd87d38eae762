# SPDX-License-Identifier: Apache-2.0
"""A way to the API server that can be cut."""
import contextlib
import socket
import threading


class Relay:
    """Hands on what comes to a port of its own, on loopback at the server's place, until it is cut; and again when it is mended."""

    def __init__(self, server):
        self.server, self.open, self.connections = server, True, []
        with server.place.entered():
            self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self._start(self._accept)

    def kubeconfig(self, folder):
        """Of an administrator, by this way; the path."""
        path = folder / "relay.kubeconfig"
        path.write_text(self.server.kubeconfig.read_text().replace(self.server.url, self.url))
        return path

    def cut(self):
        """Ends what there is, and what comes."""
        self.open = False
        while self.connections:
            self._close(self.connections.pop())

    def mend(self):
        self.open = True

    def delete(self):
        self.cut()
        self._close(self.listener)

    @staticmethod
    def _start(work, *words):
        threading.Thread(target=work, args=words, daemon=True).start()

    @staticmethod
    def _close(one):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)  # who waits for it wakes up
        one.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = self._connect() if self.open else None
                if not far:
                    self._close(near)
                    continue
                self.connections += [near, far]
                self._start(self._hand_on, near, far), self._start(self._hand_on, far, near)

    def _connect(self):
        with contextlib.suppress(OSError), self.server.place.entered():
            return socket.create_connection((self.server.address, self.server.port))

    def _hand_on(self, source, destination):
        with contextlib.suppress(OSError):
            while part := source.recv(1 << 16):
                destination.sendall(part)
        for one in (source, destination):
            self._close(one)
