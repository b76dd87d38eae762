# SPDX-License-Identifier: Apache-2.0
"""What tests ask of an API server, by kubectl."""
import base64
import json

from ..network import run
from ..waiting import wait_until
from .images import POD_IMAGE
from .programs import program

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: test
  context:
    cluster: test
    user: {user}
current-context: test
"""


def write_kubeconfig(path, server, pki, user):
    """For the user whose certificate is in the folder `pki`."""
    def encoded(file):
        return base64.b64encode((pki / file).read_bytes()).decode()
    path.write_text(KUBECONFIG.format(server=server, user=user, authority=encoded("ca.crt"), certificate=encoded(f"{user}.crt"),
                                      key=encoded(f"{user}.key")))


def pod(name, *command, arguments=(), image=POD_IMAGE, labels=None, **spec):
    """The manifest of a pod of one container, `spec` being further fields of its specification. Without a command it runs what its
    image says, by default a sleep."""
    container = {"name": "main", "image": image, "imagePullPolicy": "Never", "command": list(command), "args": list(arguments)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {"app": name}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec}}


class Client:
    """Calls kubectl as an administrator, at `place`, by `kubeconfig`."""

    def kubectl(self, *words, **options):
        """What it prints; a failure raises with what it says."""
        return run(*self.place.command(program("kubectl"), "--kubeconfig", self.kubeconfig, *words), **options)

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, *manifests):
        for manifest in manifests:
            text = manifest if isinstance(manifest, str) else json.dumps(manifest)
            self.kubectl("apply", "-f", "-", input=text)

    def wait(self, resource, condition="condition=Ready", seconds=60, namespace="default"):
        """Until the resource, which may not be there yet, is so."""
        wait_until(lambda: self.kubectl("-n", namespace, "get", resource, "--ignore-not-found"), f"{resource} to be there", seconds)
        self.kubectl("-n", namespace, "wait", resource, f"--for={condition}", f"--timeout={seconds}s")

    def wait_for_phase(self, pod_name, phase, seconds=60, namespace="default"):
        """Until the pod is so far that it is Running, Succeeded or Failed."""
        wait_until(lambda: self.get("-n", namespace, "pod", pod_name)["status"]["phase"] == phase, f"{pod_name} to be {phase}", seconds)

    def pod_address(self, name, namespace="default"):
        return self.get("-n", namespace, "pod", name)["status"]["podIP"]
