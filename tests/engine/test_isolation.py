# SPDX-License-Identifier: Apache-2.0
"""What keeps a container apart from the host, seen from inside; and what each option opens."""
import json
import os
import pathlib
import signal
import time

import pytest


def sh(cli, script, *options, **more):
    return cli("run", "--rm", *options, "busybox", "sh", "-c", script, **more).stdout


def status(cli, *options):
    return dict(line.split(":\t", 1) for line in sh(cli, "cat /proc/self/status", *options).splitlines() if ":\t" in line)


def test_capabilities_by_default_added_and_dropped(cli):
    default = status(cli)
    assert default["CapEff"] == default["CapPrm"] == default["CapBnd"] == "00000000a80425fb"
    assert default["CapInh"] == default["CapAmb"] == "0000000000000000"
    everything = status(cli, "--cap-add", "ALL")["CapEff"]
    own = dict(line.split(":\t", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    assert everything == own["CapPrm"]  # what the cli itself has
    assert status(cli, "--cap-drop", "ALL")["CapBnd"] == "0000000000000000"
    assert int(status(cli, "--cap-drop", "ALL", "--cap-add", "NET_RAW")["CapEff"], 16) == 1 << 13
    assert int(status(cli, "--cap-add", "ALL", "--cap-drop", "CAP_SYS_ADMIN")["CapEff"], 16) == int(everything, 16) & ~(1 << 21)
    assert status(cli, "-u", "web")["CapEff"] == "0000000000000000"


def test_no_new_privileges_and_groups(cli):
    assert status(cli)["NoNewPrivs"] == "0"
    assert status(cli, "--security-opt", "no-new-privileges")["NoNewPrivs"] == "1"
    assert status(cli, "--security-opt", "no-new-privileges=false")["NoNewPrivs"] == "0"
    assert sh(cli, "id -G", "-u", "web", "--group-add", "audio", "--group-add", "777").split() == ["1002", "29", "777"]


def test_seccomp_default_unconfined_and_from_a_file(cli, tmp_path):
    assert status(cli)["Seccomp"] == "2"
    assert status(cli, "--security-opt", "seccomp=unconfined")["Seccomp"] == "0"
    assert sh(cli, "unshare -m true 2>&1 || true").startswith("unshare")
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}))
    assert "No space left" in sh(cli, "mkdir /x 2>&1; true", "--security-opt", f"seccomp={profile}")
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_NONSENSE"}))
    assert cli("run", "--rm", "--security-opt", f"seccomp={profile}", "busybox", "true", check=False).returncode == 125


def test_masked_and_read_only_paths(cli):
    probe = "head -c1 /proc/kcore 2>/dev/null | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -vc :; echo x > /proc/sys/kernel/domainname || echo guarded"
    assert sh(cli, probe + " 2>/dev/null").split()[0] == "0" and "guarded" in sh(cli, probe)
    options = ["--security-opt", "systempaths=unconfined"]
    assert sh(cli, "grep -cE ' (/proc/kcore|/proc/sys|/proc/keys) ' /proc/mounts", *options, check=False) == "0\n"
    assert json.loads(cli("run", "-d", *options, "busybox", "true") and "[]") == []


def test_sysctls_of_own_namespaces_only(cli):
    assert sh(cli, "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax", "--sysctl", "net.core.somaxconn=77",
              "--sysctl", "kernel.msgmax=4444").split() == ["77", "4444"]
    refused = cli("run", "--rm", "--sysctl", "vm.swappiness=1", "busybox", "true", check=False)
    assert refused.returncode == 125 and "vm.swappiness" in refused.stderr
    for options, message in ((["--sysctl", "net.core.somaxconn=1", "--network", "host"], "not allowed in host network namespace"),
                             (["--sysctl", "kernel.msgmax=1", "--ipc", "host"], "not allowed in host ipc namespace")):
        result = cli("run", "--rm", *options, "busybox", "true", check=False)
        assert result.returncode == 125 and message in result.stderr


