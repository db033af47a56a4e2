# SPDX-License-Identifier: Apache-2.0
"""`ps`: each filter, limits, sizes."""
import json

import pytest

from conftest import wait_until


def names(cli, *options):
    return set(cli("ps", "--format", "{{.Names}}", *options).stdout.split())


@pytest.fixture
def fleet(cli):
    cli("run", "-d", "--name", "web", "-l", "app=web", "-l", "tier=1", "-p", "127.0.0.1::80", "-v", "shared:/data", "busybox", "sleep", "100")
    cli("run", "-d", "--name", "db", "-l", "app=db", "--expose", "5432", "--network", "none", "-v", "/tmp:/host", "busybox", "sleep", "100")
    cli("run", "-d", "--name", "job", "-l", "tier=1", "busybox", "sh", "-c", "exit 3")
    cli("create", "--name", "idle", "busybox", "true")
    wait_until(lambda: cli.engine.inspect("job", "{{.State.Status}}") == "exited")
    yield cli
    cli.engine.remove_containers()
    cli("volume", "rm", "shared")


def test_filters(fleet):
    cli = fleet
    assert names(cli) == {"web", "db"} and names(cli, "-a") == {"web", "db", "job", "idle"}
    web = cli.engine.inspect("web", "{{.Id}}")
    port = cli("port", "web", "80").stdout.strip().split(":")[1]
    image = cli.engine.inspect("busybox", "{{.Id}}")
    for filters, expected in [
            (["id=" + web], {"web"}), (["id=" + web[:10]], {"web"}),
            (["name=we"], {"web"}), (["name=^/web$"], {"web"}), (["name=web", "name=db"], {"web", "db"}), (["name=^b"], set()),
            (["label=app"], {"web", "db"}), (["label=app=web"], {"web"}), (["label=app", "label=tier=1"], {"web"}),
            (["status=exited"], {"job"}), (["status=created"], {"idle"}), (["status=running", "status=exited"], {"web", "db", "job"}),
            (["exited=3"], {"job"}), (["exited=0"], set()),
            (["before=job"], {"web", "db"}), (["since=web"], {"db", "job", "idle"}), (["since=web", "before=idle"], {"db", "job"}),
            (["ancestor=busybox"], {"web", "db", "job", "idle"}), (["ancestor=" + image], {"web", "db", "job", "idle"}), (["ancestor=other"], set()),
            (["volume=shared"], {"web"}), (["volume=/data"], {"web"}), (["volume=/host"], {"db"}), (["volume=/tmp"], {"db"}),
            (["network=none"], {"db"}), (["network=bridge"], {"web", "job", "idle"}),
            ([f"publish={port}"], {"web"}), ([f"publish={port}/udp"], set()), (["expose=5432/tcp"], {"db"}), (["expose=5000-6000"], {"db"}), (["expose=80"], {"web"}),
            (["health=none"], {"web", "db", "job", "idle"}), (["health=healthy"], set()),
            (["is-task=false"], {"web", "db", "job", "idle"}), (["is-task=true"], set())]:
        assert names(cli, "-a", *[word for f in filters for word in ("--filter", f)]) == expected, filters
    # only a wanted status shows what does not run without -a
    assert names(cli, "--filter", "status=exited") == {"job"} and names(cli, "--filter", "exited=3") == set()
    for wrong in ("status=asleep", "health=so-so", "exited=x", "is-task=maybe", "colour=red"):
        refused = cli("ps", "--filter", wrong, check=False)
        assert refused.returncode == 1 and "invalid" in refused.stderr, wrong
    assert "No such container: nobody" in cli("ps", "--filter", "before=nobody", check=False).stderr


def test_last_and_latest(fleet):
    cli = fleet
    assert names(cli, "-l") == {"idle"} and names(cli, "-n", "2") == {"idle", "job"} and names(cli, "--last", "1") == {"idle"}
    assert names(cli, "-n", "1", "--filter", "label=app") == {"db"}
    order = cli("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert order == ["idle", "job", "db", "web"]  # newest first


def test_sizes(fleet):
    cli = fleet
    cli("exec", "db", "sh", "-c", "head -c 300000 /dev/zero > /big")
    shown = cli("ps", "-s", "--filter", "name=db", "--format", "{{.Size}}").stdout
    assert shown.startswith("300kB (virtual ") or shown.startswith("30"), shown
    assert "SIZE" in cli("ps", "-s").stdout and "SIZE" not in cli("ps").stdout
