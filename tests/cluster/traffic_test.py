# SPDX-License-Identifier: Apache-2.0
"""Traffic on a real cluster, by each of its ways: between pods, by a service, from outside, of the node's own network."""
from recorded_cluster import PORT, RecordedCluster, script, service, web_server
from lab.kubernetes import pod
from lab.kubernetes.cluster import NODE_ADDRESS, OUTSIDE_ADDRESS
from lab.network import run
from lab.readers import tshark
from lab.waiting import wait_until

NODE_PORT, HOST_PORT, LISTENER_PORT = 30080, "8090", "8091"
GATEWAY = "10.244.0.1"  # of the pods: for it kube-proxy masquerades who asks a service from outside


class Traffic(RecordedCluster):
    maxDiff = None

    def test_ways(self):
        """what pods say to each other, by a service, with a host outside and in the node's network is recorded once, with the names of
        both ends, and of the other namespace nothing"""
        self.make_pods("shop"), self.make_pods("bank")
        self.await_target("client", "web")
        for namespace in ("shop", "bank"):
            self.say_everything(namespace)
        self.apply("shop", script("host", f"httpd -p {HOST_PORT} -h /etc; sleep 600 | nc -l -p {LISTENER_PORT}", hostNetwork=True))
        self.await_pods("shop", "host")
        self.fetch("shop", "client", f"http://{NODE_ADDRESS}:{HOST_PORT}/shop/host")
        self.curl(f"http://{NODE_ADDRESS}:{HOST_PORT}/shop/host-from-outside")
        expected = {
            "/shop/pod": ("shop/client", "shop/web"), "/shop/service": ("shop/client", "shop/web.svc"),
            "/shop/pod-from-outside": (OUTSIDE_ADDRESS, "shop/web"), "/shop/service-from-outside": (GATEWAY, "shop/web"),
            "/shop/node-port-from-outside": (GATEWAY, "shop/web"),
            "/shop/host": ("shop/client", "node"), "/shop/host-from-outside": (OUTSIDE_ADDRESS, "node"),
        }
        wait_until(lambda: len(self.answers()) >= len(expected), "the answers")
        self.assertEqual(self.requests(), sorted((path.strip("/"), *ends) for path, ends in expected.items()))
        self.assertEqual(self.answers(), sorted((path.strip("/"), *reversed(ends)) for path, ends in expected.items()))
        self.check_interfaces()
        self.check_host_network()

    def check_interfaces(self):
        """What stock tshark shows of a packet's interface names the pod that sent it."""
        (asked,), (answered,) = ({line[1] for line in self.fields(kind, page, "frame.interface_description") if line[0].endswith("/shop/pod")}
                                 for kind, page in (("http.request", "http.request.uri"), ("http.response", "http.response_for.uri")))
        self.assertEqual((asked, answered), ("pod shop/client", "pod shop/web"))

    def check_host_network(self):
        """What has the node's address is a pod's by the process that sends or receives it."""
        self.say("client", "question", NODE_ADDRESS, LISTENER_PORT)
        self.say("host", "greeting", self.cluster.pod_address("web", "shop"), PORT)
        self.agent.settle()
        noted = self.export(self.agent, "--process", "--no-events")
        for text, comment in (("question", r"^from nc\[\d+\] of shop/client to nc\[\d+\] of shop/host$"),
                              ("greeting", r"^from nc\[\d+\] of shop/host to httpd\[\d+\]")):
            comments = tshark(noted, "-Y", f'tcp.payload contains "{text}"', "-T", "fields", "-e", "frame.comment").splitlines()
            self.assertEqual(len(comments), 1, text)
            self.assertRegex(comments[0], comment)

    def say(self, name, text, address, port):
        """By a process that lives a while, as its control group is asked for a little after it began."""
        self.execute("shop", name, "sh", "-c", f"(sleep 1; echo {text}) | nc {address} {port}")

    def make_pods(self, namespace):
        port = {"port": 80, "targetPort": int(PORT), "nodePort": NODE_PORT + (namespace == "bank")}
        self.apply(namespace, web_server("web"), pod("client"), service("web", type="NodePort", ports=[port]))
        self.await_pods(namespace, "web", "client")

    def curl(self, url):
        """From the host outside."""
        return self.cluster.outside.run("curl", "--silent", "--max-time", "10", url)

    def say_everything(self, namespace):
        """Each request asks for another page, by which it is known in the record."""
        told = self.cluster.get("-n", namespace, "service", "web")["spec"]
        address, by_service = self.cluster.pod_address("web", namespace), told["clusterIP"]
        self.fetch(namespace, "client", f"http://{address}:{PORT}/{namespace}/pod")
        wait_until(lambda: "404" in self.curl(f"http://{by_service}/ready"), "kube-proxy")
        self.fetch(namespace, "client", f"http://{by_service}/{namespace}/service")
        self.curl(f"http://{address}:{PORT}/{namespace}/pod-from-outside")
        self.curl(f"http://{by_service}/{namespace}/service-from-outside")
        self.curl(f"http://{NODE_ADDRESS}:{told['ports'][0]['nodePort']}/{namespace}/node-port-from-outside")

    def fields(self, condition, *names):
        words = [word for name in names for word in ("-e", name)]
        lines = run("tshark", "-r", self.export(self.agent), "-N", "n", "-Y", condition, "-T", "fields", *words).splitlines()
        return [line.split("\t") for line in lines]

    def requests(self):
        """(page, who asks, whom) of every request in the record, by the names that stock tshark shows."""
        return self.messages_of("http.request", "http.request.uri")

    def answers(self):
        return self.messages_of("http.response", "http.response_for.uri")

    def messages_of(self, kind, page):
        found = self.fields(kind, page, "ip.src_host", "ip.dst_host")
        return sorted((url.removeprefix("http://").partition("/")[2], *ends) for url, *ends in found if not url.endswith("/ready"))
