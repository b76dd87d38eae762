# SPDX-License-Identifier: Apache-2.0
"""Which pods an agent records, on a node whose kubelet is played: real links, real traffic, a real API server."""
import json
import os
import re
import signal
import time
from pathlib import Path

from lab.harness import alone
from lab.kubernetes import Relay
from lab.network import run
from lab.readers import journal_messages
from lab.waiting import wait_until
from played_node import NODE, NODE_ADDRESS, SECOND_NETWORK, PlayedNodeTest, Process

PODS = int(os.environ.get("CAPROCK_PODS", 60))  # of the test of churn
PERIOD, ALIVE = 0.12, 20  # s from one to the next; how many there are at a time
ATTACHES, ATTACH_SECONDS = 10, 0.1
MOST_CPU = 0.5  # of a core, on a machine that does other things; the figure is scripts/bench's
LIVE_SECONDS = 1  # in which a change of the filter is in force
AWAY_SECONDS, BEFORE_RETURN, SENDING_PERIOD = 62, 15, 0.25  # of the test of an API server that is away for long
NODE_IPV6 = "fd00:244::1"
MOST_PAUSE = 35  # s until an agent tries again, and then some


class Usage:
    """CPU time and memory of a process since this was made."""

    def __init__(self, process):
        self.folder, self.begun = Path(f"/proc/{process.pid}"), time.monotonic()
        self.before = self._cpu_seconds()

    def _cpu_seconds(self):
        fields = (self.folder / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_share(self):
        return (self._cpu_seconds() - self.before) / (time.monotonic() - self.begun)

    def own_bytes(self):
        """Memory that is neither the ring's nor the stage's."""
        (line,) = [line for line in (self.folder / "status").read_text().splitlines() if line.startswith("RssAnon")]
        return int(line.split()[1]) << 10


class Targets(PlayedNodeTest):
    @alone
    def test_namespaces(self):
        """the namespaces asked for are recorded and no others, and a change is in force within a second"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        self.assertEqual(self.targets(agent)["till"]["reason"], "not in tap.namespaces")
        front.send("front 1"), till.send("till 1")
        agent.client("capture", "--namespaces", "bank")
        time.sleep(LIVE_SECONDS)
        front.send("front 2"), till.send("till 2")
        agent.client("capture", "--namespaces", "", "--excluded-namespaces", "bank")
        time.sleep(LIVE_SECONDS)
        front.send("front 3"), till.send("till 3")
        wait_until(lambda: len(self.recorded(agent)) >= 3, "the datagrams")
        self.assertEqual(self.recorded(agent), ["front 1", "till 2", "front 3"])

    def test_ways_to_name(self):
        """regex, labels and a pod's own annotation name the pods; what is wrong is refused, and the old filter stays"""
        self.running_pod("shop", "front-1", labels={"tier": "web"}), self.running_pod("shop", "store-front", labels={"tier": "db"})
        asks = self.running_pod("bank", "asks", annotations={"caprock.io/capture": "true"})
        shy = self.running_pod("shop", "front-shy", annotations={"caprock.io/capture": "false"})
        agent = self.agent_with(tap__regex="^front").start()
        self.await_targets(agent, "front-1", "asks")
        agent.client("capture", "--regex", ".*", "--label-selector", "tier in (db)")
        self.await_targets(agent, "store-front", "asks")
        refused = agent.client("capture", "--regex", "front(", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr.decode(), r"tap\.regex: \"front\(\" is not a regular expression: .*, at character")
        self.await_targets(agent, "store-front", "asks")
        asks.send("asks"), shy.send("shy")
        agent.client("capture", "--label-selector", "")
        time.sleep(LIVE_SECONDS)
        shy.send("shy again"), asks.send("asks again")
        wait_until(lambda: "asks again" in self.recorded(agent), "the datagrams")
        self.assertEqual(self.recorded(agent), ["asks", "asks again"])

    def test_refused_by_kernel(self):
        """a filter of which the addresses cannot be written is not in force; one of which old addresses cannot be taken out is, and the
        status says that they are still recorded"""
        self.running_pod("shop", "front"), self.running_pod("bank", "till"), self.running_pod("shop", "store")
        agent = self.agent_with(tap__regex="front|till").start()
        self.await_targets(agent, "front", "till")
        (addresses,) = agent.pins.rglob("addr4")
        run("bpftool", "map", "freeze", "pinned", addresses)
        refused = agent.client("capture", "--regex", ".*", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr.decode(), "^caprock: .*addr4: .*\n$")
        self.await_targets(agent, "front", "till")
        self.assertIn("front|till", agent.client("capture").stdout.decode())
        agent.client("capture", "--regex", "front")
        self.await_targets(agent, "front")
        self.assertNotIn("till", agent.client("capture").stdout.decode())
        (told,) = [one["message"] for one in agent.status()["errors"] if "is still recorded" in one["message"]]
        self.assertRegex(told, r"^what is no target any more is still recorded by its address: .*addr4: .*$")

    def test_unchanged(self):
        """while the filter changes again and again, what stays a target loses no packet and has none twice"""
        front = self.running_pod("shop", "front")
        self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        with front.counting() as sent:
            for words in (("--namespaces", "shop,bank"), ("--namespaces", "", "--excluded-namespaces", "bank"),
                          ("--excluded-namespaces", "", "--regex", "^front"), ("--namespaces", "shop", "--regex", ".*")) * 5:
                agent.client("capture", *words)
                time.sleep(0.1)
        wait_until(lambda: len(self.recorded(agent)) >= len(sent), f"{len(sent)} datagrams")
        self.assertEqual(self.recorded(agent), sent)

    def test_unchanged_by_reload(self):
        """the same while the configuration is loaded again and again"""
        front, config = self.running_pod("shop", "front"), self.folder / "caprock.yaml"
        self.running_pod("bank", "till")
        config.write_text("tap: {namespaces: [shop]}\n")
        agent = self.agent_with(config=config).start()
        self.await_targets(agent, "front")

        def reloads():
            return agent.log.read_text().count("configuration reloaded")
        with front.counting() as sent:
            for tap in ("namespaces: [shop, bank]", "excludedNamespaces: [bank]", "regex: ^front", "namespaces: [shop]") * 3:
                before = reloads()
                config.write_text(f"tap: {{{tap}}}\n")
                agent.process.send_signal(signal.SIGHUP)
                wait_until(lambda: reloads() > before, f"{tap} to be in force")
        wait_until(lambda: len(self.recorded(agent)) >= len(sent), f"{len(sent)} datagrams")
        self.assertEqual(self.recorded(agent), sent)

    @alone
    def test_address(self):
        """a second after the API server has been told a pod's address, what is sent to it is recorded on a link that many share, too"""
        front = self.make_pod("shop", "front")
        front.network.ip("addr", "flush", "dev", "eth0")  # so that it is not found behind the pod's link
        agent = self.agent_with(tap__namespaces="[shop]").start()
        front.schedule()
        self.node.add_pair(front)
        wait_until(lambda: agent.interface("net"), "an end of the pair to be recorded")
        time.sleep(LIVE_SECONDS)
        self.node.send("early", front.address)
        front.run()
        time.sleep(LIVE_SECONDS)
        self.node.send("late", front.address)
        wait_until(lambda: self.recorded(agent), "the datagram")
        self.assertEqual(self.recorded(agent), ["late"])

    def test_missing_namespaces(self):
        """namespaces that the cluster does not have are named, and the rest of the filter holds"""
        self.running_pod("shop", "front"), self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop, shpo]", tap__excludedNamespaces="[bnak]").start()
        self.await_targets(agent, "front")
        missing = ["tap.namespaces: the cluster has no shpo", "tap.excludedNamespaces: the cluster has no bnak"]
        wait_until(lambda: set(missing) <= set(self.report(agent)["notes"]), f"the notes: {self.report(agent)}")
        self.assertLessEqual(set(missing), set(agent.status()["kubernetes"]["notes"]))
        self.assertFalse([note for note in self.report(agent)["notes"] if note.endswith(" shop")])

    def test_duplicates(self):
        """what a pod sends to another one is recorded once, and with agent.duplicates: keep on the links of both"""
        front, store, config = self.running_pod("shop", "front"), self.running_pod("shop", "store"), self.folder / "caprock.yaml"
        config.write_text("agent: {duplicates: drop}\n")
        agent = self.agent_with(config=config).start()
        self.await_targets(agent, "front", "store")
        front.send("once", store.address)
        wait_until(lambda: self.recorded(agent), "the datagram, which proxy ARP delays")
        config.write_text("agent: {duplicates: keep}\n")
        agent.process.send_signal(signal.SIGHUP)
        time.sleep(LIVE_SECONDS)
        front.send("twice", store.address)
        wait_until(lambda: len(self.recorded(agent)) >= 3, f"the datagrams: {self.recorded(agent)}")
        self.assertEqual(self.recorded(agent), ["once", "twice", "twice"])

    def test_past_link(self):
        """what the node sends to a target by a pair of links of its own, and not by the pod's, is recorded once"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        self.node.add_pair(front, till)
        wait_until(lambda: agent.interface("net"), "an end of the pair to be recorded")
        self.node.send("to till", till.address), self.node.send("to front", front.address)
        wait_until(lambda: self.recorded(agent), "the datagram")
        self.assertEqual(self.recorded(agent), ["to front"])

    def test_first_packet_past_link(self):
        """what is sent to a pod past its link is recorded before anybody has said whose the link is, or what its address is"""
        agent = self.agent_with(tap__namespaces="[shop]").start()
        early = self.make_pod("shop", "early")
        self.node.add_pair(early)
        wait_until(lambda: agent.interface("net") and agent.interface(early.link), "the links to be recorded")
        time.sleep(0.5)  # the node looks for addresses ten times a second
        self.node.send("first", early.address)
        early.schedule()
        time.sleep(0.5)
        self.node.send("second", early.address)
        early.run()
        time.sleep(LIVE_SECONDS)
        self.node.send("third", early.address)
        wait_until(lambda: "third" in self.recorded(agent), "the last datagram")
        self.assertEqual(self.recorded(agent), ["first", "second", "third"])

    def test_ipv6(self):
        """pods that have IPv6 addresses alone are found by these, told apart on links that many share, and have their names"""
        front, till = self.make_pod("shop", "front"), self.make_pod("bank", "till")
        self.node.network.ip("addr", "add", f"{NODE_IPV6}/128", "dev", "lo", "nodad")
        for number, played in enumerate((front, till)):
            played.change_address(f"fd00:244::{number + 2}")
            self.know_node(played, NODE_IPV6)
            played.schedule().run()
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        self.assertEqual(self.targets(agent)["till"]["interfaces"], [till.link])
        till.send("till", NODE_IPV6), front.send("front", NODE_IPV6)
        self.node.add_pair(front, till)
        wait_until(lambda: agent.interface("net"), "an end of the pair to be recorded")
        self.node.send("to till", till.address), self.node.send("to front", front.address)
        wait_until(lambda: len(self.recorded(agent)) >= 2, "the datagrams")
        self.assertEqual(self.recorded(agent), ["front", "to front"])
        ends = run("tshark", "-r", self.folder / "export.pcapng", "-N", "n", "-Y", "udp", "-T", "fields", "-e", "ipv6.src_host", "-e", "ipv6.dst_host")
        self.assertEqual(ends.split(), ["shop/front", NODE_IPV6, NODE_IPV6, "shop/front"])

    def test_first_packet(self):
        """the first packet of a pod is recorded, though nobody knows the link's owner yet"""
        agent = self.agent_with(tap__namespaces="[shop]").start()
        early = self.make_pod("shop", "early")
        wait_until(lambda: agent.interface(early.link), "the link to be recorded")
        early.send("first")
        early.schedule().run()
        self.await_targets(agent, "early")
        early.send("second")
        wait_until(lambda: len(self.recorded(agent)) == 2, "the datagrams")

    def test_short_job(self):
        """a pod that has ended before its address is told has its name in the record all the same, and the next one with the address its own"""
        agent = self.agent_with(tap__namespaces="[shop]").start()
        job = self.make_pod("shop", "job")
        wait_until(lambda: agent.interface(job.link), "the link to be recorded")
        job.schedule()
        wait_until(lambda: "job" in self.targets(agent), "the job to be known")
        job.send("result")
        job.complete()
        wait_until(lambda: "job" not in self.targets(agent), "its end to be known")
        self.unplug(job)
        heir = self.make_pod("shop", "heir", address=job.address).schedule().run()
        self.await_targets(agent, "heir")
        heir.send("more")
        wait_until(lambda: len(self.recorded(agent)) == 2, "the datagrams")
        shown = run("tshark", "-r", self.folder / "export.pcapng", "-N", "n", "-Y", "udp", "-T", "fields", "-e", "ip.src_host", "-e", "udp.payload")
        self.assertEqual(shown.split(), ["shop/job", b"result".hex(), "shop/heir", b"more".hex()])
        told = [message for message in self.told_after_inventory(agent) if "/job " in message]
        self.assertEqual(told, [f"pod shop/job was scheduled to node {NODE}", f"pod shop/job has address {job.address}", "pod shop/job has completed"])

    def test_away(self):
        """an agent that starts while the API server is away records what was a target, and follows as soon as it is back"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        self.assert_stopped(agent)
        self.server.stop()
        agent.start()
        self.await_targets(agent, "front")
        front.send("front 1"), till.send("till 1")
        report = json.loads(agent.client("targets", "-o", "json").stdout)
        self.assertIn("known last", report["notes"][0])
        self.assertTrue(all(one["error"] for one in report["resources"]), report["resources"])
        self.server.start()
        wait_until(lambda: all(one["synced"] for one in json.loads(agent.client("targets", "-o", "json").stdout)["resources"]),
                   "the agent to follow", 60)
        self.await_targets(agent, "front")
        wait_until(lambda: self.recorded(agent) == ["front 1"], "the datagram")

    def test_slow_disk(self):
        """while the disk does not take what is known of the pods an agent goes on, and the last that was known is there in the end"""
        agent = self.agent_with(tap__namespaces="[shop]")
        fresh = agent.folder / "pods.json.new"
        os.mkfifo(fresh)  # opened for writing it waits for a reader
        agent.start()
        self.running_pod("shop", "front")
        time.sleep(2 * LIVE_SECONDS)  # it writes once a second
        self.running_pod("shop", "store")
        self.await_targets(agent, "front", "store")
        fresh.read_bytes()
        self.assert_stopped(agent)
        known = json.loads((agent.folder / "pods.json").read_text())["items"]
        self.assertEqual({one["metadata"]["name"] for one in known}, {"front", "store"})

    def test_processes(self):
        """a pod to which no route or bridge leads is found by its processes, a static one by those of its configuration's uid"""
        hash_of_file = "0123456789abcdef0123456789abcdef"
        mirror = {"kubernetes.io/config.mirror": hash_of_file, "kubernetes.io/config.hash": hash_of_file}
        plain, fixed = self.running_pod("shop", "plain"), self.running_pod("shop", "fixed", annotations=mirror)
        till = self.running_pod("bank", "till")
        for played, uid in ((plain, plain.uid), (fixed, hash_of_file), (till, till.uid)):
            self.node.network.ip("route", "del", f"{played.address}/32")
            self.addCleanup(Process(played, uid).delete)
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "plain", "fixed")
        self.assertEqual({name: one["interfaces"] for name, one in self.targets(agent).items()},
                         {one.name: [one.link] for one in (plain, fixed, till)})
        for played in (plain, fixed, till):
            played.send(played.name)
        wait_until(lambda: len(self.recorded(agent)) >= 2, "the datagrams")
        self.assertEqual(self.recorded(agent), ["plain", "fixed"])

    def test_address_in_sequence(self):
        """a pod with the address of one that is still being deleted is judged by itself: it is left out or recorded, by its own link"""
        target, shy = self.running_pod("shop", "target"), self.running_pod("shop", "shy", annotations={"caprock.io/capture": "false"})
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "target")
        target.terminate(), shy.terminate()
        target.send("last of target"), shy.send("last of shy")
        wait_until(lambda: self.recorded(agent) == ["last of target"], "the last packet of a pod that is being deleted")
        for old, place in ((target, "bank"), (shy, "shop")):
            self.unplug(old)
            heir = self.make_pod(place, f"heir-of-{old.name}", address=old.address)
            wait_until(lambda: agent.interface(heir.link), "the link to be recorded")
            time.sleep(2 * LIVE_SECONDS)  # the agent looks for the link's owner meanwhile
            heir.schedule().run()
            wait_until(lambda: self.targets(agent).get(heir.name, {}).get("interfaces") == [heir.link],
                       f"the heir to have its link: {self.targets(agent)}")
            time.sleep(LIVE_SECONDS)
            self.assertEqual(self.targets(agent)[old.name]["interfaces"], [])
            heir.send(heir.name)
        wait_until(lambda: "heir-of-shy" in self.recorded(agent), f"the datagram: {self.targets(agent)}")
        self.assertEqual(self.recorded(agent), ["last of target", "heir-of-shy"])

    def test_process_before_address(self):
        """a link is that of the pod whose process is behind it, though another pod still says that its address is"""
        stale = self.running_pod("shop", "stale")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "stale")
        self.unplug(stale)
        heir = self.make_pod("bank", "heir", address=stale.address)
        wait_until(lambda: self.targets(agent)["stale"]["interfaces"] == [heir.link], "the address to lead there")
        heir.schedule()
        self.addCleanup(Process(heir, heir.uid).delete)
        wait_until(lambda: self.targets(agent).get("heir", {}).get("interfaces") == [heir.link], f"the process to be found: {self.targets(agent)}")
        self.assertEqual(self.targets(agent)["stale"]["interfaces"], [])

    def test_second_link(self):
        """a link that is plugged into a running pod is that pod's: a target's is recorded as a whole, any other's not once it is known"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        for played in (front, till):
            played.add_link(f"{played.name}1")
            wait_until(lambda: self.targets(agent)[played.name]["interfaces"] == [played.link, f"{played.name}1"],
                       f"both links: {self.targets(agent)}")
            time.sleep(LIVE_SECONDS)
            played.send(played.name, SECOND_NETWORK[0])
            self.node.network.ip("link", "del", f"{played.name}1")
        front.send("end")
        wait_until(lambda: "end" in self.recorded(agent), "the datagrams")
        self.assertEqual(self.recorded(agent), ["front", "end"])

    def test_shared_device(self):
        """what a target says in a further network by a device that shares one of the node's is recorded, of any other pod nothing"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        self.node.add_pair()
        wait_until(lambda: agent.interface("net"), "an end of the pair to be recorded")
        front.share("host", "10.9.0.2"), till.share("host", "10.9.0.3")
        agent.wait_for(lambda: self.targets(agent)["front"]["addresses"] == [front.address, "10.9.0.2"], "both addresses", 20)
        for played in (till, front):
            played.send(played.name, SECOND_NETWORK[0])
        front.send("end")
        wait_until(lambda: "end" in self.recorded(agent), "the datagrams")
        self.assertEqual(self.recorded(agent), ["front", "end"])

    def test_gone(self):
        """an agent that was cut off for so long that the API server has forgotten what happened meanwhile lists anew, and the record tells
        what is different"""
        old, stays = self.running_pod("shop", "old"), self.running_pod("shop", "stays")
        relay = Relay(self.server)
        self.addCleanup(relay.delete)
        agent = self.make_agent(self.node.network, agent__kubernetes__kubeconfig=relay.kubeconfig(self.folder),
                                agent__kubernetes__node=NODE, tap__namespaces="[shop]").start()
        self.await_targets(agent, "old", "stays")
        relay.cut()
        self.vanish(old)
        new = self.running_pod("shop", "new")
        self.server.forget_past()
        lists = self.lists_of_pods()
        relay.mend()
        agent.wait_for(lambda: set(self.targets(agent)) == {"new", "stays"}, "the pods of now", 60)
        self.await_targets(agent, "new", "stays")
        self.assertEqual(self.lists_of_pods() - lists, 1)
        new.send("new"), stays.send("stays")
        wait_until(lambda: self.recorded(agent) == ["new", "stays"], "the datagrams")
        agent.wait_for(lambda: not any(resource["error"] for resource in self.report(agent)["resources"]), "all to be followed", 60)
        told = self.told_after_inventory(agent)
        self.assertEqual([message for message in told if message.startswith("pod ")],
                         ["pod shop/old is gone", f"pod shop/new was scheduled to node {NODE}", f"pod shop/new has address {new.address}"])

    def test_away_for_long(self):
        """while the API server is away for over a minute targets are recorded without a gap, and so is one that comes before the agent has found
        the way back, from its first packet on; of others nothing"""
        front, till = self.running_pod("shop", "front"), self.running_pod("bank", "till")
        relay = Relay(self.server)
        self.addCleanup(relay.delete)
        agent = self.make_agent(self.node.network, agent__kubernetes__kubeconfig=relay.kubeconfig(self.folder),
                                agent__kubernetes__node=NODE, tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        relay.cut()
        senders, sent, begun = [front], [], time.monotonic()

        def send_until(seconds, is_over=lambda: False):
            while time.monotonic() - begun < seconds and not is_over():
                number = len(sent)
                for played in (*senders, till):
                    played.send(f"{played.name} {number}")
                sent.extend(f"{played.name} {number}" for played in senders)
                time.sleep(SENDING_PERIOD)
        send_until(AWAY_SECONDS - BEFORE_RETURN)
        self.assertTrue(all(one["error"] for one in self.report(agent)["resources"]), self.report(agent))
        senders.append(self.running_pod("shop", "late"))  # the kubelet's way is another one
        send_until(AWAY_SECONDS)
        relay.mend()
        send_until(AWAY_SECONDS + MOST_PAUSE, lambda: self.targets(agent).get("late", {}).get("interfaces"))
        self.await_targets(agent, "front", "late")
        wait_until(lambda: set(sent) <= set(self.recorded(agent)), "the datagrams")
        self.assertEqual(sorted(self.recorded(agent)), sorted(sent))

    def test_restarted(self):
        """an agent that follows the API server goes on when that restarts: with what came meanwhile, and without telling anything twice"""
        old, stays = self.running_pod("shop", "old"), self.running_pod("shop", "stays")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "old", "stays")
        wait_until(lambda: all(one["synced"] for one in self.report(agent)["resources"]), "all to be followed")
        self.server.stop()
        wait_until(lambda: all(one["error"] for one in self.report(agent)["resources"]), f"it to be missed: {self.report(agent)}")
        stays.send("meanwhile")
        self.server.start()
        self.node.api.connection.close()
        self.vanish(old)
        new = self.running_pod("shop", "new")
        agent.wait_for(lambda: set(self.targets(agent)) == {"new", "stays"}, "the pods of now", 60)
        self.await_targets(agent, "new", "stays")
        new.send("new"), stays.send("stays")
        wait_until(lambda: self.recorded(agent) == ["meanwhile", "new", "stays"], f"the datagrams: {self.recorded(agent)}")
        agent.wait_for(lambda: not any(resource["error"] for resource in self.report(agent)["resources"]), "all to be followed", 60)
        told = [message for message in self.told_after_inventory(agent) if message.startswith("pod ")]
        self.assertEqual(sorted(told), sorted(set(told)), "told twice")
        self.assertEqual([message for message in told if "/stays" in message], [])
        self.assertIn("pod shop/old is gone", told)

    def test_evicted(self):
        """a pod that is evicted by a kubelet which says at once that it has failed is recorded as long as it runs, and one that is to be in no
        record is in none"""
        front, shy = self.running_pod("shop", "front"), self.running_pod("shop", "shy", annotations={"caprock.io/capture": "false"})
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        self.node.add_pair(front, shy)  # by which it does not matter whose link it would be
        wait_until(lambda: agent.interface("net"), "an end of the pair to be recorded")
        for played in (front, shy):
            played.evict()
        time.sleep(3 * LIVE_SECONDS)
        self.assertEqual(self.targets(agent)["front"]["interfaces"], [front.link])
        shy.send("secret"), self.node.send("to shy", shy.address)
        front.send("its last"), self.node.send("to front", front.address)
        wait_until(lambda: len(self.recorded(agent)) >= 2, "the datagrams")
        self.assertEqual(self.recorded(agent), ["its last", "to front"])
        self.unplug(front)
        wait_until(lambda: "front" not in self.targets(agent), f"it to have ended: {self.targets(agent)}")

    def test_without_link(self):
        """of how many targets no link is known the status says, too"""
        self.running_pod("shop", "front")
        lost = self.running_pod("shop", "lost")
        self.node.network.ip("route", "del", f"{lost.address}/32")
        agent = self.agent_with(tap__namespaces="[shop]").start()
        self.await_targets(agent, "front")
        (note,) = [note for note in agent.status()["kubernetes"]["notes"] if "link" in note]
        self.assertEqual(note, "1 of the targets have no link that is known: they are recorded by their addresses, on links that others share")
        self.node.network.ip("route", "add", f"{lost.address}/32", "dev", lost.link)
        self.await_targets(agent, "front", "lost")
        self.assertEqual([note for note in agent.status()["kubernetes"]["notes"] if "link" in note], [])

    def told_after_inventory(self, agent):
        """What the record says of pods beside those that were there at the beginning."""
        return [message for message in journal_messages(self.export(agent)) if " is there: " not in message]

    def lists_of_pods(self):
        """How many there were since the API server's start, by its own count."""
        metrics = self.server.kubectl("get", "--raw", "/metrics")
        counts = re.findall(r'^apiserver_request_total\{.*resource="pods".*verb="LIST".*\} (\d+)', metrics, re.M)
        return sum(map(int, counts))

    @alone
    def test_attach(self):
        """what a pod sends is recorded from a tenth of a second after its link has begun to be there"""
        agent = self.agent_with(tap__namespaces="[shop]").start()
        for number in range(ATTACHES):
            begun, sent = time.monotonic(), []
            played = self.make_pod("shop", f"pod-{number}")
            self.know_node(played)  # a proxy's answer may take a second
            while len(sent) < 20 or sent[-1] < 2 * ATTACH_SECONDS:
                sent.append(time.monotonic() - begun)
                played.send(f"{number} {sent[-1]}")
            wait_until(lambda: self.since(agent, number)[-1:] == sent[-1:], f"the datagrams of pod {number}")
            seen = self.since(agent, number)
            print(f"sent from {sent[0]:.3f} s on, recorded from {seen[0]:.3f} s on")
            self.assertEqual([since for since in sent if since > ATTACH_SECONDS], [since for since in seen if since > ATTACH_SECONDS])

    def know_node(self, played, address=NODE_ADDRESS):
        """The pod does not ask who has the node's address."""
        mac = json.loads(self.node.network.ip("-j", "link", "show", played.link))[0]["address"]
        played.network.ip("neighbour", "add", address, "lladdr", mac, "dev", "eth0")

    def since(self, agent, number):
        """When what is recorded of the pod was sent."""
        texts = [text.split() for text in self.recorded(agent)]
        return [float(since) for pod, since in texts if pod == str(number)]

    @alone
    def test_churn(self):
        """of pods that appear and vanish every 120 ms the first SYN of each is recorded, and nothing of them stays behind"""
        agent = self.agent_with(tap__namespaces="[shop]").start()
        before = self.entries(agent)
        usage = Usage(agent.process)
        begun, alive, pods, early = time.monotonic(), [], [], 0
        for number in range(PODS):
            played = self.make_pod("shop", f"pod-{number}").schedule().run()
            played.connect()
            alive.append(played), pods.append(played.address)
            if len(alive) > ALIVE:
                self.vanish(alive.pop(0))
            if number == ALIVE:
                early = usage.own_bytes()
            time.sleep(max(0, begun + number * PERIOD - time.monotonic()))
        took, share, late = time.monotonic() - begun, usage.cpu_share(), usage.own_bytes()
        for played in alive:
            self.vanish(played)
        wait_until(lambda: self.entries(agent) == before, f"maps and pins to be as before: {before}, {self.entries(agent)}")
        capture = self.folder / "export.pcapng"
        agent.client("export", "--force", "--no-events", "-o", capture)
        seen = run("tshark", "-r", capture, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0", "-T", "fields", "-e", "ip.src").split()
        print(f"{PODS} pods in {took:.1f} s: {100 * share:.1f} % of a core, {early >> 10} KiB at first, {late >> 10} KiB at the end")
        self.assertEqual(([one for one in pods if one not in seen], [one for one in set(seen) if seen.count(one) > 1]), ([], []),
                         "missing, and twice")
        self.assertLess(late, early + (8 << 20))
        self.assertLess(share, MOST_CPU)

    def entries(self, agent):
        """The pins of attachments, and how many entries the maps of addresses, interfaces and pods' ends have. What the file says of interfaces
        (if_record) stays until their numbers are given anew."""
        counts = {"links": sorted(pin.name for pin in agent.pins.rglob("link_*"))}
        for name in ("addr4", "addr6", "if_policy", "pod_ends"):
            (path,) = agent.pins.rglob(name)
            counts[name] = len(json.loads(run("bpftool", "-j", "map", "dump", "pinned", path)))
        return counts

    def test_rights(self):
        """of what the service account may not see resource and verbs are named, the rest is followed, and capture goes on"""
        front = self.running_pod("shop", "front")
        config = self.server.kubeconfig_of("proxy")  # may list services and nodes, no pods
        agent = self.make_agent(self.node.network, agent__kubernetes__kubeconfig=config, agent__kubernetes__node=NODE).start()

        def resources():
            return {one["name"]: one for one in self.report(agent)["resources"]}

        def refused():
            return {name for name, one in resources().items() if one["error"]}
        forbidden = {"pods", "namespaces", "events"}
        wait_until(lambda: refused() == forbidden, f"these to be refused, and no others: {resources()}")
        for name in forbidden:
            self.assertRegex(resources()[name]["error"], f"^may not list {name}: allow the ServiceAccount list and watch of {name} in its "
                                                         rf'ClusterRole \({name} is forbidden: .* cannot list resource "{name}" .*\)$')
        self.assertTrue(all(resources()[name]["synced"] for name in set(resources()) - forbidden))
        front.send("front")
        wait_until(lambda: self.recorded(agent) == ["front"], "the datagram")
