# SPDX-License-Identifier: Apache-2.0
"""What a large cluster costs the agent of one node: memory, requests to the API server, and CPU for events of other nodes' pods."""
import json
import threading
import time
from pathlib import Path

import footprint
from lab.agent import Agent
from lab.kubernetes import Api, ApiServer, pod
from lab.kubernetes.api_server import ALONE

MOST_MIB, MOST_REQUESTS = 64, 10
SETTLE_SECONDS = 10
NODE, PODS_A_NODE, CONNECTIONS, NAMESPACES = "node-0", 110, 4, 20
AUDIT = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseComplete]
rules: [{level: Metadata}]
"""


def add_arguments(parser):
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--services", type=int, default=2_000)
    parser.add_argument("--events", type=int, default=5_000)


def pod_of(number):
    """As a Deployment makes it; the first ones are of our own node."""
    name = f"service-{number % 2000}"
    manifest = pod(f"{name}-7c9d8f5b6d-{number:05}", nodeName=f"node-{number // PODS_A_NODE}",
                   labels={"app": name, "app.kubernetes.io/part-of": "shop", "pod-template-hash": "7c9d8f5b6d"})
    manifest["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-7c9d8f5b6d",
                                                "uid": f"00000000-0000-4000-8000-{number:012}", "controller": True}]
    manifest["spec"]["containers"][0]["env"] = [{"name": f"VARIABLE_{one}", "value": "x" * 40} for one in range(20)]
    return manifest


def status_of(number):
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    container = {"name": "main", "image": "registry/image:1", "imageID": "registry/image@sha256:0", "ready": True, "restartCount": 0,
                 "containerID": f"containerd://{number:064x}", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    return {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": "192.0.2.1", "containerStatuses": [container],
            "conditions": [{"type": "Ready", "status": "True"}]}


def make_pod(api, number):
    path = f"/api/v1/namespaces/team-{number % NAMESPACES}/pods"
    name = api.request("POST", path, pod_of(number))["metadata"]["name"]
    api.request("PATCH", f"{path}/{name}/status", {"status": status_of(number)}, "application/merge-patch+json")


def make_service(api, number):
    spec = {"selector": {"app": f"service-{number}"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    api.request("POST", f"/api/v1/namespaces/team-{number % NAMESPACES}/services",
                {"metadata": {"name": f"service-{number}"}, "spec": spec})


def make_event(api, number):
    """About a pod of another node, as the kubelet there tells it."""
    about = pod_of(PODS_A_NODE + number)
    team, name, node = f"team-{number % NAMESPACES}", about["metadata"]["name"], about["spec"]["nodeName"]
    api.request("POST", f"/api/v1/namespaces/{team}/events", {
        "metadata": {"name": f"{name}.{number:016x}"}, "type": "Normal", "reason": "Pulled", "count": 1,
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": team, "name": name, "fieldPath": "spec.containers{main}",
                           "uid": f"00000000-0000-4000-8000-{number:012}"},
        "message": 'Container image "registry/image:1" already present on machine', "source": {"component": "kubelet", "host": node},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z"})


def in_parallel(server, make, count):
    """Objects with the numbers from 0 on, by a few connections that are kept."""
    failures = []

    def work(first):
        api = Api(server)
        try:
            for number in range(first, count, CONNECTIONS):
                make(api, number)
        except (RuntimeError, OSError) as failure:
            failures.append(failure)
    threads = [threading.Thread(target=work, args=[first]) for first in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"the cluster could not be made: {failures[0]}")


def fill(server, options):
    api = Api(server)
    for number in range(NAMESPACES):
        api.request("POST", "/api/v1/namespaces", {"metadata": {"name": f"team-{number}"}})
    api.request("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
    in_parallel(server, make_service, options.services)
    in_parallel(server, make_pod, options.pods)


def requests_of_agent(audit):
    """Verb and resource of each, by the log of the API server."""
    entries = [json.loads(line) for line in audit.read_text().splitlines()]
    ours = {entry["auditID"]: f"{entry['verb']} {entry['objectRef']['resource']}" for entry in entries
            if entry.get("userAgent", "").startswith("caprock/")}
    return list(ours.values())


def memory_of(pid):
    """MiB that are neither the ring's nor the stage's: anonymous, and file and shmem."""
    resident = footprint.resident(pid)
    return resident["anonymous"], resident["file"] + resident["shmem"] - footprint.stage(pid) - footprint.ring(pid)


def resources(agent):
    return json.loads(agent.client("targets", "-o", "json").stdout)["resources"]


def figures(agent, audit, options):
    begun = time.monotonic()
    agent.start(wait=60)
    agent.wait_for(lambda: all(one["synced"] for one in resources(agent)), "the agent to follow", 120)
    took = time.monotonic() - begun
    time.sleep(SETTLE_SECONDS)
    (anonymous, rest), requests = memory_of(agent.process.pid), requests_of_agent(audit)
    received = sum(one["bytes"] for one in resources(agent))
    own = len(json.loads(agent.client("targets", "-o", "json").stdout)["targets"])
    yield (f"{options.pods} pods in the cluster, {own} of them on the agent's node; {options.services} services; ring of 1 GiB, stage of "
           "128 MiB",
           ["own memory, MiB", "of it anonymous", "file and shmem", "API requests at the start", "received, KiB", "until all is known, s"],
           [[f"{anonymous + rest:.1f}", f"{anonymous:.1f}", f"{rest:.1f}", len(requests), f"{received / 1024:.0f}", f"{took:.1f}"]])
    if anonymous + rest > MOST_MIB or len(requests) > MOST_REQUESTS:
        raise RuntimeError(f"{anonymous + rest:.1f} MiB of at most {MOST_MIB}, {len(requests)} requests of at most {MOST_REQUESTS}: "
                           f"{requests}")


def control_plane_seconds(agent):
    """CPU time of the agent's main thread."""
    return int(Path(f"/proc/{agent.process.pid}/schedstat").read_text().split()[0]) / 1e9


