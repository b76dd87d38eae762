# SPDX-License-Identifier: Apache-2.0
"""Accounts that ask by a token."""
import base64
import json
import time

from ..network import run
from ..waiting import wait_until
from .api import Api

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "{url}", certificate-authority: "{authority}"}}}}]
users: [{{name: account, user: {{tokenFile: "{token_file}"}}}}]
contexts: [{{name: test, context: {{cluster: test, user: account}}}}]
current-context: test
"""
RBAC = "/apis/rbac.authorization.k8s.io/v1"
HOUR = 3600  # s


class ServiceAccount:
    """One of the namespace default, which has the rights of a ClusterRole, if any, once it is made. Its token is in a file, as the kubelet
    puts it there."""

    def __init__(self, server, name, role=None):
        self.server, self.api, self.name = server, Api(server), name
        self.user = f"system:serviceaccount:default:{name}"
        self.token_file = server.folder / f"{name}.token"
        self.create()
        if role:
            self._bind(role)

    def create(self):
        """Anew, after it was deleted."""
        self.api.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": self.name}})
        self.write(self.token())

    def delete(self):
        """Its tokens are refused from then on, at the latest when the server has forgotten that it took them: after 10 s."""
        self.api.request("DELETE", f"/api/v1/namespaces/default/serviceaccounts/{self.name}")

    def token(self):
        path = f"/api/v1/namespaces/default/serviceaccounts/{self.name}/token"
        return self.api.request("POST", path, {"spec": {}})["status"]["token"]

    def expired_token(self):
        """One that was good until an hour ago: the server gives none that is so short."""
        head, claims, _ = self.token().split(".")
        claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
        claims.update(iat=int(time.time()) - 2 * HOUR, nbf=int(time.time()) - 2 * HOUR, exp=int(time.time()) - HOUR)
        signed = f"{head}.{self._encoded(json.dumps(claims).encode())}"
        return f"{signed}.{self._encoded(self._signature(signed))}"

    def write(self, token):
        """Into the file, at once."""
        whole = self.token_file.with_suffix(".new")
        whole.write_text(token)
        whole.rename(self.token_file)

    def kubeconfig(self, url=None, authority=None):
        """By that URL, and believing that authority, if not the server's own; the path."""
        path = self.server.folder / f"{self.name}.kubeconfig"
        path.write_text(KUBECONFIG.format(url=url or self.server.url, authority=authority or self.server.pki / "ca.crt",
                                          token_file=self.token_file))
        return path

    def _bind(self, role):
        self.api.request("POST", f"{RBAC}/clusterrolebindings", {
            "metadata": {"name": self.name}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": self.name, "namespace": "default"}]})
        rule = self.api.request("GET", f"{RBAC}/clusterroles/{role}")["rules"][0]
        right = {"verb": rule["verbs"][0], "group": rule["apiGroups"][0], "resource": rule["resources"][0]}
        wait_until(lambda: self._may(right), f"{self.user} to have the rights of {role}")

    def _may(self, right):
        spec = {"user": self.user, "resourceAttributes": right}
        answer = self.api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        return answer["status"]["allowed"]

    def _signature(self, text):
        plain, signature = (self.server.folder / f"{self.name}.{ending}" for ending in ("claims", "signature"))
        plain.write_text(text)
        run("openssl", "dgst", "-sha256", "-sign", self.server.pki / "service-accounts.key", "-out", signature, plain)
        return signature.read_bytes()

    @staticmethod
    def _encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
