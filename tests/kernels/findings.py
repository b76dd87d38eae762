# SPDX-License-Identifier: Apache-2.0
"""What a judge found out about a kernel: feature → how it is there, or why not."""
import json
import re


def kernel_version(disk):
    """(6, 12) for the file `kernel` of a guest's disk, what `uname -r` said."""
    return tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", (disk / "kernel").read_text()).groups())


class Findings:
    def __init__(self):
        self.features = {}

    def add(self, feature, finding):
        self.features[feature] = finding

    def write(self, disk):
        findings = {"kernel": (disk / "kernel").read_text().strip(), "features": self.features}
        (disk / "findings.json").write_text(json.dumps(findings, indent=1) + "\n")
