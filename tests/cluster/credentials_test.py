# SPDX-License-Identifier: Apache-2.0
"""Who asks a real API server, and who is answered: by caprock's own client, and by an agent whose credentials go bad."""
import json
import os
import re

from lab.agent import ROOT
from lab.harness import SystemTest
from lab.kubernetes import ApiServer, Relay, ServiceAccount
from lab.kubernetes.certificates import Authority
from lab.network import run
from lab.waiting import wait_until
from played_node import NODE, PlayedNodeTest

SINGLE_REQUEST = os.environ.get("SINGLE_REQUEST", ROOT / "build/release/tests/cluster/single_request")
TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
REFUSED = r"the token or certificate is refused \(Unauthorized\); is it expired\?"
UNTRUSTED = r"its certificate is not trusted \(.*\); is the certificate authority this cluster's\?"


def review(asker, token):
    """What the server answers the account that asks it whose token this is: HTTP's status and the object."""
    body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}})
    status, answer = run(*asker.server.place.command(SINGLE_REQUEST, asker.kubeconfig(), "POST", TOKEN_REVIEWS, body)).split("\n", 1)
    return int(status), json.loads(answer)


class TokenReview(SystemTest):
    def setUp(self):
        super().setUp()
        self.server = ApiServer(self.folder)
        self.addCleanup(self.server.delete)
        self.asker = ServiceAccount(self.server, "asker", "system:auth-delegator")
        self.asked = ServiceAccount(self.server, "asked")

    def assert_unknown(self, token):
        status, answer = review(self.asker, token)
        self.assertEqual(status, 201)
        self.assertFalse(answer["status"].get("authenticated"), answer)
        self.assertTrue(answer["status"]["error"])

    def test_review(self):
        """the API server tells caprock's client whose a token is, that one is wrong or expired, and who may not ask"""
        status, answer = review(self.asker, self.asked.token())
        self.assertEqual((status, answer["status"]["authenticated"]), (201, True))
        self.assertEqual(answer["status"]["user"]["username"], self.asked.user)
        head, claims, _ = self.asked.token().split(".")
        self.assert_unknown(".".join([head, claims, self.asker.token().split(".")[2]]))
        self.assert_unknown(self.asked.expired_token())
        status, answer = review(self.asked, self.asker.token())
        self.assertEqual((status, answer["reason"]), (403, "Forbidden"))
        self.assertIn('cannot create resource "tokenreviews" in API group "authentication.k8s.io"', answer["message"])


class BadCredentials(PlayedNodeTest):
    """Of an agent that knows its target, while another pod is none."""

    def setUp(self):
        super().setUp()
        self.front, self.till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        self.account = ServiceAccount(self.server, "agent", "cluster-admin")
        self.relay = Relay(self.server)
        self.addCleanup(self.relay.delete)
        self.agent = self.make_agent(self.node.network, agent__kubernetes__kubeconfig=self.account.kubeconfig(self.relay.url),
                                     agent__kubernetes__node=NODE, tap__namespaces="[shop]").start()
        self.await_targets(self.agent, "front")

    def errors(self):
        """What the agent's status says against each resource."""
        resources = self.agent.status()["kubernetes"]["resources"]
        self.assertTrue(resources)
        return [resource["error"] for resource in resources]

    def await_error(self, reason):
        """Of all resources, in one line; empty: none."""
        line = re.compile(f"{self.relay.url}: {reason}" if reason else "")
        self.agent.wait_for(lambda: all(map(line.fullmatch, self.errors())), f"{reason or 'no error'}: {self.errors()}", 60)

    def assert_goes_on(self, text):
        """The target is recorded, and it alone."""
        before = self.recorded(self.agent)
        self.front.send(text), self.till.send(text)
        wait_until(lambda: self.recorded(self.agent) == [*before, text], f"the datagram {text}")

    def restart(self):
        self.assert_stopped(self.agent)
        self.agent.start()
        self.await_targets(self.agent, "front")

    def test_revoked(self):
        """a token that is revoked is told in one line, what is known is recorded on, and a new token in its file is gone on with"""
        self.relay.cut()
        token = self.account.token_file.read_text()
        self.account.delete()
        reviewer = ServiceAccount(self.server, "reviewer", "system:auth-delegator")
        wait_until(lambda: not review(reviewer, token)[1]["status"].get("authenticated"), "it to be forgotten that the token was good", 30)
        self.relay.mend()
        self.await_error(REFUSED)
        self.assert_goes_on("revoked")
        self.account.create()
        self.await_error("")
        self.running_pod("shop", "new")
        self.await_targets(self.agent, "front", "new")

    def test_expired(self):
        """an agent that starts with an expired token tells it in one line, and records what was a target"""
        self.account.write(self.account.expired_token())
        self.restart()
        self.await_error(REFUSED)
        self.assert_goes_on("expired")

    def test_authority(self):
        """an agent that starts with another cluster's certificate authority tells it in one line, and records what was a target"""
        other = Authority(self.folder / "other")
        self.account.kubeconfig(self.relay.url, other.folder / "ca.crt")
        self.restart()
        self.await_error(UNTRUSTED)
        self.assert_goes_on("not trusted")


class LateCredentials(PlayedNodeTest):
    def test_late(self):
        """a kubeconfig, and a certificate authority in it, that come later than the agent are taken as they come; until then the status says what is missing"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        account = ServiceAccount(self.server, "agent", "cluster-admin")
        kubeconfig, authority = self.server.folder / "agent.kubeconfig", self.folder / "late.crt"
        agent = self.make_agent(self.node.network, agent__kubernetes__kubeconfig=kubeconfig, agent__kubernetes__node=NODE,
                                tap__namespaces="[shop]").start()

        def await_note(words):
            note = re.compile(f"Kubernetes is not followed: .*{words}.*")
            agent.wait_for(lambda: any(map(note.fullmatch, agent.status()["kubernetes"]["notes"])), f"{words} in {agent.status()['kubernetes']}", 40)
        await_note(re.escape(f"{kubeconfig}: cannot be read: No such file"))
        authority.write_text("soon\n")
        account.kubeconfig(self.server.url, authority)
        await_note("certificate")
        authority.write_bytes((self.server.pki / "ca.crt").read_bytes())
        agent.wait_for(lambda: not any("is not followed" in note for note in self.report(agent)["notes"]), "the cluster to be followed", 60)
        self.await_targets(agent, "front")
        front.send("front"), till.send("till")
        wait_until(lambda: self.recorded(agent) == ["front"], "the datagram")
