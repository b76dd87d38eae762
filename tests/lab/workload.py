# SPDX-License-Identifier: Apache-2.0
"""Ordinary traffic of many sorts between two namespaces, of which it is known whose each packet is."""
import re
import subprocess
import sys
import time
from dataclasses import dataclass

from .readers import tshark

SERVER = "10.77.0.2"
HTTP_PORT, IPERF_PORT, NAME_PORT, SHORT_PORT, OLD_TCP_PORT, OLD_UDP_PORT = 5821, 5822, 5823, 5824, 5825, 5826

# Each ends when its standard input does.
ECHO_TCP = """
import socket, sys, threading
listener = socket.create_server(('', {port}), backlog=100)
def serve():
    while True:
        with listener.accept()[0] as connection:
            while data := connection.recv(1000):
                connection.sendall(data)
threading.Thread(target=serve, daemon=True).start()
print('ready', flush=True); sys.stdin.read()
"""
ECHO_UDP = """
import socket, sys, threading
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('', {port}))
def serve():
    while True:
        data, sender = server.recvfrom(1000)
        server.sendto(data, sender)
threading.Thread(target=serve, daemon=True).start()
print('ready', flush=True); sys.stdin.read()
"""
HTTP = "import http.server, threading, sys; s = http.server.HTTPServer(('', {port}), http.server.SimpleHTTPRequestHandler);" \
       " threading.Thread(target=s.serve_forever, daemon=True).start(); print('ready', flush=True); sys.stdin.read()"
# One question a socket, as of a resolver.
ASK = """
import socket
for number in range({count}):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.sendto(b'question', ('{server}', {port}))
        asker.recv(1000)
"""
CONNECT = """
import socket
for number in range({count}):
    with socket.create_connection(('{server}', {port})) as client:
        client.sendall(b'ping')
        client.recv(1000)
"""
# Opens both at once, and uses them line by line.
OLD = """
import socket, sys
stream = socket.create_connection(('{server}', {tcp}))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.connect(('{server}', {udp}))
print('ready', flush=True)
for line in sys.stdin:
    for number in range(200):
        stream.sendall(b'ping')
        stream.recv(1000)
        asker.send(b'question')
        asker.recv(1000)
    print('done', flush=True)
"""


@dataclass
class Flow:
    """Whose the packets of a server's port are: patterns of "comm[pid]"."""

    client: str
    server: str


class Workload:
    def __init__(self, pair):
        self.pair, self.running, self.flows = pair, [], {}

    def _start(self, namespace, script, **values):
        """A process that is ready."""
        process = subprocess.Popen(namespace.command(sys.executable, "-c", script.format(server=SERVER, **values)),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.running.append(process)
        process.stdout.readline()
        return process

    def _serve(self, script, port):
        return rf"\S+\[{self._start(self.pair.right, script, port=port).pid}\]"

    def _run_command(self, *words):
        """In the client's namespace, to its end; its pid."""
        process = subprocess.Popen(self.pair.left.command(*words), stdout=subprocess.DEVNULL)
        if process.wait():
            raise RuntimeError(f"a client ended with {process.returncode}")
        return process.pid

    def _run(self, script, **values):
        return rf"\S+\[{self._run_command(sys.executable, '-c', script.format(server=SERVER, **values))}\]"

    def begin(self):
        """What is open before an agent is: servers, a connection and a UDP socket."""
        names = {port: self._serve(script, port) for port, script in (
            (HTTP_PORT, HTTP), (NAME_PORT, ECHO_UDP), (SHORT_PORT, ECHO_TCP), (OLD_TCP_PORT, ECHO_TCP), (OLD_UDP_PORT, ECHO_UDP))}
        self.old = self._start(self.pair.left, OLD, tcp=OLD_TCP_PORT, udp=OLD_UDP_PORT)
        old = rf"\S+\[{self.old.pid}\]"
        self.flows = {OLD_TCP_PORT: Flow(old, names[OLD_TCP_PORT]), OLD_UDP_PORT: Flow(old, names[OLD_UDP_PORT])}
        self.names = names

    def run(self, count=300):
        self.old.stdin.write("go\n")
        self.old.stdin.flush()
        pids = [self._run_command("curl", "-s", "-o", "/dev/null", f"http://{SERVER}:{HTTP_PORT}/") for _ in range(count // 10)]
        self.flows[HTTP_PORT] = Flow(rf"curl\[({'|'.join(map(str, pids))})\]", self.names[HTTP_PORT])
        server = subprocess.Popen(self.pair.right.command("iperf3", "-s", "-1", "-p", IPERF_PORT), stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        client = self._run_command("iperf3", "-c", SERVER, "-p", IPERF_PORT, "-n", "20M")
        server.wait()
        self.flows[IPERF_PORT] = Flow(rf"iperf3\[{client}\]", rf"iperf3\[{server.pid}\]")
        self.flows[NAME_PORT] = Flow(self._run(ASK, port=NAME_PORT, count=count), self.names[NAME_PORT])
        self.flows[SHORT_PORT] = Flow(self._run(CONNECT, port=SHORT_PORT, count=count), self.names[SHORT_PORT])
        self.old.stdout.readline()

    def end(self):
        for process in self.running:
            process.stdin.close()
            process.wait()
            process.stdout.close()

    def attributed(self, path):
        """{server's port: (packets, those whose comment names sender and receiver rightly)} of an export with processes."""
        rows = tshark(path, "-Y", "tcp || udp", "-T", "fields", "-E", "separator=;", "-e", "tcp.srcport", "-e", "tcp.dstport",
                      "-e", "udp.srcport", "-e", "udp.dstport", "-e", "frame.comment").splitlines()
        found = {port: [0, 0] for port in self.flows}
        for row in rows:
            *ports, comment = row.split(";")
            source, destination = (int(port) for port in ports if port)
            to_server = destination in self.flows
            if not to_server and source not in self.flows:
                continue
            flow = self.flows[destination if to_server else source]
            sender, receiver = (flow.client, flow.server) if to_server else (flow.server, flow.client)
            count = found[destination if to_server else source]
            count[0] += 1
            count[1] += bool(re.fullmatch(f"from {sender} to {receiver}", comment))
        return {port: tuple(count) for port, count in found.items()}
