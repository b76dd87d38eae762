# SPDX-License-Identifier: Apache-2.0
"""The image that users get, but for the compiling in it: tests/image is about that."""
from lab.agent import CAPROCK
from lab.harness import SystemTest
from lab.kubernetes import COMPILERS, Cluster, Layers, build_image, pod

SIZE_LIMIT = 120 * 10**6  # bytes, unpacked
NOBODY = {"runAsUser": 65534, "runAsGroup": 65534}


class Image(SystemTest):
    def test_contents(self):
        """the image has caprock and bpftool, but no compiler, in at most 120 MB"""
        layers = Layers(build_image("caprock", CAPROCK))
        self.assertLessEqual(layers.size, SIZE_LIMIT)
        self.assertGreaterEqual(layers.files, {"usr/bin/caprock", "usr/sbin/bpftool"})
        self.assertFalse(layers.files & COMPILERS)

    def test_programs(self):
        """caprock and bpftool run in the image, also for a user without rights"""
        with Cluster(self.folder) as cluster:
            cluster.load(build_image("caprock", CAPROCK))
            for name, words in {"caprock": [], "bpftool": ["bpftool"]}.items():
                manifest = pod(name, *words, arguments=["version"], image="localhost/caprock:test", restartPolicy="Never",
                               securityContext=NOBODY)
                cluster.apply(manifest)
                cluster.wait_for_phase(name, "Succeeded")
                self.assertRegex(cluster.kubectl("logs", name), rf"^{name} v?\d+\.\d+\.\d+")
