# SPDX-License-Identifier: Apache-2.0
"""etcd and kube-apiserver."""
import contextlib
import json
import socket
from pathlib import Path

from ..network import run
from ..waiting import wait_until
from .certificates import Authority
from .client import Client, write_kubeconfig
from .programs import Daemon, program

SERVICE_ADDRESSES = "10.96.0.0/16"
ISSUER = "https://kubernetes.default.svc"
ALONE = ["--disable-admission-plugins=ServiceAccount"]  # which wants of each pod what a controller manager has made
START_SECONDS = 180  # a few on an idle machine
USERS = {
    "admin": "/O=system:masters/CN=admin",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "kubelet": "/O=system:nodes/CN=system:node:node",
    "kubelet-client": "/O=system:masters/CN=kube-apiserver-kubelet-client",
}


class Host:
    """The place of what runs beside the test itself."""

    def command(self, *words):
        return list(words)

    def entered(self):
        return contextlib.nullcontext()


class ApiServer(Client):
    """Runs at the place, under the address there, from its making on; its files are in a folder below that of the test. It may be
    stopped and started again."""

    def __init__(self, folder, place=None, address="127.0.0.1", options=ALONE):
        self.place, self.address = place or Host(), address
        self.folder = Path(folder) / "api-server"
        self.folder.mkdir()
        self.options, self.daemons = list(options), []
        self.port, self._etcd_port, self._peer_port = self._free_ports(3)
        self.url = f"https://{address}:{self.port}"
        self._make_certificates()
        self.kubeconfig = self.kubeconfig_of("admin")
        try:
            self.start()
        except BaseException:
            self.delete()
            raise

    def kubeconfig_of(self, user):
        """For one of USERS; the path."""
        path = self.folder / f"{user}.kubeconfig"
        if not path.exists():
            write_kubeconfig(path, self.url, self.pki, user)
        return path

    def run(self, *command):
        """Starts a program beside the server that is stopped before it."""
        daemon = Daemon(self.place.command(*command), self.folder / f"{Path(command[0]).name}.log")
        self.daemons.append(daemon)
        return daemon

    def start(self):
        self._start_etcd()
        self.run(program("kube-apiserver"), *self._flags(), *self.options)
        wait_until(self._is_ready, f"the API server; its log is {self.folder}/kube-apiserver.log", START_SECONDS, 0.2)

    def stop(self):
        """Nobody answers any more, what was stored stays."""
        while self.daemons:
            self.daemons.pop().stop()

    def forget_past(self):
        """No version before the present one is to be had any more: neither of etcd nor, as the server restarts, of its memory."""
        revision = self._etcd("maintenance/status", {})["header"]["revision"]
        self._etcd("kv/compaction", {"revision": revision, "physical": True})
        self.stop()
        self.start()

    def _etcd(self, call, request):
        """By its gRPC gateway."""
        url = f"http://127.0.0.1:{self._etcd_port}/v3/{call}"
        return json.loads(run(*self.place.command("curl", "--silent", "--fail", url, "--data", json.dumps(request))))

    def delete(self):
        self.stop()

    def _free_ports(self, count):
        with self.place.entered(), contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
            for one in sockets:
                one.bind((self.address, 0))
            return [one.getsockname()[1] for one in sockets]

    def _make_certificates(self):
        self.pki = self.folder / "pki"
        authority = Authority(self.pki)
        authority.make_signer("service-accounts")
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        authority.issue_server("server", "/CN=kube-apiserver", [self.address, "127.0.0.1", "10.96.0.1"], names)
        for user, subject in USERS.items():
            authority.issue_client(user, subject)

    def _start_etcd(self):
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._peer_port))
        self.run("etcd", "--name=test", f"--data-dir={self.folder}/etcd", f"--listen-client-urls={client}",
                 f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                 f"--initial-cluster=test={peer}", "--unsafe-no-fsync")

    def _flags(self):
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--bind-address={self.address}", f"--advertise-address={self.address}", f"--secure-port={self.port}",
            f"--tls-cert-file={self.pki}/server.crt", f"--tls-private-key-file={self.pki}/server.key",
            f"--client-ca-file={self.pki}/ca.crt", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
            f"--kubelet-client-certificate={self.pki}/kubelet-client.crt",
            f"--kubelet-client-key={self.pki}/kubelet-client.key", "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-key-file={self.pki}/service-accounts.pub",
            f"--service-account-signing-key-file={self.pki}/service-accounts.key",
            f"--service-account-issuer={ISSUER}", f"--api-audiences={ISSUER}",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            # An address of loopback may not be an endpoint.
            f"--endpoint-reconciler-type={'none' if self.address.startswith('127.') else 'lease'}",
        ]

    def _is_ready(self):
        for daemon in self.daemons:
            daemon.check()
        try:
            return self.kubectl("get", "--raw", "/readyz") == "ok"
        except RuntimeError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.delete()
