# SPDX-License-Identifier: Apache-2.0
"""The agent as a pod, without the chart: what it needs of the node, and that it sees the node's pods."""
from pathlib import Path

from lab.agent import CAPROCK
from lab.harness import SystemTest
from lab.kubernetes import Cluster, build_image, pod
from lab.readers import tshark
from lab.waiting import wait_until

DATA = "/var/lib/caprock"
NODE_FOLDERS = {"data": DATA, "pins": "/sys/fs/bpf", "cgroups": "/sys/fs/cgroup"}
PORT = "8080"


# The agent may look at pods.
RIGHTS = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "agent"},
          "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
          "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]}


def agent_pod(*settings):
    sets = [word for one in ("tap.capture.raw.storageSize=64Mi", "agent.stageSize=32Mi", *settings) for word in ("--set", one)]
    manifest = pod("agent", image="localhost/caprock:test", hostNetwork=True, hostPID=True,
                   arguments=["agent", *sets],
                   volumes=[{"name": name, "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
                            for name, path in NODE_FOLDERS.items()])
    (container,) = manifest["spec"]["containers"]
    container["securityContext"] = {"privileged": True}
    container["volumeMounts"] = [{"name": name, "mountPath": path} for name, path in NODE_FOLDERS.items()]
    container["readinessProbe"] = {"exec": {"command": ["caprock", "status"]}, "periodSeconds": 1}
    return manifest


def with_sidecar(manifest, name, *command):
    """The pod with a second container."""
    (main,) = manifest["spec"]["containers"]
    manifest["spec"]["containers"].append({**main, "name": name, "command": list(command)})
    return manifest


def requests_in(cluster, port):
    """The paths that the record says were asked for."""
    cluster.kubectl("exec", "agent", "--", "caprock", "export", "--from", "-1m", "--force", "-o", f"{DATA}/out.pcapng")
    record = cluster.node.path(f"{DATA}/out.pcapng")
    return tshark(record, "-Y", f"http.request && tcp.dstport == {port}", "-T", "fields", "-e", "http.request.uri").split()


class AgentPod(SystemTest):
    def test_loopback(self):
        """what two containers of a pod say to each other is recorded once, as of an interface that names the pod"""
        with Cluster(self.folder) as cluster:
            cluster.load(build_image("caprock", CAPROCK))
            front = with_sidecar(pod("front"), "web", "httpd", "-f", "-p", f"127.0.0.1:{PORT}", "-h", "/etc")
            cluster.apply(RIGHTS, front, agent_pod("agent.podLoopback=true", "agent.kubernetes.node=node"))
            for name in ("front", "agent"):
                cluster.wait(f"pod/{name}")
            status = ("exec", "agent", "--", "caprock", "status")
            wait_until(lambda: "pod default/front, loopback" in cluster.kubectl(*status), "the loopback to be recorded", 30)
            for path in ("hosts", "hostname"):
                cluster.kubectl("exec", "front", "-c", "main", "--", "timeout", "10", "wget", "-qO-", f"http://127.0.0.1:{PORT}/{path}")
            self.assertEqual(requests_in(cluster, PORT), ["/hosts", "/hostname"])
            targets = cluster.kubectl("exec", "agent", "--", "caprock", "targets")
            self.assertRegex(targets, r"front +yes +veth\w+,lo ")

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
