# SPDX-License-Identifier: Apache-2.0
"""config.json: what the specification says about root, mounts, hooks and `linux`."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

import pytest

from conftest import SLOT, wait_until
from runtime_bundles import MOUNTS, NAMESPACES, cgroup_mounts, runtime  # noqa: F401 (a fixture)

V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def shell(runtime, script, **changes):
    return runtime.bundle("sh", "-c", script, **changes).run().stdout


def refusal(runtime, *args, **changes):
    done = runtime.bundle(*args, **changes).run(check=False)
    assert done.returncode == 1
    return done.stderr


def linux_with(*types, **paths):
    return {"namespaces": [{"type": name} for name in types] + [{"type": t, "path": p} for t, p in paths.items()]}


# --- namespaces ---

LINKS = {"mount": "mnt", "network": "net"}


@pytest.mark.parametrize("kind", ["pid", "ipc", "uts", "network", "cgroup", "time", "user"])
def test_each_namespace_is_made_or_the_callers(runtime, kind):
    link = f"/proc/self/ns/{LINKS.get(kind, kind)}"
    changes = {"linux": linux_with(*{*NAMESPACES, kind})}
    if kind == "user":
        changes["linux"]["uidMappings"] = changes["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made = shell(runtime, f"readlink {link}", **changes).strip()
    kept = shell(runtime, f"readlink {link}", linux=linux_with(*(set(NAMESPACES) - {kind})),
                 mounts=[m for m in MOUNTS if m["type"] not in (("sysfs",) if kind == "network" else ())]).strip()
    assert made != os.readlink(link) and kept == os.readlink(link)


@pytest.mark.parametrize("kind", ["mount", "pid", "ipc", "uts", "network", "cgroup", "time"])
def test_each_namespace_is_joined_by_its_path(runtime, kind):
    owner = runtime.bundle("sleep", "100", linux=linux_with(*NAMESPACES, "cgroup", "time")).begin()
    pid = owner.state()["pid"]
    path = f"/proc/{pid}/ns/{LINKS.get(kind, kind)}"
    joined = {kind: path}
    if kind == "mount":  # whose /proc knows the processes of its own PID namespace only
        joined["pid"] = f"/proc/{pid}/ns/pid"
    joiner = linux_with(*(set(NAMESPACES) - set(joined)), **joined)
    text = shell(runtime, f"readlink /proc/self/ns/{LINKS.get(kind, kind)}", linux=joiner)
    assert text.strip() == os.readlink(path)


def test_a_user_namespace_is_joined_with_what_belongs_to_it(runtime):
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    owner = runtime.bundle("sleep", "100", linux={**linux_with(*NAMESPACES, "user"), "uidMappings": maps,
                                                  "gidMappings": maps}).begin()
    paths = {kind: f"/proc/{owner.state()['pid']}/ns/{LINKS.get(kind, kind)}" for kind in ("user", "network", "ipc")}
    text = shell(runtime, "readlink /proc/self/ns/user; readlink /proc/self/ns/net; cat /proc/self/uid_map",
                 linux=linux_with("mount", "pid", "uts", **paths))
    assert text.split() == [os.readlink(paths["user"]), os.readlink(paths["network"]), "0", "100000", "65536"]


def test_a_namespace_of_another_type_is_refused(runtime):
    error = refusal(runtime, linux=linux_with("mount", "pid", network="/proc/self/ns/uts"))
    assert "network namespace" in error and "/proc/self/ns/uts" in error
    assert "linux.namespaces[2].type" in refusal(runtime, linux=linux_with("mount", "pid", "network2"))
    assert "given twice" in refusal(runtime, linux=linux_with("mount", "pid", "pid"))


def test_several_maps_of_a_user_namespace(runtime):
    uids = [{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 1000, "hostID": 5000, "size": 1}]
    gids = [{"containerID": 0, "hostID": 200000, "size": 20}]
    text = shell(runtime, "cat /proc/self/uid_map /proc/self/gid_map",
                 linux={**linux_with(*NAMESPACES, "user"), "uidMappings": uids, "gidMappings": gids})
    assert text.split() == "0 100000 10 1000 5000 1 0 200000 20".split()


def test_time_offsets(runtime):
    text = shell(runtime, "cat /proc/uptime", linux={**linux_with(*NAMESPACES, "time"),
                                                     "timeOffsets": {"boottime": {"secs": 864000, "nanosecs": 1}}})
    assert float(text.split()[0]) > 864000
    assert "linux.timeOffsets" in refusal(runtime, linux={"timeOffsets": {"monotonic": {"secs": 1}}})


# --- mounts ---

def mount(destination, source, *options, kind="bind", **more):
    return {"destination": destination, "source": str(source), "type": kind, "options": list(options), **more}


def table(runtime, destination, *mounts, **changes):
    """The line of /proc/self/mountinfo about a destination: options, optional fields, type."""
    text = shell(runtime, "cat /proc/self/mountinfo", mounts=[*MOUNTS, *mounts], **changes)
    line = [line for line in text.splitlines() if line.split()[4] == destination][-1]
    left, _, right = line.partition(" - ")
    return left.split()[5].split(","), left.split()[6:], right.split()[0]


@pytest.fixture
def tree(runtime):
    """A directory with another mount in it."""
    top = runtime.directory / "tree"
    (top / "below").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", top], check=True)
    (top / "below").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", top / "below"], check=True)
    (top / "file").write_text("a file\n")
    yield top
    subprocess.run(["umount", "-l", top / "below", top], check=True)


def test_bind_of_files_and_directories(runtime, tree):
    text = shell(runtime, "cat /one; cat /some/where/file; ls /flat/below | wc -l",
                 mounts=[*MOUNTS, mount("/one", tree / "file", "bind", "ro"), mount("/some/where", tree, "rbind"),
                         mount("/flat", tree, "bind")])
    assert text.splitlines() == ["a file", "a file", "0"]


def test_bind_of_what_somebody_has_open(runtime, tree):
    """A source that was resolved before, and is named by its descriptor."""
    descriptor = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    try:
        source = f"/proc/{os.getpid()}/fd/{descriptor}"
        assert shell(runtime, "cat /x/file", mounts=[*MOUNTS, mount("/x", source, "bind")]) == "a file\n"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("option,word", [("ro", "ro"), ("nosuid", "nosuid"), ("nodev", "nodev"), ("noexec", "noexec"),
                                         ("noatime", "noatime"), ("nodiratime", "nodiratime"), ("nosymfollow", "nosymfollow")])
def test_attributes_of_a_bind_mount(runtime, tree, option, word):
    assert word in table(runtime, "/x", mount("/x", tree, "rbind", option))[0]
    assert word not in table(runtime, "/x/below", mount("/x", tree, "rbind", option))[0]


@pytest.mark.parametrize("option,word", [("rro", "ro"), ("rnosuid", "nosuid"), ("rnodev", "nodev"), ("rnoexec", "noexec"),
                                         ("rnoatime", "noatime"), ("rnodiratime", "nodiratime"), ("rnosymfollow", "nosymfollow")])
def test_recursive_attributes(runtime, tree, option, word):
    for place in ("/x", "/x/below"):
        assert word in table(runtime, place, mount("/x", tree, "rbind", option))[0]


def test_devices_are_made_in_a_read_only_dev(runtime):
    mounts = [{**one, "options": [*one["options"], "ro"]} if one["destination"] == "/dev" else one for one in MOUNTS]
    text = shell(runtime, "echo x >/dev/null && touch /dev/x 2>/dev/null || echo refused", mounts=mounts)
    assert text == "refused\n"


def test_the_later_of_two_options_counts(runtime, tree):
    assert "rw" in table(runtime, "/x", mount("/x", tree, "rbind", "ro", "rw"))[0]
    assert "rw" in table(runtime, "/x/below", mount("/x", tree, "rbind", "rro", "rrw"))[0]


@pytest.mark.parametrize("option,field", [("private", ""), ("slave", ""), ("shared", "shared:"), ("unbindable", "unbindable"),
                                          ("rprivate", ""), ("rshared", "shared:")])
def test_propagation(runtime, tree, option, field):
    fields = table(runtime, "/x", mount("/x", tree, "rbind", option))[1]
    assert any(one.startswith(field) for one in fields) if field else not any(f.startswith("shared") for f in fields)


@pytest.mark.parametrize("option,field", [("shared", "shared:"), ("private", ""), ("unbindable", "unbindable")])
def test_propagation_of_the_root(runtime, option, field):
    fields = table(runtime, "/", linux={"rootfsPropagation": option})[1]
    assert any(one.startswith(field) for one in fields) if field else fields == []
    assert "linux.rootfsPropagation" in refusal(runtime, linux={"rootfsPropagation": "wide"})


def test_other_file_systems(runtime):
    options = ["size=1024k", "mode=710", "nosuid"]
    found = table(runtime, "/scratch", mount("/scratch", "tmpfs", *options, kind="tmpfs"))
    assert found[2] == "tmpfs" and "nosuid" in found[0]
    assert table(runtime, "/mq", mount("/mq", "mqueue", kind="mqueue"))[2] == "mqueue"
    error = refusal(runtime, mounts=[*MOUNTS, mount("/scratch", "tmpfs", "size=many", kind="tmpfs")])
    assert "/scratch" in error and "size" in error


def test_a_tmpfs_takes_over_the_mode_and_with_tmpcopyup_the_files(runtime):
    place = runtime.rootfs / "data"
    (place / "sub").mkdir(parents=True)
    os.chmod(place, 0o2751)
    os.chown(place, 0, 0)
    (place / "sub" / "file").write_text("content")
    os.chown(place / "sub" / "file", 1000, 100)
    os.chmod(place / "sub" / "file", 0o4711)
    os.utime(place / "sub" / "file", (1_000_000_000, 1_000_000_000))
    (place / "link").symlink_to("sub/file")
    os.mkfifo(place / "pipe")
    assert shell(runtime, "stat -c %a /data; ls /data",
                 mounts=[*MOUNTS, mount("/data", "tmpfs", kind="tmpfs")]).split() == ["2751"]
    text = shell(runtime, "stat -c '%a %u %g %Y' /data/sub/file; cat /data/link; echo; stat -c %F /data/pipe; echo >/data/new; "
                 "stat -c '%a' /data", mounts=[*MOUNTS, mount("/data", "tmpfs", "tmpcopyup", kind="tmpfs")])
    assert text.splitlines() == ["4711 1000 100 1000000000", "content", "fifo", "2751"]
    assert not (place / "new").exists()
    assert "tmpcopyup" in refusal(runtime, mounts=[*MOUNTS, mount("/data", place, "bind", "tmpcopyup")])


def test_idmapped_mounts(runtime, tree):
    """With maps of the mount, or of the container's user namespace; the latter needs no word about them."""
    os.chown(tree / "file", 1000, 1000)
    (tree / "below" / "file").write_text("")
    os.chown(tree / "below" / "file", 1000, 1000)
    maps = [{"containerID": 1000, "hostID": 2000, "size": 1}]
    show = "stat -c %u /x/file; stat -c %u /x/below/file"
    for option, expected in (("idmap", ["2000", "1000"]), ("ridmap", ["2000", "2000"])):
        text = shell(runtime, show, mounts=[*MOUNTS, mount("/x", tree, "rbind", option, uidMappings=maps, gidMappings=maps)])
        assert text.split() == expected
    users = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    text = shell(runtime, show, mounts=[*MOUNTS, mount("/x", tree, "rbind", "ridmap")],
                 linux={**linux_with(*NAMESPACES, "user"), "uidMappings": users, "gidMappings": users})
    assert text.split() == ["1000", "1000"]
    assert "idmap" in refusal(runtime, mounts=[*MOUNTS, mount("/x", tree, "rbind", "idmap")])


