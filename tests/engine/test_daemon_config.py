# SPDX-License-Identifier: Apache-2.0
"""daemon.json and hulld's flags."""
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

import pytest

from conftest import BIN, Hulld
from test_transport import free_port, run_hulld


def validate(tmp_path, configuration, *flags):
    path = tmp_path / "daemon.json"
    path.write_text(configuration if isinstance(configuration, str) else json.dumps(configuration))
    return run_hulld("--validate", "--config-file", path, *flags)


def test_a_good_configuration_is_ok(tmp_path):
    result = validate(tmp_path, {
        "debug": True, "log-level": "warn", "labels": ["a=b"], "log-driver": "json-file", "log-opts": {"max-size": "1m"},
        "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 64000, "Soft": 64000}}, "live-restore": True,
        "insecure-registries": ["127.0.0.1:5000"], "registry-mirrors": ["http://127.0.0.1:5000"],
        "max-concurrent-downloads": 7, "exec-opts": ["native.cgroupdriver=cgroupfs"], "storage-driver": "overlay2",
        "default-address-pools": [{"base": "10.1.0.0/16", "size": 24}], "userland-proxy": False, "shutdown-timeout": 5,
        "proxies": {"http-proxy": "http://p:1", "no-proxy": "localhost"}, "features": {"buildkit": True},
        "runtimes": {"other": {"path": "/bin/other"}}, "dns": ["1.1.1.1"], "default-shm-size": "32M",
        "builder": {"gc": {"enabled": True}}, "icc": True, "iptables": True, "ip-forward": True})
    assert (result.returncode, result.stderr) == (0, "configuration OK\n")


@pytest.mark.parametrize("configuration, flags, message", [
    ({"nonsense": 1, "more": 2}, [], "the following directives don't match any configuration option: nonsense, more"),
    ({"debug": "yes"}, [], "debug: expected a boolean, got string"),
    ({"labels": "a=b"}, [], "labels: expected an array, got string"),
    ({"labels": ["a=b", 3]}, [], "labels[1]: expected a string"),
    ("{", [], "invalid JSON"),
    ({"debug": True}, ["-D"], "the following directives are specified both as a flag and in the configuration file: "
                              "debug: (from flag: true, from file: true)"),
    ({"labels": ["a=b"]}, ["--label", "c=d"], "labels: (from flag: [c=d], from file: [a=b])"),
    ({"labels": ["a"]}, [], "bad attribute format: a"),
    ({"labels": ["a=b", "a=c"]}, [], "conflict labels"),
    ({"bridge": "much-too-long-a-name"}, [], 'invalid bridge name "much-too-long-a-name": at most 15 characters'),
    ({"log-level": "loud"}, [], "invalid log level"),
    ({"log-format": "xml"}, [], "invalid log format"),
    ({"default-runtime": "missing"}, [], "specified default runtime 'missing' does not exist"),
    ({"runtimes": {"runc": {"path": "/bin/other"}}}, [], "runtime name 'runc' is reserved"),
    ({"runtimes": {"hull": {"path": "/bin/other"}}}, [], "runtime name 'hull' is reserved"),
    ({"max-concurrent-downloads": -4}, [], "invalid max concurrent downloads: -4"),
    ({"storage-driver": "zfs"}, [], "use overlay2"),
    ({"registry-mirrors": ["ftp://x"]}, [], "invalid mirror"),
    ({"insecure-registries": ["http://x"]}, [], "should not contain '://'"),
    ({"default-ipc-mode": "host"}, [], "not supported as default"),
    ({"min-api-version": "1.2"}, [], "minimum supported API version is 1.24"),
    ({"seccomp-profile": "/nowhere"}, [], "opening seccomp profile (/nowhere) failed"),
    ({"authorization-plugins": ["x"]}, [], "would be let in"),
    ({}, ["--nonsense"], "unknown flag: --nonsense"),
    ({}, ["positional"], "accepts no arguments"),
])
def test_bad_configurations_are_refused(tmp_path, configuration, flags, message):
    result = validate(tmp_path, configuration, *flags)
    assert result.returncode == 1
    assert message in result.stderr


def test_a_named_file_must_be_there(tmp_path):
    result = run_hulld("--validate", "--config-file", tmp_path / "none.json")
    assert result.returncode == 1 and "no such file or directory" in result.stderr


def test_version_and_help():
    assert run_hulld("--version").stdout.startswith("hulld version ")
    text = run_hulld("--help").stdout
    assert "--data-root" in text and "--tlsverify" in text


