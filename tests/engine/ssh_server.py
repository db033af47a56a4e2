# SPDX-License-Identifier: Apache-2.0
"""Debian's sshd on an address of the loopback, with users and keys of its own, for one who may do nothing but git."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import pytest

from conftest import BUILD, wait_until

PROGRAMS = BUILD / "ssh-server"
GIT_USER = 4022  # no other account has it


def generate_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class SshServer:
    """Its users are a file that only its own mount namespace has at /etc/passwd."""

    def __init__(self, directory, address, port):
        self.directory, self.address, self.port, self.process = directory, address, port, None
        self.repositories = directory / "home"  # of the user git
        self.repositories.mkdir()
        self.git_url = f"git@{address}:"
        self.key = generate_key(directory / "key")
        (directory / "passwd").write_text(
            "root:*:0:0::/root:/bin/sh\nsshd:*:4023:4023::/run/sshd:/usr/sbin/nologin\n"
            f"git:*:{GIT_USER}:{GIT_USER}::{self.repositories}:/usr/bin/git-shell\n")
        (directory / "config").write_text(f"""
ListenAddress {address}:{port}
HostKey {directory}/host
AuthorizedKeysFile {directory}/key.pub
StrictModes no
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
""")
        self.start()

    def start(self):
        """With a new host key."""
        for old in self.directory.glob("host*"):
            old.unlink()
        generate_key(self.directory / "host")
        script = ('mount --bind "$0/passwd" /etc/passwd && mount -t tmpfs -o mode=755 run /run && mkdir /run/sshd && '
                  'exec "$1" -D -e -f "$0/config"')
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script, self.directory, PROGRAMS / "usr/sbin/sshd"], stderr=log,
                env={**os.environ, "LD_LIBRARY_PATH": str(PROGRAMS / "usr/lib/x86_64-linux-gnu")})
        wait_until(self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex((self.address, self.port)) == 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def commit(self, repository, files):
        """git gives a repository to nobody but its owner, and takes changes from nobody else."""
        def give_to(user):
            for directory, _, files in os.walk(self.repositories):
                for name in ("", *files):
                    os.chown(os.path.join(directory, name), user, user)
        give_to(0)
        commit = repository.commit(files)
        give_to(GIT_USER)
        return commit


class Agent:
    """An ssh agent with one key, or without any."""

    def __init__(self, directory, key=None):
        self.socket = directory / ("agent" if key else "agent-without-keys")
        self.process = subprocess.Popen(["ssh-agent", "-D", "-a", self.socket], stdout=subprocess.DEVNULL)
        wait_until(self.socket.exists)
        if key:
            subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": str(self.socket)}, check=True,
                           capture_output=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def ssh_server():
    """On port 22, as the form git@host:path wants it."""
    try:
        subprocess.run([pathlib.Path(__file__).parent / "install-ssh-server.sh", PROGRAMS], capture_output=True, check=True, timeout=300)
    except subprocess.SubprocessError as error:
        pytest.skip(f"openssh-server cannot be had here: {getattr(error, 'stderr', None) or error}")
    address, port = f"127.22.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}", 22
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            pytest.skip("port 22 of every address is taken here")
    with tempfile.TemporaryDirectory(prefix="hull-ssh-") as directory:  # pytest's own are root's alone
        os.chmod(directory, 0o755)
        server = SshServer(pathlib.Path(directory), address, port)
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def agent(ssh_server, tmp_path):
    agent = Agent(tmp_path, ssh_server.key)
    yield agent
    agent.stop()
