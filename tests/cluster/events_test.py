# SPDX-License-Identifier: Apache-2.0
"""What becomes of pods on a real cluster, as a reader of the record finds it between their packets."""
import json

from recorded_cluster import KUBERNETES, PORT, RecordedCluster, of, script, service, web_server
from lab.kubernetes import pod
from lab.readers import journal_entries, tshark
from lab.waiting import wait_until

LIMIT = {"resources": {"limits": {"memory": "32Mi"}}}
MOST_SECONDS = 60


def hungry(server):
    """A pod that holds a connection, and uses more memory than it may."""
    manifest = script("hungry", f"sleep 600 | nc {server} {PORT} & sleep 2; exec tail /dev/zero", restartPolicy="Never")
    manifest["spec"]["containers"][0].update(LIMIT)
    return manifest


def deployment(name, greeting):
    template = script(name, f"mkdir /www && echo {greeting} >/www/greeting && exec httpd -f -p {PORT} -h /www")
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": template["metadata"], "spec": template["spec"]}}}


class Events(RecordedCluster):
    def test_events(self):
        """what becomes of pods on a cluster stands between the packets that it explains: memory that runs out, a crash loop, a
        rollout, a scale-up; and what their processes do has the pod's name"""
        self.apply("shop", web_server("web"), pod("client"), deployment("front", "old"), service("front"),
                   script("crashing", "sleep 2; exit 3"), script("listener", f"sleep 600 | nc -l -p {PORT}"))
        self.await_pods("shop", "web", "client", "listener")
        self.cluster.kubectl("-n", "shop", "rollout", "status", "deployment/front", "--timeout=60s")
        self.apply("shop", hungry(self.cluster.pod_address("web", "shop")))
        for check in (self.check_rollout, self.check_scale_up, self.check_memory, self.check_crash_loop, self.check_processes,
                      self.check_short_job, self.check_static_pod):
            with self.subTest(check.__name__):
                check()

    def front_pods(self):
        """{name: name of its ReplicaSet} of those that are not going."""
        pods = self.cluster.get("-n", "shop", "pods", "-l", "app=front")["items"]
        return {one["metadata"]["name"]: one["metadata"]["ownerReferences"][0]["name"] for one in pods
                if "deletionTimestamp" not in one["metadata"]}

    def greeting(self):
        """Of the deployment's pod, by its service."""
        address = self.cluster.get("-n", "shop", "service", "front")["spec"]["clusterIP"]
        return self.execute("shop", "client", "timeout", "10", "wget", "-qO-", f"http://{address}/greeting").strip()

    def check_rollout(self):
        ((old, old_set),) = self.front_pods().items()
        old_address = self.cluster.pod_address(old, "shop")
        wait_until(lambda: self.greeting() == "old", "the service")
        self.apply("shop", deployment("front", "new"))
        self.cluster.kubectl("-n", "shop", "rollout", "status", "deployment/front", "--timeout=60s")
        wait_until(lambda: old not in self.front_pods(), "the old pod to go", MOST_SECONDS)
        ((new, new_set),) = self.front_pods().items()
        wait_until(lambda: self.greeting() == "new", "the new pod behind the service")
        self.assertNotEqual(old_set, new_set)
        capture = self.await_told(f"pod shop/{old} is gone")
        self.assert_in_order(
            self.rows(capture), "/greeting", f"pod shop/{new} was scheduled to node node", f"container main of pod shop/{new} started",
            f"pod shop/{new} is ready", f"service shop/front: endpoint {self.cluster.pod_address(new, 'shop')} of pod shop/{new} is ready",
            f"pod shop/{old} is being deleted", f"pod shop/{old} is gone")
        self.assert_in_order(self.rows(capture), f"pod shop/{new} is ready", "/greeting")
        self.assert_in_order(self.rows(capture), f"pod shop/{old} is being deleted",
                             f"service shop/front: endpoint {old_address} of pod shop/{old} is gone")
        self.assertEqual(self.owners_told(capture, new), {f"ReplicaSet/{new_set}"})

    def owners_told(self, capture, pod_name):
        return {entry["CAPROCK_OWNER"] for entry in journal_entries(capture)
                if entry.get("CAPROCK_POD") == pod_name and "CAPROCK_OWNER" in entry}

    def check_scale_up(self):
        before = self.front_pods()
        self.cluster.kubectl("-n", "shop", "scale", "deployment/front", "--replicas=2")
        wait_until(lambda: len(self.front_pods()) == 2, "the second pod")
        ((added, owner),) = self.front_pods().items() - before.items()
        self.await_pods("shop", added)
        self.fetch("shop", "client", f"http://{self.cluster.pod_address(added, 'shop')}:{PORT}/added")
        capture = self.await_told(f"pod shop/{added} is ready")
        self.assert_in_order(self.rows(capture), f"pod shop/{added} was scheduled to node node", f"pod shop/{added} has address",
                             f"pod shop/{added} is ready", "/added")
        self.assertEqual(self.owners_told(capture, added), {f"ReplicaSet/{owner}"})
        self.assertIn(owner, before.values())

    def check_memory(self):
        """The connection that it held ends behind its end."""
        self.cluster.wait_for_phase("hungry", "Failed", namespace="shop")
        address = self.cluster.pod_address("hungry", "shop")
        capture = self.await_told("container main of pod shop/hungry was killed, as its memory ran out: OOMKilled, exit code 137",
                                  "pod shop/hungry has failed")
        (kill,) = [entry for entry in journal_entries(capture) if entry.get("CAPROCK_EVENT") == "oom" and entry["_COMM"] == "tail"]
        self.assertEqual((kill.get("CAPROCK_NAMESPACE"), kill.get("CAPROCK_POD")), ("shop", "hungry"))
        held = f"ip.src == {address} && tcp.dstport == {PORT} && (tcp.flags.syn == 1 || tcp.flags.fin == 1 || tcp.flags.reset == 1)"
        rows = self.rows(capture, held, f'{KUBERNETES} || frame contains "CAPROCK_EVENT=oom"')
        self.assert_in_order(rows, "S·", kill["MESSAGE"], "F",
                             "container main of pod shop/hungry was killed, as its memory ran out: OOMKilled")

    def check_crash_loop(self):
        capture = self.await_told("container main of pod shop/crashing is waiting: CrashLoopBackOff",
                                  "kubelet about pod shop/crashing: BackOff: Back-off restarting failed container")
        self.assert_in_order(self.rows(capture), "container main of pod shop/crashing started",
                             "container main of pod shop/crashing ended: Error, exit code 3",
                             "container main of pod shop/crashing restarted, 1 times so far; its last end: Error, exit code 3",
                             "container main of pod shop/crashing is waiting: CrashLoopBackOff")

    def check_processes(self):
        """They live a while, as the control group of a process is asked for a little after it began."""
        address = self.cluster.pod_address("listener", "shop")
        self.execute("shop", "client", "sh", "-c", f"(sleep 1; echo greetings) | nc {address} {PORT}")
        self.agent.settle()
        told = [entry for entry in journal_entries(self.export(self.agent)) if entry.get("CAPROCK_LAYER") == "os"]
        for pod_name, fields in (("client", {"CAPROCK_EVENT": "exec", "_CMDLINE": f"nc {address} {PORT}"}),
                                 ("client", {"CAPROCK_EVENT": "connect", "_COMM": "nc"}),
                                 ("listener", {"CAPROCK_EVENT": "accept", "_COMM": "nc"})):
            found = {(entry.get("CAPROCK_NAMESPACE"), entry.get("CAPROCK_POD")) for entry in told if fields.items() <= entry.items()}
            self.assertIn(("shop", pod_name), found, fields)
        noted = self.export(self.agent, "--process", "--no-events")
        comments = tshark(noted, "-Y", 'tcp.payload contains "greetings"', "-T", "fields", "-e", "frame.comment").splitlines()
        self.assertEqual(len(comments), 1)
        self.assertRegex(comments[0], r"^from nc\[\d+\] of shop/client to nc\[\d+\] of shop/listener$")

    def check_short_job(self):
        """Of which the kubelet may tell the address only with the end."""
        url = f"http://{self.cluster.pod_address('web', 'shop')}:{PORT}/job"
        self.apply("shop", script("job", f"wget -qO- {url}; true", restartPolicy="Never"))
        capture = self.await_told("pod shop/job has completed")
        self.assert_in_order(self.rows(capture), "pod shop/job was scheduled", "/job", "pod shop/job has address", "pod shop/job has completed")
        names = tshark(capture, "-N", "n", "-Y", 'http.request.uri == "/job"', "-T", "fields", "-e", "ip.src_host").split()
        self.assertEqual(names, ["shop/job"])

    def check_static_pod(self):
        """Its control group has the uid of its configuration, and the object that stands for it another one."""
        (self.cluster.static_pods / "fixed.json").write_text(json.dumps(of("shop", pod("fixed", "sleep", "3210"))))
        self.await_pods("shop", "fixed-node")
        self.await_target("fixed-node")
        uid = self.cluster.get("-n", "shop", "pod", "fixed-node")["metadata"]["uid"]
        self.agent.settle()
        begun = [(entry.get("CAPROCK_NAMESPACE"), entry.get("CAPROCK_POD"), entry.get("CAPROCK_POD_UID"))
                 for entry in journal_entries(self.export(self.agent))
                 if entry.get("CAPROCK_EVENT") == "exec" and entry.get("_CMDLINE") == "sleep 3210"]
        self.assertEqual(begun, [("shop", "fixed-node", uid)])
