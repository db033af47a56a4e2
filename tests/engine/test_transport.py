# SPDX-License-Identifier: Apache-2.0
"""The ways to reach the engine: unix sockets, TCP, TLS, systemd's sockets, SSH."""
import grp
import json
import os
import pathlib
import socket
import ssl
import stat
import subprocess
import sys
import time

import pytest

from conftest import BIN, Hulld


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, certificates of it for the engine and for a client, and one of a stranger."""
    directory = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={ca}", "-keyout", f"{ca}-key.pem", "-out", f"{ca}.pem")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other-ca")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}-key.pem", "-days", "2",
                "-CAcreateserial", "-extfile", "names", "-out", f"{name}-cert.pem")
    for name in ("client", "stranger"):
        folder = directory / name
        folder.mkdir()
        (folder / "ca.pem").write_bytes((directory / "ca.pem").read_bytes())
        for part in ("cert", "key"):
            (folder / f"{part}.pem").write_bytes((directory / f"{name}-{part}.pem").read_bytes())
    return directory


@pytest.fixture(scope="module")
def engine(busybox, certificates):
    """An engine at a unix socket, at a second one, and at TCP with mutual TLS."""
    hulld = Hulld()
    hulld.port = free_port()
    hulld.second = hulld.directory / "second.sock"
    try:
        hulld.start("-H", f"tcp://127.0.0.1:{hulld.port}", "-H", f"unix://{hulld.second}", "--tlsverify",
                    "--tlscacert", str(certificates / "ca.pem"), "--tlscert", str(certificates / "server-cert.pem"),
                    "--tlskey", str(certificates / "server-key.pem"))
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


@pytest.fixture(params=["docker", "hull"])
def remote(request, engine, certificates):
    """Runs commands over TLS, with the environment that Docker's users set."""
    def environment(who="client", **more):
        return {**engine.environment(), "DOCKER_HOST": f"tcp://127.0.0.1:{engine.port}", "DOCKER_TLS_VERIFY": "1",
                "DOCKER_CERT_PATH": str(certificates / who), **more}

    def run(*arguments, who="client", input="", check=True, **more):
        result = subprocess.run(engine.command(request.param, *arguments), env=environment(who, **more), text=True,
                                capture_output=True, input=input, timeout=60)
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result
    run.environment = environment
    run.name = request.param
    return run


def test_unix_sockets_are_for_their_group(engine):
    status = os.stat(engine.socket)
    assert stat.S_IMODE(status.st_mode) == 0o660
    names = [group.gr_name for group in grp.getgrall()]
    wanted = next((name for name in ("hull", "docker") if name in names), "root")
    assert grp.getgrgid(status.st_gid).gr_name == wanted


def test_two_unix_sockets(engine):
    assert "busybox" in engine.docker("-H", f"unix://{engine.second}", "images").stdout


def test_commands_over_tls(remote):
    assert remote("run", "--rm", "busybox", "echo", "hello").stdout == "hello\n"


def test_input_and_its_end_over_tls(remote):
    text = "line\n" * 40000
    assert remote("run", "--rm", "-i", "busybox", "cat", input=text).stdout == text
    assert remote("run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo after >&2; exit 3", input="x",
                  check=False).returncode == 3


def test_exec_and_logs_follow_over_tls(remote, engine):
    remote("run", "-d", "--name", "talker", "busybox", "sh", "-c", "echo one; sleep 0.5; echo two")
    try:
        assert remote("logs", "-f", "talker").stdout == "one\ntwo\n"
        remote("start", "talker")
        assert remote("exec", "-i", "talker", "sh", "-c", "tr a-z A-Z", input="abc").stdout == "ABC"
    finally:
        engine.docker("rm", "-f", "talker")


def test_events_over_tls_end_with_the_client(remote, engine):
    with subprocess.Popen(engine.command(remote.name, "events", "--since", f"{time.time():.6f}", "--format", "{{.Action}}"),
                          env=remote.environment(), stdout=subprocess.PIPE, text=True) as watcher:
        engine.docker("tag", "busybox", "tagged")
        assert watcher.stdout.readline() == "tag\n"
        watcher.terminate()
    engine.docker("rmi", "tagged")


def test_strangers_are_refused(remote):
    refused = remote("ps", who="stranger", check=False)
    assert refused.returncode != 0
    assert "CONTAINER ID" not in refused.stdout


def test_plain_http_at_a_tls_port_is_refused(engine):
    with socket.create_connection(("127.0.0.1", engine.port), timeout=5) as client:
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            assert b"200 OK" not in client.recv(1000)
        except ConnectionResetError:
            pass  # refused, too


def test_a_client_without_certificate_is_refused(engine, certificates):
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("127.0.0.1", engine.port), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as client:
                client.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
                if not client.recv(1000):
                    raise ConnectionError("closed without an answer")