def test_ports_below_1024_and_ping_are_for_every_user(cli):
    output = sh(cli, "(nc -l -p 80 </dev/null >/dev/null & sleep 0.2; grep -hc ':0050 ' /proc/net/tcp /proc/net/tcp6); "
                        "cat /proc/sys/net/ipv4/ping_group_range", "-u", "web", "--cap-drop", "ALL").split()
    assert "1" in output[:2] and output[2:] == ["0", "2147483647"]


def test_devices_with_and_without_permissions(cli):
    assert sh(cli, "head -c1 /dev/mine | wc -c; echo x > /dev/mine || echo refused", "--device", "/dev/zero:/dev/mine:r").split()[0] == "1"
    disk = next((f"/dev/{name}" for name in sorted(os.listdir("/sys/block")) if os.path.exists(f"/dev/{name}")), None)
    if not disk:
        pytest.skip("needs a block device")
    number = os.stat(disk).st_rdev
    attempt = f"mknod /made b {os.major(number)} {os.minor(number)} && echo made; true < /made && echo opened || echo denied"
    assert sh(cli, attempt + " 2>/dev/null").split() == ["made", "denied"]
    assert sh(cli, attempt, "--device-cgroup-rule", f"b {os.major(number)}:{os.minor(number)} rwm").split() == ["made", "opened"]
    probe = "true < /dev/x 2>/dev/null && echo read || echo denied"
    assert sh(cli, probe, "--device", f"{disk}:/dev/x:rwm") == "read\n"
    assert sh(cli, probe, "--device", f"{disk}:/dev/x:w") == "denied\n"


def test_privileged_opens_everything(cli):
    output = sh(cli, "grep CapEff /proc/self/status; grep Seccomp: /proc/self/status; ls /dev | grep -c .; grep -c ' /sys sysfs rw' /proc/mounts; "
                        "mkdir /m && mount -t tmpfs x /m && echo mounted; true < /dev/kmsg && echo kmsg; grep -c ' /proc/sys ' /proc/mounts || true", "--privileged").split()
    assert output[1] != "00000000a80425fb" and output[3] == "0" and output[5] == "1"
    assert output[-3:] == ["mounted", "kmsg", "0"]


def test_the_init_reaps_and_forwards(cli):
    cli("run", "-d", "--name", "tidy", "--init", "busybox", "sh", "-c",
                  "trap 'exit 42' TERM; for i in 1 2 3; do (sleep 0.05 & ) ; done; while :; do sleep 1; done")
    arguments = cli("exec", "tidy", "cat", "/proc/1/cmdline").stdout.split("\0")
    assert arguments[:3] == ["/sbin/docker-init", "--", "sh"]
    time.sleep(0.4)
    zombies = cli("exec", "tidy", "sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l").stdout
    assert zombies == "0\n"
    cli("stop", "tidy")
    assert cli.engine.inspect("tidy", "{{.State.ExitCode}}") == "42"


def test_labels_and_profiles_are_accepted_or_refused(cli):
    for option in ("label=disable", "label=type:svirt_lxc_net_t", "apparmor=unconfined"):
        assert sh(cli, "echo ok", "--security-opt", option) == "ok\n"
    result = cli("run", "--rm", "--security-opt", "nonsense=1", "busybox", "true", check=False)
    assert result.returncode == 125 and "invalid --security-opt" in result.stderr


# The environment inside.

def test_variables_come_in_dockers_order(cli):
    shown = cli("run", "--rm", "--hostname", "box", "-e", "B=2", "-e", "A=1", "busybox", "env").stdout.splitlines()
    names = [line.split("=")[0] for line in shown]
    assert shown[names.index("PATH")] == "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    order = [name for name in names if name in ("PATH", "HOSTNAME", "A", "HOME")]
    assert order == ["PATH", "HOSTNAME", "A", "HOME"] and "B=2" in shown
    assert "TERM=xterm" not in shown
    assert "TERM=xterm" in cli("run", "--rm", "-t", "busybox", "env").stdout
    assert "HOME=/home" in cli("run", "--rm", "-u", "web", "busybox", "env").stdout


