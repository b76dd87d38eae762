# SPDX-License-Identifier: Apache-2.0
"""What a CNI hands to a pod past the pod's link (bpf_redirect_peer), on a node whose kubelet is played."""
import ipaddress
import json
import signal
import socket
from pathlib import Path

from lab.agent import WITHOUT_BTF
from lab.network import Namespace, run
from lab.waiting import wait_until
from played_node import PORT, PlayedNodeTest, Process, send_from

PROGRAM = Path(__file__).parent / "service.bpf.c"
OUTSIDE, SERVICE = "192.0.2.2", "192.0.2.1"


def listener(network, address):
    """A socket of the pod's."""
    with network.entered():
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind((address, PORT))
        wire.settimeout(5)
        return wire


class PastLink(PlayedNodeTest):
    def setUp(self):
        super().setUp()
        self.outside = Namespace(f"outside-{self.node.network.name}")
        self.addCleanup(self.outside.delete)
        run("ip", "link", "add", "nic", "netns", self.node.network.name, "type", "veth", "peer", "name", "eth0", "netns", self.outside.name)
        self.node.network.ip_batch(f"addr add {SERVICE}/24 dev nic", "link set nic up", f"route add default via {OUTSIDE}")
        self.outside.ip_batch(f"addr add {OUTSIDE}/24 dev eth0", "link set eth0 up", f"route add default via {SERVICE}")

    def serve(self, played):
        """What comes to the node's address is the pod's, which it gets past its link."""
        program, node = self.folder / "service.o", self.node.network
        link = json.loads(node.ip("-j", "link", "show", played.link))[0]["ifindex"]
        run("clang", "-O2", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", f"-DSERVICE={int(ipaddress.ip_address(SERVICE))}",
            f"-DPOD={int(ipaddress.ip_address(played.address))}", f"-DPORT={PORT}", f"-DLINK={link}", "-c", PROGRAM, "-o", program)
        node.run("tc", "qdisc", "replace", "dev", "nic", "clsact")
        node.run("tc", "filter", "replace", "dev", "nic", "ingress", "prio", "5", "handle", "1", "bpf", "da", "obj", program, "sec", "tc")

    def pod_with_process(self, namespace, name):
        played = self.running_pod(namespace, name)
        process = Process(played, played.uid)
        self.addCleanup(process.delete)
        return played

    def await_end(self, agent, played):
        def hooks():
            return [one["hook"] for one in agent.status()["interfaces"] if one["name"] == played.link]
        wait_until(lambda: any(hook.endswith("in the pod") for hook in hooks()), f"the pod's end: {hooks()}")

    def get(self, wire, text):
        self.assertEqual(wire.recv(100).decode(), text)

    def test_translated(self):
        """what comes to the node's address and is handed to a target past its link is recorded there once, of no other pod, and over a
        restart of the agent"""
        front, till = self.pod_with_process("shop", "front"), self.pod_with_process("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]", agent__onStop="keep").start()
        self.await_end(agent, front)
        with listener(front.network, front.address) as wire:
            self.serve(front)
            send_from(self.outside, "translated", SERVICE)
            self.get(wire, "translated")
            send_from(self.outside, "by its own address", front.address)
            self.get(wire, "by its own address")
            self.node.send("by its link", front.address)
            self.get(wire, "by its link")
            self.assertEqual(agent.stop(), 0)
            send_from(self.outside, "meanwhile", SERVICE)
            self.get(wire, "meanwhile")
            agent.start()
            self.await_end(agent, front)
            send_from(self.outside, "after it", SERVICE)
            self.get(wire, "after it")
        with listener(till.network, till.address) as wire:
            self.serve(till)
            send_from(self.outside, "another pod's", SERVICE)
            self.get(wire, "another pod's")
        expected = ["translated", "by its own address", "by its link", "meanwhile", "after it"]
        wait_until(lambda: len(self.recorded(agent)) >= len(expected), f"the datagrams: {self.recorded(agent)}")
        self.assertEqual(self.recorded(agent), expected)
        self.assert_stopped(agent)

    def test_without_btf(self):
        """where the kernel does not tell its types the status says that what goes past links is not seen inside of pods"""
        front = self.pod_with_process("shop", "front")
        agent = self.agent_with(prefix=WITHOUT_BTF, tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")

        def told():
            return [one["message"] for one in agent.status()["errors"] if "inside of pods" in one["message"]]
        wait_until(told, "the status to say so")
        self.assertRegex(told()[0], "^nothing is recorded inside of pods, neither their loopback nor what is sent to them past their links: .")

    def inside(self, played):
        """What is attached to the pod's end of its link."""
        return [one["name"] for one in json.loads(played.network.run("bpftool", "-j", "net", "show", "dev", "eth0"))[0]["tc"]]

    def leftovers(self, agent):
        """Pins of ends, and what the programs know of ends."""
        pins = [pin.name for pin in agent.pins.rglob("link_*_end")]
        return pins + [one for path in agent.pins.rglob("pod_ends") for one in json.loads(run("bpftool", "-j", "map", "dump", "pinned", path))]

    def test_leftovers(self):
        """inside of a pod that is no target any more nothing is attached, whether the agent was there or not; no more after its end"""
        front, store = self.pod_with_process("shop", "front"), self.pod_with_process("shop", "store")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_end(agent, front), self.await_end(agent, store)
        self.assertEqual((self.inside(front), self.inside(store)), (["pod_end"], ["pod_end"]))
        agent.client("capture", "--regex", "^store")
        wait_until(lambda: not self.inside(front), "nothing to be inside of front")
        self.assertEqual((self.inside(store), len(self.leftovers(agent))), (["pod_end"], 2))
        agent.stop(signal.SIGKILL)
        agent.settings["tap.regex"] = "^front"
        agent.start()
        self.await_end(agent, front)
        wait_until(lambda: not self.inside(store), "nothing to be inside of store")
        self.assertEqual((self.inside(front), len(self.leftovers(agent))), (["pod_end"], 2))
        self.vanish(front)
        wait_until(lambda: not self.leftovers(agent), f"nothing to be left of front: {self.leftovers(agent)}")
        self.assert_stopped(agent)
        self.assertEqual(self.inside(store), [])