def test_host_names_are_resolved_and_verified(engine, certificates):
    environment = {**engine.environment(), "DOCKER_CERT_PATH": str(certificates / "client")}
    for host, fits in (("localhost", True), ("localhost.localdomain", None)):
        result = subprocess.run([BIN / "hull", "--tlsverify", "-H", f"tcp://{host}:{engine.port}", "version"],
                                env=environment, capture_output=True, text=True, timeout=30)
        if fits:
            assert result.returncode == 0, result.stderr
        else:
            assert result.returncode != 0


@pytest.fixture
def fake_ssh(tmp_path, engine):
    """An `ssh` that runs the command here, and a `docker` and a `hull` for it to find."""
    (tmp_path / "ssh").write_text(f"""#!{sys.executable}
import os, sys
with open({str(tmp_path / 'asked')!r}, "a") as asked:
    print(*sys.argv[1:], file=asked)
arguments = sys.argv[1:]
command = arguments[arguments.index("--") + 2:] if "--" in arguments else arguments[-3:]
os.environ["DOCKER_HOST"] = "unix://{engine.socket}"
os.execvp("sh", ["sh", "-c", " ".join(command)])
""")
    (tmp_path / "ssh").chmod(0o755)
    for name in ("docker", "hull"):
        (tmp_path / name).symlink_to(BIN / "hull")
    return tmp_path


@pytest.mark.parametrize("name", ["docker", "hull"])
def test_ssh_hosts_run_dial_stdio(engine, fake_ssh, name):
    environment = {**os.environ, "PATH": f"{fake_ssh}:{os.environ['PATH']}", "DOCKER_HOST": "ssh://me@far:2222",
                   "DOCKER_CONFIG": str(fake_ssh)}
    text = "through ssh\n" * 10000
    result = subprocess.run(engine.command(name, "run", "--rm", "-i", "busybox", "cat"), env=environment, text=True,
                            capture_output=True, input=text, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout == text
    asked = (fake_ssh / "asked").read_text()
    assert "system dial-stdio" in asked and "2222" in asked and "me" in asked


def test_ssh_hosts_that_look_like_options_are_refused(engine):
    result = engine.hull("-H", "ssh://-oProxyCommand=true/x", "ps", check=False)
    assert result.returncode != 0 and "unable to parse docker host" in result.stderr


def test_dial_stdio_is_a_pipe_with_two_ends(engine):
    request = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    result = engine.hull("system", "dial-stdio", input=request, text=False)
    assert result.stdout.startswith(b"HTTP/1.1 200 OK") and result.stdout.endswith(b"OK")


def start_with_sockets(hulld, names, extra, environment):
    """Starts hulld as systemd does: sockets from descriptor 3 on."""
    sockets = []
    for name in names:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(hulld.directory / name))
        listener.listen(64)
        sockets.append(listener)
    script = ("import os, sys\n"
              "fds = [int(n) for n in sys.argv[1].split(',')]\n"
              "kept = [os.dup(fd) for fd in fds]\n"
              "kept = [os.dup(fd) for fd in kept if True]\n"
              "high = [__import__('fcntl').fcntl(fd, __import__('fcntl').F_DUPFD, 100) for fd in kept]\n"
              "for i, fd in enumerate(high): os.dup2(fd, 3 + i, inheritable=True)\n"
              "os.environ['LISTEN_PID'] = str(os.getpid())\n"
              "os.environ['LISTEN_FDS'] = str(len(fds))\n"
              "os.execv(sys.argv[2], sys.argv[2:])\n")
    log = open(hulld.log, "ab")
    hulld.process = subprocess.Popen(
        [sys.executable, "-c", script, ",".join(str(s.fileno()) for s in sockets), str(BIN / "hulld"),
         "--data-root", str(hulld.data), "--exec-root", str(hulld.exec), "--bridge", hulld.bridge, "--bip", hulld.bip,
         "--cgroup-parent", hulld.cgroup_parent, "--pidfile", str(hulld.directory / "pid"), *extra],
        pass_fds=[s.fileno() for s in sockets], env={**os.environ, **environment}, stdout=log, stderr=log,
        stdin=subprocess.DEVNULL)
    for listener in sockets:
        listener.close()


def test_sockets_and_messages_of_systemd(tmp_path):
    hulld = Hulld()
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(20)
    try:
        start_with_sockets(hulld, ["hull.sock", "b.sock"], ["-H", "fd://"],
                           {"NOTIFY_SOCKET": str(tmp_path / "notify"), "LISTEN_FDNAMES": "one:two"})
        ready = manager.recv(4096).decode().split("\n")
        assert "READY=1" in ready and f"MAINPID={hulld.process.pid}" in ready
        for name in ("hull.sock", "b.sock"):
            assert hulld.docker("-H", f"unix://{hulld.directory / name}", "version").returncode == 0
        hulld.process.send_signal(1)
        assert manager.recv(4096).decode().startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(4096) == b"READY=1"
        hulld.process.terminate()
        assert manager.recv(4096) == b"STOPPING=1"
        assert hulld.process.wait(20) == 0
    finally:
        hulld.close()


