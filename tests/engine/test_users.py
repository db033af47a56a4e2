# SPDX-License-Identifier: Apache-2.0
"""User namespaces: --userns=private, hulld --userns-remap, and the time namespace."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import Hulld

RANGE = 65536
PRIVATE = ["--userns=private"]


@pytest.fixture(scope="module")
def remapped(busybox):
    hulld = Hulld()
    try:
        hulld.start("--userns-remap", "default")
        hulld.docker("import", busybox, "busybox")
        yield hulld
        hulld.remove_containers()
        hulld.assert_clean()
    finally:
        hulld.close()


def first_uid(hulld, name):
    """The host's id of the container's root."""
    pid = hulld.inspect(name, "{{.State.Pid}}")
    container, host, size = pathlib.Path(f"/proc/{pid}/uid_map").read_text().split()
    assert (container, size) == ("0", str(RANGE))
    return int(host)


def run(hulld, *arguments, **options):
    return hulld.hull("run", "--rm", *PRIVATE, *arguments, **options)


def sh(hulld, script, *options):
    return run(hulld, *options, "busybox", "sh", "-c", script).stdout


def test_root_is_nobody_of_importance_on_the_host_and_ranges_do_not_overlap(engine):
    for name in ("one", "two"):
        engine.hull("run", "-d", "--name", name, *PRIVATE, "busybox", "sleep", "100")
    first, second = first_uid(engine, "one"), first_uid(engine, "two")
    assert first >= RANGE and abs(first - second) >= RANGE
    pid = engine.inspect("one", "{{.State.Pid}}")
    assert os.stat(f"/proc/{pid}").st_uid == first
    assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
    assert engine.inspect("one", "{{.HostConfig.UsernsMode}}") == "private"
    assert engine.hull("exec", "one", "id", "-u").stdout == "0\n"
    engine.docker("rm", "-f", "one")
    engine.hull("run", "-d", "--name", "three", "--userns=auto", "busybox", "sleep", "100")
    assert first_uid(engine, "three") == first  # given back


def test_files_of_the_image_and_new_ones_belong_to_the_containers_users(engine):
    output = sh(engine, "stat -c %u:%g /bin/busybox /etc; touch /new /etc/new; stat -c %u:%g /new /etc/new; "
                        "chown web:web /new; stat -c %u:%g /new; rm /etc/passwd && echo removed; rm -r /home && mkdir /home && echo replaced")
    assert output.split() == ["0:0"] * 4 + ["1001:1002", "removed", "replaced"]


def test_what_it_wrote_is_on_disk_with_ids_that_commit_and_another_start_understand(engine):
    engine.hull("run", "--name", "writer", *PRIVATE, "busybox", "sh", "-c", "echo x > /file; chown 7:8 /file")
    upper = json.loads(engine.docker("inspect", "writer").stdout)[0]["GraphDriver"]["Data"]["UpperDir"]
    info = os.stat(pathlib.Path(upper) / "file")
    assert (info.st_uid, info.st_gid) == (7, 8)
    engine.docker("start", "-a", "writer")


def test_kernel_file_systems_and_files_of_the_engine_are_in_place(engine):
    mounts = sh(engine, "cat /proc/mounts")
    for expected in ("overlay / overlay", "proc /proc proc", "tmpfs /dev tmpfs", "devpts /dev/pts devpts", "mqueue /dev/mqueue mqueue",
                     "shm /dev/shm tmpfs", "sysfs /sys sysfs ro", "/sys/fs/cgroup", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"):
        assert expected in mounts, expected
    script = ("cat /etc/hosts | grep -q localhost && echo hosts; test -s /etc/hostname && echo hostname; test -r /etc/resolv.conf && echo dns; "
              "echo '127.0.0.1 added' >> /etc/hosts && echo edited; echo x > /dev/shm/x && echo shm; echo x > /dev/null && echo null; "
              "head -c 3 /dev/zero | wc -c; echo 1 > /proc/sys/kernel/domainname 2>/dev/null || echo guarded")
    assert sh(engine, script).split() == ["hosts", "hostname", "dns", "edited", "shm", "null", "3", "guarded"]


def test_the_network_belongs_to_the_container(engine):
    engine.hull("run", "-d", "--name", "peer", *PRIVATE, "busybox", "sh", "-c", "while :; do echo hello | nc -l -p 80; done")
    address = engine.inspect("peer", "{{.NetworkSettings.Networks.bridge.IPAddress}}")
    script = (f"ping -c1 -W2 {address} >/dev/null && echo ping; nc -w2 {address} 80 </dev/null; "
              "ip addr add 192.0.2.1/24 dev eth0 && echo interface; cat /proc/sys/net/ipv4/ip_unprivileged_port_start")
    assert sh(engine, script, "--cap-add", "NET_ADMIN").split()[-3:] in (["hello", "interface", "0"], ["interface", "0", "hello"])
    # Busybox's ping wants a raw socket; a datagram socket for ICMP is what ping_group_range is about.
    attempt = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); print('ping')"
    pid = engine.inspect("peer", "{{.State.Pid}}")
    assert subprocess.run(["nsenter", "-t", pid, "-U", "-n", "-S", "1001", "-G", "1002", "python3", "-c", attempt], capture_output=True,
                          text=True).stdout == "ping\n"
    assert sh(engine, "cat /proc/sys/net/ipv4/ip_forward", "--sysctl", "net.ipv4.ip_forward=1") == "1\n"
    assert sh(engine, "cat /proc/sys/kernel/shm_rmid_forced", "--sysctl", "kernel.shm_rmid_forced=1") == "1\n"


def test_standard_streams_and_terminals_belong_to_the_user(engine):
    for user in ("root", "web"):
        assert sh(engine, "echo a > /dev/stdout; echo b > /dev/stderr; id -un", "-u", user) == f"a\n{user}\n"
        assert sh(engine, "stat -c %U /proc/self/fd/0 $(tty) /dev/console | sort -u; echo x > $(tty)", "-t", "-u", user
                  ).split() == [*sorted({user, "root"} if user == "root" else {user}), "x"]


def test_exec_enters_the_user_namespace_first(engine):
    engine.hull("run", "-d", "--name", "target", *PRIVATE, "busybox", "sleep", "100")
    assert engine.hull("exec", "-u", "web", "target", "sh", "-c", "id -u; echo a > /dev/stdout; cat /proc/self/uid_map"
                       ).stdout.split() == ["1001", "a", "0", str(first_uid(engine, "target")), str(RANGE)]
    assert engine.hull("exec", "-t", "target", "sh", "-c", "stat -c %U $(tty)").stdout.strip() == "root"
    assert engine.hull("exec", "-i", "target", "cat", input="through").stdout == "through"
    assert "CapEff:\t00000000a80425fb" in engine.hull("exec", "target", "cat", "/proc/self/status").stdout


def test_volumes_are_shared_between_ranges_and_binds_stay_the_hosts(engine, tmp_path):
    (tmp_path / "file").write_text("lent\n")
    (tmp_path / "file").chmod(0o644)
    tmp_path.chmod(0o755)
    assert sh(engine, "echo one > /v/file; stat -c %u /v /v/file; mkdir /v/home && chown web /v/home", "-v", "shared:/v").split() == ["0", "0"]
    engine.hull("run", "-d", "--name", "holder", *PRIVATE, "busybox", "sleep", "100")  # another range for the next
    assert sh(engine, "cat /v/file; stat -c %u /v/home; echo two > /v/file && cat /v/file", "-v", "shared:/v").split() == ["one", "1001", "two"]
    assert engine.hull("run", "--rm", "-v", "shared:/v", "busybox", "stat", "-c", "%u", "/v/home").stdout == "1001\n"
    assert sh(engine, "cat /b/file; stat -c %u /b/file; echo x 2>/dev/null > /b/file || echo refused", "-v", f"{tmp_path}:/b"
              ).split() == ["lent", "65534", "refused"]
    engine.docker("volume", "rm", "shared")


def test_devices_are_bound_from_the_host(engine):
    assert sh(engine, "head -c 2 /dev/mine | wc -c; stat -c %F /dev/mine", "--device", "/dev/zero:/dev/mine").split("\n")[:2] == ["2", "character special file"]


@pytest.mark.parametrize("options,message", [
    (["--privileged"], "privileged mode is incompatible with user namespaces"),
    (["--network=host"], "cannot share the host's network namespace when user namespaces are enabled"),
    (["--pid=host"], "cannot share the host PID namespace when user namespaces are enabled"),
])
def test_what_would_undo_it_is_refused(engine, options, message):
    result = run(engine, *options, "busybox", "true", check=False)
    assert result.returncode == 125 and message in result.stderr


def test_namespaces_are_joined_with_the_user_namespace_of_their_container(engine):
    engine.hull("run", "-d", "--name", "donor", *PRIVATE, "--ipc=shareable", "busybox", "sleep", "100")
    engine.hull("run", "-d", "--name", "plain", "busybox", "sleep", "100")
    output = sh(engine, "readlink /proc/self/ns/user; ip -o -4 addr show eth0 | wc -l; ps | grep -c 'sleep 10[0]'", "--network=container:donor",
                "--pid=container:donor", "--ipc=container:donor")
    assert output.split() == [os.readlink(f"/proc/{engine.inspect('donor', '{{.State.Pid}}')}/ns/user"), "1", "1"]
    refused = run(engine, "--network=container:plain", "busybox", "true", check=False)
    assert refused.returncode == 125 and "that container has the host's" in refused.stderr


def test_the_range_survives_a_crash_of_the_engine(own_engine):
    own_engine.hull("run", "-d", "--name", "kept", *PRIVATE, "busybox", "sleep", "100")
    first = first_uid(own_engine, "kept")
    own_engine.crash()
    own_engine.start()
    own_engine.hull("run", "-d", "--name", "next", *PRIVATE, "busybox", "sleep", "100")
    assert abs(first_uid(own_engine, "next") - first) >= RANGE
    own_engine.docker("restart", "-t", "0", "kept")
    assert first_uid(own_engine, "kept") == first


def test_remapping_of_all_containers_with_the_docker_cli(remapped):
    for name in ("first", "second"):
        remapped.docker("run", "-d", "--name", name, "busybox", "sleep", "100")
    assert first_uid(remapped, "first") == first_uid(remapped, "second") >= RANGE
    assert remapped.docker("exec", "first", "id", "-u").stdout == "0\n"
    assert remapped.docker("run", "--rm", "busybox", "sh", "-c", "touch /x && stat -c %u /x /proc").stdout.split() == ["0", "65534"]
    assert "name=userns" in remapped.docker("info", "--format", "{{.SecurityOptions}}").stdout
    link = remapped.docker("run", "--rm", "--userns=host", "busybox", "readlink", "/proc/self/ns/user").stdout.strip()
    assert link == os.readlink("/proc/self/ns/user")
    refused = remapped.docker("run", "--rm", "--privileged", "busybox", "true", check=False)
    assert refused.returncode == 125 and "privileged mode is incompatible" in refused.stderr
    assert remapped.docker("run", "--rm", "--privileged", "--userns=host", "busybox", "echo", "ok").stdout == "ok\n"


def test_ranges_that_do_not_exist_are_refused_at_the_start_of_the_engine():
    for arguments, message in ((["--userns-remap", "no-such-user"], "no subordinate ids of user"),
                               (["--userns-range", "5:5"], "invalid --userns-range")):
        hulld = Hulld()
        try:
            with pytest.raises(RuntimeError, match=message):
                hulld.start(*arguments)
        finally:
            hulld.close()


def test_a_time_namespace_is_made_and_entered(engine):
    engine.docker("run", "-d", "--name", "later", "--annotation", "org.hull.time.boottime=1000h", "busybox", "sleep", "100")
    host = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    for command in (["exec", "later"], ["run", "--rm", "--annotation", "org.hull.time.boottime=1000h", "busybox"]):
        shown = float(engine.docker(*command, "cat", "/proc/uptime").stdout.split()[0])
        assert 3_600_000 - 5 < shown - host < 3_600_000 + 60
    pid = engine.inspect("later", "{{.State.Pid}}")
    assert os.readlink(f"/proc/{pid}/ns/time") != os.readlink("/proc/self/ns/time")
