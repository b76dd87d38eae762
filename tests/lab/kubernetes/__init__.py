# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes for tests, of release 1.20: an API server alone, or a whole cluster of one node.

    with ApiServer(folder) as server:        # etcd and kube-apiserver on loopback, or at a place, such as a Namespace
        server.apply(pod("web"))             # manifests as dictionaries, or as text
        server.kubectl("get", "pods")        # as an administrator; what it prints
        server.get("pod", "web")             # a dictionary
        server.kubeconfig                    # for other clients; at the place they reach it by the same address
        server.forget_past()                 # restarts without any version of its objects but the present one
        Api(server).request("GET", path)     # for many requests
        Relay(server).kubeconfig(folder)     # a way to it that can be cut() and mended
        ServiceAccount(server, "agent", "cluster-admin").kubeconfig()  # of an account with a token, in a file, that may expire

    with Cluster(folder) as cluster:         # the same, and what is applied runs
        cluster.load(build_image("caprock", CAPROCK))  # localhost/caprock:test, from now on
        cluster.apply(pod("web", "httpd", "-f"))
        cluster.wait("pod/web")              # Ready
        cluster.pod_address("web")
        cluster.node                         # where the node's processes are: command(), run(), path(); its own mounts and network
        cluster.static_pods                  # a folder: pods whose manifests (JSON) are put there run without the API server's doing
        cluster.outside                      # the Namespace of a host beside the node, which routes to pods and services

Pods that a test brings are of POD_IMAGE, which has busybox, unless they name an image that was loaded. There is no DNS. An API
server alone runs no pod: a test that needs a kubelet plays it (spec.nodeName, and a patch of pods/status). All is gone at the end;
programs that a killed test started end with it.
"""
from .api import Api  # noqa: F401
from .api_server import ApiServer  # noqa: F401
from .client import pod  # noqa: F401
from .cluster import Cluster  # noqa: F401
from .images import COMPILERS, POD_IMAGE, Layers, build_image  # noqa: F401
from .relay import Relay  # noqa: F401
from .service_account import ServiceAccount  # noqa: F401
