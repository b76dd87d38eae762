# SPDX-License-Identifier: Apache-2.0
"""The agent in an operator's hands: configuration, signals, clients, refusals."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

from lab.harness import SystemTest, on_both_transports
from lab import frames
from lab.agent import CAPROCK
from lab.network import run
from lab.traffic import transfer


def send(pair, *sent):
    with frames.raw_socket(pair.left, "west") as wire:
        for frame in sent:
            wire.send(frame)


class ControlTest(SystemTest):
    def one_line_refusal(self, command, **options):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=20, **options)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def write_config(self, text):
        """Replaces the file in one step, as editors do."""
        path = self.folder / "caprock.yaml"
        (self.folder / "new").write_text(text)
        (self.folder / "new").rename(path)
        return path


@on_both_transports
class Reload(ControlTest):
    def test_pause(self):
        """reload: recording is paused and resumed by a change of the file, and the ring stays readable"""
        pair = self.make_pair(addresses=False)
        config = self.write_config("tap: { capture: { raw: { enabled: true } } }\n")
        agent = self.make_agent(pair.right, config=config, agent__interfaces="[east]").start()
        before, during, after = (frames.udp4_frame(i, 100) for i in range(3))
        send(pair, before)
        self.write_config("tap: { capture: { raw: { enabled: false } } }\n")
        agent.wait_for(lambda: not agent.status()["capture"]["enabled"], "recording to pause")
        send(pair, during)
        self.assert_holds(self.export(agent), [before])
        self.write_config("tap: { capture: { raw: { enabled: true } } }\n")
        agent.wait_for(lambda: agent.status()["capture"]["enabled"], "recording to resume")
        send(pair, after)
        self.assert_holds(self.export(agent), [before, after])

    def test_filter(self):
        """reload: a filter changes live"""
        pair = self.make_pair(addresses=False)
        config = self.write_config("agent: { ports: [9] }\n")
        agent = self.make_agent(pair.right, config=config, agent__interfaces="[east]").start()
        frame = frames.udp4_frame(1, 100)
        send(pair, frame)
        self.write_config("agent: { excludedPorts: [9] }\n")
        agent.process.send_signal(signal.SIGHUP)
        agent.wait_for(lambda: send(pair, frame) or agent.interface("east")["ingress"]["filtered"], "the new filter")
        written = agent.interface("east")["ingress"]["written"]
        send(pair, frame)
        self.assertEqual(agent.interface("east")["ingress"]["written"], written)


class Refusals(ControlTest):
    def test_bad_reload(self):
        """reload: a bad file is refused with its place, and the old configuration stays in force"""
        pair = self.make_pair(addresses=False)
        config = self.write_config("agent: { ports: [9] }\n")
        agent = self.make_agent(pair.right, config=config, agent__interfaces="[east]").start()
        self.write_config("agent:\n  ports: [9]\n  protocol: [tcp]\n")
        agent.process.send_signal(signal.SIGHUP)
        why = agent.wait_for(lambda: agent.status()["config"]["reload_error"], "the refusal")
        self.assertIn(f"{config}:3", why)
        self.assertIn("agent.protocols", why)
        frame = frames.udp4_frame(1, 100)
        send(pair, frame)
        self.assert_holds(self.export(agent), [frame])

    def test_directory_as_config(self):
        """reload: a file replaced by a directory is reported, and the old configuration stays in force"""
        pair = self.make_pair(addresses=False)
        config = self.write_config("agent: { ports: [9] }\n")
        agent = self.make_agent(pair.right, config=config, agent__interfaces="[east]").start()
        config.unlink()
        config.mkdir()
        why = agent.wait_for(lambda: agent.status()["config"]["reload_error"], "the refusal")
        self.assertIn(f"{config}: cannot be read", why)
        frame = frames.udp4_frame(1, 100)
        send(pair, frame)
        self.assert_holds(self.export(agent), [frame])
        config.rmdir()
        self.write_config("agent: { ports: [10] }\n")
        agent.wait_for(lambda: not agent.status()["config"]["reload_error"], "the next file")
        self.assert_stopped(agent)

    def test_pods_without_cluster(self):
        """a filter of pods where none are followed is told to have no effect, at the start and by a reload"""
        pair, config = self.make_pair(addresses=False), self.write_config("tap: { excludedNamespaces: [bank] }\n")
        agent = self.make_agent(pair.right, config=config, agent__kubernetes__enabled="false").start()

        def notes():
            return [note for note in agent.status()["config"]["notes"] if "which pods tap names has no effect" in note]
        self.assertEqual(len(notes()), 1)
        self.write_config("tap: { regex: .* }\n")
        agent.wait_for(lambda: not notes(), "the other configuration")
        self.write_config("tap: { regex: ^front }\n")
        agent.wait_for(notes, "the note")

    def test_unknown_key(self):
        """start: an unknown key is refused in one line that says what was meant"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, agent__interface="east")
        self.assertIn("agent.interfaces", self.one_line_refusal(agent.command()))

    def test_wrong_regex(self):
        """start: a regular expression that is none is refused with where it was given and the place of the mistake in it"""
        agent = self.make_agent(self.make_namespace(), tap__regex="ab[c")
        self.assertEqual(self.one_line_refusal(agent.command()), "caprock: --set tap.regex=ab[c: tap.regex: \"ab[c\" is not a regular "
                         "expression: missing ]: [c, at character 3\n")
        config = self.write_config('tap:\n  regex: "front-("\n')
        agent = self.make_agent(self.make_namespace(), "other", config=config)
        self.assertEqual(self.one_line_refusal(agent.command()), f"caprock: {config}:2: tap.regex: \"front-(\" is not a regular "
                         "expression: missing ): front-(, at character 1\n")

    def test_second_agent(self):
        """start: a second agent on the same ring is refused with the first one's pid"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        self.assertIn(str(agent.process.pid), self.one_line_refusal(agent.command()))
        frame = frames.udp4_frame(1, 100)
        send(pair, frame)
        self.assert_holds(self.export(agent), [frame])

    def test_no_privileges(self):
        """start: without privileges one line says what is missing"""
        self.folder.chmod(0o777)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CAPROCK, "agent", "--set",
                   f"agent.dataDir={self.folder}/data", "--set", f"agent.listen=[unix:{self.folder}/sock]"]
        self.assertRegex(self.one_line_refusal(command), "(?i)root|CAP_|privilege")

    def test_processes_hidden(self):
        """start: an agent that is not to see the processes of the host records, and the status says what it lacks and how to get it"""
        pair = self.make_pair(addresses=False)
        for prefix, found, remedy in ((("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"), "without CAP_SYS_PTRACE", "capability"),
                                      (("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"), "in a PID namespace of its own",
                                       "hostPID: true on Kubernetes, --pid host for a container; where the node is itself a container, this cannot be had")):
            agent = self.make_agent(pair.right, name=prefix[0], prefix=prefix, agent__interfaces="[east]", agent__os__enabled="true").start()
            told = next(finding for finding in agent.status()["findings"] if finding["id"] == "processes")
            self.assertEqual((told["severity"], told["found"]), ("warning", found))
            self.assertIn(remedy, told["remedy"])
            self.assertNotEqual([event for event in agent.status()["events"] if event["hook"]], [])

    def refusal_on_disk(self, *mount_options):
        """What the agent says of a data directory on a file system of its own, mounted so."""
        disk = self.folder / "disk"
        disk.mkdir()
        run("mount", "-t", "tmpfs", "-o", ",".join(mount_options), "none", disk)
        self.addCleanup(run, "umount", disk)
        pair = self.make_pair(addresses=False)
        return self.one_line_refusal(self.make_agent(pair.right, agent__dataDir=disk / "data").command())

    def test_data_directory_not_writable(self):
        """start: a data directory that cannot be made is named in one line"""
        refusal = self.refusal_on_disk("ro")
        self.assertIn(f"{self.folder}/disk/data", refusal)
        self.assertIn("ReadWritePaths=", refusal)

    def test_disk_too_small(self):
        """start: a disk too small for the ring is refused in one line that names the key to change"""
        self.assertIn("tap.capture.raw.storageSize", self.refusal_on_disk("size=20m"))

    def test_no_agent(self):
        """status: without an agent one line says where it was looked for"""
        self.assertIn("nowhere.sock", self.one_line_refusal([CAPROCK, "status", "--server", f"unix:{self.folder}/nowhere.sock"]))

    def test_other_user(self):
        """client: whom the agent's socket and ring are closed to is told so, and not that there is no agent"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        self.folder.chmod(0o755)
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CAPROCK]
        status = self.one_line_refusal([*other, "status", "--server", f"unix:{agent.socket}"])
        self.assertIn("run as root", status)
        self.assertNotIn("running", status)
        self.assertIn("run as root", self.one_line_refusal([*other, "export", "--file", agent.ring, "-o", "/dev/null"]))

    def test_no_overwriting(self):
        """export: an existing file is not overwritten without --force"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        out = self.folder / "precious"
        out.write_text("precious")
        done = agent.client("export", "--from", "-1m", "-o", out, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"--force", done.stderr)
        self.assertEqual(out.read_text(), "precious")

    def test_wrong_filter(self):
        """export: a wrong filter expression is refused and leaves no file behind"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        out = self.folder / "out.pcapng"
        done = agent.client("export", "--from", "-1m", "--filter", "tcp prot 80", "-o", out, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(out.exists())


class Streams(ControlTest):
    def ask(self, agent, target):
        """A connection to the agent's socket on which the target was asked for."""
        channel = socket.socket(socket.AF_UNIX)
        self.addCleanup(channel.close)
        channel.connect(str(agent.socket))
        channel.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return channel

    def test_wrong_request(self):
        """export, tail: a wrong filter and an unknown parameter are the client's error"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        for path in ("export", "tail"):
            for query in ("filter=tcp+prot+80", "form=-1m"):
                status_line = self.ask(agent, f"/api/v1/{path}?{query}").recv(100)
                self.assertTrue(status_line.startswith(b"HTTP/1.1 400"), f"{path}?{query}: {status_line}")

    def test_client_gone(self):
        """export: a client that closes its stream is no error of the agent's"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        for burst in range(16):  # more than fits between the agent and a client that does not read
            send(pair, *(frames.udp4_frame(i, 1400) for i in range(500)))
            time.sleep(0.01)
        agent.settle()
        channel = self.ask(agent, "/api/v1/export")
        self.assertTrue(channel.recv(100).startswith(b"HTTP/1.1 200"))
        channel.close()
        time.sleep(0.5)
        self.assertEqual(agent.status()["errors"], [])

    def test_stop(self):
        """tail: when the agent stops the stream ends whole, and the client with it"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        out = self.folder / "tail.pcapng"
        with open(out, "wb") as file:
            tail = subprocess.Popen([CAPROCK, "tail", "--server", f"unix:{agent.socket}"], stdout=file,
                                    stderr=subprocess.PIPE, text=True)
        self.addCleanup(tail.kill)
        agent.wait_for(lambda: out.stat().st_size, "the stream to begin")
        sent = [frames.udp4_frame(i, 100) for i in range(50)]
        send(pair, *sent)
        agent.wait_for(lambda: out.stat().st_size > 50 * 100, "the packets")
        self.assert_stopped(agent)
        _, complaint = tail.communicate(timeout=10)
        self.assertEqual((tail.returncode, complaint), (0, ""))
        self.assert_holds(out, sent)


@on_both_transports
class CleanStop(ControlTest):
    def attached(self, pair):
        """Programs on the device, as the kernel says it."""
        shown = json.loads(pair.right.run("bpftool", "-j", "net", "show", "dev", "east"))
        return [program for part in shown for programs in part.values() for program in programs]

    def check_stop(self, number):
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        self.assertEqual(len(self.attached(pair)), 2)
        self.assertTrue(agent.pins.exists())
        send(pair, *(frames.udp4_frame(i, 100) for i in range(50)))
        self.assertEqual(agent.stop(number), 0, agent.last_words())
        self.assert_holds(agent.ring, [frames.udp4_frame(i, 100) for i in range(50)])
        self.assertEqual(self.attached(pair), [])
        self.assertFalse(agent.pins.exists() and any(agent.pins.iterdir()), "pins left behind")
        self.assertFalse(agent.socket.exists())

    def test_term(self):
        """stop: SIGTERM drains, seals, detaches, and leaves no pin behind"""
        self.check_stop(signal.SIGTERM)

    def test_interrupt(self):
        """stop: SIGINT does the same"""
        self.check_stop(signal.SIGINT)


@on_both_transports
class OwnConnections(ControlTest):
    def test_own(self):
        """self: connections to the agent's own port are left out, others on the loopback are recorded"""
        namespace = self.make_namespace()
        port = 8897
        agent = self.make_agent(namespace, agent__interfaces="[lo]")
        agent.settings["agent.listen"] = f"[unix:{agent.socket}, 127.0.0.1:{port}]"
        agent.start()
        namespace.run("curl", "-sS", f"http://127.0.0.1:{port}/healthz")
        data = frames.payload(1, 1000)
        self.assertEqual(transfer(namespace, namespace, "127.0.0.1", port + 1, data), data)
        out = self.export(agent)
        ports = set()
        for _, reading in self.readings(out):
            ports |= {int.from_bytes(frame[at:at + 2], "big") for frame in reading.frames for at in (34, 36)}
        self.assertNotIn(port, ports)
        self.assertIn(port + 1, ports)


class Endpoints(ControlTest):
    def get(self, namespace, port, path, **headers):
        with namespace.entered():
            channel = socket.create_connection(("127.0.0.1", port))
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.sock = channel
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def test_loopback(self):
        """endpoint: loopback gives health, metrics and status, but no traffic, and only to its own name"""
        namespace = self.make_namespace()
        agent = self.make_agent(namespace, agent__interfaces="[lo]")
        agent.settings["agent.listen"] = f"[unix:{agent.socket}, 127.0.0.1:8897]"
        agent.start()
        for path in ("/healthz", "/readyz", "/metrics", "/api/v1/status"):
            self.assertEqual(self.get(namespace, 8897, path)[0], 200, path)
        self.assertIn("caprock_packets", self.get(namespace, 8897, "/metrics")[1])
        self.assertIn(self.get(namespace, 8897, "/api/v1/export")[0], (401, 403, 404))
        self.assertIn(self.get(namespace, 8897, "/api/v1/status", Host="evil.example")[0], (400, 403, 421))

    def test_socket_mode(self):
        """endpoint: the Unix socket, the ring and their directory are their owner's alone"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, agent__dataDir=self.folder / "private")
        self.assertEqual(os.stat(agent.socket).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.folder / "private").st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.folder / "private/ring.pcapng").st_mode & 0o777, 0o600)

    def test_open_directory(self):
        """endpoint: a data directory open to others keeps its mode, and the log and the status warn of it"""
        place = self.folder / "shared"
        place.mkdir(mode=0o755)
        agent = self.recorder_of(self.make_pair(addresses=False), agent__dataDir=place)
        self.assertEqual(os.stat(place).st_mode & 0o777, 0o755)
        finding = next(one for one in agent.status()["findings"] if one["id"] == "disk.directory")
        self.assertEqual(finding["severity"], "warning")
        self.assertIn(f"chmod 0700 {place}", agent.log.read_text())

    def test_names(self):
        """bpftool: programs and maps are pinned under names that it shows whole"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        for pin in agent.pins.rglob("*"):
            if pin.is_file():
                self.assertLessEqual(len(pin.name.split(".")[-1]), 20)
        names = [one["name"] for one in json.loads(run("bpftool", "-j", "map", "show")) if "name" in one]
        self.assertIn("counters", names)
