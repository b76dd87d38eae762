# SPDX-License-Identifier: Apache-2.0
"""A cluster of one node."""
import json
from pathlib import Path

from ..network import Pair
from ..waiting import wait_until
from .api_server import ApiServer
from .client import Client
from .images import POD_IMAGE, build_image
from .node import Node
from .programs import program

NAME = "node"
NODE_ADDRESS, OUTSIDE_ADDRESS = "10.77.0.2", "10.77.0.1"  # of a Pair's right and left
POD_ADDRESSES = "10.244.0.0/24"
RUNTIME_SOCKET = "/run/containerd/containerd.sock"
START_SECONDS = 180  # a few on an idle machine

CONTAINERD = f"""\
version = 2
oom_score = 0
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{POD_IMAGE}"
  restrict_oom_score_adj = true  # also without the right to lower it
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{{folder}}/cni"
"""

CNI = {
    "cniVersion": "0.4.0", "name": "pods", "plugins": [
        {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_ADDRESSES}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


class Cluster(Client):
    """See the package for what it offers. Its files are in a folder below that of the test."""

    def __init__(self, folder):
        self.folder = Path(folder) / "cluster"
        self.folder.mkdir()
        self.static_pods = self.folder / "static-pods"
        self._undo = []
        try:
            self._make_machine()
            self._start()
        except BaseException:
            self.delete()
            raise

    def load(self, archive):
        """The node has the image of the archive from now on."""
        self.node.run("ctr", "--namespace", "k8s.io", "images", "import", archive)

    def delete(self):
        while self._undo:
            self._undo.pop()()

    @property
    def kubeconfig(self):
        return self.server.kubeconfig

    def _make_machine(self):
        pair = Pair("cluster")
        self._undo.append(pair.delete)
        self.outside = pair.left
        pair.left.ip("route", "add", "default", "via", NODE_ADDRESS)
        pair.right.ip("route", "add", "default", "via", OUTSIDE_ADDRESS)
        self.place = pair.right
        self.node = Node(self.folder, pair.right)
        self._undo.append(self.node.delete)

    def _start(self):
        self.server = ApiServer(self.folder, self.node, NODE_ADDRESS, options=[])
        self._undo.append(self.server.stop)
        self._start_control_plane()
        self._start_runtime()
        self.load(build_image("pod"))
        self._start_node()
        wait_until(self._is_ready, f"the cluster; its logs are in {self.server.folder}", START_SECONDS, 0.2)

    def _start_control_plane(self):
        pki = self.server.pki
        for name, options in {
            "controller-manager": [f"--service-account-private-key-file={pki}/service-accounts.key",
                                   f"--root-ca-file={pki}/ca.crt", "--use-service-account-credentials=true"],
            "scheduler": [],
        }.items():
            kubeconfig = self.server.kubeconfig_of(name)
            self.server.run(program(f"kube-{name}"), f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}",
                            f"--authorization-kubeconfig={kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1",
                            "--port=0", *options)

    def _start_runtime(self):
        cni = self.folder / "cni"
        cni.mkdir()
        (cni / "pods.conflist").write_text(json.dumps(CNI))
        config = self.folder / "containerd.toml"
        config.write_text(CONTAINERD.format(folder=self.folder))
        self.server.run("containerd", "--config", config)
        wait_until(self._runtime_answers, f"containerd; its log is {self.server.folder}/containerd.log", START_SECONDS, 0.1)

    def _runtime_answers(self):
        try:
            return self.node.run("ctr", "version")
        except RuntimeError:
            return None

    def _start_node(self):
        config = self.folder / "kubelet.json"
        config.write_text(json.dumps(self._kubelet_configuration()))
        self.server.run(program("kubelet"), f"--config={config}", f"--kubeconfig={self.server.kubeconfig_of('kubelet')}",
                        f"--hostname-override={NAME}", f"--node-ip={NODE_ADDRESS}", "--container-runtime=remote",
                        f"--container-runtime-endpoint=unix://{RUNTIME_SOCKET}", f"--pod-infra-container-image={POD_IMAGE}")
        self.server.run(program("kube-proxy"), f"--kubeconfig={self.server.kubeconfig_of('proxy')}", f"--hostname-override={NAME}",
                        "--proxy-mode=iptables", f"--cluster-cidr={POD_ADDRESSES}", f"--bind-address={NODE_ADDRESS}",
                        # These limits are the whole machine's.
                        "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0",
                        "--conntrack-tcp-timeout-close-wait=0")

    def _kubelet_configuration(self):
        self.static_pods.mkdir()
        return {
            "staticPodPath": str(self.static_pods),
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": f"{self.server.pki}/ca.crt"}},
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self.node.cgroups.name}",
            "failSwapOn": False, "oomScoreAdj": 0, "resolvConf": "", "hairpinMode": "hairpin-veth",
            "nodeStatusUpdateFrequency": "1s", "syncFrequency": "5s",  # in which a ConfigMap reaches its pods
            # How full the machine's disk is does not matter.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%",
                             "nodefs.inodesFree": "0%"},
            "imageGCHighThresholdPercent": 100,
        }

    def _is_ready(self):
        """A node to place pods on, and the account that they run as."""
        for daemon in self.server.daemons:
            daemon.check()
        if not self.kubectl("get", "serviceaccounts", "default", "--ignore-not-found"):
            return False
        nodes = self.get("nodes")["items"]
        conditions = {one["type"]: one["status"] for node in nodes for one in node["status"].get("conditions", [])}
        return conditions.get("Ready") == "True"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.delete()
