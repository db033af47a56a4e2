# SPDX-License-Identifier: Apache-2.0
"""What a request means by the version of its path, and refusals and shapes that clients compare."""
import json
import re
import time
import urllib.parse

import pytest

from test_api import Answer, Api, api  # noqa: F401

BOX = {"Image": "busybox", "Cmd": ["sleep", "60"]}


def created(api, body, version="1.51", name=""):  # noqa: F811
    answer = api("POST", f"/v{version}/containers/create?name={name}", {**BOX, **body})
    assert answer.status == 201, answer.body
    return answer.json


def inspected(api, identity, version="1.51"):  # noqa: F811
    return api("GET", f"/v{version}/containers/{identity}/json").json


@pytest.mark.parametrize("version, ipc", [("1.39", "shareable"), ("1.40", "private"), ("1.51", "private")])
def test_the_default_ipc_mode(api, version, ipc):  # noqa: F811
    assert inspected(api, created(api, {}, version)["Id"])["HostConfig"]["IpcMode"] == ipc


MAC = "02:42:ac:11:00:99"


def test_the_mac_address_of_the_container_became_that_of_an_endpoint(api):  # noqa: F811
    for version in ("1.43", "1.44", "1.56"):
        made = created(api, {"MacAddress": MAC}, version)
        deprecated = [w for w in made["Warnings"] if "MacAddress field is now deprecated" in w]
        assert len(deprecated) == (version != "1.43")
        state = inspected(api, made["Id"])
        assert state["NetworkSettings"]["Networks"]["bridge"]["MacAddress"] == MAC == state["Config"]["MacAddress"]
    old = created(api, {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"MacAddress": MAC}}}}, "1.43")
    assert "MacAddress" not in inspected(api, old["Id"])["Config"]
    assert api("POST", "/v1.43/containers/create", {**BOX, "MacAddress": MAC, "HostConfig": {"NetworkMode": "none"}}).message == (
        "conflicting options: mac-address and the network mode")
    other = {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"MacAddress": "02:42:ac:11:00:98"}}}}
    assert api("POST", "/v1.51/containers/create", {**BOX, **other, "MacAddress": MAC}).status == 400


@pytest.mark.parametrize("version, mount, message", [
    ("1.43", {"Type": "bind", "Source": "/tmp", "ReadOnly": True, "BindOptions": {"ReadOnlyForceRecursive": True}},
     "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer"),
    ("1.44", {"Type": "volume", "Source": "v", "VolumeOptions": {"Subpath": "a"}}, "VolumeOptions.Subpath needs API v1.45 or newer"),
    ("1.47", {"Type": "image", "Source": "busybox"}, 'Mount type "Image" needs API v1.48 or newer')])
def test_mounts_that_a_version_does_not_have(api, version, mount, message):  # noqa: F811
    body = {**BOX, "HostConfig": {"Mounts": [{**mount, "Target": "/there"}]}}
    assert api("POST", f"/v{version}/containers/create", body).message == message


def test_several_endpoints_since_1_44(api, engine):  # noqa: F811
    for name in ("one", "two"):
        engine.docker("network", "create", name)
    body = {"HostConfig": {"NetworkMode": "one"}, "NetworkingConfig": {"EndpointsConfig": {"one": {"GwPriority": 5}, "two": {}}}}
    assert api("POST", "/v1.43/containers/create", {**BOX, **body}).message == (
        "Container cannot be created with multiple network endpoints: one, two")
    both = inspected(api, created(api, body)["Id"])["NetworkSettings"]["Networks"]
    assert sorted(both) == ["one", "two"] and both["one"]["GwPriority"] == 5
    assert inspected(api, created(api, body, "1.47")["Id"])["NetworkSettings"]["Networks"]["one"]["GwPriority"] == 0
    engine.remove_containers()
    engine.docker("network", "rm", "one", "two")


def test_what_is_below_a_read_only_bind_of_an_old_client_stays_writable(api, engine):  # noqa: F811
    def options(version):
        identity = created(api, {"Cmd": ["grep", " /there", "/proc/self/mountinfo"], "HostConfig": {"Binds": ["/dev:/there:ro"]}}, version)["Id"]
        engine.docker("start", "-a", identity)
        lines = engine.docker("logs", identity).stdout.splitlines()
        return {line.split()[4]: line.split()[5].split(",")[0] for line in lines}
    old, new = options("1.43"), options("1.44")
    assert old["/there"] == new["/there"] == "ro" and "/there/shm" in old
    assert set(new.values()) == {"ro"} and old["/there/shm"] == "rw"


