# SPDX-License-Identifier: Apache-2.0
"""The Helm chart: what it renders, what it refuses, and that the agent takes what it is given."""
import functools
import json
import re
import subprocess
from pathlib import Path

import yaml

from lab.agent import CAPROCK
from lab.harness import SystemTest

from chart import CHART, NAMESPACE, ROOT, Manifests, Refused, flat, helm, notes

KUBESHARK = Path(__file__).parent / "kubeshark-values.yaml"
KUBERNETES = ("1.20.0", "1.29.0", "1.33.0")

MISSION = """
tap:
  regex: .*
  namespaces: [shop]
  excludedNamespaces: []
  capture:
    stopped: false
    stopAfter: 5m
    raw: { enabled: true, storageSize: 1Gi }
    dbMaxSize: 500Mi
"""

EVERYTHING = """
tap:
  regex: ^cart-
  namespaces: [shop, payment]
  excludedNamespaces: [kube-system]
  labelSelector: app=web,tier in (a,b)
  capture:
    dissection: { enabled: false, stopAfter: 1h30m }
    raw: { enabled: false, storageSize: 2147483648 }
    dbMaxSize: 1G
agent:
  interfaces: [eth0, "veth*"]
  excludedInterfaces: docker0
  mirrorInterfaces: [eth2]
  mirrorForce: true
  mirrorVxlanPort: 4789
  mirrorBusyPoll: true
  hook: xdp
  protocols: [udp]
  addresses: [10.0.0.0/8, "fd00::/8"]
  excludedAddresses: ["::1"]
  ports: [80, 443]
  excludedPorts: 22
  snaplen: 1500
  transport: ringbuf
  stageSize: 0.5Gi
  lanes: 3
  overload: drop
  os: { enabled: false, events: [exec, drop], probes: kprobe, inventoryInterval: 0 }
  kubernetes: { enabled: true, kubeconfig: /k/config, node: n1, events: false }
  duplicates: keep
  podLoopback: true
  captureSelf: true
  onStop: keep
  lockWait: 90s
  dataDir: /data/caprock
  pinDir: /sys/fs/bpf/recorder
  listen: ["unix:/run/caprock/agent.sock", "[::1]:9001"]
image: { repository: registry.example/caprock, digest: "sha256:%s", pullPolicy: Always, pullSecrets: [pull] }
nameOverride: recorder
fullnameOverride: flight-recorder
serviceAccount: { name: recorder, annotations: { team: net } }
securityContext: { mode: capabilities, seLinuxOptions: { type: spc_t } }
resources: { nodeCpus: 8, requests: { cpu: 100m, memory: 1Gi }, limits: { cpu: "2", memory: 2Gi } }
daemonSet:
  logLevel: debug
  priorityClassName: ""
  tolerations: []
  nodeSelector: { zone: a }
  affinity: { nodeAffinity: {} }
  updateStrategy: { type: OnDelete, rollingUpdate: null }
  terminationGracePeriodSeconds: 120
  labels: { a: b }
  annotations: { c: d }
  podLabels: { e: f }
  podAnnotations: { g: h }
  extraEnv: [{ name: TZ, value: UTC }]
  extraVolumes: [{ name: tls, secret: { secretName: tls } }]
  extraVolumeMounts: [{ name: tls, mountPath: /tls }]
  extraContainers: [{ name: proxy, image: proxy, ports: [{ name: metrics, containerPort: 9100 }] }]
podMonitor: { enabled: true, labels: { release: prometheus }, tlsConfig: { insecureSkipVerify: true }, bearerTokenFile: /t }
networkPolicy: { enabled: true }
""" % ("a" * 64)


