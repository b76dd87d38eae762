# SPDX-License-Identifier: Apache-2.0
"""Capabilities of this machine's root, who may not have them all (a container)."""
import re
from pathlib import Path

SYS_RESOURCE = 24  # linux/capability.h


def is_held(capability):
    held = int(re.search(r"CapBnd:\s*(\w+)", Path("/proc/self/status").read_text())[1], 16)
    return bool(held >> capability & 1)
