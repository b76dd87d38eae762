# SPDX-License-Identifier: Apache-2.0
"""The image as `docker build` makes it of this folder."""
from lab.harness import SystemTest, alone
from lab.kubernetes import COMPILERS, Layers, build_image
from lab.network import run


class Compiled(SystemTest):
    @alone
    def test_compiled(self):
        """the Dockerfile compiles caprock on a bare Debian, and leaves what that takes out of the image"""
        layers = Layers(build_image("compiled"))
        self.assertFalse(layers.files & COMPILERS)
        self.assertFalse([path for path in layers.files if path.startswith("source")])
        self.assertRegex(run(layers.extract("usr/bin/caprock", self.folder), "version"), r"^caprock \d+\.\d+\.\d+")