@pytest.mark.skipif(V2, reason="control groups of version 2")
def test_cgroup_mounts_of_version_1(runtime):
    cgroup = mount("/sys/fs/cgroup", "cgroup", "ro", "nosuid", kind="cgroup")
    places = cgroup_mounts()
    script = "ls /sys/fs/cgroup; cat /sys/fs/cgroup/pids/cgroup.procs; cat /proc/self/cgroup"
    own = shell(runtime, script, mounts=[*MOUNTS, cgroup], linux=linux_with(*NAMESPACES, "cgroup"))
    assert "\n1\n" in own and ":pids:/\n" in own
    shared = shell(runtime, script, mounts=[*MOUNTS, cgroup])
    assert "\n1\n" in shared and f":pids:{runtime.parent}" in shared
    named = [pathlib.Path(line.split()[1]).name for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
             if "name=" in line]
    assert set(named) <= set(own.split()) and len(places) >= 2
    assert "Read-only" in runtime.bundle("sh", "-c", "mkdir /sys/fs/cgroup/pids/new 2>&1; true",
                                         mounts=[*MOUNTS, cgroup]).run().stdout


# --- root, names, devices, paths ---

def test_a_read_only_root(runtime):
    text = shell(runtime, "touch /new 2>&1; touch /dev/shm/new && echo shm", root={"readonly": True})
    assert "Read-only file system" in text and "shm" in text