def test_temporary_file_systems_and_a_read_only_root(cli):
    mounts = sh(cli, "grep ' /scratch ' /proc/mounts", "--tmpfs", "/scratch")
    assert all(option in mounts for option in ("nosuid", "nodev", "noexec"))
    output = sh(cli, "for d in / /tmp /dev /dev/shm /scratch; do (echo x > $d/f) 2>/dev/null && echo $d; done; true", "--read-only", "--tmpfs", "/scratch")
    assert output.split() in (["/dev", "/dev/shm", "/scratch"], ["/dev/shm", "/scratch"], ["/scratch"])


def test_names_of_host_and_domain(cli):
    output = sh(cli, "hostname; cat /etc/hostname /proc/sys/kernel/domainname; grep -c 'box.example box' /etc/hosts", "--hostname", "box", "--domainname", "example")
    assert output.split() == ["box", "box", "example", "1"]


def test_crypto_sockets_are_blocked_for_exec_too(cli):
    cli("run", "-d", "--name", "quiet", "busybox", "sleep", "100")
    assert "Seccomp:\t2" in cli("exec", "quiet", "cat", "/proc/self/status").stdout


def test_the_root_has_what_docker_puts_there_and_no_layer_of_its_own_sees_it(cli):
    cli("run", "--name", "plain", "busybox", "sh", "-c", "ls -ld /.dockerenv /proc /sys /dev /etc; test -f /.dockerenv -a ! -s /.dockerenv && echo marked; readlink /etc/mtab")
    output = cli("logs", "plain").stdout
    assert "marked" in output and output.splitlines()[-1] == "/proc/mounts"
    assert output.splitlines()[0].startswith("-rwxr-xr-x")
    upper = pathlib.Path(json.loads(cli("inspect", "plain").stdout)[0]["GraphDriver"]["Data"]["UpperDir"])
    assert os.listdir(upper) == []


def test_the_control_group_is_named_by_the_container(cli):
    identifier = cli("run", "-d", "busybox", "sleep", "100").stdout.strip()
    pid = cli.engine.inspect(identifier, "{{.State.Pid}}")
    assert all(line.endswith(f"{cli.engine.cgroup_parent}/{identifier}") for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
               if line.split(":")[1] in ("memory", "cpu", "pids"))


def test_files_for_monitoring_tools_are_where_inspect_says(cli):
    cli("run", "--name", "watched", "busybox", "echo", "line")
    shown = json.loads(cli("inspect", "watched").stdout)[0]
    directory = f"{cli.engine.data}/containers/{shown['Id']}"
    assert shown["LogPath"] == f"{directory}/{shown['Id']}-json.log"
    assert [shown[key] for key in ("HostsPath", "HostnamePath", "ResolvConfPath")] == [f"{directory}/{name}" for name in ("hosts", "hostname", "resolv.conf")]
    assert json.loads(pathlib.Path(shown["LogPath"]).read_text())["log"] == "line\n"


def test_tmpfs_mounts_of_the_api_are_shown_and_those_of_the_flag_are_not(cli):
    cli("create", "--name", "shown", "--mount", "type=tmpfs,target=/a,tmpfs-size=1m,tmpfs-mode=1770", "--tmpfs", "/b", "busybox", "stat", "-c", "%a", "/a")
    mounts = json.loads(cli("inspect", "shown").stdout)[0]["Mounts"]
    assert [(m["Type"], m["Destination"], m["Source"], m["RW"]) for m in mounts] == [("tmpfs", "/a", "", True)]
    assert cli("start", "-a", "shown").stdout == "1770\n"
