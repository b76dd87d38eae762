# SPDX-License-Identifier: Apache-2.0
"""What the containers of a pod say to each other over loopback, on a node whose kubelet is played."""
import json
import subprocess
import time
import uuid

from lab.kubernetes.cgroups import ControlGroups
from lab.network import run
from lab.waiting import wait_until

from played_node import PlayedNodeTest, PlayedPod

PORT = 7001
# Two containers: one repeats what the other one says over loopback, told by a line of input each.
SIDECAR = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('127.0.0.1', {port}))
print('ready', flush=True)
while True:
    data, sender = server.recvfrom(1000)
    server.sendto(b'heard ' + data, sender)
"""
APPLICATION = """
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(('127.0.0.1', {port}))
print('ready', flush=True)
for line in sys.stdin:
    client.send(line.strip().encode())
    print(client.recv(1000).decode(), flush=True)
"""


class PodWithContainers(PlayedPod):
    """One that has processes, in control groups as the kubelet makes them."""

    def __init__(self, groups, *words, **metadata):
        super().__init__(*words, **metadata)
        self.groups = groups

    def start(self, first=()):
        """`first`: what runs in it before its containers do."""
        uid = self.node.api.request("GET", self.path)["metadata"]["uid"]
        self.first = self._process(uid, *first) if first else None
        self.sidecar, self.application = (self._container(uid, program) for program in (SIDECAR, APPLICATION))
        return self

    def _process(self, uid, *words):
        group = self.groups.folders[0] / "kubepods" / f"pod{uid}" / (uuid.uuid4().hex * 2)
        group.mkdir(parents=True)
        join = f'echo $$ >{group}/cgroup.procs && exec "$@"'
        return subprocess.Popen(self.network.command("sh", "-c", join, "sh", *words),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _container(self, uid, program):
        process = self._process(uid, "python3", "-c", program.format(port=PORT))
        assert process.stdout.readline() == "ready\n"
        return process

    def talk(self, *texts):
        for text in texts:
            print(text, file=self.application.stdin, flush=True)
            assert self.application.stdout.readline() == f"heard {text}\n"

    def stop(self):
        for process in filter(None, (self.first, self.sidecar, self.application)):
            process.kill()
            process.communicate()

    def programs(self):
        """What is attached to its loopback."""
        attached = json.loads(self.network.run("bpftool", "-j", "net", "show", "dev", "lo"))
        return [one["name"] for one in attached[0]["tc"]]


def said(*texts):
    return sorted([*texts, *(f"heard {text}" for text in texts)])


class Loopback(PlayedNodeTest):
    def setUp(self):
        super().setUp()
        self.groups = ControlGroups(self.node.network.name)
        self.addCleanup(self.groups.delete)

    def pod(self, namespace, name, **how):
        self.number += 1
        played = PodWithContainers(self.groups, self.node, self.number, namespace, name).schedule().run().start(**how)
        self.addCleanup(played.network.delete)
        self.addCleanup(played.stop)
        return played

    def agent_with(self, **settings):
        return super().agent_with(tap__namespaces="[shop]", **settings).start()

    def loopbacks(self, agent):
        """Of which pods the loopback is recorded."""
        return sorted(one["description"] for one in agent.status()["interfaces"] if one["hook"] and one["description"].endswith(", loopback"))

    def await_loopbacks(self, agent, *pods):
        wait_until(lambda: self.loopbacks(agent) == [f"pod {pod}, loopback" for pod in pods],
                   f"the loopback of {pods}: {agent.status()['interfaces']}, {self.targets(agent)}")

    def recorded(self, agent):
        return sorted(super().recorded(agent, PORT))

    def await_recorded(self, agent, *texts):
        wait_until(lambda: len(self.recorded(agent)) >= 2 * len(texts), f"what was said: {self.recorded(agent)}")
        time.sleep(0.3)  # for what is there twice
        self.assertEqual(self.recorded(agent), said(*texts))

    def leftovers(self, agent):
        """Pins of links, and policies, of namespaces."""
        pins = [pin.name for pin in agent.pins.glob("link_*") if int(pin.name.split("_")[1]) >= 1 << 31]
        for path in agent.pins.rglob("if_policy"):
            keys = [int.from_bytes(bytes(int(byte, 16) for byte in one["key"]), "little")
                    for one in json.loads(run("bpftool", "-j", "map", "dump", "pinned", path))]
            pins += [key for key in keys if key >= 1 << 31]
        return pins

    def test_once(self):
        """what containers say to each other is recorded once, of targets alone, and only where it is asked for; live"""
        front, till = self.pod("shop", "front"), self.pod("bank", "till")
        agent = self.agent_with()
        wait_until(lambda: self.targets(agent).get("front", {}).get("interfaces"), "the pod's link")
        front.talk("off")
        self.assertEqual(front.programs(), [])
        self.assert_stopped(agent)
        agent.settings["agent.podLoopback"] = "true"
        agent.start()
        self.await_loopbacks(agent, "shop/front")
        front.talk("one", "two"), till.talk("secret")
        self.await_recorded(agent, "one", "two")
        self.assertIn("lo", self.targets(agent)["front"]["interfaces"])
        agent.client("capture", "--namespaces", "bank")
        self.await_loopbacks(agent, "bank/till")
        self.assertEqual(front.programs(), [])
        front.talk("three"), till.talk("no secret")
        self.await_recorded(agent, "one", "two", "no secret")
        self.assert_stopped(agent)
        self.assertEqual(till.programs(), [])

    def test_own_network(self):
        """a process that has made itself a network in its pod is not taken for the pod: what the containers say to each other is recorded"""
        front = self.pod("shop", "front", first=("unshare", "--net", "sleep", "infinity"))
        agent = self.agent_with(agent__podLoopback="true")
        self.await_loopbacks(agent, "shop/front")
        self.assertEqual(front.programs(), ["pod_ingress"])
        front.talk("one")
        self.await_recorded(agent, "one")

    def test_reload(self):
        """it is turned on and off by a reload, and nothing stays in the pod"""
        front, config = self.pod("shop", "front"), self.folder / "caprock.yaml"
        config.write_text("agent: {podLoopback: true}\n")
        agent = self.agent_with(config=config)
        self.await_loopbacks(agent, "shop/front")
        front.talk("on")
        config.write_text("agent: {podLoopback: false}\n")
        self.await_loopbacks(agent)
        self.assertEqual(front.programs(), [])
        self.assertEqual(self.leftovers(agent), [])
        front.talk("off")
        config.write_text("agent: {podLoopback: true}\n")
        self.await_loopbacks(agent, "shop/front")
        front.talk("on again")
        self.await_recorded(agent, "on", "on again")

    def test_restart(self):
        """a restart and a kill leave no gap, and repeat nothing"""
        front = self.pod("shop", "front")
        agent = self.agent_with(agent__podLoopback="true", agent__onStop="keep")
        self.await_loopbacks(agent, "shop/front")
        front.talk("before")
        self.assert_stopped(agent)
        front.talk("stopped")
        agent.start()
        front.talk("started")
        self.await_loopbacks(agent, "shop/front")
        agent.process.kill(), agent.process.wait()
        front.talk("killed")
        agent.start()
        self.await_loopbacks(agent, "shop/front")
        front.talk("after")
        self.await_recorded(agent, "before", "stopped", "started", "killed", "after")
        self.assert_stopped(agent)
        run(*self.node.network.command(agent.command()[3], "agent", "--uninstall", *[word for word in agent.command()[5:]]))
        self.assertEqual(front.programs(), [])
        self.assertFalse(agent.pins.exists())

    def test_gone(self):
        """of a pod that goes, also while no agent runs, nothing stays behind"""
        front, store = self.pod("shop", "front"), self.pod("shop", "store")
        agent = self.agent_with(agent__podLoopback="true", agent__onStop="keep")
        self.await_loopbacks(agent, "shop/front", "shop/store")
        front.stop()
        self.node.api.request("DELETE", f"{front.path}?gracePeriodSeconds=0")
        self.await_loopbacks(agent, "shop/store")
        self.assertEqual(front.programs(), [])
        self.assert_stopped(agent)
        self.assertEqual(store.programs(), ["pod_ingress"])
        store.stop()
        self.node.api.request("DELETE", f"{store.path}?gracePeriodSeconds=0")
        agent.start()
        self.await_loopbacks(agent)
        wait_until(lambda: not self.leftovers(agent), f"nothing to stay: {self.leftovers(agent)}")
        self.assertEqual(store.programs(), [])