def test_a_relative_root_is_below_the_bundle(runtime):
    bundle = runtime.bundle("ls", "/")
    shutil.copytree(runtime.rootfs, bundle.path / "its-root", symlinks=True)
    bundle.rewrite(root={"path": "its-root"})
    assert "bin" in bundle.run().stdout


def test_host_names(runtime):
    assert shell(runtime, "hostname; cat /proc/sys/kernel/domainname", hostname="one", domainname="two").split() == ["one", "two"]
    error = refusal(runtime, hostname="one", linux=linux_with("mount", "pid"))
    assert "unable to set hostname without a private UTS namespace" in error


def test_devices(runtime):
    devices = [{"path": "/dev/made", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8},
               {"path": "/dev/deep/pipe", "type": "p"}, {"path": "/dev/disk", "type": "b", "major": 7, "minor": 9}]
    text = shell(runtime, "stat -c '%a %u %g %t %T %F' /dev/made; stat -c %F /dev/deep/pipe /dev/disk; head -c 1 /dev/made | wc -c",
                 linux={"devices": devices})
    assert text.splitlines() == ["640 7 8 1 5 character special file", "fifo", "block special file", "1"]
    assert "linux.devices[0].type" in refusal(runtime, linux={"devices": [{"path": "/dev/x", "type": "z"}]})
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdin", "stdout", "stderr"):
        assert name in shell(runtime, "ls /dev").split()


