# SPDX-License-Identifier: Apache-2.0
"""The agent as a pod, without the chart: what it needs of the node, and that it sees the node's pods."""
from pathlib import Path

from lab.agent import CAPROCK
from lab.harness import SystemTest
from lab.kubernetes import Cluster, build_image, pod
from lab.readers import tshark

DATA = "/var/lib/caprock"
NODE_FOLDERS = {"data": DATA, "pins": "/sys/fs/bpf", "cgroups": "/sys/fs/cgroup"}
PORT = "8080"


def agent_pod():
    manifest = pod("agent", image="localhost/caprock:test", hostNetwork=True, hostPID=True,
                   arguments=["agent", "--set", "tap.capture.raw.storageSize=64Mi", "--set", "agent.stageSize=32Mi"],
                   volumes=[{"name": name, "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
                            for name, path in NODE_FOLDERS.items()])
    (container,) = manifest["spec"]["containers"]
    container["securityContext"] = {"privileged": True}
    container["volumeMounts"] = [{"name": name, "mountPath": path} for name, path in NODE_FOLDERS.items()]
    container["readinessProbe"] = {"exec": {"command": ["caprock", "status"]}, "periodSeconds": 1}
    return manifest


class AgentPod(SystemTest):
    def test_traffic(self):
        """an agent that runs as a pod records what two other pods say to each other; its pins go with the cluster"""
        pins = Path("/sys/fs/bpf/caprock")
        had_pins = pins.exists()
        with Cluster(self.folder) as cluster:
            cluster.load(build_image("caprock", CAPROCK))
            cluster.apply(agent_pod(), pod("web", "httpd", "-f", "-p", PORT, "-h", "/etc"), pod("client"))
            for name in ("agent", "web", "client"):
                cluster.wait(f"pod/{name}")
            url = f"http://{cluster.pod_address('web')}:{PORT}/hosts"
            self.assertIn("web", cluster.kubectl("exec", "client", "--", "timeout", "10", "wget", "-qO-", url))
            cluster.kubectl("exec", "agent", "--", "caprock", "export", "--from", "-1m", "--force", "-o", f"{DATA}/out.pcapng")
            record = cluster.node.path(f"{DATA}/out.pcapng")
            requests = tshark(record, "-Y", f"http.request && tcp.dstport == {PORT}", "-T", "fields", "-e", "http.host")
            self.assertTrue(cluster.node.path(pins).exists())
            self.assertEqual(set(requests.split()), {url.split("/")[2]})
        self.assertEqual(pins.exists(), had_pins)