def test_health_is_not_in_lists_yet(api):  # noqa: F811
    identity = created(api, {"Healthcheck": {"Test": ["CMD", "true"]}})["Id"]
    listed = [one for one in api("GET", "/containers/json?all=1").json if one["Id"] == identity]
    assert "Health" not in listed[0]


def test_no_limit_of_processes_is_zero_after_an_update(api):  # noqa: F811
    identity = created(api, {"HostConfig": {"PidsLimit": 32}})["Id"]
    assert api("POST", f"/v1.39/containers/{identity}/update", {"PidsLimit": 16}).status == 200
    assert inspected(api, identity)["HostConfig"]["PidsLimit"] == 32
    for none in (0, -1, -2):
        assert api("POST", f"/containers/{identity}/update", {"PidsLimit": none}).status == 200
        assert inspected(api, identity)["HostConfig"]["PidsLimit"] == 0


def test_statuses_of_what_cannot_be(api):  # noqa: F811
    removed_at_end = created(api, {"HostConfig": {"AutoRemove": True}})["Id"]
    answer = api("POST", f"/containers/{removed_at_end}/update", {"RestartPolicy": {"Name": "always"}})
    assert (answer.status, answer.message) == (409, "Restart policy cannot be updated because AutoRemove is enabled for the container")
    donor = created(api, {}, name="donor")["Id"]
    joined = created(api, {"HostConfig": {"PidMode": "container:donor"}})["Id"]
    answer = api("POST", f"/containers/{joined}/start")
    assert (answer.status, answer.message) == (500, f"failed to join PID namespace: container {donor} is not running")
    assert api("POST", "/containers/create?name=me", {**BOX, "HostConfig": {"NetworkMode": "container:me"}}).message == "cannot join own network"
    assert api("POST", "/containers/create", {**BOX, "HostConfig": {"NetworkMode": "container"}}).message == (
        "invalid container format container:<name|id>")
    assert api("POST", "/containers/create", {**BOX, "HostConfig": {"Binds": ["/tmp:/proc/sys"]}}).message.endswith(
        '"/proc/sys" cannot be mounted because it is inside /proc')
    assert api("POST", "/volumes/create", {"Name": "vol", "Driver": "none"}).status == 404
    assert api("POST", "/containers/create", {**BOX, "HostConfig": {"Binds": ["vol:/v"], "VolumeDriver": "none"}}).status == 400
    assert api("DELETE", "/images/%20").message == "image name cannot be blank"
    assert api("POST", f"/containers/{donor}/resize?h=-100&w=1").message == 'invalid resize height "-100": value out of range'


def test_frames_of_an_exec_are_the_choice_of_its_start(api, engine):  # noqa: F811
    engine.docker("run", "-d", "--name", "box", "busybox", "sleep", "60")
    for tty, wanted in ((True, b"out\r\n"), (False, b"\x01\0\0\0\0\0\0\x05out\r\n")):
        exec_id = api("POST", "/containers/box/exec", {"Cmd": ["echo", "out"], "Tty": True, "AttachStdout": True}).json["Id"]
        assert api("POST", f"/exec/{exec_id}/start", {"Tty": tty}).body == wanted