def received_of_events(agent):
    return next(one["bytes"] for one in resources(agent) if one["name"] == "events")


def events(agent, server, options):
    before, begun = control_plane_seconds(agent), time.monotonic()
    time.sleep(SETTLE_SECONDS)
    idle = (control_plane_seconds(agent) - before) / (time.monotonic() - begun)
    received, before, begun = received_of_events(agent), control_plane_seconds(agent), time.monotonic()
    in_parallel(server, make_event, options.events)
    took = time.monotonic() - begun
    time.sleep(1)
    spent = control_plane_seconds(agent) - before - idle * (time.monotonic() - begun)
    yield (f"{options.events} events about pods of other nodes, {options.events / took:.0f} a second",
           ["CPU of the agent for one, µs", "received for one, bytes"],
           [[f"{1e6 * spent / options.events:.0f}", f"{(received_of_events(agent) - received) / options.events:.0f}"]])


def measure(rig, options):
    folder = rig.fresh_folder("cluster")
    (folder / "audit.yaml").write_text(AUDIT)
    audit = folder / "audit.log"
    server = ApiServer(folder, rig.pair.right,
                       options=[*ALONE, f"--audit-policy-file={folder}/audit.yaml", f"--audit-log-path={audit}"])
    agent = Agent(rig.pair.right, rig.fresh_folder("agent"), **{"agent.stageSize": "128Mi", "tap.capture.raw.storageSize": "1Gi",
                  "agent.kubernetes.kubeconfig": server.kubeconfig, "agent.kubernetes.node": NODE, "agent.os.enabled": "true"})
    try:
        fill(server, options)
        yield from figures(agent, audit, options)
        yield from events(agent, server, options)
    finally:
        agent.delete()
        server.delete()
