# SPDX-License-Identifier: Apache-2.0
"""What each endpoint of containers, execs, events and the system answers in each state of a container, and to each mistake."""
import json
import time
import urllib.parse

import pytest

from conftest import wait_until
from test_api import api  # noqa: F401

STATES = ("missing", "created", "running", "paused", "exited")


@pytest.fixture(scope="module")
def states(engine):
    """A container in each state: created, running, paused, exited (of code 3)."""
    run = engine.docker
    run("create", "--name", "created", "busybox", "true")
    run("run", "-d", "--name", "running", "busybox", "sleep", "600")
    run("run", "-d", "--name", "paused", "busybox", "sleep", "600")
    run("pause", "paused")
    run("run", "--name", "exited", "busybox", "sh", "-c", "exit 3", check=False)
    wait_until(lambda: engine.inspect("exited", "{{.State.Status}}") == "exited")
    yield engine
    run("unpause", "paused", check=False)
    engine.remove_containers()


@pytest.fixture(autouse=True)
def nothing_left():
    """The containers stay for all tests of this file."""
    yield


# (method, path, body, what comes back by state; a status alone or with a part of the message)
EVERY_STATE = [
    ("GET", "/json", None, [404, 200, 200, 200, 200]),
    ("GET", "/json?size=1", None, [404, 200, 200, 200, 200]),
    ("GET", "/top", None, [404, (409, "is not running"), 200, 200, (409, "is not running")]),
    ("GET", "/top?ps_args=-o%20pid,comm", None, [404, 409, 200, 200, 409]),
    ("GET", "/top?ps_args=-Z9", None, [404, 409, 400, 400, 409]),
    ("GET", "/logs?stdout=1", None, [404, 200, 200, 200, 200]),
    ("GET", "/logs", None, [400, 400, 400, 400, (400, "at least one of 'stdout' or 'stderr'")]),
    ("GET", "/logs?stdout=1&since=x", None, [400, 400, 400, 400, 400]),
    ("GET", "/logs?stdout=1&tail=all&timestamps=1&until=1", None, [404, 200, 200, 200, 200]),
    ("GET", "/changes", None, [404, 200, 200, 200, 200]),
    ("GET", "/stats?stream=0&one-shot=1", None, [404, 200, 200, 200, 200]),
    ("GET", "/archive?path=/etc", None, [404, 200, 200, 200, 200]),
    ("GET", "/archive?path=/nothing", None, [404, (404, "Could not find the file /nothing"), 404, 404, 404]),
    ("GET", "/archive", None, [400, 400, 400, 400, 400]),
    ("HEAD", "/archive?path=/etc/passwd", None, [404, 200, 200, 200, 200]),
    ("PUT", "/archive?path=/nothing", "", [404, 404, 404, 404, 404]),
    ("POST", "/resize?h=5&w=5", None, [404, (409, "is not running"), 200, 200, 409]),
    ("POST", "/resize?h=a&w=5", None, [400, 400, (400, 'invalid resize height "a": invalid syntax'), 400, 400]),
    ("POST", "/start", None, [404, None, 304, (409, "cannot start a paused container, try unpause instead"), None]),
    ("POST", "/stop?t=x", None, [400, 400, 400, 400, 400]),
    ("POST", "/stop", None, [404, 304, None, None, 304]),
    ("POST", "/kill", None, [404, (409, "is not running"), None, None, (409, "cannot kill container: exited: container")]),
    ("POST", "/kill?signal=nonsense", None, [400, 400, (400, "nvalid signal: nonsense"), 400, 400]),
    ("POST", "/kill?signal=0", None, [400, 400, 400, 400, 400]),
    ("POST", "/kill?signal=CONT", None, [404, 409, 204, None, 409]),
    ("POST", "/pause", None, [404, (409, "is not running"), None, (409, "is already paused"), 409]),
    ("POST", "/unpause", None, [404, (500, "is not paused"), 500, None, 500]),
    ("POST", "/rename?name=running", None, [404, (409, 'The container name "/running" is already in use'), (400, "same name"), 409, 409]),
    ("POST", "/rename?name=", None, [(404, ""), (400, "Neither old nor new names may be empty"), 400, 400, 400]),
    ("POST", "/rename?name=%2f..", None, [404, (400, "Invalid container name"), 400, 400, 400]),
    ("POST", "/update", {"Memory": 1}, [404, (400, "Minimum memory limit allowed is 6MB"), 400, 400, 400]),
    ("POST", "/update", {"RestartPolicy": {"Name": "sometimes"}}, [404, (400, "invalid restart policy"), 400, 400, 400]),
    ("POST", "/update", {}, [404, 200, 200, 200, 200]),
    ("POST", "/wait?condition=nonsense", None, [400, 400, (400, "invalid condition"), 400, 400]),
    ("POST", "/wait", None, [404, 200, None, None, 200]),
    ("POST", "/exec", {"Cmd": ["true"]}, [404, (409, "is not running"), 201, (409, "is paused, unpause the container before exec"), 409]),
    ("POST", "/exec", {}, [(404, ""), (400, "No exec command specified"), 400, 400, 400]),
    ("POST", "/exec", {"Cmd": ["true"], "User": "nobody-here"}, [404, 409, (400, "unable to find user nobody-here"), 409, 409]),
    ("DELETE", "", None, [404, None, (409, 'cannot remove container "running": container is running'), (409, "container is paused"), None]),
    ("DELETE", "?link=1", None, [404, 409, 409, 409, 409]),
]


