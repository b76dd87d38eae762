# SPDX-License-Identifier: Apache-2.0
"""A cluster whose pods of the namespace `shop` are recorded, and what a reader finds in the record."""
import json
import time

from lab.harness import SystemTest
from lab.kubernetes import Cluster, pod
from lab.kubernetes.cluster import NAME
from lab.network import run
from lab.readers import journal_entries
from lab.waiting import wait_until

PORT = "8080"
KUBERNETES = 'frame contains "CAPROCK_LAYER=kubernetes"'
TOLD_SECONDS = 30  # in which the kubelet does, and tells, what it is asked for


def of(namespace, manifest):
    manifest["metadata"]["namespace"] = namespace
    return manifest


def script(name, text, **options):
    """A pod whose shell runs the text."""
    return pod(name, "sh", "-c", text, **options)


def web_server(name, **options):
    return pod(name, "httpd", "-f", "-p", PORT, "-h", "/etc", **options)


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": int(PORT)}], **spec}}


def assert_in_order(test, rows, *texts):
    """Each text is in a row behind that of the text before."""
    at = 0
    for text in texts:
        found = next((number for number in range(at, len(rows)) if text in rows[number]), None)
        test.assertIsNotNone(found, f"{text!r} is not behind row {at} of these: {rows}")
        at = found + 1


class RecordedCluster(SystemTest):
    """The agent is a process of the node, not a pod: the image and the chart are other tests' matter."""

    def setUp(self):
        super().setUp()
        self.cluster = Cluster(self.folder)
        self.addCleanup(self.cluster.delete)
        for namespace in ("shop", "bank"):
            self.cluster.kubectl("create", "namespace", namespace)
        self.agent = self.make_agent(self.cluster.node, agent__os__enabled="true", tap__namespaces="[shop]",
                                     agent__kubernetes__kubeconfig=self.cluster.kubeconfig, agent__kubernetes__node=NAME).start()

    def apply(self, namespace, *manifests):
        self.cluster.apply(*(of(namespace, one) for one in manifests))

    def await_pods(self, namespace, *names):
        for name in names:
            self.cluster.wait(f"pod/{name}", namespace=namespace)

    def await_target(self, *names):
        """Until the pods are recorded, by their links."""
        def found():
            report = json.loads(self.agent.client("targets", "-o", "json").stdout)
            return {one["pod"] for one in report["targets"] if one["targeted"] and one["interfaces"]}
        wait_until(lambda: found() >= set(names), f"{names} to be targets: {self.agent.last_words()}", TOLD_SECONDS)

    def execute(self, namespace, name, *words):
        return self.cluster.kubectl("-n", namespace, "exec", name, "--", *words)

    def fetch(self, namespace, name, url):
        """What a web server answers the pod; that a page is not there is an answer, too."""
        return self.execute(namespace, name, "sh", "-c", f"timeout 10 wget -O- {url} 2>&1; true")

    def rows(self, capture, packets="http.request", entries=KUBERNETES):
        """A line of each packet and entry, in their order: what it asks for, or says."""
        condition = f"({packets}) || (systemd_journal && ({entries}))"
        fields = ["systemd_journal.message", "http.request.uri", "tcp.flags.str"]
        lines = run("tshark", "-r", capture, "-N", "n", "-Y", condition, "-T", "fields", *(word for one in fields for word in ("-e", one)))
        return ["|".join(filter(None, line.split("\t"))) for line in lines.splitlines()]

    def await_told(self, *texts):
        """Until each of the texts is said by some entry; the export that has them all."""
        def missing():
            capture = self.export(self.agent)
            told = [entry.get("MESSAGE", "") for entry in journal_entries(capture)]
            return [text for text in texts if not any(text in message for message in told)]
        deadline = time.monotonic() + TOLD_SECONDS
        while left := missing():
            if time.monotonic() > deadline:
                self.fail(f"not told: {left}; the record says: {self.messages()}")
            time.sleep(0.5)
        return self.folder / "out.pcapng"

    def messages(self):
        return [entry.get("MESSAGE", "") for entry in journal_entries(self.folder / "out.pcapng")
                if entry.get("CAPROCK_LAYER") == "kubernetes"]

    def assert_in_order(self, rows, *texts):
        assert_in_order(self, rows, *texts)
