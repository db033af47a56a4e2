# SPDX-License-Identifier: Apache-2.0
"""Flags of `run` and `create` that no other file is about, with both command lines."""
import json
import os
import signal
import subprocess
import time

import pytest


def out(cli, *arguments):
    return cli("run", "--rm", *arguments).stdout


def test_hosts_and_resolver_options(cli):
    hosts = out(cli, "--add-host", "db:10.9.8.7", "--add-host", "v6=[2001:db8::1]", "--add-host", "host:host-gateway", "busybox", "cat",
                "/etc/hosts")
    assert "10.9.8.7\tdb\n" in hosts and "2001:db8::1\tv6\n" in hosts
    gateway = cli.engine.bip.split("/")[0]
    assert f"{gateway}\thost\n" in hosts
    resolver = out(cli, "--dns", "10.1.2.3", "--dns-option", "timeout:3", "--dns-search", "example.com", "busybox", "cat", "/etc/resolv.conf")
    assert "nameserver 10.1.2.3\n" in resolver and "search example.com\n" in resolver and "options timeout:3\n" in resolver


def test_only_the_streams_that_are_attached_are_seen(cli):
    both = ["busybox", "sh", "-c", "echo out; echo err >&2"]
    result = cli("run", "--rm", "-a", "stderr", *both)
    assert (result.stdout, result.stderr) == ("", "err\n")
    result = cli("run", "--rm", "--attach", "stdout", "--attach", "stderr", *both)
    assert (result.stdout, result.stderr) == ("out\n", "err\n")
    assert cli("run", "-d", "-a", "stdout", "busybox", "true", check=False).returncode == 1


def test_files_with_variables_labels_and_the_id(cli, tmp_path):
    (tmp_path / "env").write_text("# a comment\nA=one two\nB=\nHOME_OF_NOBODY\n")
    (tmp_path / "labels").write_text("first=1\n")
    identity = tmp_path / "cid"
    environment = cli("run", "--name", "box", "--env-file", str(tmp_path / "env"), "--label-file", str(tmp_path / "labels"), "-l", "third=3",
                      "--cidfile", str(identity), "busybox", "env").stdout
    assert "A=one two\n" in environment and "B=\n" in environment and "HOME_OF_NOBODY" not in environment
    labels = json.loads(cli.engine.inspect("box", "{{json .Config.Labels}}"))
    assert labels == {"first": "1", "third": "3"}
    assert identity.read_text() == cli.engine.inspect("box", "{{.Id}}")
    again = cli("run", "--cidfile", str(identity), "busybox", "true", check=False)
    assert again.returncode != 0 and str(identity) in again.stderr


def test_pull_policies_and_platforms(cli):
    result = cli("run", "--pull", "never", "nowhere/none", "true", check=False)
    assert result.returncode == 125 and "No such image: nowhere/none" in result.stderr
    assert out(cli, "--pull", "missing", "--quiet", "--platform", "linux/amd64", "busybox", "echo", "here") == "here\n"
    result = cli("create", "--pull", "never", "--platform", "linux/s390x", "busybox", "true", check=False)
    assert result.returncode != 0 and "does not match the specified platform" in result.stderr


def test_exposed_ports_are_published(cli):
    cli("run", "-d", "--name", "box", "--expose", "7000-7001", "--expose", "53/udp", "-P", "busybox", "sleep", "60")
    ports = cli("port", "box").stdout.splitlines()
    assert {line.split(" ")[0] for line in ports} == {"7000/tcp", "7001/tcp", "53/udp"}


