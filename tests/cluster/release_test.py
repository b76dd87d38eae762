# SPDX-License-Identifier: Apache-2.0
"""caprock as its users have it: installed by the chart on a cluster, recording pods that serve each other."""
import json
import re
import socket
import threading
import time
from collections import Counter
from pathlib import Path

from chart import CHART, helm_path
from recorded_cluster import assert_in_order
from lab.agent import CAPROCK
from lab.capability import SYS_RESOURCE, is_held
from lab.harness import SystemTest
from lab.kubernetes import Cluster, build_image, pod
from lab.kubernetes.programs import program
from lab.network import Namespace, run
from lab.waiting import wait_until

RELEASE, NAMESPACE = "caprock", "flight"
DAEMON_SET = f"daemonset/{RELEASE}-agent"
PORT = "8080"
LIVE_SECONDS = 1
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/helm.md"
TOLD_SECONDS = 60  # in which the kubelet tells a pod's address, or brings it another configuration
VALUES = {
    "image": {"repository": "localhost/caprock", "tag": "test", "pullPolicy": "Never"},
    "tap": {"regex": ".*", "namespaces": ["shop"], "excludedNamespaces": [],
            "capture": {"stopped": False, "stopAfter": "5m", "raw": {"enabled": True, "storageSize": "64Mi"}, "dbMaxSize": "500Mi"}},
    "agent": {"stageSize": "32Mi"},
    "resources": {"nodeCpus": 2},
}


def in_namespace(namespace, manifest):
    manifest["metadata"]["namespace"] = namespace
    return manifest


class NumberedSender:
    """Datagrams with numbers in them, 500 a second, from a network namespace."""

    def __init__(self, network, destination):
        self.network, self.destination, self.sent, self.ending = network, destination, 0, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        with open(self.network) as there:
            Namespace._enter(there)  # the thread ends in it
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            while not self.ending.wait(0.002):
                wire.sendto(str(self.sent).encode(), self.destination)
                self.sent += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()