def test_a_body_of_attach_is_no_input(api, engine):  # noqa: F811
    identity = created(api, {"Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True})["Id"]
    connection = Api(engine)
    connection.request("POST", f"/containers/{identity}/attach?stream=1&stdin=1&stdout=1", body=json.dumps({"stdin": True}),
                       headers={"Content-Type": "application/json", "Upgrade": "tcp"})
    connection.sock.settimeout(10)
    head = connection.sock.recv(1000)
    assert head.startswith(b"HTTP/1.1 101"), head  # although "Connection: Upgrade" is missing
    api("POST", f"/containers/{identity}/start")
    connection.sock.sendall(b"typed")
    connection.sock.shutdown(1)
    received = b""
    while piece := connection.sock.recv(1000):
        received += piece
    assert received.endswith(b"\x01\0\0\0\0\0\0\x05typed")


def test_images_by_reference_show_what_fits(api, engine):  # noqa: F811
    for name in ("shelf:v1", "shelf:v2", "other:v1"):
        engine.docker("tag", "busybox", name)
    filters = urllib.parse.quote(json.dumps({"reference": ["shelf:v1"]}))
    assert [image["RepoTags"] for image in api("GET", f"/images/json?filters={filters}").json] == [["shelf:v1"]]
    assert len(engine.docker("images", "-q", "shelf").stdout.split()) == 2
    engine.docker("rmi", "shelf:v1", "shelf:v2", "other:v1")


def test_a_broken_archive_is_an_error_in_the_stream(api):  # noqa: F811
    answer = api("POST", "/images/load", "abc", {"Content-Type": "application/x-tar"})
    assert answer.status == 200 and json.loads(answer.body)["errorDetail"]["message"] == json.loads(answer.body)["error"]


def test_volumes_tell_their_life(engine):
    since = time.time()
    engine.docker("volume", "create", "vol")
    engine.docker("run", "--rm", "-v", "vol:/v", "-v", "/anonymous", "busybox", "true")
    engine.docker("volume", "rm", "vol")
    told = engine.docker("events", "--since", f"{since:.6f}", "--until", f"{time.time():.6f}", "--filter", "type=volume",
                         "--format", "{{.Action}} {{.Actor.ID}}").stdout.split("\n")
    assert [line.split()[0] for line in told if line.endswith(" vol")] == ["create", "mount", "unmount", "destroy"]
    assert [line.split()[0] for line in told if re.search(r" [0-9a-f]{64}$", line)] == ["create", "mount", "unmount", "destroy"]


def test_a_full_host_name_has_its_first_label_as_alias(engine):
    hosts = engine.docker("run", "--rm", "-h", "box.example.com", "busybox", "cat", "/etc/hosts").stdout
    assert re.search(r"^\S+\tbox.example.com box$", hosts, re.M)
    hosts = engine.docker("run", "--rm", "-h", "box", "--domainname", "example.com", "busybox", "cat", "/etc/hosts").stdout
    assert re.search(r"^\S+\tbox.example.com box$", hosts, re.M)


def test_small_things_of_run(engine):
    assert "HOME=/root" in engine.docker("run", "--rm", "-e", "HOME=", "busybox", "env").stdout.splitlines()
    assert engine.docker("run", "--rm", "--tmpfs", "/t:shared", "busybox", "grep", " /t ", "/proc/self/mountinfo").stdout
    group = engine.docker("run", "--rm", "--cgroup-parent", f"../..{engine.cgroup_parent}", "busybox", "cat", "/proc/self/cgroup").stdout
    assert f":{engine.cgroup_parent}/" in group and "/../" not in group


def test_a_port_of_our_choice_takes_none_that_is_asked_for(engine):
    engine.docker("run", "-d", "--name", "first", "-p", "80", "busybox", "sleep", "60")
    port = int(engine.docker("port", "first", "80").stdout.splitlines()[0].split(":")[1]) + 1
    engine.docker("run", "-d", "--name", "second", "-p", "80", "-p", f"{port}:8080", "busybox", "sleep", "60")
    assert engine.docker("port", "second", "8080").stdout.startswith(f"0.0.0.0:{port}")


def test_prune_until_counts_nanoseconds(engine):
    engine.docker("run", "--name", "old", "busybox", "true")
    until = f"{time.time():.9f}"
    engine.docker("run", "--name", "new", "busybox", "true")
    engine.docker("container", "prune", "-f", "--filter", f"until={until}")
    assert engine.docker("ps", "-a", "--format", "{{.Names}}").stdout == "new\n"


def test_commit_does_not_mind_an_end_at_the_same_time(engine):
    for _ in range(10):
        engine.docker("run", "-d", "--name", "short", "busybox", "true")
        engine.docker("commit", "short", "committed")
        engine.docker("rm", "-f", "short")
    engine.docker("rmi", "-f", "committed")


def test_a_start_is_told_before_the_end(engine):
    since = f"{time.time():.6f}"
    for number in range(20):
        engine.docker("run", "-d", "--name", f"short{number}", "busybox", "true")
    engine.docker("wait", *[f"short{number}" for number in range(20)])
    told = engine.docker("events", "--since", since, "--until", f"{time.time():.6f}", "--filter", "type=container", "--format",
                         "{{.Action}} {{.Actor.Attributes.name}}").stdout.splitlines()
    for number in range(20):
        assert told.index(f"start short{number}") < told.index(f"die short{number}")