@pytest.mark.parametrize("method, path, body, expected", EVERY_STATE, ids=lambda value: None if isinstance(value, list) else str(value))
def test_in_each_state(api, states, method, path, body, expected):  # noqa: F811
    for state, wanted in zip(STATES, expected, strict=True):
        if wanted is None:
            continue  # that would change the state
        status, part = wanted if isinstance(wanted, tuple) else (wanted, "")
        answer = api(method, f"/containers/{state}{path}", body)
        assert answer.status == status, (state, answer.body)
        if status >= 400 and method != "HEAD":
            assert part in answer.message, state
        if state == "missing" and status == 404 and method != "HEAD":
            assert answer.message in ("No such container: missing", ) or part == "", answer.message
    for state in STATES[1:]:
        assert states.inspect(state, "{{.State.Status}}") == state


@pytest.mark.parametrize("method, path, body, status, part", [
    ("GET", "/events?since=2&until=1", None, 400, "`since` time"),
    ("GET", "/events?since=x&until=1", None, 400, ""),
    ("GET", "/events?until=1&filters=" + urllib.parse.quote('{"nonsense":["x"]}'), None, 400, "nonsense"),
    ("GET", "/events?until=1&filters=nonsense", None, 400, ""),
    ("GET", "/events?since=0&until=1", None, 200, None),
    ("GET", "/system/df?type=nonsense", None, 400, "nonsense"),
    ("GET", "/system/df?type=container&type=volume", None, 200, None),
    ("GET", "/containers/json?limit=x", None, 400, ""),
    ("GET", "/containers/json?all=1&limit=2", None, 200, None),
    ("GET", "/containers/json?all=1&size=1", None, 200, None),
    ("POST", "/containers/prune?filters=" + urllib.parse.quote('{"nonsense":["x"]}'), None, 400, "nonsense"),
    ("POST", "/containers/create", None, 400, "invalid JSON: EOF"),
    ("POST", "/containers/missing/start?checkpoint=" + urllib.parse.quote("../outside"), None, 400, 'invalid checkpoint ID "../outside"'),
    ("POST", "/containers/create", {}, 400, "config cannot be empty in order to create a container"),
    ("POST", "/containers/create", {"Image": "nothing:1", "Cmd": ["x"]}, 404, "No such image: nothing:1"),
    ("POST", "/containers/create?name=running", {"Image": "busybox", "Cmd": ["x"]}, 409, "is already in use by container"),
    ("POST", "/containers/create?name=a", {"Image": "busybox", "Cmd": ["x"]}, 400, "Invalid container name (a)"),
    ("POST", "/containers/create?platform=windows/amd64", {"Image": "busybox", "Cmd": ["x"]}, 404, "does not match the specified platform"),
    ("POST", "/containers/create", {"Image": "busybox"}, 400, "no command specified"),
    ("POST", "/containers/create", {"Image": "busybox", "Cmd": 5}, 400, "Cmd"),
    ("POST", "/commit?container=missing", None, 404, "No such container: missing"),
    ("POST", "/commit?container=created&repo=UPPER", None, 400, ""),
    ("GET", "/exec/missing/json", None, 404, "No such exec instance: missing"),
    ("POST", "/exec/missing/start", {"Detach": False}, 404, "No such exec instance: missing"),
    ("POST", "/exec/missing/resize?h=1&w=1", None, 404, "No such exec instance: missing"),
    ("POST", "/exec/missing/resize?h=x&w=1", None, 400, 'invalid resize height "x"'),
    # What somebody else's server does is 500: with 503 clients would ask again and again.
    ("POST", "/images/create?fromImage=127.0.0.1%3A1%2Fx&tag=1", None, 500, "127.0.0.1"),
    ("POST", "/images/create?fromSrc=http%3A%2F%2F127.0.0.1%3A1%2Fx.tar", None, 500, "127.0.0.1"),
    ("GET", "/distribution/127.0.0.1:1/x/json", None, 500, "127.0.0.1"),
    ("GET", "/images/search?term=127.0.0.1:1/x", None, 500, "127.0.0.1"),
    ("POST", "/auth", {"username": "a", "password": "b", "serveraddress": "127.0.0.1:1"}, 500, "127.0.0.1"),
    ("POST", "/networks/create", {"Name": "spread", "Scope": "swarm"}, 503, "This node is not a swarm manager"),
    ("GET", "/version", None, 200, None), ("GET", "/info", None, 200, None), ("GET", "/_ping", None, 200, None), ("HEAD", "/_ping", None, 200, None),
    ("PUT", "/containers/running/json", None, 404, "page not found"), ("GET", "/containers/running/nonsense", None, 404, "page not found")])