class ChartTest(SystemTest):
    def values(self, text):
        path = self.folder / "values.yaml"
        path.write_text(text)
        return path

    def check(self, path):
        """What `caprock agent --check` says of the file."""
        done = subprocess.run([CAPROCK, "agent", "--check", "--config", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check_text(self, text):
        path = self.folder / "caprock.yaml"
        path.write_text(text)
        return self.check(path)

    def assert_refused(self, message, *sets, values=None):
        with self.assertRaises(Refused, msg=f"{sets} was taken") as refused:
            Manifests(*sets, values=values)
        self.assertIn(message, str(refused.exception))


class Rendered(ChartTest):
    def test_lint(self):
        """helm lint has nothing to say against the chart"""
        helm("lint", "--strict", CHART)
        helm("lint", "--strict", CHART, "-f", KUBESHARK)

    def test_versions(self):
        """for Kubernetes 1.20, 1.29 and 1.33 the chart renders, and the agent takes its configuration, whatever the values"""
        for version in KUBERNETES:
            for text in ("", "securityContext: { mode: capabilities }", MISSION, EVERYTHING):
                with self.subTest(version=version, values=text):
                    manifests = Manifests(values=self.values(text), kube_version=version)
                    self.assertIn("the configuration is right", self.check_text(manifests.config))

    def test_too_old(self):
        """Kubernetes before 1.20 is refused"""
        with self.assertRaisesRegex(Refused, "incompatible with Kubernetes"):
            Manifests(kube_version="1.19.0")

    def test_mission(self):
        """the mission's values are the agent's configuration, under the same paths"""
        wanted = yaml.safe_load(MISSION)
        config = yaml.safe_load(Manifests(values=self.values(MISSION)).config)
        self.assertEqual(config["tap"], {**wanted["tap"], "labelSelector": ""})

    def test_every_value(self):
        """all values of the agent arrive in its configuration, and no other does"""
        values = yaml.safe_load(EVERYTHING)
        config = yaml.safe_load(Manifests(values=self.values(EVERYTHING)).config)
        self.assertEqual(config, {"tap": values["tap"], "agent": values["agent"]})

    def test_pod(self):
        """the pod sees the node, keeps its ring and pins there, and answers the probes on loopback"""
        pod, agent = (made := Manifests()).pod["spec"], made.agent
        self.assertTrue(pod["hostNetwork"] and pod["hostPID"])
        self.assertEqual(pod["priorityClassName"], "system-node-critical")
        self.assertEqual(pod["tolerations"], [{"operator": "Exists"}])
        host_paths = {one["name"]: one["hostPath"]["path"] for one in pod["volumes"] if "hostPath" in one}
        mounts = {one["name"]: one["mountPath"] for one in agent["volumeMounts"]}
        self.assertEqual(host_paths, {"data": "/var/lib/caprock", "pins": "/sys/fs/bpf", "cgroups": "/sys/fs/cgroup"})
        self.assertEqual({name: mounts[name] for name in host_paths}, host_paths)
        self.assertEqual(agent["livenessProbe"]["httpGet"], {"host": "127.0.0.1", "port": 8897, "path": "/healthz"})
        self.assertEqual(agent["readinessProbe"]["httpGet"], {"host": "127.0.0.1", "port": 8897, "path": "/readyz"})
        self.assertNotIn("cpu", agent["resources"]["limits"])
        environment = {one["name"]: one.get("value") or one["valueFrom"]["fieldRef"]["fieldPath"] for one in agent["env"]}
        self.assertEqual(environment, {"CAPROCK_NODE": "spec.nodeName", "POD_NAMESPACE": "metadata.namespace",
                                       "CAPROCK_DAEMONSET": made.one("DaemonSet")["metadata"]["name"],
                                       "CAPROCK_GRACE_SECONDS": str(pod["terminationGracePeriodSeconds"])})

    def test_moved(self):
        """another data directory, and another address of the probes, are followed"""
        made = Manifests(values=self.values(EVERYTHING))
        self.assertEqual(made.agent["readinessProbe"]["httpGet"], {"host": "::1", "port": 9001, "path": "/readyz"})
        self.assertIn({"name": "data", "mountPath": "/data/caprock"}, made.agent["volumeMounts"])
        self.assertIn({"name": "data", "hostPath": {"path": "/data/caprock", "type": "DirectoryOrCreate"}},
                      made.pod["spec"]["volumes"])

    def test_privileges(self):
        """the agent is privileged, or has the capabilities it needs and no profile in the way of them"""
        self.assertTrue(Manifests().agent["securityContext"]["privileged"])
        for version in KUBERNETES:
            made = Manifests("securityContext.mode=capabilities", kube_version=version)
            context = made.agent["securityContext"]
            self.assertFalse(context["privileged"])
            self.assertEqual(context["capabilities"]["drop"], ["ALL"])
            unit = re.search("CapabilityBoundingSet=(.*)", (ROOT / "packaging/caprock.service.in").read_text())[1]
            self.assertEqual({f"CAP_{name}" for name in context["capabilities"]["add"]}, set(unit.split()))
            annotation = made.pod["metadata"]["annotations"].get("container.apparmor.security.beta.kubernetes.io/agent")
            said = ("unconfined", None) if version < "1.30" else (None, {"type": "Unconfined"})
            self.assertEqual((annotation, context.get("appArmorProfile")), said, version)

    def test_rights(self):
        """the agent may follow what it shows, see its own DaemonSet, and change nothing"""
        made = Manifests()
        self.assertEqual(made.one("ClusterRole")["rules"], [
            {"apiGroups": [""], "resources": ["pods", "namespaces", "services", "nodes", "events"], "verbs": ["list", "watch"]}])
        self.assertEqual(made.one("Role")["rules"], [
            {"apiGroups": ["apps"], "resources": ["daemonsets"], "resourceNames": [made.one("DaemonSet")["metadata"]["name"]],
             "verbs": ["get"]}])
        for binding in (made.one("ClusterRoleBinding"), made.one("RoleBinding")):
            self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "namespace": NAMESPACE,
                                                    "name": made.pod["spec"]["serviceAccountName"]}])
        self.assertEqual(made.one("ServiceAccount")["metadata"]["name"], made.pod["spec"]["serviceAccountName"])

    def test_options(self):
        """what can be switched off or on: accounts, rights, PodMonitor, NetworkPolicy"""
        made = Manifests("agent.kubernetes.enabled=false")
        self.assertEqual((made.of("ClusterRole"), made.of("ClusterRoleBinding")), ([], []))
        (rule,) = Manifests("agent.kubernetes.events=false").one("ClusterRole")["rules"]
        self.assertEqual(rule["resources"], ["pods", "namespaces", "services", "nodes"])
        made = Manifests("serviceAccount.create=false", "rbac.create=false")
        self.assertEqual({one["kind"] for one in made.objects}, {"ConfigMap", "DaemonSet"})
        self.assertEqual(made.pod["spec"]["serviceAccountName"], "default")
        made = Manifests(values=self.values(EVERYTHING))
        (endpoint,) = made.one("PodMonitor")["spec"]["podMetricsEndpoints"]
        self.assertEqual((endpoint["port"], endpoint["path"], endpoint["scheme"]), ("metrics", "/metrics", "https"))
        labels = made.pod["metadata"]["labels"]
        for kind, path in (("PodMonitor", "selector"), ("NetworkPolicy", "podSelector"), ("DaemonSet", "selector")):
            selector = made.one(kind)["spec"][path]["matchLabels"]
            self.assertLessEqual(selector.items(), labels.items(), kind)
        self.assertEqual(made.agent["image"], "registry.example/caprock@sha256:" + "a" * 64)

    def test_names(self):
        """names of releases that are too long are cut, and those of two releases differ"""
        long = helm("template", "r" * 53, CHART)
        for one in filter(None, yaml.safe_load_all(long)):
            self.assertLessEqual(len(one["metadata"]["name"]), 253 if one["kind"].startswith("ClusterRole") else 63)
        self.assertEqual(Manifests().one("DaemonSet")["metadata"]["name"], "rec-caprock-agent")

    def test_version(self):
        """the chart's image is of the version that is built"""
        version = subprocess.run([CAPROCK, "version"], check=True, capture_output=True, text=True).stdout.split()[1]
        self.assertEqual(Manifests().agent["image"], f"caprock:{version}")


