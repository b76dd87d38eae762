# SPDX-License-Identifier: Apache-2.0
"""What `securityContext.mode: capabilities` leaves to an agent, on a node whose kubelet is played."""
from chart import Manifests
from lab.capability import SYS_RESOURCE, is_held
from lab.harness import alone
from lab.kubernetes.cgroups import ControlGroups
from lab.waiting import wait_until
from loopback_test import PodWithContainers
from played_node import PlayedNodeTest

INCLUDED = {"BPF", "PERFMON"}  # in SYS_ADMIN, as long as that is needed
LOCKED_BYTES = 1 << 20  # less than a mirror port takes


def given():
    """The chart's. Where nobody has SYS_RESOURCE, another one instead that lifts the limit of locked memory."""
    names = set(Manifests("securityContext.mode=capabilities").agent["securityContext"]["capabilities"]["add"])
    return names if is_held(SYS_RESOURCE) else names - {"SYS_RESOURCE"} | {"IPC_LOCK"}


class Capabilities(PlayedNodeTest):
    def setUp(self):
        super().setUp()
        groups = ControlGroups(self.node.network.name)
        self.addCleanup(groups.delete)
        self.front = PodWithContainers(groups, self.node, 1, "shop", "front").schedule().run().start()
        self.addCleanup(self.front.network.delete)
        self.addCleanup(self.front.stop)
        self.node.network.ip_batch("link add port type veth peer name cable", "link set port up", "link set cable up")

    def agent_with(self, names):
        """One that is asked for all that takes a capability."""
        bounds = ",".join(["-all", *(f"+{name.lower()}" for name in sorted(names))])
        return self.make_agent(self.node.network, f"agent-{len(self._cleanups)}", ["prlimit", f"--memlock={LOCKED_BYTES}:{LOCKED_BYTES}", "setpriv", "--bounding-set", bounds],
                               agent__kubernetes__kubeconfig=self.server.kubeconfig, agent__kubernetes__node="node-1",
                               tap__namespaces="[shop]", agent__podLoopback="true", agent__mirrorInterfaces="[port]")

    def port(self, agent):
        return agent.interface("port")

    def await_links(self, agent, *names):
        """Until the pod's devices that are recorded are these."""
        wait_until(lambda: self.targets(agent)["front"]["interfaces"] == list(names), f"{names}: {self.targets(agent)}")

    @alone
    def test_enough(self):
        """with the chart's capabilities an agent records a mirror port by sockets, the pod's link and the pod's inside"""
        agent = self.agent_with(given()).start()
        self.await_links(agent, self.front.link, "lo")
        self.assertEqual((self.port(agent)["hook"], self.port(agent)["error"]), ("xdp + af_xdp", ""))
        self.assertEqual(agent.status()["errors"], [])
        self.assert_stopped(agent)

    @alone
    def test_each(self):
        """without any one of the chart's capabilities an agent does not start, or says what is missing in the record"""
        for name in sorted(given() - INCLUDED):
            with self.subTest(name):
                getattr(self, f"check_{name.lower()}")(self.agent_with(given() - {name}))

    def check_refusal(self, agent, name):
        self.assertEqual(agent.launch().process.wait(15), 1)
        self.assertRegex(agent.last_words(), rf"^caprock: without CAP_{name}: BPF programs cannot be loaded and attached; run as root, .*$")

    def check_net_admin(self, agent):
        self.check_refusal(agent, "NET_ADMIN")

    def check_sys_admin(self, agent):
        self.check_refusal(agent, "SYS_ADMIN")

    def check_net_raw(self, agent):
        self.assertIn("it takes CAP_NET_RAW", self.port(agent.start())["error"])
        self.assert_stopped(agent)

    def check_locked_memory(self, agent):
        self.assertIn("the limit of locked memory is lower", self.port(agent.start())["error"])
        self.assert_stopped(agent)

    check_sys_resource = check_ipc_lock = check_locked_memory

    def check_sys_ptrace(self, agent):
        self.await_links(agent.start(), self.front.link)
        self.assertEqual(self.targets(agent)["front"]["note"], "no process of it is to be seen: not its loopback")
        self.assert_stopped(agent)
