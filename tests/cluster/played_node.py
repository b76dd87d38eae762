# SPDX-License-Identifier: Apache-2.0
"""A node whose kubelet is played: real links, real traffic, a real API server."""
import contextlib
import json
import socket
import subprocess
import threading

from lab.harness import SystemTest
from lab.kubernetes import Api, ApiServer, pod
from lab.kubernetes.cgroups import hierarchies
from lab.network import Namespace, run
from lab.waiting import wait_until

NODE, NODE_ADDRESS, PORT = "node-1", "10.244.255.1", 7000
SECOND_NETWORK = "10.9.0.1", "10.9.0.2"  # the node's address there, and a pod's


def send_from(network, text, address):
    """A datagram."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with network.entered(), socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.encode(), (address, PORT))


class PlayedPod:
    """A namespace with a link that is routed as Calico does it, and an object at the API server."""

    def __init__(self, node, number, namespace, name, address=None, **metadata):
        self.node, self.namespace, self.name, self.metadata = node, namespace, name, metadata
        self.address, self.link = address or f"10.244.{number // 250}.{number % 250 + 2}", f"veth{number}"
        self.path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        self.network = Namespace(f"pod{number}")
        there = f"netns {self.network.name}"
        run("ip", "-batch", "-", input=f"link add {self.link} netns {node.network.name} type veth peer name eth0 {there}\n")
        node.network.ip_batch(f"link set {self.link} up", f"route add {self.address}/32 dev {self.link}")
        self.network.ip_batch(f"addr add {self.address}/32 dev eth0", "link set eth0 up", "route add default dev eth0")

    def add_link(self, name):
        """Another one into its namespace, to `name` on the node, as Multus plugs it in while the pod runs."""
        run("ip", "-batch", "-", input=f"link add {name} netns {self.node.network.name} type veth peer name net1 netns {self.network.name}\n")
        self.node.network.ip_batch(f"link set {name} up", f"addr add {SECOND_NETWORK[0]}/24 dev {name}")
        self.network.ip_batch(f"addr add {SECOND_NETWORK[1]}/24 dev net1", "link set net1 up")

    def change_address(self, address):
        """To an IPv6 address, in place of the one that it has."""
        self.node.network.ip_batch(f"route del {self.address} dev {self.link}", f"route add {address} dev {self.link}")
        self.network.ip_batch("addr flush dev eth0", f"addr add {address}/128 dev eth0 nodad", "route add ::/0 dev eth0")
        self.address = address

    def share(self, device, address):
        """A macvlan device above one of the node's, as Multus puts it in. What it sends to the second network goes to nobody."""
        self.node.network.ip("link", "add", "net1", "link", device, "netns", self.network.name, "type", "macvlan", "mode", "bridge")
        self.network.ip_batch(f"addr add {address}/24 dev net1", "link set net1 up",
                              f"neighbour add {SECOND_NETWORK[0]} lladdr 02:00:00:00:00:01 dev net1")

    def schedule(self):
        manifest = pod(self.name, nodeName=NODE)
        manifest["metadata"].update(namespace=self.namespace, **self.metadata)
        self.uid = self.node.api.request("POST", f"/api/v1/namespaces/{self.namespace}/pods", manifest)["metadata"]["uid"]
        return self

    def run(self):
        """The kubelet tells its address."""
        status = {"phase": "Running", "podIP": self.address, "podIPs": [{"ip": self.address}]}
        self.node.api.request("PATCH", f"{self.path}/status", {"status": status}, "application/merge-patch+json")
        return self

    def complete(self):
        """It has come to its end before the kubelet tells its address."""
        status = {"phase": "Succeeded", "podIP": self.address, "podIPs": [{"ip": self.address}]}
        self.node.api.request("PATCH", f"{self.path}/status", {"status": status}, "application/merge-patch+json")

    def send(self, text, address=NODE_ADDRESS):
        send_from(self.network, text, address)

    @contextlib.contextmanager
    def counting(self):
        """Meanwhile it sends the numbers from 0 on to the node; they are in the list."""
        sent, ending = [], threading.Event()
        with self.network.entered():
            wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

        def work():
            while not ending.wait(0.001):
                wire.sendto(str(len(sent)).encode(), (NODE_ADDRESS, PORT))
                sent.append(str(len(sent)))
        thread = threading.Thread(target=work)
        with wire:
            thread.start()
            try:
                yield sent
            finally:
                ending.set()
                thread.join()

    def connect(self):
        """A SYN to the node, where nobody listens."""
        with self.network.entered(), socket.socket() as client:
            client.setblocking(False)
            client.connect_ex((NODE_ADDRESS, PORT))

    def evict(self):
        """As a kubelet before 1.22 tells it: at once, without its address and containers, though it has its grace period yet."""
        self.node.api.request("PATCH", f"{self.path}/status", [
            {"op": "replace", "path": "/status", "value": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}],
            "application/json-patch+json")

    def terminate(self):
        """It is being deleted, and says that it is running, as long as the kubelet has not told its end."""
        self.node.api.request("DELETE", f"{self.path}?gracePeriodSeconds=30")

    def delete(self):
        self.node.api.request("DELETE", f"{self.path}?gracePeriodSeconds=0")
        self.network.delete()