def test_masked_and_read_only_paths(runtime):
    text = shell(runtime, "wc -c </proc/cpuinfo; ls /proc/irq | wc -l; touch /proc/sys/kernel/domainname 2>&1; "
                 "echo x >/proc/sys/kernel/domainname; true",
                 linux={"maskedPaths": ["/proc/cpuinfo", "/proc/irq", "/not/there"], "readonlyPaths": ["/proc/sys", "/none"]})
    assert text.splitlines()[:2] == ["0", "0"] and "Read-only" in text


def test_sysctls(runtime):
    text = shell(runtime, "sysctl -n net.ipv4.ip_forward kernel.shmmax", linux={"sysctl": {"net.ipv4.ip_forward": "1",
                                                                                          "kernel/shmmax": "123456"}})
    assert text.split() == ["1", "123456"]
    for name in ("kernel.core_pattern", "net/../kernel/core_pattern", "vm.swappiness"):
        assert "sysctl" in refusal(runtime, linux={"sysctl": {name: "x"}})
    assert "not in a separate kernel namespace" in refusal(runtime, linux={**linux_with("mount", "pid"),
                                                                           "sysctl": {"net.ipv4.ip_forward": "1"}},
                                                           mounts=[m for m in MOUNTS if m["type"] != "sysfs"])


