# SPDX-License-Identifier: Apache-2.0
"""docker compose, unmodified, with a project of several services."""
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest

from client_programs import client_engine, installed, program_image  # noqa: F401
from conftest import SLOT

PROJECT = """
name: shop
services:
  db:
    image: busybox
    command: sh -c "echo db is up; sleep 0.3; touch /data/ready; exec sleep 600"
    healthcheck: {test: test -f /data/ready, interval: 100ms, timeout: 2s, retries: 50}
    volumes: [data:/data]
    networks: [back]
    stop_grace_period: 0s
  web:
    image: busybox
    command: sh -c "echo web is up; exec httpd -f -p 80 -h /www"
    depends_on: {db: {condition: service_healthy}}
    volumes: ["./www:/www:ro"]
    ports: ["127.0.0.1:PORT:80"]
    networks: {back: {aliases: [site]}, front: {}}
    configs: [{source: motd, target: /etc/motd}]
    secrets: [key]
    stop_grace_period: 0s
  worker:
    image: busybox
    command: sh -c "echo worker is up; exec sleep 600"
    init: true
    depends_on: [web]
    networks: [back]
    stop_grace_period: 0s
configs: {motd: {content: "good morning"}}
secrets: {key: {environment: KEY}}
volumes: {data: {}}
networks: {back: {}, front: {}}
"""


class Compose:
    def __init__(self, engine, directory):
        self.engine, self.directory = engine, directory
        plugins = engine.directory / "config" / "cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        shutil.copy(installed("compose") / "cli-plugins" / "docker-compose", plugins)

    def environment(self):
        return {**self.engine.environment(), "HOME": str(self.engine.directory), "KEY": "secret of the shop"}

    def __call__(self, *arguments, check=True, timeout=60):
        result = subprocess.run(self.engine.command("docker", "compose", "--ansi", "never", *arguments), cwd=self.directory,
                                env=self.environment(), capture_output=True, text=True, timeout=timeout)
        if check:
            assert result.returncode == 0, f"compose {arguments}:\n{result.stdout}{result.stderr}"
        return result

    def states(self):
        """State of each service's containers, as ps tells."""
        states = {}
        for line in self("ps", "-a", "--format", "json").stdout.splitlines():
            row = json.loads(line)
            states.setdefault(row["Service"], []).append(row["State"])
        return states


@pytest.fixture
def project(client_engine, tmp_path):  # noqa: F811
    compose = Compose(client_engine, tmp_path)
    compose.port = 20000 + SLOT
    (tmp_path / "compose.yaml").write_text(PROJECT.replace("PORT", str(compose.port)))
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("welcome\n")
    yield compose
    compose("down", "-v", "-t", "0", "--remove-orphans", check=False)
    assert client_engine.docker("ps", "-aq").stdout == ""


def test_a_project_comes_up_in_order_and_goes_away_whole(project, client_engine):  # noqa: F811
    up = project("up", "-d").stderr
    assert up.index("db-1  Healthy") < up.index("web-1  Starting") < up.index("worker-1  Starting")
    assert project.states() == {"db": ["running"], "web": ["running"], "worker": ["running"]}
    with urllib.request.urlopen(f"http://127.0.0.1:{project.port}/") as page:
        assert page.read() == b"welcome\n"
    assert project("port", "web", "80").stdout.strip() == f"127.0.0.1:{project.port}"
    assert project("exec", "-T", "web", "cat", "/etc/motd", "/run/secrets/key").stdout == "good morningsecret of the shop"
    assert project("exec", "-T", "worker", "wget", "-qO-", "http://site/").stdout == "welcome\n"
    assert project("exec", "-T", "db", "sh", "-c", "exit 7", check=False).returncode == 7
    for service in ("db", "web", "worker"):
        assert f"{service}-1" in (logs := project("logs").stdout) and f"{service} is up" in logs
    assert "sleep 600" in project("top", "worker").stdout
    assert "shop-db-1" in project("stats", "--no-stream").stdout
    down = project("down", "-v", "-t", "0").stderr
    assert "Volume shop_data  Removed" in down and "Network shop_front  Removed" in down
    assert "shop" not in client_engine.docker("network", "ls").stdout + client_engine.docker("volume", "ls").stdout


def test_a_second_up_changes_nothing_and_an_edit_only_its_service(project):
    def ids():
        return {service: project("ps", "-q", service).stdout for service in ("db", "web", "worker")}
    project("up", "-d")
    before = ids()
    again = project("up", "-d").stderr
    assert "Recreate" not in again and "Creat" not in again and ids() == before
    file = project.directory / "compose.yaml"
    file.write_text(file.read_text().replace("worker is up", "worker is back"))
    assert "worker-1  Recreated" in project("up", "-d").stderr
    after = ids()
    assert after["db"] == before["db"] and after["web"] == before["web"] and after["worker"] != before["worker"]
    assert "worker is back" in project("logs", "worker").stdout


def test_scale_stop_start_restart_pause_and_kill(project):
    project("up", "-d", "--scale", "worker=3")
    assert project.states()["worker"] == ["running"] * 3
    project("scale", "worker=1")
    assert project.states()["worker"] == ["running"]
    project("stop", "-t", "0")
    assert project.states() == {"db": ["exited"], "web": ["exited"], "worker": ["exited"]}
    project("start")
    assert project.states() == {"db": ["running"], "web": ["running"], "worker": ["running"]}
    project("pause", "web")
    assert project.states()["web"] == ["paused"]
    project("unpause", "web")
    project("restart", "-t", "0", "web")
    project("kill", "worker")
    assert project.states() == {"db": ["running"], "web": ["running"], "worker": ["exited"]}
    project("rm", "-f", "worker")
    assert "worker" not in project.states()


def test_run_cp_and_up_wait(project, tmp_path):
    project("up", "--wait")
    assert project("run", "--rm", "-T", "worker", "echo", "one off").stdout == "one off\n"
    project("cp", "web:/www/index.html", str(tmp_path / "copied"))
    assert (tmp_path / "copied").read_text() == "welcome\n"
    project("cp", str(tmp_path / "copied"), "worker:/tmp/there")
    assert project("exec", "-T", "worker", "cat", "/tmp/there").stdout == "welcome\n"


JOB = """
services:
  job: {image: busybox, command: sh -c "echo working; exit 3"}
  side: {image: busybox, command: sleep 600, stop_grace_period: 0s}
"""


def test_up_in_the_foreground_ends_with_the_job(project):
    (project.directory / "compose.yaml").write_text("name: jobs\n" + JOB)
    for _ in range(5):  # the job is so short that its end races with everything
        result = project("up", "--exit-code-from", "job", check=False)
        assert result.returncode == 3 and "working" in result.stdout
        project("down", "-t", "0")


def test_an_interrupt_stops_the_project(project):
    (project.directory / "compose.yaml").write_text("name: jobs\n" + JOB.replace("exit 3", "exec sleep 600"))
    up = subprocess.Popen(project.engine.command("docker", "compose", "up", "-t", "0"), cwd=project.directory,
                          env=project.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 30
        while project.states() != {"job": ["running"], "side": ["running"]}:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=30)
        assert up.returncode == 130
    finally:
        up.kill()
    assert project.states() == {"job": ["exited"], "side": ["exited"]}
