# SPDX-License-Identifier: Apache-2.0
"""Plug-ins of the docker CLI are commands of hull, too."""
import json
import os
import shutil
import subprocess

import pytest

from conftest import BIN, BUILD

GOOD = """#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{"SchemaVersion":"0.1.0","Vendor":"Test","Version":"1.2","ShortDescription":"Says hello"}'
  exit
fi
echo "args: $*"
echo "host: $DOCKER_HOST"
echo "cli: $DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND"
exit 7
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def plugins(tmp_path):
    config = tmp_path / "config"
    write(config / "cli-plugins" / "docker-hello", GOOD)
    write(config / "cli-plugins" / "docker-broken", "#!/bin/sh\necho '{}'\n")
    write(config / "cli-plugins" / "docker-silent", "#!/bin/sh\nexit 3\n")
    write(config / "cli-plugins" / "docker-ps", GOOD)
    write(tmp_path / "extra" / "docker-more", GOOD)
    write(tmp_path / "extra" / "docker-hello", GOOD.replace('"1.2"', '"2.0"'))
    (config / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(tmp_path / "extra")]}))

    def run(*arguments, **variables):
        environment = {**os.environ, "DOCKER_CONFIG": str(config), "DOCKER_HOST": "unix:///nowhere.sock", **variables}
        return subprocess.run([BIN / "hull", *arguments], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    run.directory = tmp_path
    return run


def test_a_plugin_is_a_command(plugins):
    answer = plugins("--log-level", "warn", "hello", "--flag", "x")
    assert answer.returncode == 7
    assert answer.stdout == "args: --log-level warn hello --flag x\nhost: unix:///nowhere.sock\ncli: hull\n"
    assert plugins("help", "more").stdout.startswith("args: more --help")
    assert plugins("hello", DOCKER_HOST="", HULL_HOST="tcp://1.2.3.4:1").stdout.splitlines()[1] == "host: tcp://1.2.3.4:1"


def test_bake_is_buildx(plugins):
    assert "docker-buildx is not installed" in plugins("bake", "all").stderr and "docker-compose is not installed" in plugins("compose", "up").stderr
    write(plugins.directory / "extra" / "docker-buildx", GOOD)
    assert plugins("-D", "bake", "all").stdout.startswith("args: -D buildx bake all\n")
    assert plugins("buildx", "ls").stdout.startswith("args: buildx ls\n")


def test_plugins_are_in_the_help(plugins):
    text = plugins("help").stdout
    assert "  hello*     " in text and "Says hello" in text and "  more*" in text
    invalid = text.split("Invalid Plugins:")[1]
    assert "duplicates builtin command" in invalid and "broken" in invalid and "failed to fetch metadata: exit status 3" in invalid


def test_those_that_cannot_be_used_say_why(plugins):
    answer = plugins("broken")
    assert answer.returncode != 0 and "cannot be used: plugin SchemaVersion version \"\" is not supported" in answer.stderr
    assert "unknown command: hull nothing" in plugins("nothing").stderr
    assert plugins("ps").stderr.startswith("Cannot connect")  # a command of hull's stays what it is


def test_info_lists_them(engine, plugins):
    answer = plugins("info", "--format", "{{json .ClientInfo.Plugins}}", DOCKER_HOST=f"unix://{engine.socket}")
    found = {plugin["Name"]: plugin for plugin in json.loads(answer.stdout)}
    assert found["hello"]["Version"] == "2.0" and found["hello"]["ShadowedPaths"] == [str(plugins.directory / "config" / "cli-plugins" / "docker-hello")]
    assert "Err" in found["broken"]
    assert "  hello: Says hello (Test)\n    Version:  2.0" in plugins("info", DOCKER_HOST=f"unix://{engine.socket}").stdout


def test_compose(engine, tmp_path):
    """The real one, which tests/clients builds."""
    program = BUILD / "clients" / "cli-plugins" / "docker-compose"
    if not program.exists():
        subprocess.run([os.path.join(os.path.dirname(__file__), "..", "clients", "install.sh"), BUILD / "clients", "compose"], check=True)
    directory = tmp_path / "config" / "cli-plugins"
    directory.mkdir(parents=True)
    shutil.copy(program, directory)
    (tmp_path / "compose.yaml").write_text("name: plugintest\nservices:\n  web:\n    image: busybox\n    command: sleep 60\n    network_mode: none\n")
    environment = {**engine.environment(), "DOCKER_CONFIG": str(tmp_path / "config")}

    def hull(*arguments):
        return subprocess.run([BIN / "hull", *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert "  compose*    Docker Compose" in hull("--help").stdout
    hull("compose", "up", "-d")
    assert engine.docker("ps", "--format", "{{.Names}}").stdout == "plugintest-web-1\n"
    assert "plugintest-web-1" in hull("compose", "ps").stdout
    assert "web" in hull("__complete", "compose", "up", "").stdout
    hull("compose", "down", "-t", "0")
    assert engine.docker("ps", "-aq").stdout == ""