class Restarts(ChartTest):
    def test_live(self):
        """a change that the agent takes over while it runs does not restart its pods"""
        before, after = Manifests(), Manifests("tap.namespaces={shop}", "tap.capture.raw.enabled=false", "agent.snaplen=96")
        self.assertNotEqual(before.config, after.config)
        self.assertEqual(before.one("DaemonSet"), after.one("DaemonSet"))

    def test_restart(self):
        """a change that needs a new agent makes new pods"""
        for key in ("agent.lanes=2", "tap.capture.raw.storageSize=2Gi"):
            self.assertNotEqual(Manifests().pod["metadata"]["annotations"], Manifests(key).pod["metadata"]["annotations"], key)


class Memory(ChartTest):
    def test_limit(self):
        """the memory limit is the sum of stage, agent, segments and readers on the largest node"""
        for sets, request, limit in (
                # 32 CPUs: stage 256, counters 34, queue 16, other maps 32, agent 64, 4 lanes of 8 segments of 8, readers 64
                ((), "192Mi", "722Mi"),
                (("resources.nodeCpus=2",), "192Mi", "356Mi"),  # 128 + 2.125 + 1 + 32 + 64 + 64 + 64
                (("resources.nodeCpus=2", "agent.stageSize=1Gi"), "1088Mi", "1252Mi"),
                (("resources.nodeCpus=2", "agent.stageSize=512M"), "553Mi", "716Mi"),
                (("resources.nodeCpus=2", "tap.capture.raw.storageSize=16Mi"), "192Mi", "300Mi"),
                (("resources.nodeCpus=2", "agent.lanes=2"), "192Mi", "420Mi"),
                (("resources.nodeCpus=2", "agent.mirrorInterfaces={eth1,eth2}"), "448Mi", "612Mi"),
                (("resources.nodeCpus=3",), "192Mi", "358Mi"),  # the queue has a size for 4
                (("resources.nodeCpus=128",), "192Mi", "2376Mi"),  # the queue is 32
                (("resources.limits.memory=1Gi", "resources.requests.memory=300Mi"), "300Mi", "1Gi")):
            with self.subTest(sets=sets):
                resources = Manifests(*sets).agent["resources"]
                self.assertEqual(resources["requests"]["memory"], request)
                self.assertEqual(resources["limits"]["memory"], limit)

    def test_units(self):
        """sizes are understood as the agent understands them"""
        for size in ("134217728", "128Mi", "0.125Gi", "131072Ki"):
            resources = Manifests(f"agent.stageSize={size}", "resources.nodeCpus=1").agent["resources"]
            self.assertEqual(resources["limits"]["memory"], "354Mi", size)


