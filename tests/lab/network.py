# SPDX-License-Identifier: Apache-2.0
"""Network namespaces and the veth links between them."""
import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
RTM_SETLINK, NLM_F_REQUEST, NLM_F_ACK = 19, 1, 4
BIG_TCP_LIMITS = {"IFLA_GSO_MAX_SIZE": 41, "IFLA_GRO_MAX_SIZE": 58, "IFLA_GSO_IPV4_MAX_SIZE": 63, "IFLA_GRO_IPV4_MAX_SIZE": 64}
libc = ctypes.CDLL(None, use_errno=True)


def run(*command, **options):
    """Runs a command; a failure raises with what it wrote."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Namespace:
    """A named network namespace. Commands enter it by nsenter: `ip netns exec` would hide the bpffs."""

    def __init__(self, name):
        self.name = f"caprock-{name}-{os.getpid()}"
        run("ip", "netns", "add", self.name)
        self.path = f"/run/netns/{self.name}"
        self.ip("link", "set", "lo", "up")

    def delete(self):
        run("ip", "netns", "del", self.name)

    def command(self, *words):
        return ["nsenter", f"--net={self.path}", "--", *map(str, words)]

    def run(self, *words, **options):
        return run(*self.command(*words), **options)

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def ip_batch(self, *lines):
        """Several commands of ip by one process."""
        run("ip", "-n", self.name, "-batch", "-", input="\n".join(lines) + "\n")

    @contextlib.contextmanager
    def entered(self):
        """This thread in the namespace; sockets made within stay in it."""
        with open("/proc/thread-self/ns/net") as home, open(self.path) as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(home)

    @staticmethod
    def _enter(namespace):
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def set_link(self, device, attributes):
        """Sets numbers of a device by rtnetlink; `attributes` are (code, value)."""
        with self.entered():
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
            index = socket.if_nametoindex(device)
        link = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, 0, 0)
        link += b"".join(struct.pack("=HHI", 8, code, value) for code, value in attributes)
        with netlink:
            netlink.send(struct.pack("=IHHII", 16 + len(link), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 0, 0) + link)
            (error,) = struct.unpack_from("=i", netlink.recv(4096), 16)
        if error:
            raise OSError(-error, f"{os.strerror(-error)}: set {attributes} of {device}")

    def packets(self, device, *directions):
        """Packets that the device has seen so far, of "rx", "tx" or both."""
        link = json.loads(self.ip("-s", "-j", "link", "show", "dev", device))[0]
        return sum(link["stats64"][direction]["packets"] for direction in directions)


class Pair:
    """Two namespaces, `left` and `right`, joined by a veth: device `west` on the left, `east` on the right."""

    def __init__(self, name, mtu=1500, addresses=True):
        self.left, self.right = Namespace(f"{name}-l"), Namespace(f"{name}-r")
        run("ip", "link", "add", "west", "netns", self.left.name, "mtu", mtu, "address", "02:00:00:00:00:01",
            "type", "veth", "peer", "name", "east", "netns", self.right.name, "mtu", mtu, "address", "02:00:00:00:00:02")
        for side, device, host in ((self.left, "west", 1), (self.right, "east", 2)):
            if addresses:
                side.ip("addr", "add", f"10.77.0.{host}/24", "dev", device)
                side.ip("addr", "add", f"fd77::{host}/64", "dev", device, "nodad")
            else:  # nothing but what the test sends
                side.run("sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")
            side.ip("link", "set", device, "up")

    def allow_big_tcp(self, size):
        """TCP may hand over `size` bytes at once, of IPv6 and IPv4. Not by `ip link`, which knows it for IPv4 from 6.3 on."""
        for side, device in ((self.left, "west"), (self.right, "east")):
            side.set_link(device, [(code, size) for code in BIG_TCP_LIMITS.values()])

    def delete(self):
        self.left.delete()
        self.right.delete()
