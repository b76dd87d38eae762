# SPDX-License-Identifier: Apache-2.0
"""Traffic of ordinary sockets between namespaces."""
import socket
import threading
import time

PIECE = 64 << 10


def transfer(server_namespace, client_namespace, address, port, data, pause=0, ending=threading.Event()):
    """One TCP connection over which the client sends `data`, with a pause (s) behind each piece, ended in order behind all of it
    or when `ending` is set; what the server received."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with server_namespace.entered():
        listener = socket.create_server((address, port), family=family)
    received = []

    def serve():
        connection, _ = listener.accept()
        with connection:
            while chunk := connection.recv(1 << 20):
                received.append(chunk)

    server = threading.Thread(target=serve)
    server.start()
    with client_namespace.entered():
        client = socket.socket(family, socket.SOCK_STREAM)
    with listener, client:
        client.connect((address, port))
        for at in range(0, len(data), PIECE):
            if ending.is_set():
                break
            client.sendall(data[at:at + PIECE])
            time.sleep(pause)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    server.join()
    return b"".join(received)