class Refusals(ChartTest):
    def test_typo(self):
        """a value that neither caprock nor Kubeshark has is refused by name, at each level"""
        for name, where in (("tpa.regex", "(root)"), ("tap.regexp", "tap"), ("tap.capture.raw.size", "tap.capture.raw"),
                            ("agent.stagesize", "agent"), ("agent.os.event", "agent.os"), ("daemonSet.toleration", "daemonSet"),
                            ("resources.limits.mem", "resources.limits"), ("podMonitor.on", "podMonitor")):
            wrong = name.removeprefix(where + ".").split(".")[0]
            self.assert_refused(f"- {where}: Additional property {wrong} is not allowed", f"{name}=1")

    def test_value(self):
        """a value that cannot be is refused, with its path"""
        for one in ("tap.capture.raw.storageSize=1GB", "tap.capture.stopAfter=5", "tap.namespaces={Shop}", "agent.lanes=0",
                    "agent.hook=tcx", "agent.dataDir=data", "agent.pinDir=/pins", "agent.snaplen=0", "agent.ports={70000}", "agent.captureSelf=maybe",
                    "securityContext.mode=root", "image.pullPolicy=Sometimes", "resources.nodeCpus=0", "image.digest=latest"):
            self.assert_refused(f"- {one.split('=')[0]}", one)

    def test_contradiction(self):
        """values that contradict each other are refused in one line that says what to do"""
        for message, sets in (
                ("tap.capture.stopped contradicts tap.capture.dissection.enabled: keep one",
                 ("tap.capture.stopped=true", "tap.capture.dissection.enabled=true")),
                ("tap.capture.stopAfter contradicts tap.capture.dissection.stopAfter: keep one",
                 ("tap.capture.stopAfter=1m", "tap.capture.dissection.stopAfter=2m")),
                ("tap.capture.raw.storageSize: 15Mi is too small for a ring: give at least 16Mi", ("tap.capture.raw.storageSize=15Mi",)),
                ("tap.excludedNamespaces takes out all of tap.namespaces (shop): no pod would be recorded",
                 ("tap.namespaces={shop}", "tap.excludedNamespaces={shop,kube-system}")),
                ("resources.limits.memory: 128Mi does not hold the stage and 64Mi beside it: give at least 192Mi",
                 ("resources.limits.memory=128Mi",)),
                ("tap names pods, but agent.kubernetes.enabled is false: everything would be recorded",
                 ("agent.kubernetes.enabled=false", "tap.excludedNamespaces={bank}")),
                ("agent.listen: the probes need a loopback address", ("agent.listen={unix:/run/caprock/agent.sock}",)),
                ("daemonSet.extraContainers needs a proxy with a port named metrics", ("podMonitor.enabled=true",)),
                ("error parsing regexp: missing closing )", ("tap.regex=(cart",))):
            self.assert_refused(message, *sets)

    def test_selector(self):
        """a label selector that is none, or that no pod can meet, is refused; what is taken the agent takes, too"""
        for text in ("app=web,=x", "a in test", "a in (x", "a b", "a=b c", "a=(b)", "a ~ b", "app=web,", ",", "!"):
            self.assert_refused(f'tap.labelSelector: "{text}" is no label selector: write', values=self.selector(text))
        for text in ("app=web,app=api", "app==a,app==b", "app in (a,b),app in (c, d)", "app,!app", "! app,app==web",
                     "app=web,app!=web", "app in (a,b),app notin (b, a)"):
            self.assert_refused("tap.labelSelector contradicts itself in what label app has to be: no pod would be recorded",
                                values=self.selector(text))
        for text in ("", " ", "app = web , env = prod", "app==web,app", "app==web,app in (web,api)", "app==web,app=web",
                     "app==web,!tier", "tier in ( a, b ),tier in (b),tier!=a", "env notin (a),env!=b,!env", "example.com/canary=,!notin,in in (notin)", "tier in(a)"):
            with self.subTest(text=text):
                config = Manifests(values=self.selector(text)).config
                self.assertEqual(yaml.safe_load(config)["tap"]["labelSelector"], text)
                self.assertIn("the configuration is right", self.check_text(config))

    def selector(self, text):
        return self.values(json.dumps({"tap": {"labelSelector": text}}))

    def test_exclusion(self):
        """a namespace may be named and excluded, as long as another is left"""
        Manifests("tap.namespaces={shop,payment}", "tap.excludedNamespaces={shop}")