def test_volumes_from_another_container(cli, tmp_path):
    cli("run", "-d", "--name", "donor", "-v", f"{tmp_path}:/bind", "-v", "/anonymous", "busybox", "sleep", "60")
    cli("exec", "donor", "sh", "-c", "echo a > /anonymous/file; echo b > /bind/file")
    assert out(cli, "--volumes-from", "donor", "busybox", "cat", "/anonymous/file", "/bind/file") == "a\nb\n"
    result = cli("run", "--rm", "--volumes-from", "donor:ro", "busybox", "touch", "/bind/new", check=False)
    assert result.returncode == 1 and "Read-only" in result.stderr
    assert cli("run", "--volumes-from", "nobody", "busybox", "true", check=False).returncode == 125


def test_control_group_namespaces(cli):
    own = out(cli, "--cgroupns", "private", "busybox", "readlink", "/proc/self/ns/cgroup")
    host = out(cli, "--cgroupns", "host", "busybox", "readlink", "/proc/self/ns/cgroup")
    assert own != host and host.strip() == os.readlink("/proc/self/ns/cgroup")


def test_link_local_addresses(cli):
    cli.engine.docker("network", "create", "--subnet", "10.77.1.0/24", "linknet")
    try:
        addresses = out(cli, "--network", "linknet", "--link-local-ip", "169.254.7.7", "busybox", "ip", "-4", "addr")
        assert "169.254.7.7/" in addresses
        refused = cli("create", "--network", "linknet", "--link-local-ip", "169.253.5.5", "busybox", "true", check=False)
        assert refused.returncode != 0 and "invalid link-local IP address: 169.253.5.5" in refused.stderr
    finally:
        cli.engine.docker("network", "rm", "linknet")


@pytest.mark.parametrize("options, message", [
    (["--gpus", "all"], "could not select device driver"),
    (["--isolation", "hyperv"], "isolation"),
    (["--volume-driver", "none", "-v", "vol:/v"], 'plugin "none" not found'),
    (["--blkio-weight-device", "/dev/null:5"], ""),
    (["--cpu-rt-runtime", "100", "--cpu-rt-period", "50"], ""),
    (["-w", "relative"], "it needs to be an absolute path")])
def test_what_is_refused(cli, options, message):
    result = cli("run", "--rm", *options, "busybox", "true", check=False)
    assert result.returncode == 125 and message in result.stderr


def test_isolation_default_is_fine(cli):
    assert out(cli, "--isolation", "default", "busybox", "echo", "here") == "here\n"


def test_signals_go_through_to_the_container_or_not(cli):
    script = "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    run = cli.popen("run", "--rm", "busybox", "sh", "-c", script, stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "ready\n"
    run.send_signal(signal.SIGTERM)
    assert run.communicate(timeout=20)[0] == "got\n" and run.returncode == 9
    run = cli.popen("run", "--name", "box", "--sig-proxy=false", "busybox", "sh", "-c", script, stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "ready\n"
    run.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert cli.engine.inspect("box", "{{.State.Running}}") == "true"
    run.kill()
    run.communicate()


def test_the_engines_socket_and_the_logins_inside(cli):
    """Of newer releases of docker; the one at hand may not have it."""
    hull = cli.engine.hull
    config = cli.engine.directory / "config"
    config.mkdir(exist_ok=True)
    (config / "config.json").write_text(json.dumps({"auths": {"registry.example": {"auth": "bWU6c2VjcmV0"}}}))
    try:
        script = "test -S /var/run/docker.sock && echo $DOCKER_CONFIG && stat -c %a $DOCKER_CONFIG/config.json && cat $DOCKER_CONFIG/config.json"
        lines = hull("run", "--rm", "--use-api-socket", "busybox", "sh", "-c", script).stdout.splitlines()
        assert lines[:2] == ["/run/secrets/docker", "600"]
        assert json.loads(lines[2]) == {"auths": {"registry.example": {"auth": "bWU6c2VjcmV0"}}}
        assert hull("run", "--rm", "--use-api-socket", "-e", "DOCKER_CONFIG=/x", "busybox", "sh", "-c", "echo $DOCKER_CONFIG").stdout == "/x\n"
    finally:
        (config / "config.json").unlink()
