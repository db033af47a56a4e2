# SPDX-License-Identifier: Apache-2.0
"""Links on the default bridge, which scripts and Compose files of many years still use, with either command line."""
import json
import time

import pytest

from conftest import Hulld, wait_until

SERVER = "mkdir -p /www && echo here > /www/index.html && httpd -p 81 -h /www && exec httpd -f -p 80 -h /www"


def hosts(cli, name):
    """The lines of a container's /etc/hosts: names by address."""
    lines = cli("exec", name, "cat", "/etc/hosts").stdout.splitlines()
    return {line.split("\t")[0]: line.split("\t")[1] for line in lines if "\t" in line}


def address(cli, name):
    return cli("inspect", "--format", "{{.NetworkSettings.Networks.bridge.IPAddress}}", name).stdout.strip()


def reaches(cli, name, host, port=80):
    request = f"printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 1 {host} {port}"
    for _ in range(10):
        if "here" in cli("exec", name, "sh", "-c", request, check=False).stdout:
            return True
        time.sleep(0.05)
    return False


def test_a_link_is_a_name_and_variables(cli):
    cli("run", "-d", "--name", "db", "--expose", "80-81", "--expose", "53/udp", "-e", "SECRET=a=b", "busybox", "sh", "-c", SERVER)
    cli("run", "-d", "--name", "web-1", "--link", "db:my-db", "--link", "db", "-e", "DB_NAME=mine", "busybox", "sleep", "60")
    where, hostname = address(cli, "db"), cli("inspect", "--format", "{{.Config.Hostname}}", "db").stdout.strip()
    lines = cli("exec", "web-1", "cat", "/etc/hosts").stdout.splitlines()
    assert f"{where}\tmy-db {hostname} db" in lines and f"{where}\tdb {hostname}" in lines
    assert reaches(cli, "web-1", "my-db") and reaches(cli, "web-1", "db", 81)

    variables = dict(line.split("=", 1) for line in cli("exec", "web-1", "env").stdout.splitlines())
    wanted = {"MY_DB_PORT": f"tcp://{where}:80", "MY_DB_PORT_80_TCP": f"tcp://{where}:80", "MY_DB_PORT_80_TCP_ADDR": where,
              "MY_DB_PORT_80_TCP_PORT": "80", "MY_DB_PORT_80_TCP_PROTO": "tcp", "MY_DB_PORT_81_TCP_PORT": "81",
              "MY_DB_PORT_80_TCP_START": f"tcp://{where}:80", "MY_DB_PORT_80_TCP_PORT_START": "80",
              "MY_DB_PORT_80_TCP_END": f"tcp://{where}:81", "MY_DB_PORT_80_TCP_PORT_END": "81",
              "MY_DB_PORT_53_UDP": f"udp://{where}:53", "MY_DB_NAME": "/web-1/my-db", "MY_DB_ENV_SECRET": "a=b", "DB_NAME": "mine"}
    assert wanted.items() <= variables.items()
    assert not any(name.startswith("MY_DB_ENV_") and name != "MY_DB_ENV_SECRET" for name in variables)
    # What the first process has is what execs see.
    first = cli("exec", "web-1", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ").stdout.splitlines()
    assert f"MY_DB_PORT=tcp://{where}:80" in first


def test_links_in_inspect_and_lists(cli):
    cli("run", "-d", "--name", "db", "busybox", "sleep", "60")
    cli("create", "--name", "web", "--link", "db:store", "busybox", "true")
    links = lambda name: json.loads(cli("inspect", "--format", "{{json .HostConfig.Links}}", name).stdout)
    assert links("web") == ["/db:/web/store"] and links("db") is None
    names = cli("ps", "-a", "--no-trunc", "--format", "{{.Names}}").stdout.split()
    assert sorted(",".join(names).split(",")) == ["db", "web", "web/store"]
    assert sorted(cli("ps", "-a", "--format", "{{.Names}}").stdout.split()) == ["db", "web"]
    assert cli("inspect", "--format", "{{.Name}}", "web/store").stdout.strip() == "/db"
    cli("rename", "db", "data")
    cli("rename", "web", "site")
    assert links("site") == ["/data:/site/store"]
    # Made from what inspect shows.
    cli("create", "--name", "copy", "--link", links("site")[0], "busybox", "true")
    assert links("copy") == ["/data:/copy/store"]
    cli("create", "--name", "slashed", "--link", "data:/store", "busybox", "true")
    assert cli("inspect", "--format", "{{.Name}}", "slashed/store").stdout.strip() == "/data"


def test_a_link_can_be_removed(cli):
    cli("run", "-d", "--name", "db", "busybox", "sleep", "60")
    cli("run", "-d", "--name", "web", "--link", "db:store", "busybox", "sleep", "60")
    assert "store" in " ".join(hosts(cli, "web").values())
    refused = cli("rm", "--link", "db", check=False)
    assert refused.returncode == 1 and "cannot remove the default link name of the container" in refused.stderr
    assert cli("rm", "--link", "web/other", check=False).returncode == 1
    cli("rm", "--link", "/web/store")
    assert cli("inspect", "--format", "{{json .HostConfig.Links}}", "web").stdout.strip() == "null"
    assert "store" not in " ".join(hosts(cli, "web").values())
    assert cli("inspect", "--format", "{{.State.Running}}", "db").stdout.strip() == "true"
    assert cli("inspect", "web/store", check=False).returncode == 1
    cli("restart", "-t", "0", "web")


def test_what_links_lead_to_has_to_be_there(cli):
    missing = cli("run", "--link", "nobody:x", "busybox", "true", check=False)
    assert missing.returncode == 125 and "could not get container for nobody: No such container: nobody" in missing.stderr
    assert "Unable to find image" not in missing.stderr
    cli("create", "--name", "db", "busybox", "sleep", "60")
    refused = cli("run", "--name", "web", "--link", "db", "busybox", "true", check=False)
    assert refused.returncode == 125 and "Cannot link to a non running container: /db AS /web/db" in refused.stderr
    for mode, what in (("host", "host type networking can't be used with links"),
                       ("container:db", "container type network can't be used with links")):
        refused = cli("create", "--network", mode, "--link", "db", "busybox", "true", check=False)
        assert refused.returncode == 1 and what in refused.stderr
    # One that is removed takes its links along.
    cli("rm", "db")
    cli("start", "web")
    assert cli("inspect", "--format", "{{json .HostConfig.Links}}", "web").stdout.strip() == "null"


def test_a_link_follows_to_a_new_address(cli):
    cli("run", "-d", "--name", "db", "busybox", "sh", "-c", SERVER)
    cli("run", "-d", "--name", "web", "--link", "db:store", "busybox", "sleep", "60")
    cli("exec", "web", "sh", "-c", "echo '192.0.2.9\tmine' >>/etc/hosts")
    before = address(cli, "db")
    cli("stop", "-t", "0", "db")
    cli("run", "-d", "--name", "squatter", "busybox", "sleep", "60")  # where db was
    assert address(cli, "squatter") == before
    cli("start", "db")
    now = address(cli, "db")
    assert now != before
    table = hosts(cli, "web")
    assert table[now].startswith("store ") and before not in table and table["192.0.2.9"] == "mine"
    assert reaches(cli, "web", "store")


def test_the_network_of_another_container_is_linked_to(cli):
    cli("run", "-d", "--name", "owner", "busybox", "sh", "-c", SERVER)
    cli("run", "-d", "--name", "guest", "--network", "container:owner", "busybox", "sleep", "60")
    cli("run", "-d", "--name", "web", "--link", "guest:store", "busybox", "sleep", "60")
    assert reaches(cli, "web", "store")
    assert json.loads(cli("inspect", "--format", "{{json .HostConfig.Links}}", "web").stdout) == ["/owner:/web/store"]


@pytest.fixture(scope="module")
def apart(busybox):
    """An engine whose containers do not reach each other."""
    hulld = Hulld()
    try:
        hulld.start("--icc=false")
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


def test_links_are_all_that_is_open_between_containers_kept_apart(apart):
    cli = apart.docker
    cli("run", "-d", "--name", "db", "--expose", "80", "busybox", "sh", "-c", SERVER)
    cli("run", "-d", "--name", "web", "--link", "db", "busybox", "sleep", "600")
    cli("run", "-d", "--name", "stranger", "busybox", "sleep", "600")
    where = address(cli, "db")
    assert reaches(cli, "web", "db")
    assert not reaches(cli, "web", "db", 81)  # not exposed
    assert not reaches(cli, "stranger", where)
    assert cli("exec", "db", "nc", "-z", "-w", "1", address(cli, "web"), "80", check=False).returncode != 0

    apart.crash()
    apart.start()
    assert reaches(cli, "web", "db") and not reaches(cli, "stranger", where)

    # Whoever gets the address next is a stranger.
    cli("rm", "-f", "db")
    cli("run", "-d", "--name", "other", "--expose", "80", "busybox", "sh", "-c", SERVER)
    assert address(cli, "other") == where
    assert not reaches(cli, "web", where)
    apart.remove_containers()
    apart.assert_clean()


def test_links_survive_a_new_engine(own_engine):
    cli = own_engine.docker
    cli("run", "-d", "--name", "db", "--restart", "always", "--expose", "80", "busybox", "sleep", "60")
    cli("run", "-d", "--name", "web", "--restart", "always", "--link", "db:store", "busybox", "sleep", "60")
    own_engine.crash()
    own_engine.start()
    assert own_engine.inspect("web", "{{.HostConfig.Links}}") == "[/db:/web/store]"
    assert own_engine.inspect("web/store", "{{.Name}}") == "/db"
    own_engine.docker("restart", "-t", "0", "db")
    wait_until(lambda: f"{address(cli, 'db')}\tstore " in cli("exec", "web", "cat", "/etc/hosts").stdout)
