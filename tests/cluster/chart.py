# SPDX-License-Identifier: Apache-2.0
"""The Helm chart, as Helm renders it without a cluster."""
import functools
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/caprock"
NAMESPACE = "flight"


class Refused(Exception):
    """Helm's message."""


@functools.cache
def helm_path():
    fetch = Path(__file__).parent / "fetch-helm"
    return subprocess.run([fetch], check=True, capture_output=True, text=True).stdout.strip()


def helm(*words):
    done = subprocess.run([helm_path(), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(done.stderr)
    return done.stdout


class Manifests:
    """What `helm template` makes of the chart; `values` is a file, `sets` are --set."""

    def __init__(self, *sets, values=None, kube_version="1.29.0", chart=CHART):
        options = [word for one in sets for word in ("--set", one)]
        if values:
            options += ["-f", values]
        text = helm("template", "rec", chart, "--namespace", NAMESPACE, "--kube-version", kube_version, *options)
        self.objects = [one for one in yaml.safe_load_all(text) if one]

    def of(self, kind):
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind):
        (found,) = self.of(kind)
        return found

    @property
    def pod(self):
        return self.one("DaemonSet")["spec"]["template"]

    @property
    def agent(self):
        return self.pod["spec"]["containers"][0]

    @property
    def config(self):
        """The agent's configuration, as text."""
        return self.one("ConfigMap")["data"]["caprock.yaml"]


def notes(folder, *sets, values=None):
    """What Helm says after an install. `helm template` leaves it out, so a copy of the chart has it in an object."""
    chart = folder / "chart"
    shutil.copytree(CHART, chart, dirs_exist_ok=True)
    (chart / "templates/NOTES.txt").rename(chart / "notes")
    (chart / "templates/notes.yaml").write_text('kind: Notes\ntext: {{ tpl (.Files.Get "notes") . | quote }}\n')
    return Manifests(*sets, values=values, chart=chart).one("Notes")["text"]


def flat(tree, path=""):
    """{dotted path: value} of a tree's leaves; an empty section is a leaf."""
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    return {key: value for name, below in tree.items() for key, value in flat(below, f"{path}.{name}" if path else name).items()}
