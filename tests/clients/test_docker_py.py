# SPDX-License-Identifier: Apache-2.0
"""The docker SDK for Python: its own integration tests (those of an older source archive, the last with tests in it)
run with the newest SDK; and Testcontainers for Python, which stands on it."""
import os
import subprocess

from client_programs import client_engine, installed, program_image, run  # noqa: F401

# What is left out, and why.
LEFT_OUT = {
    # links on the default bridge, which hull refuses: networks of the user have names
    "test_create_with_links", "test_remove_link",
    # swarms, plugins, and what the tests themselves fetch from Docker Hub
    "swarm", "service", "plugin", "secret", "config", "Nodes", "pull", "test_inspect_distribution", "test_get_load_image",
    "test_create_network_attachable", "test_create_network_ingress", "test_create_inspect_network_with_scope",
    "test_run_with_image_that_does_not_exist", "ImageCollectionTest and test_list", "test_tag_and_remove",
    # builds, and the credential helpers and contexts of the client alone
    "build", "credentials", "context",
    # it removes the images that the other tests need
    "PruneImages",
    # what Docker itself has changed since: texts, fields, checks
    "test_create_with_restart_policy", "test_api_error_parses_json", "test_exec_run_failed", "CommitTest",
    "test_create_check_duplicate", "test_create_network_ipv6_enabled", "with_ipv6_address", "test_run_container_reading_socket_ws",
    # the name of the runtime is hull
    "test_create_with_runtime",
    # a user and a directory of Alpine's image
    "test_exec_command_as_user", "test_exec_command_with_workdir",
}


def test_the_suite_of_the_sdk_passes(client_engine):  # noqa: F811
    clients = installed("python")
    chosen = "not (" + " or ".join(f"({words})" for words in sorted(LEFT_OUT)) + ")"
    result = subprocess.run([clients / "python" / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout",
                             "60", "--tb", "short", "-k", chosen, "tests/integration"],
                            cwd=clients / "suite", env={**client_engine.environment(), "HOME": str(client_engine.directory),
                                                        # the last one with the fields of before 1.21, which they look for
                                                        "DOCKER_TEST_API_VERSION": "1.51"},
                            capture_output=True, text=True, timeout=400)
    client_engine.remove_containers()  # some tests leave theirs
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


TESTCONTAINERS = """
import urllib.request
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.waiting_utils import wait_for_logs

with Network() as network:
    server = (DockerContainer("busybox").with_network(network).with_network_aliases("server").with_exposed_ports(80)
              .with_env("SOME", "thing")
              .with_command("sh -c 'mkdir /w; echo hello > /w/index.html; echo ready; exec httpd -f -p 80 -h /w'"))
    with server:
        wait_for_logs(server, "ready", timeout=20)
        url = f"http://{server.get_container_host_ip()}:{server.get_exposed_port(80)}/"
        assert urllib.request.urlopen(url).read() == b"hello\\n"
        code, output = server.exec("sh -c 'echo $SOME; exit 2'")
        assert (code, output) == (2, b"thing\\n"), (code, output)
        with DockerContainer("busybox").with_network(network).with_command("sh -c 'wget -qO- http://server/; sleep 60'") as client:
            wait_for_logs(client, "hello", timeout=20)
        out, err = server.get_logs()
        assert out == b"ready\\n", out
print("all is well")
"""


def test_testcontainers_does_its_ordinary_work(client_engine):  # noqa: F811
    python = installed("python") / "python" / "bin" / "python"
    assert run(client_engine, [python, "-c", TESTCONTAINERS], TESTCONTAINERS_RYUK_DISABLED="true") == "all is well\n"
    assert client_engine.docker("ps", "-aq").stdout == ""
