# SPDX-License-Identifier: Apache-2.0
"""What a kubelet tells of a node in trouble. It is played, as a machine that is truly out of memory runs no tests."""
import time

from lab.harness import alone
from lab.readers import journal_entries, tshark
from lab.waiting import wait_until
from played_node import NODE, PORT, PlayedNodeTest

PATH = f"/api/v1/nodes/{NODE}"
LOW = "The node was low on resource: memory. Container main was using 812Mi, which exceeds its request of 0."


def condition(type_, status, reason):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"type": type_, "status": status, "reason": reason, "message": "kubelet says so", "lastTransitionTime": now}


def conditions(pressure, ready=True):
    return [condition("MemoryPressure", *(("True", "KubeletHasInsufficientMemory") if pressure else ("False", "KubeletHasSufficientMemory"))),
            condition("Ready", *(("True", "KubeletReady") if ready else ("False", "KubeletNotReady")))]


class Eviction(PlayedNodeTest):
    def setUp(self):
        super().setUp()
        self.node.api.request("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        self.tell(pressure=False)

    def tell(self, **state):
        self.change(f"{PATH}/status", {"status": {"conditions": conditions(**state)}})

    def change(self, path, change):
        self.node.api.request("PATCH", path, change, "application/merge-patch+json")

    def evict(self, played):
        """As a kubelet does: the object stays, for people to see."""
        self.change(f"{played.path}/status", {"status": {"phase": "Failed", "reason": "Evicted", "message": LOW}})
        self.node.api.request("POST", f"/api/v1/namespaces/{played.namespace}/events", {
            "metadata": {"name": f"{played.name}.1"}, "type": "Warning", "reason": "Evicted", "message": LOW,
            "involvedObject": {"kind": "Pod", "namespace": played.namespace, "name": played.name, "uid": played.uid},
            "source": {"component": "kubelet", "host": NODE}, "count": 1})

    def told(self, agent):
        return [entry["MESSAGE"] for entry in journal_entries(self.export(agent)) if " is there: " not in entry["MESSAGE"]]

    def await_told(self, agent, text):
        wait_until(lambda: any(text in message for message in self.told(agent)), f"\"{text}\": {self.told(agent)}")

    def rows(self, agent):
        """Datagrams, and sentences, in the order that tshark shows them."""
        return [row or "packet" for row in tshark(
            self.export(agent), "-Y", f"udp.port == {PORT} && !icmp || systemd_journal", "-T", "fields",
            "-e", "systemd_journal.message").splitlines()]

    def test_node(self):
        """what Kubernetes tells about the node itself stands between the packets, and what it tells about another one does not"""
        front = self.running_pod("shop", "front")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        wait_until(lambda: all(one["synced"] for one in self.report(agent)["resources"]), "all to be followed")
        front.send("before")
        wait_until(lambda: self.recorded(agent), "the datagram")
        self.tell_event("node-2", "NodeNotReady", "Node node-2 status is now: NodeNotReady", "node-controller")
        self.tell_event(NODE, "SystemOOM", "System OOM encountered, victim process: tail, pid: 4711", "kubelet")
        self.await_told(agent, "SystemOOM")
        front.send("behind")
        wait_until(lambda: len(self.recorded(agent)) == 2, "the datagram")
        rows = self.rows(agent)
        self.assertEqual(rows[rows.index("packet"):], [
            "packet", f"kubelet about node {NODE}: SystemOOM: System OOM encountered, victim process: tail, pid: 4711", "packet"])

    def tell_event(self, node, reason, message, component):
        self.node.api.request("POST", "/api/v1/namespaces/default/events", {
            "metadata": {"name": f"{node}.{reason.lower()}"}, "type": "Warning", "reason": reason, "message": message,
            "involvedObject": {"kind": "Node", "name": node, "uid": node}, "source": {"component": component, "host": node}, "count": 1})

    def test_drain(self):
        """a pod that is evicted by a drain, and who wants that, stand in front of its deletion"""
        front = self.running_pod("shop", "front")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        # Kubernetes 1.20, which serves here, says nothing but the deletion; since 1.25 the condition goes ahead of it.
        disruption = condition("DisruptionTarget", "True", "EvictionByEvictionAPI")
        self.change(f"{front.path}/status", {"status": {"conditions": [{**disruption, "message": "Eviction API: evicting"}]}})
        self.node.api.request("POST", f"{front.path}/eviction", {
            "apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": "front", "namespace": "shop"},
            "deleteOptions": {"gracePeriodSeconds": 30}})
        self.await_told(agent, "is being deleted")
        self.assertEqual([one for one in self.told(agent) if one.startswith("pod ")], [
            "pod shop/front is being evicted: EvictionByEvictionAPI: Eviction API: evicting", "pod shop/front is being deleted"])

    @alone
    def test_pressure(self):
        """a node that runs out of memory, the pod that is evicted for it and the node's way back stand between the pod's packets"""
        front = self.running_pod("shop", "front")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        front.send("before")
        self.tell(pressure=True)
        self.await_told(agent, "MemoryPressure True")
        front.send("its last")
        wait_until(lambda: "its last" in self.recorded(agent), "the pod's last datagram")
        self.evict(front)
        self.await_told(agent, "kubelet about pod shop/front")
        self.change(PATH, {"spec": {"unschedulable": True}})
        self.await_told(agent, "was cordoned")
        self.tell(pressure=False, ready=False)
        self.await_told(agent, "Ready False")
        self.change(PATH, {"spec": {"unschedulable": None}})
        self.tell(pressure=False)
        self.await_told(agent, "Ready True")
        rows = self.rows(agent)
        packets = [number for number, row in enumerate(rows) if row == "packet"]
        self.assertEqual(rows[packets[0]:], [
            "packet", "node node-1 has condition MemoryPressure True: KubeletHasInsufficientMemory: kubelet says so",
            "packet", f"pod shop/front was evicted: Evicted: {LOW}", f"kubelet about pod shop/front: Evicted: {LOW}",
            "node node-1 was cordoned",
            "node node-1 has condition MemoryPressure False: KubeletHasSufficientMemory: kubelet says so",
            "node node-1 has condition Ready False: KubeletNotReady: kubelet says so",
            "node node-1 takes new pods again", "node node-1 has condition Ready True: KubeletReady: kubelet says so"])