class Kubeshark(ChartTest):
    def ignored(self):
        return yaml.safe_load((CHART / "files/keys.yaml").read_text())["ignored"]

    def given(self):
        """The ignored paths that the values file has."""
        leaves = flat(yaml.safe_load(KUBESHARK.read_text()))
        return {path for path in self.ignored() if any((leaf + ".").startswith(path + ".") for leaf in leaves)}

    def test_complete(self):
        """the values file has every value that is known of Kubeshark's chart"""
        self.assertEqual(self.given(), set(self.ignored()))

    def test_chart(self):
        """a whole values file of Kubeshark's chart is taken, and what is ignored of it is listed"""
        config = yaml.safe_load(Manifests(values=KUBESHARK).config)
        self.assertEqual(config["tap"]["namespaces"], ["shop", "payment"])
        self.assertEqual(config["tap"]["capture"]["raw"]["storageSize"], "4Gi")
        self.assertIn("the configuration is right", self.check_text(Manifests(values=KUBESHARK).config))
        (listed,) = re.findall("Ignored, as caprock has no use for it: (.*)", notes(self.folder, values=KUBESHARK))
        self.assertEqual(set(listed.split(", ")), self.given())

    def test_agent(self):
        """the agent takes that file, too, and lists the same"""
        (listed,) = re.findall("ignored, as caprock has no use for it: (.*)", self.check(KUBESHARK))
        self.assertEqual(set(listed.split(", ")), self.given())


class Documents(ChartTest):
    def test_schema(self):
        """below tap and agent the schema has the values of the configuration, what is ignored, and no other"""
        schema = json.loads((CHART / "values.schema.json").read_text())

        def paths(section, above=""):
            for name, below in section["properties"].items():
                yield from paths(below, f"{above}{name}.") if "properties" in below else [above + name]
        known = yaml.safe_load((CHART / "files/keys.yaml").read_text())
        chart_only = set(schema["properties"]) & set(yaml.safe_load((CHART / "values.yaml").read_text())) - {"tap", "agent"}
        self.assertEqual({path for path in paths(schema) if path.split(".")[0] not in chart_only | {"global"}},
                         {path for group in known.values() for path in group})

    def test_reference(self):
        """docs/helm.md has a row for each value of values.yaml, with its default"""
        rows = re.findall(r"^\| `([\w.]+)` \| `(.*?)` \|", (ROOT / "docs/helm.md").read_text(), re.M)
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        for name, default in rows:
            with self.subTest(value=name):
                self.assertEqual(functools.reduce(dict.get, name.split("."), values), yaml.safe_load(default))
        self.assertEqual([leaf for leaf in flat(values) if not any((leaf + ".").startswith(name + ".") for name, _ in rows)], [])

    def test_notes(self):
        """after an install Helm says how to look at the record, and where it is"""
        text = notes(self.folder, "agent.dataDir=/data")
        self.assertIn(f"kubectl -n {NAMESPACE} exec ds/rec-caprock-agent -- caprock export --from -5m > last.pcapng", text)
        self.assertIn("in /data of each node, 1Gi at the most", text)
        self.assertNotIn("Ignored", text)
        text = notes(self.folder, values=self.values("tap: { capture: { raw: { enabled: false, storageSize: 2147483648 } } }"))
        self.assertIn("now it is not", text)
        self.assertIn("2147483648 at the most", text)
