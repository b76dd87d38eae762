# SPDX-License-Identifier: Apache-2.0
"""The ground that other tests stand on: an API server, and a cluster."""
import os
from pathlib import Path

from lab.harness import SystemTest
from lab.kubernetes import ApiServer, Cluster, pod
from lab.network import run

PORT = "8080"
ANSWER = "the answer of the pod"


def web_server(name):
    """A pod that says ANSWER by HTTP."""
    return pod(name, "sh", "-c", f"mkdir /www && echo '{ANSWER}' > /www/index.html && exec httpd -f -p {PORT} -h /www")


def processes_with(text):
    """Of which the command line, which those that have ended lose, or the control group has the text in it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words and (text in words or text in (folder / "cgroup").read_text()):
                found.append(words)
        except OSError:
            continue  # it has ended
    return found


def traces(folder, name):
    """What a cluster of this test may have left: by the folder of its files, and the name of its network namespace and control groups."""
    return {
        "processes": processes_with(str(folder)) + processes_with(name),
        "namespaces": list(Path("/run/netns").glob(f"caprock-cluster-*-{os.getpid()}")),
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line or name in line],
        "control groups": list(Path("/sys/fs/cgroup").glob(f"**/{name}")),
    }


class ApiServerAlone(SystemTest):
    def test_alone(self):
        """an API server alone serves kubectl, keeps what it was told over a restart, and is gone at the end"""
        with ApiServer(self.folder) as server:
            server.apply(pod("web", nodeName="somewhere"))
            server.stop()
            with self.assertRaisesRegex(RuntimeError, "refused"):
                server.get("pods")
            server.start()
            (kept,) = server.get("pods")["items"]
            self.assertEqual((kept["metadata"]["name"], kept["spec"]["nodeName"]), ("web", "somewhere"))
        self.assertEqual(processes_with(str(self.folder)), [])

    def test_place(self):
        """an API server in a network namespace is reached there alone"""
        namespace = self.make_namespace()
        with ApiServer(self.folder, namespace) as server:
            self.assertEqual(server.get("namespace", "default")["status"]["phase"], "Active")
            with self.assertRaisesRegex(RuntimeError, "Failed to connect"):
                run("curl", "--silent", "--show-error", "--insecure", server.url)


class WholeCluster(SystemTest):
    def test_pods(self):
        """pods of a cluster talk to each other, to a service and to a host outside, and all is gone at the end"""
        with Cluster(self.folder) as cluster:
            cluster.apply(web_server("web"), pod("client"), {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": int(PORT)}]}})
            cluster.wait("pod/web")
            cluster.wait("pod/client")
            address = cluster.pod_address("web")
            service = cluster.get("service", "web")["spec"]["clusterIP"]
            for url in (f"http://{address}:{PORT}/", f"http://{service}/"):
                self.assertIn(ANSWER, cluster.kubectl("exec", "client", "--", "timeout", "10", "wget", "-qO-", url))
                self.assertIn(ANSWER, cluster.outside.run("curl", "--silent", "--max-time", "10", url))
            name = cluster.node.namespace.name
            self.assertTrue(all(traces(cluster.folder, name).values()), traces(cluster.folder, name))
        for kind, found in traces(cluster.folder, name).items():
            self.assertEqual(found, [], kind)
