# SPDX-License-Identifier: Apache-2.0
"""Container images, as tests/cluster/build-image makes them."""
from pathlib import Path

from .programs import build

POD_IMAGE = "localhost/caprock-pod:test"


def build_image(*words):
    """By the words of build-image; the path of the archive."""
    return Path(build("build-image", *words))
