# SPDX-License-Identifier: Apache-2.0
"""Container images, as tests/cluster/build-image makes them."""
import json
import tarfile
from pathlib import Path

from .programs import build

POD_IMAGE = "localhost/caprock-pod:test"
COMPILERS = {f"usr/bin/{name}" for name in ("cc", "c++", "gcc", "g++", "clang", "as", "ld", "make")}


def build_image(*words):
    """By the words of build-image; the path of the archive."""
    return Path(build("build-image", *words))


class Layers:
    """The size (bytes) of an image's layers together, and the paths of the files in them."""

    def __init__(self, archive):
        self.archive, self.size, self.files = archive, 0, set()
        with tarfile.open(archive) as outer:
            (manifest,) = json.load(outer.extractfile("manifest.json"))
            self.names = manifest["Layers"]
            for name in self.names:
                self.size += outer.getmember(name).size
                with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                    self.files.update(member.name.removeprefix("./") for member in layer)

    def extract(self, path, folder):
        """A file of the topmost layer that has it; its path in the folder."""
        with tarfile.open(self.archive) as outer:
            for name in reversed(self.names):
                with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                    if path in layer.getnames():
                        layer.extract(path, folder)
                        return Path(folder) / path
        raise RuntimeError(f"{path} is not in {self.archive}")