def run_hulld(*arguments, environment=None):
    return subprocess.run([BIN / "hulld", *map(str, arguments)], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **(environment or {})})


@pytest.mark.parametrize("flags, message", [
    (["-H", "fd://"], "needs sockets from systemd"),
    (["-H", "ftp://x"], "invalid bind address"),
    (["-H", "unix://relative"], "is not absolute"),
    (["-H", "tcp://127.0.0.1:99999"], "invalid port"),
    (["--tlscert", "/x"], "needs --tls or --tlsverify"),
    (["--tlsverify", "--tlscert", "/nowhere.pem"], "could not load the TLS certificate \"/nowhere.pem\""),
    (["--tlsverify=false", "--tlscert", "/nowhere.pem"], "could not load the TLS certificate \"/nowhere.pem\""),
    (["-H", "unix:///tmp/hull-no-group.sock", "-G", "no-such-group"], "\"no-such-group\""),
])
def test_hosts_that_cannot_be(tmp_path, flags, message):
    result = run_hulld("--data-root", tmp_path / "d", "--exec-root", tmp_path / "e", "--bridge", "none", *flags)
    assert result.returncode == 1
    assert message in result.stderr


def test_tcp_without_tls_is_warned_about(tmp_path):
    hulld = Hulld()
    try:
        port = free_port()
        hulld.start("-H", f"tcp://127.0.0.1:{port}")
        assert "is open without TLS" in hulld.log.read_text()
        assert hulld.docker("-H", f"tcp://127.0.0.1:{port}", "version").returncode == 0
        assert hulld.hull("-H", f"tcp://localhost:{port}", "version").returncode == 0
        hulld.stop()
        hulld.start("-H", f"127.0.0.1:{port}")  # of a host and a port, TCP is meant
        assert hulld.docker("-H", f"tcp://127.0.0.1:{port}", "version").returncode == 0
        info = json.loads(hulld.docker("info", "--format", "{{json .}}").stdout)
    finally:
        hulld.close()
    assert any(f"127.0.0.1:{port}" in warning for warning in info["Warnings"] or [])


def without_hosts(environment):
    """Without what stands above a context."""
    return {name: value for name, value in environment.items() if name not in ("DOCKER_HOST", "HULL_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")}


@pytest.mark.parametrize("name", ["docker", "hull"])
@pytest.mark.parametrize("maker", ["docker", "hull"])
def test_contexts_with_tls(engine, certificates, tmp_path, maker, name):
    environment = without_hosts({**engine.environment(), "DOCKER_CONFIG": str(tmp_path)})

    def run(cli, *arguments):
        return subprocess.run(engine.command(cli, *arguments), env=environment, text=True, capture_output=True)
    host, folder = f"host=tcp://127.0.0.1:{engine.port}", certificates / "client"
    for context, more in (("good", f",ca={folder}/ca.pem,cert={folder}/cert.pem,key={folder}/key.pem"),
                          ("unverified", f",cert={folder}/cert.pem,key={folder}/key.pem,skip-tls-verify=true"),
                          ("stranger", f",ca={certificates}/other-ca.pem,cert={folder}/cert.pem,key={folder}/key.pem")):
        assert run(maker, "context", "create", context, "--docker", host + more).returncode == 0
    assert run(name, "--context", "good", "images", "--format", "{{.Repository}}").stdout == "busybox\n"
    assert run(name, "--context", "unverified", "images", "--format", "{{.Repository}}").stdout == "busybox\n"
    refused = run(name, "--context", "stranger", "images")
    assert refused.returncode == 1 and "certificate" in refused.stderr


@pytest.mark.parametrize("name", ["docker", "hull"])
def test_contexts_through_ssh(engine, fake_ssh, name):
    environment = without_hosts({**os.environ, "PATH": f"{fake_ssh}:{os.environ['PATH']}", "DOCKER_CONFIG": str(fake_ssh)})
    made = subprocess.run(engine.command(name, "context", "create", f"far-{name}", "--docker", "host=ssh://me@far:2222"), env=environment, text=True, capture_output=True)
    assert made.returncode == 0, made.stderr
    shown = subprocess.run(engine.command(name, "images", "--format", "{{.Repository}}"), env={**environment, "DOCKER_CONTEXT": f"far-{name}"}, text=True, capture_output=True)
    assert shown.stdout == "busybox\n", shown.stderr