class Configured:
    """An engine with a daemon.json of its own."""

    def __init__(self, configuration, *flags):
        self.hulld = Hulld()
        self.path = self.hulld.directory / "daemon.json"
        self.write(configuration)
        self.hulld.start("--config-file", str(self.path), *flags)

    def write(self, configuration):
        self.path.write_text(configuration if isinstance(configuration, str) else json.dumps(configuration))

    def reload(self, configuration, expected):
        """SIGHUP, and waits until the log says what came of it."""
        self.write(configuration)
        before = len(self.hulld.log.read_text())
        self.hulld.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while expected not in self.hulld.log.read_text()[before:]:
            assert time.monotonic() < deadline, self.hulld.log.read_text()[before:]
            time.sleep(0.02)
        return self.hulld.log.read_text()[before:]

    def info(self):
        return json.loads(self.hulld.docker("info", "--format", "{{json .}}").stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hulld.close()


def test_containers_get_the_configured_defaults(busybox):
    with Configured({"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 4000, "Soft": 3000}},
                     "default-shm-size": "16m", "default-ipc-mode": "shareable", "no-new-privileges": True,
                     "dns": ["192.0.2.1"], "dns-search": ["example.test"], "dns-opts": ["timeout:7"],
                     "default-stop-timeout": 1, "seccomp-profile": "unconfined",
                     "runtimes": {"other": {"path": "/bin/other"}}}) as configured:
        hulld = configured.hulld
        hulld.docker("import", busybox, "busybox")
        script = ("ulimit -n; ulimit -Hn; df -k /dev/shm | tail -1; grep NoNewPrivs /proc/self/status; "
                  "grep ^Seccomp: /proc/self/status; cat /etc/resolv.conf")
        out = hulld.docker("run", "--rm", "busybox", "sh", "-c", script).stdout
        assert out.startswith("3000\n4000\n")
        assert " 16384 " in out
        assert "NoNewPrivs:\t1" in out and "Seccomp:\t0" in out
        assert "nameserver 192.0.2.1" in out and "search example.test" in out and "timeout:7" in out
        on_host = hulld.docker("run", "--rm", "--network", "host", "busybox", "cat", "/etc/resolv.conf").stdout
        assert "nameserver 192.0.2.1" in on_host and "search example.test" in on_host
        # What the client says counts.
        out = hulld.docker("run", "--rm", "--ulimit", "nofile=100:200", "--dns", "192.0.2.2", "--shm-size", "8m",
                           "busybox", "sh", "-c", script).stdout
        assert out.startswith("100\n200\n") and " 8192 " in out and "192.0.2.2" in out and "192.0.2.1" not in out
        hulld.docker("create", "--name", "cc", "busybox", "true")
        assert hulld.inspect("cc", "{{.HostConfig.IpcMode}} {{.HostConfig.ShmSize}}") == "shareable 16777216"
        refused = hulld.docker("run", "--runtime", "other", "busybox", "true", check=False)
        assert refused.returncode == 127 and "/bin/other" in refused.stderr
        info = configured.info()
        assert info["Runtimes"]["other"]["path"] == "/bin/other"
        assert "name=no-new-privileges" in info["SecurityOptions"]


def test_reload(busybox):
    with Configured({"labels": ["a=b"], "max-concurrent-downloads": 2}) as configured:
        hulld = configured.hulld
        assert configured.info()["Labels"] == ["a=b"] and configured.info()["Debug"] is False
        log = configured.reload({"labels": ["c=d"], "debug": True, "shutdown-timeout": 20}, "configuration reloaded")
        events = hulld.docker("events", "--since", "1m", "--until", str(int(time.time()) + 1), "--filter", "type=daemon",
                              "--format", "{{json .}}").stdout
        event = json.loads(events.splitlines()[0])
        assert event["Action"] == "reload" and event["Actor"]["Attributes"]["labels"] == '["c=d"]'
        assert event["Actor"]["Attributes"]["debug"] == "true"
        assert event["Actor"]["Attributes"].items() >= {
            "default-ipc-mode": "private", "default-runtime": "runc", "live-restore": "true", "shutdown-timeout": "20"}.items()
        assert configured.info()["Labels"] == ["c=d"] and configured.info()["Debug"] is True
        assert "debug" in log and "labels" in log
        # What containers get by default, they get from now on.
        hulld.docker("import", busybox, "busybox")
        configured.reload({"default-shm-size": "24m"}, "configuration reloaded")
        assert "size=24576k" in hulld.docker("run", "--rm", "busybox", "grep", " /dev/shm ", "/proc/mounts").stdout
        configured.reload({"labels": ["c=d"], "debug": True}, "configuration reloaded")
        # A mistake changes nothing.
        configured.reload({"labels": "x"}, "the configuration stays as it was")
        configured.reload({"unknown": 1}, "don't match any configuration option: unknown")
        assert configured.info()["Labels"] == ["c=d"]


def test_changes_that_need_a_new_start_are_named(busybox):
    with Configured({}) as configured:
        configured.reload({"bip": "10.1.2.3/24"}, "specified both as a flag")
        configured.reload({"mtu": 1400}, "a new start of hulld makes these changes effective: mtu")


def test_info_shows_the_configuration():
    with Configured({"registry-mirrors": ["http://127.0.0.1:9"], "insecure-registries": ["reg.test:5000", "10.0.0.0/8"],
                     "http-proxy": "http://user:secret@proxy:1", "experimental": True,
                     "userland-proxy": False, "min-api-version": "1.40"}) as configured:
        info = configured.info()
        registries = info["RegistryConfig"]
        assert registries["Mirrors"] == ["http://127.0.0.1:9/"]
        assert registries["IndexConfigs"]["reg.test:5000"]["Secure"] is False
        assert "10.0.0.0/8" in registries["InsecureRegistryCIDRs"]
        assert info["HttpProxy"] == "http://xxxxx:xxxxx@proxy:1"
        assert info["ExperimentalBuild"] is True
        assert "the option userland-proxy has no effect" in configured.hulld.log.read_text()
        old = configured.hulld.run("docker", "version", check=False)
        assert old.returncode == 0
        environment = {**configured.hulld.environment(), "DOCKER_API_VERSION": "1.39"}
        result = subprocess.run(configured.hulld.command("docker", "ps"), env=environment, capture_output=True,
                                text=True, check=False)
        assert "client version 1.39 is too old. Minimum supported API version is 1.40" in result.stderr


def test_metrics(busybox):
    port = free_port()
    with Configured({"metrics-addr": f"127.0.0.1:{port}"}) as configured:
        hulld = configured.hulld
        hulld.docker("import", busybox, "busybox")
        hulld.docker("run", "--rm", "busybox", "true")
        hulld.docker("create", "busybox", "true")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = answer.read().decode()
        assert 'engine_daemon_container_states_containers{state="stopped"} 1' in text
        assert 'engine_daemon_container_actions_seconds_count{action="create"} 2' in text
        assert 'engine_daemon_container_actions_seconds_bucket{action="start",le="+Inf"} 1' in text
        for line in text.splitlines():
            assert line.startswith("# ") or (line.rsplit(" ", 1)[0] and float(line.rsplit(" ", 1)[1]) >= 0)


def test_what_is_null_is_not_there():
    with Configured({"max-concurrent-uploads": None, "max-concurrent-downloads": 8, "debug": True}) as configured:
        log = configured.hulld.log.read_text()
        assert 'level=debug msg="Max Concurrent Uploads: 5"\n' in log and 'level=debug msg="Max Concurrent Downloads: 8"\n' in log
        log = configured.reload({"max-concurrent-uploads": 1, "max-concurrent-downloads": None, "debug": True},
                                'level=debug msg="Reset Max Concurrent Uploads: 1"\n')
        assert 'level=debug msg="Reset Max Concurrent Downloads: 3"\n' in log


def test_the_log_has_dockerds_form():
    with Configured({"debug": True}) as configured:
        lines = configured.hulld.log.read_text().splitlines()
        for line in lines:
            assert re.fullmatch(r'time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z" level=(debug|info|warning|error) msg=".*"', line), line
        assert any(" level=debug " in line for line in lines)


def test_the_log_in_json():
    with Configured({"log-format": "json"}) as configured:
        for line in configured.hulld.log.read_text().splitlines():
            assert set(json.loads(line)) == {"level", "msg", "time"}


def test_a_second_engine_is_refused(own_engine):
    arguments = ["--data-root", own_engine.data, "--exec-root", own_engine.exec, "--bridge", own_engine.bridge,
                 "-H", f"unix://{own_engine.directory}/other.sock"]
    by_pid = run_hulld(*arguments, "--pidfile", own_engine.directory / "pid")
    assert by_pid.returncode == 1 and f"process with PID {own_engine.process.pid} is still running" in by_pid.stderr
    by_lock = run_hulld(*arguments)
    assert by_lock.returncode == 1 and by_lock.stderr.startswith("hulld: ")
    by_socket = run_hulld("--data-root", own_engine.directory / "d2", "--exec-root", own_engine.directory / "e2",
                          "--bridge", "none", "-H", f"unix://{own_engine.socket}")
    assert by_socket.returncode == 1 and "listens on" in by_socket.stderr
    assert own_engine.docker("version").returncode == 0


def test_a_socket_that_is_named_twice_is_one_and_goes_with_the_engine():
    hulld = Hulld()
    try:
        address = f"127.0.0.1:{free_port()}"
        hulld.start("-H", f"unix://{hulld.socket}", "-H", f"tcp://{address}")
        assert hulld.socket.exists()
        (warning,) = [one for one in json.loads(hulld.docker("info", "--format", "{{json .Warnings}}").stdout) if "API" in one]
        assert f"API is accessible on http://{address} without encryption" in warning
        hulld.stop()
        assert not hulld.socket.exists()
    finally:
        hulld.close()


def test_the_pidfile_comes_and_goes(busybox):
    hulld = Hulld()
    try:
        pidfile = hulld.directory / "pid"
        pidfile.write_text("999999999\n")  # of an engine that crashed
        hulld.start()
        assert pidfile.read_text() == f"{hulld.process.pid}\n"
        hulld.stop()
        assert not pidfile.exists()
    finally:
        hulld.close()


def test_usr1_writes_what_the_threads_do(own_engine):
    own_engine.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 5
    while f"thread {own_engine.process.pid} " not in own_engine.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert own_engine.docker("version").returncode == 0
