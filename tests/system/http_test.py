# SPDX-License-Identifier: Apache-2.0
"""The main job: files fetched over HTTP while everything is recorded, found whole in the export."""
import subprocess
import time

from lab.harness import SystemTest, on_both_transports
from lab import frames
from lab.readers import tshark


@on_both_transports
class Http(SystemTest):
    def test_download(self):
        """http: files fetched while all interfaces are recorded are whole in the export"""
        pair = self.make_pair()
        site = self.folder / "site"
        site.mkdir()
        files = {f"file{i}.bin": frames.payload(i, size) for i, size in enumerate((10, 100_000, 5_000_000))}
        for name, data in files.items():
            (site / name).write_bytes(data)
        agent = self.make_agent(pair.right, agent__interfaces="auto").start()
        server = subprocess.Popen(pair.right.command("python3", "-m", "http.server", "8000", "--directory", site),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        time.sleep(0.7)
        for name, data in files.items():
            pair.left.run("curl", "-sS", "--fail", "-o", self.folder / name, f"http://10.77.0.2:8000/{name}")
            self.assertEqual((self.folder / name).read_bytes(), data)
        objects = self.folder / "objects"
        tshark(self.export(agent), "-q", "--export-objects", f"http,{objects}")
        self.assertEqual({path.name: path.read_bytes() for path in objects.iterdir()}, files)