def test_other_endpoints(api, states, method, path, body, status, part):  # noqa: F811
    answer = api(method, path, body)
    assert answer.status == status, answer.body
    if part is not None:
        assert part in answer.message


def test_lists_have_limits_sizes_and_both_kinds_of_filters(api, states):  # noqa: F811
    everyone = api("GET", "/containers/json?all=1").json
    assert [one["Names"][0] for one in everyone] == ["/exited", "/paused", "/running", "/created"]
    assert [one["Id"] for one in api("GET", "/containers/json?limit=2").json] == [one["Id"] for one in everyone[:2]]  # of all
    assert {"SizeRw", "SizeRootFs"} <= api("GET", "/containers/json?all=1&size=1").json[0].keys() and "SizeRw" not in everyone[0]
    for filters in ('{"status":["exited","paused"]}', '{"status":{"exited":true,"paused":true}}'):
        found = api("GET", "/containers/json?filters=" + urllib.parse.quote(filters)).json
        assert {one["State"] for one in found} == {"exited", "paused"}
    assert {"Id", "Names", "Image", "ImageID", "Command", "Created", "Ports", "Labels", "State", "Status", "HostConfig", "NetworkSettings", "Mounts"} \
        <= everyone[0].keys()


def test_an_exec_is_used_once_and_remembered(api, states):  # noqa: F811
    identity = api("POST", "/containers/running/exec", {"Cmd": ["sh", "-c", "exit 5"]}).json["Id"]
    assert api("GET", f"/exec/{identity}/json").json["ExitCode"] is None
    assert api("POST", f"/exec/{identity}/start", {"Detach": True}).status == 200
    wait_until(lambda: not api("GET", f"/exec/{identity}/json").json["Running"])
    shown = api("GET", f"/exec/{identity}/json").json
    assert shown["ExitCode"] == 5 and shown["ContainerID"] == states.inspect("running", "{{.Id}}")
    assert {"ID", "Running", "ExitCode", "ProcessConfig", "OpenStdin", "OpenStderr", "OpenStdout", "CanRemove", "ContainerID", "DetachKeys", "Pid"} == set(shown)
    assert {"tty", "entrypoint", "arguments", "privileged"} <= set(shown["ProcessConfig"])
    again = api("POST", f"/exec/{identity}/start", {"Detach": True})
    assert (again.status, again.message) == (409, f"exec command {identity} has already run")


def test_statistics_at_once_and_after_a_second(api, states):  # noqa: F811
    began = time.monotonic()
    once = api("GET", "/containers/running/stats?stream=false&one-shot=true").json
    assert time.monotonic() - began < 0.9 and once["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    second = api("GET", "/containers/running/stats?stream=false").json
    assert second["preread"] > "0001-01-01T00:00:00Z" and second["precpu_stats"]["system_cpu_usage"] > 0
    wanted = {"read", "preread", "pids_stats", "blkio_stats", "num_procs", "storage_stats", "cpu_stats", "precpu_stats", "memory_stats", "name", "id", "networks"}
    assert wanted <= set(second)
    idle = api("GET", "/containers/exited/stats?stream=false").json
    assert idle["read"] == "0001-01-01T00:00:00Z" and idle["memory_stats"] == {}


def test_versions_without_their_newer_fields(api, states):  # noqa: F811
    def inspected(version):
        return api("GET", f"/v{version}/containers/running/json").json
    new, old = inspected("1.51"), inspected("1.40")
    hostname = new["Config"]["Hostname"]
    assert new["NetworkSettings"]["Networks"]["bridge"]["DNSNames"] is None and "DNSNames" not in old["NetworkSettings"]["Networks"]["bridge"]
    assert "GwPriority" in new["NetworkSettings"]["Networks"]["bridge"] and "GwPriority" not in old["NetworkSettings"]["Networks"]["bridge"]
    assert len(hostname) == 12 and new["NetworkSettings"]["IPAddress"]
    with_size = api("POST", "/v1.41/containers/create?name=sized", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"ConsoleSize": [5, 7]}})
    try:
        assert with_size.status == 201
        assert json.loads(states.docker("inspect", "--format", "{{json .HostConfig.ConsoleSize}}", "sized").stdout) == [0, 0]
    finally:
        states.docker("rm", "sized")
