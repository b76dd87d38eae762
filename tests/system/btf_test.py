# SPDX-License-Identifier: Apache-2.0
"""A kernel that does not tell its types (BTF), for an agent that looks where they are."""
from lab import frames
from lab.agent import WITHOUT_BTF
from lab.harness import SystemTest


class WithoutBtf(SystemTest):
    def test_capture(self):
        """without BTF of the kernel packets are recorded, and one line says that events are not"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, prefix=WITHOUT_BTF, agent__os__enabled="true")
        sent = [frames.udp4_frame(i, 300) for i in range(100)]
        with frames.raw_socket(pair.left, "west") as wire:
            for frame in sent:
                wire.send(frame)
        agent.settle()
        self.assert_holds(self.export(agent), sent)
        status = agent.status()
        self.assertEqual([error["message"] for error in status["errors"]],
                         ["events of the operating system are not recorded: the kernel does not tell its types (BTF); it takes one that "
                          "is built with CONFIG_DEBUG_INFO_BTF"])
        (finding,) = [one for one in status["findings"] if one["id"] == "kernel.btf"]
        self.assertEqual((finding["severity"], finding["found"]), ("note", "no BTF of the kernel"))