def test_annotations(runtime):
    bundle = runtime.bundle("sleep", "100", annotations={"a.b": "c", "unknown": "is fine"}).begin()
    assert bundle.state()["annotations"] == {"a.b": "c", "unknown": "is fine"}


# --- network devices ---

@pytest.fixture
def interface():
    name = f"hrt{SLOT}d"
    made = subprocess.run(["ip", "link", "add", name, "type", "dummy"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip("this kernel has no dummy interfaces: " + made.stderr.strip())
    for address in ("192.0.2.77/28", "2001:db8::77/64"):
        subprocess.run(["ip", "address", "add", address, "dev", name, "nodad"] if ":" in address else
                       ["ip", "address", "add", address, "dev", name], check=True)
    yield name
    subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)


def test_network_devices_move_in(runtime, interface):
    text = shell(runtime, "ip -o address show; ip -o link show", linux={"netDevices": {interface: {"name": "inside0"}}})
    assert re.search(r"inside0\s+inet 192\.0\.2\.77/28", text) and re.search(r"inside0\s+inet6 2001:db8::77/64", text)
    assert re.search(r"inside0: <[^>]*\bUP\b", text)
    assert not os.path.exists(f"/sys/class/net/{interface}")


def test_network_devices_that_cannot_move(runtime, interface):
    error = refusal(runtime, linux={"netDevices": {"no-such-if": {}}})
    assert "no-such-if" in error
    error = refusal(runtime, linux={"netDevices": {interface: {"name": "lo"}}})
    assert interface in error and "File exists" in error or "file exists" in error
    assert os.path.exists(f"/sys/class/net/{interface}")
    assert "linux.netDevices" in refusal(runtime, linux={"netDevices": {interface: {"name": "a/b"}}})
    text = shell(runtime, "ls /sys/class/net", linux={"netDevices": {interface: {"name": "many%d"}}})
    assert "many0" in text.split()


# --- seccomp ---

def seccomp(default="SCMP_ACT_ALLOW", *rules, **more):
    return {"seccomp": {"defaultAction": default, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                        "syscalls": list(rules), **more}}


def rule(action, *names, **more):
    return {"names": list(names), "action": action, **more}


def test_seccomp_actions_operators_and_errnos(runtime):
    linux = seccomp("SCMP_ACT_ALLOW", rule("SCMP_ACT_ERRNO", "mkdir", "mkdirat", errnoRet=28),
                    rule("SCMP_ACT_ERRNO", "sethostname"),
                    rule("SCMP_ACT_KILL_PROCESS", "mknod", "mknodat"),
                    rule("SCMP_ACT_ERRNO", "kill", args=[{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]))
    text = shell(runtime, "mkdir /new; hostname other; kill -10 $$; kill -0 $$ && echo zero; (mknod /p p); echo $?", linux=linux)
    done = runtime.bundle("sh", "-c", "mkdir /new; hostname other 2>&1; true", linux=linux).run()
    assert text.splitlines() == ["zero", "159"] and "No space left" in done.stderr
    assert "not permitted" in done.stdout + done.stderr


def test_seccomp_flags_and_refusals(runtime):
    assert shell(runtime, "echo fine", linux=seccomp("SCMP_ACT_ALLOW", rule("SCMP_ACT_LOG", "mkdir"),
                                                     flags=["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])) == "fine\n"
    for linux, word in ((seccomp("SCMP_ACT_NEVER"), "SCMP_ACT_NEVER"), (seccomp(flags=["FLAG"]), "FLAG"),
                        (seccomp("SCMP_ACT_ALLOW", rule("SCMP_ACT_NOTIFY", "mkdir")), "linux.seccomp.listenerPath"),
                        (seccomp("SCMP_ACT_ALLOW", rule("SCMP_ACT_NOTIFY", "write"), listenerPath="/x"), "write")):
        assert word in refusal(runtime, linux=linux)


class Agent:
    """Listens at a seccomp.listenerPath: remembers the states that come, and lets every announced call fail with EXDEV."""

    def __init__(self, path):
        self.states, self.fds = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                text, fds, _, _ = socket.recv_fds(connection, 65536, 1)
            self.states.append(json.loads(text))
            self.fds += fds
            threading.Thread(target=self.answer, args=fds, daemon=True).start()

    def answer(self, fd):
        import fcntl
        import struct
        receive, send = 0xC0502100, 0xC0182101
        with contextlib.suppress(OSError):
            while True:
                request = fcntl.ioctl(fd, receive, bytes(80))
                fcntl.ioctl(fd, send, struct.pack("=QqiI", struct.unpack_from("=Q", request)[0], 0, -18, 0))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.mark.parametrize("privileges", [True, False])
def test_seccomp_notify(runtime, privileges):
    path = runtime.directory / "agent.sock"
    agent = Agent(path)
    linux = seccomp("SCMP_ACT_ALLOW", rule("SCMP_ACT_NOTIFY", "mkdir", "mkdirat"), listenerPath=str(path),
                    listenerMetadata="some metadata")
    bundle = runtime.bundle("sh", "-c", "mkdir /new 2>&1; sleep 100", linux=linux, process={"noNewPrivileges": privileges},
                            annotations={"key": "value"})
    bundle.begin()
    wait_until(lambda: "Invalid cross-device link" in bundle.text())
    state = agent.states[0]
    assert state["fds"] == ["seccompFd"] and state["metadata"] == "some metadata" and state["ociVersion"]
    assert state["pid"] == bundle.state()["pid"] == state["state"]["pid"] and state["state"]["id"] == bundle.name
    assert state["state"]["bundle"] == str(bundle.path) and state["state"]["annotations"] == {"key": "value"}
    assert "cross-device" in bundle.exec("sh", "-c", "mkdir /other 2>&1; true").stdout
    assert agent.states[1]["pid"] != bundle.state()["pid"] == agent.states[1]["state"]["pid"]
    assert agent.states[1]["state"]["status"] == "running"
    agent.close()


def test_seccomp_notify_without_an_agent(runtime):
    linux = seccomp("SCMP_ACT_ALLOW", rule("SCMP_ACT_NOTIFY", "mkdir"), listenerPath=str(runtime.directory / "nobody.sock"))
    assert "linux.seccomp.listenerPath" in refusal(runtime, linux=linux)


# --- hooks ---

def hook(runtime, name, script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin", f"NAME={name}"], **more}


KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]


def test_six_hooks_in_order_with_their_state(runtime):
    log = runtime.directory / "hooks.log"
    log.touch()
    (runtime.rootfs / "hooks.log").touch()
    line = 'read -r state; echo "$NAME $(readlink /proc/self/ns/uts) $state" >>'
    hooks = {kind: [hook(runtime, kind, f"{line}{log}")] for kind in KINDS}
    hooks["startContainer"] = [hook(runtime, "startContainer", f"{line}/hooks.log")]
    bundle = runtime.bundle("sleep", "100", hooks=hooks, annotations={"x": "y"})
    bundle.create()
    created = [text.split(" ", 2) for text in log.read_text().splitlines()]
    assert [name for name, _, _ in created] == KINDS[:3]
    bundle.start()
    pid = bundle.state()["pid"]
    inside = os.readlink(f"/proc/{pid}/ns/uts")
    bundle.delete("--force")
    lines = [text.split(" ", 2) for text in log.read_text().splitlines()]
    assert [name for name, _, _ in lines] == [kind for kind in KINDS if kind != "startContainer"]
    start = (runtime.rootfs / "hooks.log").read_text().split(" ", 2)
    own = os.readlink("/proc/self/ns/uts")
    states = {name: json.loads(state) for name, _, state in [*lines, start]}
    assert {name: space for name, space, _ in [*lines, start]} == {
        "prestart": own, "createRuntime": own, "createContainer": inside, "startContainer": inside, "poststart": own,
        "poststop": own}
    assert {name: state["status"] for name, state in states.items()} == {
        "prestart": "creating", "createRuntime": "creating", "createContainer": "creating", "startContainer": "created",
        "poststart": "running", "poststop": "stopped"}
    assert {name: state.get("pid") for name, state in states.items()} == {
        "prestart": pid, "createRuntime": pid, "createContainer": 1, "startContainer": 1, "poststart": pid, "poststop": None}
    for state in states.values():
        assert state["id"] == bundle.name and state["bundle"] == str(bundle.path) and state["annotations"] == {"x": "y"}


def test_a_start_hook_is_run_as_the_program_is(runtime):
    script = 'echo "$A $HOME" $(grep -E "^(CapEff|Seccomp):" /proc/self/status) >/hook.log; mkdir /x 2>>/hook.log'
    (runtime.rootfs / "hook.log").touch()
    hooks = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", script + "; true"]}]}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
    sets = {name: ["CAP_CHOWN"] for name in ("bounding", "effective", "permitted")}
    runtime.bundle("true", hooks=hooks, linux={"seccomp": profile},
                   process={"env": ["PATH=/bin", "A=1"], "capabilities": sets}).run()
    words = (runtime.rootfs / "hook.log").read_text()
    assert words.startswith("1 /root CapEff: 0000000000000001 Seccomp: 2\n") and "Operation not permitted" in words


def test_a_create_container_hook_stands_in_the_root(runtime):
    hooks = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "echo found >from-hook"]}]}
    assert shell(runtime, "cat /from-hook", hooks=hooks) == "found\n"


def test_a_failure_names_the_hook(runtime):
    good, bad = ({"path": "/bin/sh", "args": ["sh", "-c", f"exit {code}"]} for code in (0, 3))
    assert "error running createRuntime hook #1: /bin/sh: exit status 3" in refusal(runtime, hooks={"createRuntime": [good, bad]})


@pytest.mark.parametrize("kind", KINDS[:5])
def test_a_hook_that_fails_or_hangs_ends_the_container(runtime, kind):
    log = runtime.directory / "poststop.log"
    poststop = [hook(runtime, "poststop", f"echo poststop >>{log}")]
    for script, timeout, word in (("echo the reason >&2; exit 3", 5, "the reason"), ("sleep 100", 1, "not done after 1 s")):
        bundle = runtime.bundle("sleep", "100", hooks={kind: [hook(runtime, kind, script, timeout=timeout)], "poststop": poststop})
        done = bundle.create(check=False)
        if kind in KINDS[:3]:
            assert done.returncode == 1 and word in done.stderr
            assert runtime("state", bundle.name, check=False).returncode == 1
        else:
            done = bundle.start(check=False)
            assert done.returncode == 1 and word in done.stderr
            bundle.wait_for("stopped")
            bundle.delete()
    assert log.read_text() == "poststop\n" * 2


def test_every_poststop_hook_runs(runtime):
    log = runtime.directory / "log"
    hooks = {"poststop": [hook(runtime, "one", "exit 1"), hook(runtime, "two", f"echo two >>{log}")]}
    done = runtime.bundle(hooks=hooks).run()
    assert log.read_text() == "two\n" and "level=warning" in done.stderr
    for broken, field in (({"path": "relative"}, "path"), ({"path": "/bin/true", "timeout": 0}, "timeout")):
        assert f"hooks.poststart[0].{field}" in refusal(runtime, hooks={"poststart": [broken]})


# --- control groups ---

def group_file(runtime, bundle, controller, name):
    for point in cgroup_mounts():
        path = pathlib.Path(point + bundle.config["linux"]["cgroupsPath"]) / name
        if path.exists() and (V2 or controller in pathlib.Path(point).name.split(",")):
            return path.read_text().strip()
    return None


def limited(runtime, **resources):
    return runtime.bundle("sleep", "100", linux={"resources": resources}).begin()


@pytest.mark.skipif(V2, reason="control groups of version 2: tests/vm")
@pytest.mark.parametrize("resources,controller,name,expected", [
    ({"memory": {"limit": 67108864, "reservation": 33554432}}, "memory", "memory.soft_limit_in_bytes", "33554432"),
    ({"memory": {"limit": 67108864, "swappiness": 7}}, "memory", "memory.swappiness", "7"),
    ({"memory": {"limit": 67108864, "disableOOMKiller": True}}, "memory", "memory.oom_control", "oom_kill_disable 1"),
    ({"cpu": {"shares": 333}}, "cpu", "cpu.shares", "333"),
    ({"cpu": {"quota": 20000, "period": 50000}}, "cpu", "cpu.cfs_quota_us", "20000"),
    ({"cpu": {"quota": 20000, "period": 50000, "burst": 10000}}, "cpu", "cpu.cfs_burst_us", "10000"),
    ({"cpu": {"idle": 1}}, "cpu", "cpu.idle", "1"),
    ({"cpu": {"cpus": "0", "mems": "0"}}, "cpuset", "cpuset.cpus", "0"),
    ({"pids": {"limit": 33}}, "pids", "pids.max", "33"),
    ({"pids": {"limit": -1}}, "pids", "pids.max", "max"),
    ({"pids": {"limit": 0}}, "pids", "pids.max", "1"),
    ({"devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "b", "major": 8, "minor": 0, "access": "r"}]},
     "devices", "devices.list", "b 8:0 r"),
    ({"network": {"classID": 1048577}}, "net_cls", "net_cls.classid", "1048577"),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}, "hugetlb", "hugetlb.2MB.limit_in_bytes", "4194304"),
])
def test_limits_of_version_1(runtime, resources, controller, name, expected):
    points = {part for point in cgroup_mounts() for part in pathlib.Path(point).name.split(",")}
    if controller not in points:
        assert controller in refusal(runtime, linux={"resources": resources})
        return
    bundle = runtime.bundle("sleep", "100", linux={"resources": resources})
    done = bundle.create(check=False)
    if "the kernel has no" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert expected in group_file(runtime, bundle, controller, name)