class Process:
    """One that runs in a pod's network and in the control group that the kubelet makes for the uid."""

    def __init__(self, played, uid):
        self.top = hierarchies()[-1] / f"caprock-{played.network.name}"
        self.folder = self.top / "kubepods" / f"pod{uid}"
        self.folder.mkdir(parents=True)
        join = f"echo $$ >{self.folder}/cgroup.procs && exec sleep infinity"
        self.process = subprocess.Popen(played.network.command("sh", "-c", join))

    def delete(self):
        self.process.kill()
        self.process.wait()
        for folder in (self.folder, self.folder.parent, self.top):
            wait_until(lambda: self._removed(folder), f"{folder} to be empty")

    @staticmethod
    def _removed(folder):
        try:
            folder.rmdir()
        except OSError:
            return False
        return True


class PlayedNode:
    """A namespace with an API server in it."""

    def __init__(self, network, server, namespaces):
        self.network, self.server, self.api = network, server, Api(server)
        network.ip("addr", "add", f"{NODE_ADDRESS}/32", "dev", "lo")
        network.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.proxy_arp=1")
        for namespace in namespaces:
            self.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})

    def send(self, text, address):
        send_from(self.network, text, address)

    def add_pair(self, *pods):
        """Both its ends, `host` and `net`, are the node's, as Cilium has it. What the node sends to the pods goes that way, and no program
        is there to hand it to them."""
        self.network.ip_batch("link add host type veth peer name net", "link set host up", "link set net up", *(
            line for one in pods for line in (f"neighbour add {one.address} lladdr 02:00:00:00:00:01 dev host",
                                              f"route replace {one.address} dev host")))


class PlayedNodeTest(SystemTest):
    def setUp(self):
        super().setUp()
        network = self.make_namespace()
        self.server = ApiServer(self.folder, network)
        self.addCleanup(self.server.delete)
        self.node = PlayedNode(network, self.server, ["shop", "bank"])
        self.number, self.gone = 0, set()

    def make_pod(self, namespace, name, **metadata):
        self.number += 1
        played = PlayedPod(self.node, self.number, namespace, name, **metadata)
        self.addCleanup(lambda: played.network.name in self.gone or played.network.delete())
        return played

    def running_pod(self, *words, **metadata):
        return self.make_pod(*words, **metadata).schedule().run()

    def agent_with(self, **settings):
        return self.make_agent(self.node.network, agent__kubernetes__kubeconfig=self.server.kubeconfig, agent__kubernetes__node=NODE,
                               **settings)

    def targets(self, agent):
        return {one["pod"]: one for one in self.report(agent)["targets"]}

    def report(self, agent):
        return json.loads(agent.client("targets", "-o", "json").stdout)

    def await_targets(self, agent, *names):
        wait_until(lambda: {name for name, one in self.targets(agent).items() if one["targeted"] and one["interfaces"]} == set(names),
                   f"{names} to be the targets: {self.targets(agent)}")

    def recorded(self, agent, port=PORT):
        """The texts of the port's datagrams in the record, in order."""
        capture = self.folder / "export.pcapng"
        agent.client("export", "--force", "--no-events", "--filter", f"udp port {port}", "-o", capture)
        lines = run("tshark", "-r", capture, "-T", "fields", "-e", "udp.payload").split()
        return [bytes.fromhex(line).decode() for line in lines]

    def unplug(self, played):
        """Its network goes, with its link, and its object stays."""
        played.network.delete()
        self.gone.add(played.network.name)

    def vanish(self, played):
        """Its object and its link, before the test's end."""
        played.delete()
        self.gone.add(played.network.name)
