# SPDX-License-Identifier: Apache-2.0
"""dockerode, testcontainers for Node, and the command line of Dev Containers."""
import json
import shutil

from client_programs import HERE, client_engine, installed, program_image, run  # noqa: F401


def script(engine, name, **environment):
    """Runs node/<name> with the packages that were installed."""
    packages = installed("node") / "node"
    shutil.copy(HERE / "node" / name, packages / name)
    return run(engine, ["node", packages / name], DOCKER_SOCKET=str(engine.socket), **environment)


def test_dockerode_does_its_ordinary_work(client_engine):  # noqa: F811
    assert script(client_engine, "dockerode.js") == "all is well\n"


def test_testcontainers_waits_execs_copies_and_cleans_up(client_engine):  # noqa: F811
    out = script(client_engine, "testcontainers.js", TESTCONTAINERS_RYUK_DISABLED="true")
    assert out.endswith("all is well\n")
    assert client_engine.docker("ps", "-aq").stdout == ""


def test_a_dev_container_comes_up_and_runs_commands(client_engine, tmp_path):  # noqa: F811
    devcontainer = installed("node") / "node" / "node_modules" / ".bin" / "devcontainer"
    (tmp_path / ".devcontainer").mkdir()
    (tmp_path / ".devcontainer" / "devcontainer.json").write_text(json.dumps({
        "name": "dev", "image": "busybox", "updateRemoteUserUID": False, "overrideCommand": True,
        "containerEnv": {"WHERE": "container"}, "remoteEnv": {"WHO": "developer"},
        "postCreateCommand": "echo created > /tmp/created", "runArgs": ["--name", "dev-box"]}))
    (tmp_path / "source.txt").write_text("source\n")
    try:
        up = run(client_engine, [devcontainer, "up", "--workspace-folder", tmp_path])
        assert json.loads(up.splitlines()[-1])["outcome"] == "success"
        out = run(client_engine, [devcontainer, "exec", "--workspace-folder", tmp_path, "sh", "-c",
                                  "cat source.txt /tmp/created; echo $WHERE $WHO"])
        assert out.replace("\r", "") == "source\ncreated\ncontainer developer\n"
        again = run(client_engine, [devcontainer, "up", "--workspace-folder", tmp_path])
        assert json.loads(again.splitlines()[-1])["containerId"] == json.loads(up.splitlines()[-1])["containerId"]
    finally:
        client_engine.docker("rm", "-f", "dev-box")