def test_limits_that_cannot_be_name_their_field(runtime):
    for resources, word in (({"cpu": {"cpus": "0-999"}}, "cpuset-cpus"), ({"cpu": {"quota": 1}}, "cpu-quota"),
                            ({"memory": {"limit": 1048576, "swappiness": 101}}, "swappiness"),
                            ({"devices": [{"allow": True, "type": "q"}]}, "linux.resources.devices[0].type"),
                            ({"devices": [{"allow": True, "access": "x"}]}, "linux.resources.devices[0].access")):
        assert word in refusal(runtime, linux={"resources": resources})


@pytest.mark.skipif(V2, reason="control groups of version 2")
def test_unified_needs_version_2(runtime):
    assert "memory.high" in refusal(runtime, linux={"resources": {"unified": {"memory.high": "1"}}})


def test_intel_rdt_needs_resctrl(runtime):
    if os.path.exists("/sys/fs/resctrl/schemata"):
        pytest.skip("resctrl is mounted here")
    assert "linux.intelRdt: resctrl is not mounted" in refusal(runtime, linux={"intelRdt": {"closID": "class"}})


def test_a_tiny_memory_limit_is_enough_to_start(runtime):
    """The whole of the start happens inside of the limit."""
    text = runtime.bundle("sh", "-c", "echo fine", linux={"resources": {"memory": {"limit": 524288}}}).run().stdout
    assert text == "fine\n"