class Release(SystemTest):
    def setUp(self):
        super().setUp()
        self.cluster = Cluster(self.folder)
        self.addCleanup(self.cluster.delete)
        self.cluster.load(build_image("caprock", CAPROCK))
        self.cluster.kubectl("create", "namespace", NAMESPACE)
        self.values = self.folder / "values.json"

    def helm(self, *words):
        command = self.cluster.place.command(helm_path(), "--kubeconfig", self.cluster.kubeconfig, "-n", NAMESPACE, *words)
        return run(*command, cwd=self.folder)

    def install(self, **changes):
        self.give(**changes)
        self.await_rollout()

    def give(self, **changes):
        self.values.write_text(json.dumps({**VALUES, **changes}))
        self.helm("upgrade", "--install", RELEASE, CHART, "-f", self.values)

    def await_rollout(self):
        self.cluster.kubectl("-n", NAMESPACE, "rollout", "status", DAEMON_SET, "--timeout=90s")

    def caprock(self, *words):
        try:
            return self.cluster.kubectl("-n", NAMESPACE, "exec", DAEMON_SET, "--", "caprock", *words)
        except RuntimeError as error:
            raise RuntimeError(f"{error}; of an agent that ended before: {self.last_words()}") from None

    def last_words(self):
        try:
            return self.cluster.kubectl("-n", NAMESPACE, "logs", DAEMON_SET, "--previous", "--tail=8")
        except RuntimeError as error:
            return error

    def targets(self):
        return {one["pod"]: one for one in json.loads(self.caprock("targets", "-o", "json"))["targets"]}

    def export(self, since="-5m"):
        """The last minutes, as a file here."""
        inside = "/var/lib/caprock/out.pcapng"
        self.caprock("export", "--from", since, "--force", "-o", inside)
        return self.cluster.node.path(inside)

    def fields(self, capture, condition, *names):
        words = [word for name in names for word in ("-e", name)]
        return run("tshark", "-r", capture, "-N", "n", "-Y", condition, "-T", "fields", *words).splitlines()

    def make_shops(self):
        """A web server and a client in each of two namespaces."""
        for namespace in ("shop", "bank"):
            self.cluster.kubectl("create", "namespace", namespace)
            self.cluster.apply(in_namespace(namespace, pod(f"{namespace}-web", "httpd", "-f", "-p", PORT, "-h", "/etc")),
                               in_namespace(namespace, pod(f"{namespace}-client")))
        for namespace in ("shop", "bank"):
            for kind in ("web", "client"):
                self.cluster.wait(f"pod/{namespace}-{kind}", namespace=namespace)

    def get(self, namespace, path):
        """The client's request to the server of its namespace. The shell is there for a moment longer: with cgroup v1 the agent can tell
        a process's pod as long as there is one."""
        address = self.cluster.pod_address(f"{namespace}-web", namespace)
        self.cluster.kubectl("-n", namespace, "exec", f"{namespace}-client", "--", "sh", "-c",
                             f"timeout 10 wget -qO- http://{address}:{PORT}/{path}; sleep 0.3")

    def requests(self):
        return [line.strip("/") for line in self.fields(self.export(), "http.request", "http.request.uri")]

    def test_story(self):
        """of the namespaces asked for alone, and as the filter is changed, the record has each request once, with the pods' names, and
        what became of the pods between the packets; other values are in force without a restart"""
        self.install()
        begun = time.monotonic()
        self.make_shops()
        self.await_targets("shop-web", "shop-client")
        self.assert_may_follow()
        self.get("shop", "one"), self.get("bank", "two")
        self.caprock("capture", "--namespaces", "bank")
        time.sleep(LIVE_SECONDS)
        self.get("shop", "three"), self.get("bank", "four")
        self.cluster.kubectl("-n", "shop", "delete", "pod", "shop-web", "--wait")
        wait_until(lambda: len(self.requests()) >= 2, f"the requests: {self.caprock('status')}")
        self.assertEqual(self.requests(), ["one", "four"])
        self.check_order(begun)
        capture = self.export()
        (names,) = set(self.fields(capture, 'http.request.uri == "/one"', "ip.src_host", "ip.dst_host"))
        self.assertEqual(names.split("\t"), ["shop/shop-client", "shop/shop-web"])
        agents = self.agents()
        self.install(tap={**VALUES["tap"], "namespaces": ["shop", "bank"]})
        self.await_targets("shop-client", "bank-client", "bank-web")
        self.assertEqual(self.agents(), agents, "a change of values is no reason to start anew")

    def check_order(self, begun):
        """What became of the pod stands between the requests that it explains: in the last minute's record, where all that was in it."""
        def rows():
            seconds = max(60, time.monotonic() - begun + 15)
            lines = self.fields(self.export(f"-{seconds:.0f}s"), 'http.request || systemd_journal && frame contains "CAPROCK_POD=shop-web"',
                                "systemd_journal.message", "http.request.uri")
            return [line.strip() for line in lines]
        wait_until(lambda: any("pod shop/shop-web is gone" in row for row in rows()), f"the pod's end to be told: {rows()}")
        assert_in_order(self, rows(), "pod shop/shop-web was scheduled to node node", "container main of pod shop/shop-web started",
                        "pod shop/shop-web is ready", "/one", "/four", "pod shop/shop-web is being deleted", "pod shop/shop-web is gone")

    def await_targets(self, *names):
        def found():
            return {name for name, one in self.targets().items() if one["targeted"] and one["interfaces"]}
        wait_until(lambda: found() == set(names), f"the targets to be {names}: {self.targets()}", TOLD_SECONDS)

    def assert_may_follow(self):
        """All that an agent asks for the chart gives it the right to."""
        def resources():
            return json.loads(self.caprock("targets", "-o", "json"))["resources"]
        wait_until(lambda: resources() and all(one["synced"] for one in resources()), f"all to be followed: {resources()}")
        self.assertEqual([one for one in resources() if one["error"]], [])

    def images(self):
        """Of the agents that are ready, as their pods name them."""
        return {one["spec"]["containers"][0]["image"] for one in self.cluster.get("-n", NAMESPACE, "pods")["items"]
                if one["status"]["containerStatuses"][0]["ready"]}

    def agents(self):
        """(pod, how often it has started again)"""
        return [(one["metadata"]["name"], one["status"]["containerStatuses"][0]["restartCount"])
                for one in self.cluster.get("-n", NAMESPACE, "pods")["items"]]

    def test_capabilities(self):
        """with securityContext.mode: capabilities an agent finds and records pods, names their processes, goes on where the one before
        it ended, and leaves nothing attached"""
        self.give(securityContext={"mode": "capabilities"}, agent={**VALUES["agent"], "podLoopback": True})
        self.leave_out_capabilities_that_nobody_has()
        self.await_rollout()
        self.make_shops()
        self.await_loopback()
        self.get("shop", "one")
        self.cluster.kubectl("-n", NAMESPACE, "rollout", "restart", DAEMON_SET)
        self.await_rollout()
        self.await_loopback()
        self.get("shop", "two")
        wait_until(lambda: len(self.requests()) >= 2, f"the requests: {self.caprock('status')}")
        self.assertEqual(self.requests(), ["one", "two"])
        begun = self.fields(self.export(), 'frame contains "CAPROCK_EVENT=exec" && frame contains "CAPROCK_POD=shop-client"',
                            "systemd_journal.message")
        self.assertTrue(any("wget" in message for message in begun), begun)
        self.assertEqual(json.loads(self.caprock("status", "-o", "json"))["errors"], [])
        self.uninstall()

    def leave_out_capabilities_that_nobody_has(self):
        """A machine without SYS_RESOURCE cannot give it, and needs it with a kernel before 5.11 only."""
        if is_held(SYS_RESOURCE):
            return
        path = "/spec/template/spec/containers/0/securityContext/capabilities/add"
        given = self.cluster.get("-n", NAMESPACE, DAEMON_SET)
        for part in path.strip("/").split("/"):
            given = given[int(part) if part.isdigit() else part]
        patch = [{"op": "replace", "path": path, "value": [name for name in given if name != "SYS_RESOURCE"]}]
        self.cluster.kubectl("-n", NAMESPACE, "patch", DAEMON_SET, "--type=json", "-p", json.dumps(patch))

    def await_loopback(self):
        """Until the pods of the shop are recorded, on their links and inside."""
        def found():
            return {name for name, one in self.targets().items() if one["targeted"] and len(one["interfaces"]) == 2}
        wait_until(lambda: found() == {"shop-web", "shop-client"}, f"the targets: {self.targets()}", 20)

    def uninstall(self):
        """Nothing of the agent stays on the node but its record."""
        self.helm("uninstall", RELEASE)
        self.await_end()
        self.assertEqual(self.left(), ([], []))

    def await_end(self):
        wait_until(lambda: not self.cluster.kubectl("-n", NAMESPACE, "get", "pods", "-o", "name"), "the agent to end", 60)

    def left(self):
        """What of an agent is on the node: pins, and programs at devices."""
        node = self.cluster.node
        return (list(node.path("/sys/fs/bpf").rglob("*caprock*/*")), re.findall("tc_(?:in|e)gress", node.run("bpftool", "net")))

    def network_of(self, address):
        """The network namespace of the pod that has the address."""
        for path in self.cluster.node.path("/run/netns").glob("cni-*"):
            if address in run("nsenter", f"--net={path}", "ip", "-o", "addr"):
                return path
        raise RuntimeError(f"no pod has {address}")

    def assert_once(self, capture, sender):
        """All that it sent is there, and nothing twice."""
        address, port = sender.destination
        payloads = self.fields(capture, f"!icmp && ip.dst == {address} && udp.dstport == {port}", "udp.payload")
        times = Counter(int(bytes.fromhex(text)) for text in payloads)
        self.assertEqual([number for number in range(sender.sent) if number not in times], [], f"lost of port {port}")
        self.assertEqual([number for number, count in times.items() if count > 1], [], f"more than once of port {port}")

    def test_upgrade(self):
        """an upgrade to another image loses no packet between targets, in either direction, nor what another pod says to one, and doubles
        none; nothing stays attached where values take the node out, or after an uninstall"""
        tap = VALUES["tap"]
        self.install(tap=tap)
        self.make_shops()
        near, far = (self.cluster.pod_address(f"shop-{kind}", "shop") for kind in ("client", "web"))
        self.cluster.load(build_image("caprock", CAPROCK, "next"))
        with (NumberedSender(self.network_of(near), (far, 9000)) as sender, NumberedSender(self.network_of(far), (near, 9001)) as back,
              NumberedSender(self.network_of(self.cluster.pod_address("bank-web", "bank")), (far, 9002)) as stranger):
            self.assertEqual(self.images(), {"localhost/caprock:test"})
            self.install(tap=tap, image={**VALUES["image"], "tag": "next"})
            time.sleep(2)
        self.assertEqual(self.images(), {"localhost/caprock:next"})
        self.assert_may_follow()
        capture = self.export()
        for one in (sender, back, stranger):  # of whom a target hears
            self.assert_once(capture, one)
        self.assertTrue(all(self.left()))
        self.give(tap=tap, daemonSet={"nodeSelector": {"recorded": "yes"}})
        self.await_end()
        self.assertEqual(self.left(), ([], []))
        self.cluster.kubectl("label", "node", "node", "recorded=yes")
        wait_until(lambda: self.agents(), "an agent to come back")
        self.await_rollout()
        self.assertTrue(all(self.left()))
        self.uninstall()

    def test_remove_record(self):
        """the commands of the documentation remove the record before an uninstall, and nothing of it is there afterwards"""
        self.install()
        (commands,) = re.findall("^```\n(for pod in .*?)^```", DOCUMENT.read_text(), re.M | re.S)
        kubectl = f'kubectl() {{ {program("kubectl")} --kubeconfig {self.cluster.kubeconfig} "$@"; }}\n'
        folder = self.cluster.node.path("/var/lib/caprock")
        self.assertIn("ring.pcapng", {one.name for one in folder.iterdir()})
        run(*self.cluster.place.command("bash", "-c", kubectl + commands.replace("-n caprock", f"-n {NAMESPACE}")))
        self.uninstall()
        self.assertLessEqual({one.name for one in folder.iterdir()}, {"pods.json"})

    def test_clean_up(self):
        """what an agent left that could not see that it was uninstalled, the pod of the documentation removes"""
        self.install(daemonSet={"extraEnv": [{"name": "CAPROCK_DAEMONSET", "value": ""}]})
        self.helm("uninstall", RELEASE)
        self.await_end()
        self.assertTrue(all(self.left()))
        (manifest,) = [block for block in re.findall("^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S) if "kind: Pod\n" in block]
        path = self.folder / "clean-up.yaml"
        path.write_text(manifest.replace("NODE", "node").replace("REGISTRY/caprock", "localhost/caprock:test"))
        self.cluster.kubectl("-n", NAMESPACE, "apply", "-f", path)
        wait_until(lambda: self.cluster.get("-n", NAMESPACE, "pod/caprock-clean-up")["status"]["phase"] == "Succeeded", "the pod to end", 60)
        self.assertEqual(self.left(), ([], []))
