# SPDX-License-Identifier: Apache-2.0
"""What an agent takes of the kernel's memory, which counts to its pod's limit."""
import json
import re
from pathlib import Path

from lab.network import run
from played_node import PlayedNodeTest

STAGE = 16 << 20  # of two CPUs; the least


class KernelMemory(PlayedNodeTest):
    def test_maps(self):
        """all maps of an agent take no more of the kernel's memory than its status says, and not much less"""
        self.running_pod("shop", "front")
        agent = self.agent_with(tap__namespaces="[shop]", agent__os__enabled="true", agent__stageSize=STAGE).start()
        self.await_targets(agent, "front")
        maps = {one["name"]: one["bytes_memlock"] for one in self.maps_of(agent)}
        self.assertLessEqual({"stage", "counters", "addr_memo", "translated", "arrivals", "os_events", "os_sockets"}, set(maps), maps)
        (finding,) = [one["found"] for one in agent.status()["findings"] if one["id"] == "memory.limit"]
        told = float(re.search(r", ([0-9.]+) MiB of it for stage and maps", finding)[1])
        beside, told_beside = (sum(maps.values()) - maps["stage"]) / (1 << 20), told - maps["stage"] / (1 << 20)
        print(f"{beside:.1f} MiB beside the stage; {told_beside:.1f} are told")
        self.assertLess(beside, told_beside)
        self.assertGreater(beside, 0.6 * told_beside)

    @staticmethod
    def maps_of(agent):
        """Those of which the agent has a descriptor, as bpftool shows them."""
        infos = [info.read_text() for info in Path(f"/proc/{agent.process.pid}/fdinfo").iterdir()]
        numbers = {found[1] for text in infos if (found := re.search(r"^map_id:\s*(\d+)", text, re.M))}
        return [json.loads(run("bpftool", "-j", "map", "show", "id", number)) for number in numbers]
