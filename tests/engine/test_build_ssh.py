# SPDX-License-Identifier: Apache-2.0
"""Builds from git repositories behind ssh: the host key of the server, and the agent that `--ssh` hands on."""
import os
import subprocess

import pytest

from conftest import write_files
from git_repository import Repository
from ssh_server import Agent, agent, ssh_server  # noqa: F401

FILES = {"Dockerfile": "FROM busybox\nCOPY f /f\n", "f": "behind ssh"}


@pytest.fixture
def repository(ssh_server):
    repository = Repository(ssh_server, "code")
    ssh_server.commit(repository, FILES)
    return repository


def hull_build(engine, *arguments, agent=None, check=True):
    environment = {**engine.environment(), "SSH_AUTH_SOCK": str(agent.socket) if agent else ""}
    result = subprocess.run([*engine.command("hull", "build", "--progress=plain"), *map(str, arguments)], env=environment,
                            capture_output=True, text=True, timeout=60)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


def output(engine, image, *command):
    return engine.docker("run", "--rm", image, *command).stdout


def test_a_context(own_engine, ssh_server, agent, repository):
    hull_build(own_engine, "--ssh", "default", "-t", "context", repository.url, agent=agent)
    assert output(own_engine, "context", "cat", "/f") == "behind ssh"
    # The other way to write it, with the agent by its path; of what has changed meanwhile the newest.
    ssh_server.commit(repository, {"f": "changed"})
    url = f"ssh://git@{ssh_server.address}:{ssh_server.port}{repository.bare}#main"
    hull_build(own_engine, "--ssh", f"default={agent.socket}", "-t", "context", url)
    assert output(own_engine, "context", "cat", "/f") == "changed"
    # As a source of ADD, and as a named context.
    write_files(own_engine.directory / "local", {"Dockerfile": f"FROM busybox\nADD {repository.url} /added\nCOPY --from=code f /named\n"})
    hull_build(own_engine, "--ssh", "default", "-t", "context", "--build-context", f"code={url}", own_engine.directory / "local", agent=agent)
    assert output(own_engine, "context", "cat", "/added/f", "/named") == "changed" * 2


def test_the_docker_cli_fetches_by_itself_and_sends_it(own_engine, ssh_server, agent, repository):
    command = f"ssh -F /dev/null -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={ssh_server.directory}/known_hosts"
    environment = {**own_engine.environment(), "DOCKER_BUILDKIT": "0", "SSH_AUTH_SOCK": str(agent.socket), "GIT_SSH_COMMAND": command}
    subprocess.run(own_engine.command("docker", "build", "-t", "docker", repository.url + "#main"), env=environment, capture_output=True, check=True)
    assert output(own_engine, "docker", "cat", "/f") == "behind ssh"


def test_without_a_key_that_the_server_takes(own_engine, repository, tmp_path):
    none = hull_build(own_engine, repository.url, check=False)
    assert none.returncode == 1 and "Permission denied" in none.stderr and "--ssh default" in none.stderr
    missing = hull_build(own_engine, "--ssh", "default", repository.url, check=False)
    assert missing.returncode == 1 and "SSH_AUTH_SOCK is not set" in missing.stderr
    empty = Agent(tmp_path)
    try:
        refused = hull_build(own_engine, "--ssh", "default", repository.url, agent=empty, check=False)
    finally:
        empty.stop()
    assert refused.returncode == 1 and "Permission denied" in refused.stderr and "ssh-add" in refused.stderr
    docker = pytest.importorskip("docker")
    client = docker.DockerClient(base_url=f"unix://{own_engine.socket}")
    with pytest.raises(docker.errors.APIError, match="Permission denied"):  # this API has no agent to hand on
        client.images.build(path=repository.url)


def test_another_host_key_is_refused(own_engine, ssh_server, agent, repository):
    hull_build(own_engine, "--ssh", "default", repository.url, agent=agent)
    ssh_server.stop()
    ssh_server.start()
    known_hosts = own_engine.data / "build" / "known_hosts"
    changed = hull_build(own_engine, "--ssh", "default", repository.url, agent=agent, check=False)
    assert changed.returncode == 1
    assert "the host key of the server is not the one that it had before" in changed.stderr
    assert str(known_hosts) in changed.stderr and "@@@" not in changed.stderr
    # Whoever knows better says so as the message says.
    subprocess.run(["ssh-keygen", "-R", ssh_server.address, "-f", known_hosts], check=True, capture_output=True)
    hull_build(own_engine, "--ssh", "default", repository.url, agent=agent)


def test_nobody_answers(own_engine, ssh_server, agent, repository):
    ssh_server.stop()
    refused = hull_build(own_engine, "--ssh", "default", repository.url, agent=agent, check=False)
    ssh_server.start()
    assert refused.returncode == 1 and "Connection refused" in refused.stderr
    assert "--ssh default" not in refused.stderr
    assert not any(name.startswith("repository") for name in os.listdir(own_engine.data / "incoming"))
