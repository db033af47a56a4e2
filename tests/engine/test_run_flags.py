# SPDX-License-Identifier: Apache-2.0
"""The flags of run and create that no other file here is about, each through both command lines."""
import json
import os
import platform
import signal
import subprocess
import time

import pytest

from conftest import wait_until


def inspect(cli, name, template):
    return cli("inspect", "--format", template, name).stdout.strip()


def test_add_host(cli):
    out = cli("run", "--rm", "--add-host", "one:192.0.2.1", "--add-host", "two=192.0.2.2", "--add-host",
              "gate:host-gateway", "busybox", "cat", "/etc/hosts").stdout
    assert "192.0.2.1\tone\n" in out and "192.0.2.2\ttwo\n" in out
    assert f"{cli.engine.bip.split('/')[0]}\tgate\n" in out
    refused = cli("run", "--rm", "--add-host", "nonsense", "busybox", "true", check=False)
    assert refused.returncode == 125 and "bad format for add-host" in refused.stderr


def test_attach_only_some_streams(cli):
    out = cli("run", "--rm", "-a", "stderr", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (out.stdout, out.stderr) == ("", "err\n")
    out = cli("run", "--rm", "--attach", "stdin", "--attach", "stdout", "-i", "busybox", "cat", input="in")
    assert out.stdout == "in"
    both = cli("run", "-d", "-a", "stdout", "busybox", "true", check=False)
    assert both.returncode in (1, 125) and "onflicting options" in both.stderr


def test_cidfile(cli, tmp_path):
    file = tmp_path / "cid"
    cli("run", "--cidfile", file, "--name", "known", "busybox", "true")
    assert file.read_text() == inspect(cli, "known", "{{.Id}}")
    assert inspect(cli, "known", "{{.HostConfig.ContainerIDFile}}") == str(file)
    again = cli("run", "--cidfile", file, "busybox", "true", check=False)
    assert again.returncode == 125 and "container id file found" in again.stderr.lower()
    other = tmp_path / "none"
    cli("create", "--cidfile", other, "--pull", "never", "no-such-image:1", check=False)
    assert not other.exists()


def test_entrypoint(cli):
    assert cli("run", "--rm", "--entrypoint", "echo", "busybox", "words").stdout == "words\n"
    cli("create", "--name", "reset", "--entrypoint", "", "busybox", "echo", "plain")
    assert cli("start", "-a", "reset").stdout == "plain\n"


def test_environment(cli, tmp_path, monkeypatch):
    file = tmp_path / "env"
    file.write_text("# comment\nFROM_FILE=a b\nPASSED\nUNSET_HERE\nBOTH=file\n")
    monkeypatch.setenv("PASSED", "on")
    monkeypatch.delenv("UNSET_HERE", raising=False)
    out = cli("run", "--rm", "--env-file", file, "--env", "BOTH=flag", "-e", "PASSED2", "-e", "EMPTY=", "busybox",
              "env").stdout.splitlines()
    assert {"FROM_FILE=a b", "PASSED=on", "BOTH=flag", "EMPTY="} <= set(out)
    assert not any(line.startswith(("UNSET_HERE", "PASSED2")) for line in out)


def test_labels_from_a_file(cli, tmp_path):
    file = tmp_path / "labels"
    file.write_text("# no label\na=from file\nc=file\n")
    cli("create", "--name", "labelled", "--label-file", file, "-l", "c=flag", "busybox", "true")
    assert json.loads(inspect(cli, "labelled", "{{json .Config.Labels}}")) == {"a": "from file", "c": "flag"}


def test_user_and_directory(cli):
    assert cli("run", "--rm", "--user", "web", "--workdir", "/made/here", "busybox", "sh", "-c",
               "id -u; pwd").stdout == "1001\n/made/here\n"
    assert cli("run", "--rm", "-u", "7:8", "busybox", "sh", "-c", "id -u; id -g").stdout == "7\n8\n"
    missing = cli("run", "--rm", "-u", "nobody-here", "busybox", "true", check=False)
    assert missing.returncode in (125, 126) and "unable to find user nobody-here" in missing.stderr


def test_platform(cli):
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    assert cli("run", "--rm", "--platform", f"linux/{machine}", "busybox", "echo", "ran").stdout == "ran\n"
    other = cli("run", "--rm", "--pull", "never", "--platform", "linux/s390x", "busybox", "true", check=False)
    assert other.returncode == 125 and "does not match the specified platform" in other.stderr


def test_pull(cli):
    assert cli("run", "--rm", "--pull", "never", "busybox", "echo", "local").stdout == "local\n"
    never = cli("run", "--rm", "--pull=never", "no-such-image:1", "true", check=False)
    assert never.returncode == 125 and "No such image: no-such-image:1" in never.stderr
    wrong = cli("run", "--rm", "--pull=sometimes", "busybox", "true", check=False)
    assert wrong.returncode == 125 and "invalid pull option" in wrong.stderr
    # Nothing listens there; what matters is that it is asked although the image is missing, or there.
    for policy, image in (("missing", "127.0.0.1:9/none:1"), ("always", "127.0.0.1:9/none:1")):
        tried = cli("run", "--rm", "-q", f"--pull={policy}", image, "true", check=False)
        assert tried.returncode == 125 and "No such image" not in tried.stderr


def test_signals_are_passed_on_or_not(cli):
    script = "trap 'echo caught; exit 6' TERM; echo ready; while :; do sleep 0.05; done"
    client = cli.popen("run", "--name", "hears", "busybox", "sh", "-c", script, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    time.sleep(0.5)  # docker listens for signals only when the answer to its start has come
    client.send_signal(signal.SIGTERM)
    out, _ = client.communicate(timeout=15)
    assert out == "caught\n" and client.returncode == 6
    client = cli.popen("run", "--sig-proxy=false", "--name", "deaf", "busybox", "sh", "-c", script, stdout=subprocess.PIPE,
                       text=True)
    assert client.stdout.readline() == "ready\n"
    time.sleep(0.5)  # docker listens for signals only when the answer to its start has come
    client.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert inspect(cli, "deaf", "{{.State.Status}}") == "running" and cli("logs", "deaf").stdout == "ready\n"
    client.kill()  # docker's goes on after such a signal
    client.communicate()


def test_volumes_from(cli, tmp_path):
    (tmp_path / "file").write_text("bound\n")
    cli("create", "--name", "donor", "-v", f"{tmp_path}:/host", "-v", "/own", "busybox", "true")
    out = cli("run", "--rm", "--volumes-from", "donor", "busybox", "sh", "-c",
              "cat /host/file; echo kept >/own/x; echo w >/host/w && echo writable").stdout
    assert out == "bound\nwritable\n"
    out = cli("run", "--rm", "--volumes-from", "donor:ro", "busybox", "sh", "-c",
              "cat /own/x; touch /own/y 2>/dev/null || echo refused").stdout
    assert out == "kept\nrefused\n"
    missing = cli("run", "--rm", "--volumes-from", "nobody", "busybox", "true", check=False)
    assert missing.returncode == 125 and "No such container: nobody" in missing.stderr


def test_volume_driver(cli):
    cli("create", "--name", "drv", "--volume-driver", "local", "-v", "driven:/data", "busybox", "true")
    assert cli("volume", "inspect", "--format", "{{.Driver}}", "driven").stdout == "local\n"
    cli("rm", "drv")
    cli("volume", "rm", "driven")
    refused = cli("create", "--volume-driver", "nfs-of-mine", "-v", "other:/data", "busybox", "true", check=False)
    assert refused.returncode in (1, 125) and "nfs-of-mine" in refused.stderr


def test_cgroup_namespace(cli):
    own = cli("run", "--rm", "--cgroupns", "private", "busybox", "cat", "/proc/self/cgroup").stdout
    host = cli("run", "--rm", "--cgroupns", "host", "busybox", "cat", "/proc/self/cgroup").stdout
    assert cli.engine.cgroup_parent not in own and cli.engine.cgroup_parent in host
    wrong = cli("run", "--rm", "--cgroupns", "mine", "busybox", "true", check=False)
    assert wrong.returncode == 125 and "invalid CGROUP mode" in wrong.stderr


def test_cgroup_parent(cli):
    out = cli("run", "--rm", "--cgroupns", "host", "--cgroup-parent", f"{cli.engine.cgroup_parent}/below", "busybox",
              "cat", "/proc/self/cgroup").stdout
    assert f"{cli.engine.cgroup_parent}/below/" in out
    # As Docker does, ".." is resolved below the root of the hierarchy: it leads nowhere else.
    up = cli("run", "--rm", "--cgroupns", "host", "--cgroup-parent", f"../..{cli.engine.cgroup_parent}/below", "busybox",
             "cat", "/proc/self/cgroup").stdout
    assert f"{cli.engine.cgroup_parent}/below/" in up and ".." not in up
    for line in open("/proc/self/mounts"):
        words = line.split()
        below = f"{words[1]}{cli.engine.cgroup_parent}/below"
        if words[2].startswith("cgroup") and os.path.isdir(below):
            wait_until(lambda path=below: not [e for e in os.scandir(path) if e.is_dir()])
            os.rmdir(below)


def test_annotations(cli):
    cli("create", "--name", "noted", "--annotation", "org.example.a=b", "busybox", "true")
    assert inspect(cli, "noted", "{{json .HostConfig.Annotations}}") == '{"org.example.a":"b"}'


def test_isolation_and_what_only_windows_has(cli):
    assert cli("run", "--rm", "--isolation", "default", "busybox", "echo", "ran").stdout == "ran\n"
    refused = cli("run", "--rm", "--isolation", "hyperv", "busybox", "true", check=False)
    assert refused.returncode == 125 and "invalid isolation" in refused.stderr


def test_domain_and_host_name(cli):
    out = cli("run", "--rm", "-h", "inside", "--domainname", "example.test", "busybox", "sh", "-c",
              "hostname; cat /proc/sys/kernel/domainname; grep inside /etc/hosts").stdout
    assert out.startswith("inside\nexample.test\n") and "inside.example.test inside" in out


def test_dns_options(cli):
    out = cli("run", "--rm", "--dns", "192.0.2.9", "--dns-option", "timeout:3", "--dns-search", "example.test", "busybox",
              "cat", "/etc/resolv.conf").stdout
    assert "nameserver 192.0.2.9" in out and "timeout:3" in out and "search example.test" in out


def test_publish_all(cli):
    cli("run", "-d", "--name", "open", "-P", "--expose", "80", "--expose", "90-91/udp", "busybox", "sleep", "1000")
    shown = cli("port", "open").stdout
    for port in ("80/tcp", "90/udp", "91/udp"):
        assert f"{port} -> 0.0.0.0:" in shown


def test_terminal_and_input(cli):
    command = " ".join(cli.engine.command(cli.name, "run", "--rm", "--interactive", "--tty", "busybox", "sh", "-c",
                                          "'tty; stty size'"))
    out = subprocess.run(["script", "-qec", f"stty rows 33 cols 99; {command}", "/dev/null"],
                         env=cli.engine.environment(), capture_output=True, text=True, timeout=30).stdout
    assert "/dev/pts/0" in out and "33 99" in out


def test_flags_that_are_taken_and_change_nothing(cli):
    if cli.name == "docker":
        flags = ["--disable-content-trust", "--kernel-memory", "64m"]
    else:
        flags = ["--disable-content-trust", "--kernel-memory", "64m", "--cpu-count", "1", "--cpu-percent", "10",
                 "--io-maxbandwidth", "1m", "--io-maxiops", "10"]
    assert "ran" in cli("run", "--rm", *flags, "busybox", "echo", "ran").stdout


def test_real_time_budget_and_device_weights(cli):
    """Where the kernel has neither, the refusal or the warning says so."""
    realtime = cli("run", "--rm", "--cpu-rt-runtime", "1000", "--cpu-rt-period", "1000000", "busybox", "true", check=False)
    if realtime.returncode != 0:
        assert "real-time" in realtime.stderr or "rt" in realtime.stderr
    disk = next((f"/dev/{name}" for name in os.listdir("/sys/block") if os.path.exists(f"/dev/{name}")), None)
    if disk:
        made = cli("create", "--name", "weighed", "--blkio-weight-device", f"{disk}:200", "busybox", "true")
        kept = disk in inspect(cli, "weighed", "{{json .HostConfig.BlkioWeightDevice}}")
        assert kept or "WARNING" in made.stderr
    wrong = cli("create", "--blkio-weight-device", "/dev/null:5", "busybox", "true", check=False)
    assert wrong.returncode == 125 and "weight" in wrong.stderr


def test_link_local_address(cli):
    cli("network", "create", "linked")
    try:
        cli("create", "--name", "local", "--network", "linked", "--link-local-ip", "169.254.7.7", "busybox", "true")
        found = inspect(cli, "local", "{{json .NetworkSettings.Networks.linked.IPAMConfig.LinkLocalIPs}}")
        assert found == '["169.254.7.7"]'
    finally:
        cli("rm", "-f", "local")
        cli("network", "rm", "linked")


def test_storage_size_without_quotas_says_why(cli):
    refused = cli("create", "--storage-opt", "size=1G", "busybox", "true", check=False)
    if refused.returncode != 0:
        assert "storage-opt" in refused.stderr and "quota" in refused.stderr
