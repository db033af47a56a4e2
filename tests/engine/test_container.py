# SPDX-License-Identifier: Apache-2.0
"""What a container is made of: namespaces, limits, mounts, capabilities, seccomp, devices; and what is refused."""
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import urllib.request

import pytest


def inside(cli, *command, options=()):
    return cli("run", "--rm", *options, "busybox", "sh", "-c", *command).stdout


def test_it_is_process_one_with_its_own_namespaces(cli):
    output = inside(cli, "echo $$; for n in mnt pid net ipc uts; do readlink /proc/self/ns/$n; done").split()
    assert output[0] == "1"
    for name, link in zip(("mnt", "pid", "net", "ipc", "uts"), output[1:]):
        assert link != os.readlink(f"/proc/self/ns/{name}")


def test_host_namespaces_on_request(cli):
    links = inside(cli, "for n in net uts ipc pid; do readlink /proc/self/ns/$n; done",
                   options=["--network=host", "--uts=host", "--ipc=host", "--pid=host"]).split()
    assert links == [os.readlink(f"/proc/self/ns/{n}") for n in ("net", "uts", "ipc", "pid")]


def test_mounts_are_in_place_and_guarded(cli):
    mounts = inside(cli, "cat /proc/mounts; ls /dev; cat /proc/kcore | head -c1 | wc -c; echo x >/proc/sys/kernel/domainname || echo guarded")
    for expected in ("overlay / overlay", "proc /proc proc", "tmpfs /dev tmpfs", "devpts /dev/pts", "mqueue /dev/mqueue",
                     "/dev/shm", "sysfs /sys sysfs ro", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"):
        assert expected in mounts
    assert "guarded" in mounts
    for device in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdin", "stdout", "stderr"):
        assert re.search(rf"^{device}$", mounts, re.M)


def test_limits_reach_the_kernel(cli):
    name = f"limits-{cli.name}"
    identifier = cli("run", "-d", "--name", name, "-m", "64m", "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512",
                     "--cpuset-cpus", "0", "--pids-limit", "50", "--shm-size", "8m", "busybox", "sleep", "100").stdout.strip()
    parent = cli.engine.cgroup_parent

    def value(subsystem, file):
        return (pathlib.Path("/sys/fs/cgroup") / subsystem / parent.lstrip("/") / identifier / file).read_text().strip()

    if not os.path.isdir("/sys/fs/cgroup/memory"):
        pytest.skip("needs control groups of version 1, where this test knows the files")
    assert value("memory", "memory.limit_in_bytes") == str(64 << 20)
    assert value("memory", "memory.soft_limit_in_bytes") == str(32 << 20)
    assert value("cpu", "cpu.cfs_quota_us") == "50000"
    assert value("cpu", "cpu.shares") == "512"
    assert value("cpuset", "cpuset.cpus") == "0"
    assert value("pids", "pids.max") == "50"
    assert "8.0M" in cli("exec", name, "df", "-h", "/dev/shm").stdout


def test_memory_limit_kills(cli):
    name = f"oom-{cli.name}"
    cli("run", "--name", name, "-m", "8m", "--memory-swap", "8m", "busybox", "sh", "-c", "head -c 100m /dev/zero | tail | wc -c; true",
        check=False)
    assert cli.engine.inspect(name, "{{.State.OOMKilled}}") == "true"


def test_capabilities_and_seccomp(cli):
    status = inside(cli, "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status")
    assert "00000000a80425fb" in status and re.search(r"Seccomp:\s+2", status)
    assert "0000000000000000" in inside(cli, "grep CapEff /proc/self/status", options=["--cap-drop", "ALL"])
    assert re.search(r"NoNewPrivs:\s+1", inside(cli, "grep NoNewPrivs /proc/self/status", options=["--security-opt", "no-new-privileges"]))
    assert re.search(r"Seccomp:\s+0", inside(cli, "grep Seccomp: /proc/self/status", options=["--security-opt", "seccomp=unconfined"]))
    assert inside(cli, "unshare -m true 2>/dev/null && echo allowed || echo refused") == "refused\n"


def test_privileged_may_mount(cli):
    assert inside(cli, "mount -t tmpfs x /mnt 2>/dev/null || mkdir /mnt && mount -t tmpfs x /mnt && echo mounted; ls /dev | wc -l",
                  options=["--privileged"]).startswith("mounted")


def test_binds_volumes_and_tmpfs(cli, tmp_path):
    (tmp_path / "file").write_text("from the host\n")
    volume = f"vol-{cli.name}"
    output = inside(cli, "cat /bind/file; echo x > /bind/new || echo read-only; echo kept > /vol/file; mount | grep -c 'tmpfs on /scratch'",
                    options=["-v", f"{tmp_path}:/bind:ro", "-v", f"{volume}:/vol", "--tmpfs", "/scratch:size=1m"])
    assert output.splitlines() == ["from the host", "read-only", "1"]
    assert inside(cli, "cat /vol/file", options=["--mount", f"type=volume,source={volume},target=/vol"]) == "kept\n"
    cli.engine.docker("volume", "rm", volume)


def test_read_only_root(cli):
    assert inside(cli, "echo x > /file 2>/dev/null || echo refused", options=["--read-only"]) == "refused\n"


def test_ulimits_sysctls_and_init(cli):
    assert inside(cli, "ulimit -n", options=["--ulimit", "nofile=512:1024"]) == "512\n"
    assert inside(cli, "cat /proc/sys/net/ipv4/ip_forward", options=["--sysctl", "net.ipv4.ip_forward=1"]) == "1\n"
    assert "docker-init" in inside(cli, "cat /proc/1/cmdline", options=["--init"])


def test_a_device_can_be_added(cli):
    assert inside(cli, "ls -l /dev/mine", options=["--device", "/dev/null:/dev/mine:rw"]).startswith("crw")


@pytest.mark.parametrize("options,message", [
    (["-m", "1k"], "inimum memory limit"),
    (["--cpus", "1000"], "CPUs"),
    (["--cap-add", "NO_SUCH"], "NO_SUCH"),
    (["--ulimit", "nofile=20:10"], "nofile"),
    (["--mount", "type=bind,source=/no/such/place,target=/x"], "/no/such/place"),
    (["--device", "/dev/no-such"], "/dev/no-such"),  # 127: the client sees "no such file or directory" in it
    (["-w", "relative"], "relative"),
    (["--pid", "container:nobody"], "nobody"),
])
def test_what_cannot_work_is_refused_by_name(cli, options, message):
    result = cli("run", "--rm", *options, "busybox", "true", check=False)
    assert result.returncode == (127 if message == "/dev/no-such" else 125)
    assert message in result.stderr


def serve(cli, name, *options):
    cli("run", "-d", "--name", name, *options, "busybox", "sh", "-c",
        "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 80; done")


def fetch(address):
    for _ in range(50):
        try:
            return urllib.request.urlopen(f"http://{address}/", timeout=2).read()
        except OSError:
            threading.Event().wait(0.1)
    raise AssertionError(f"no answer from {address}")


def test_a_published_port_answers_on_loopback_and_in_use_is_an_error(cli):
    name = f"web-{cli.name}"
    serve(cli, name, "-p", "127.0.0.1::80")
    port = cli("port", name, "80").stdout.strip().splitlines()[0]
    assert fetch(port) == b"hello"
    second = cli("run", "--rm", "-p", f"{port}:80", "busybox", "true", check=False)
    assert second.returncode == 125 and "port is already allocated" in second.stderr
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        taken = foreign.getsockname()[1]
        third = cli("run", "--rm", "-p", f"127.0.0.1:{taken}:80", "busybox", "true", check=False)
        assert third.returncode == 125 and "address already in use" in third.stderr


def test_containers_reach_each_other_and_share_a_network(cli):
    name = f"peer-{cli.name}"
    serve(cli, name)
    address = cli.engine.inspect(name, "{{.NetworkSettings.Networks.bridge.IPAddress}}")
    assert "hello" in inside(cli, f"wget -qO- http://{address}/")
    assert address in inside(cli, "ip addr", options=["--network", f"container:{name}"])


def test_network_none_has_only_loopback(cli):
    assert inside(cli, "ls /sys/class/net", options=["--network", "none"]).split() == ["lo"]


def test_inspect_shape_for_sdks(engine):
    engine.docker("create", "--name", "shape", "busybox", "true")
    shown = json.loads(engine.docker("inspect", "shape").stdout)[0]
    for key in ("Id", "Created", "Path", "Args", "State", "Image", "Name", "HostConfig", "GraphDriver", "Mounts", "Config", "NetworkSettings"):
        assert key in shown
    assert shown["HostConfig"]["LogConfig"]["Type"] == "json-file"
    assert shown["State"]["StartedAt"] == "0001-01-01T00:00:00Z"


def test_docker_sdk_for_python_runs_execs_and_removes(engine):
    docker = pytest.importorskip("docker", reason="needs the docker SDK for Python")
    client = docker.DockerClient(base_url=f"unix://{engine.socket}")
    assert client.containers.run("busybox", ["echo", "sdk"], remove=True) == b"sdk\n"
    container = client.containers.run("busybox", ["sleep", "100"], detach=True)
    assert container.exec_run("echo inner").output == b"inner\n"
    assert container.stats(stream=False)["pids_stats"]["current"] >= 1
    container.remove(force=True)


def test_import_images_tag_and_remove(cli, busybox):
    name = f"imported-{cli.name}"
    cli("import", busybox, name)
    assert name in cli("images").stdout
    cli("tag", name, f"{name}:other")
    assert "Untagged" in cli("rmi", f"{name}:other").stdout
    cli("rmi", name)
    assert name not in cli("images").stdout


def test_the_wire_on_a_raw_socket(engine):
    def ask(request):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(engine.socket))
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    ping = ask(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert ping.startswith(b"HTTP/1.1 200") and ping.endswith(b"OK") and b"1.56" in ping
    missing = ask(b"GET /v1.41/containers/nobody/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert missing.startswith(b"HTTP/1.1 404") and b"Content-Type: application/json\r\n" in missing
    assert b'{"message":"No such container: nobody"}' in missing
    assert ask(b"GET /v9.99/_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400")
