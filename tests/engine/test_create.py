# SPDX-License-Identifier: Apache-2.0
"""What the endpoint that makes containers refuses, and in which words; and what inspect shows of what it accepts."""
import pytest

from test_api import api  # noqa: F401

BOX = {"Image": "busybox", "Cmd": ["true"]}


def body(host=None, **config):
    return {**BOX, **config, "HostConfig": host or {}}


def health(**fields):
    return body(Healthcheck={"Test": ["CMD", "true"], **fields})


@pytest.mark.parametrize("request_body, message", [
    (body(Env=["=x"]), "invalid environment variable: =x"),
    (body(Env=[""]), "invalid environment variable: "),
    (body({"RestartPolicy": {"Name": "x"}}), "invalid restart policy: unknown policy 'x'"),
    (body({"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}}), "invalid restart policy: maximum retry count can only be used with 'on-failure'"),
    (body({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": -1}}), "invalid restart policy: maximum retry count cannot be negative"),
    (body({"RestartPolicy": {"Name": "always"}, "AutoRemove": True}), "can't create 'AutoRemove' container with restart policy"),
    (body({"Memory": 6 * 1024 * 1024 - 1}), "Minimum memory limit allowed is 6MB"),
    (health(Interval=1), "Interval in Healthcheck cannot be less than 1ms"),
    (health(Timeout=999999), "Timeout in Healthcheck cannot be less than 1ms"),
    (health(StartPeriod=1), "StartPeriod in Healthcheck cannot be less than 1ms"),
    (health(StartInterval=1), "StartInterval in Healthcheck cannot be less than 1ms"),
    (health(Retries=-1), "Retries in Healthcheck cannot be negative"),
    (body({"Tmpfs": {"relative": ""}}), "mount path must be absolute"),
    (body({"Tmpfs": {"/": ""}}), "destination can't be '/'"),
    (body({"IpcMode": "x"}), "invalid IPC mode: x"), (body({"PidMode": "x"}), "invalid PID mode: x"), (body({"UTSMode": "x"}), "invalid UTS mode: x"),
    (body({"CpuShares": -1}), "invalid CPU shares (-1): value must be a positive integer"),
    (body({"Annotations": {"": "x"}}), "invalid Annotations: the empty string is not permitted as an annotation key"),
    (body({"PortBindings": {"19039;1230": [{"HostPort": ""}]}}), "invalid port '19039;1230'"),
    (body({"PortBindings": {"80/tcp": [{"HostPort": "x"}]}}), "x"),
    (body({"PortBindings": {"80/tcp": [{"HostIp": "no address"}]}}), "no address"),
    (body(ExposedPorts={"99999/tcp": {}}), "99999"),
    (body({"ShmSize": -1}), "SHM size can not be less than 0"),
    (body({"VolumesFrom": ["nobody"]}), "No such container: nobody"),
    (body({"Links": ["nobody"]}), "could not get container for nobody: No such container: nobody"),
    (body({"Links": ["a:b:c"]}), "bad format for links: a:b:c"),
    (body({"NetworkMode": "container:nobody"}), "No such container: nobody"),
    (body({"PidMode": "container:nobody"}), "No such container: nobody"),
    (body({"NetworkMode": "container:"}), "invalid container format container:<name|id>"),
    (body({"NetworkMode": "host"}, Hostname="h", Domainname="d") | {"HostConfig": {"UTSMode": "host"}}, "conflicting options: hostname and the UTS mode"),
    (body(WorkingDir="relative"), "the working directory 'relative' is invalid, it needs to be an absolute path"),
    (body(StopSignal="nonsense"), "nvalid signal: nonsense"),
    (body(Hostname="-x"), "invalid hostname format"),
    (body({"Runtime": "nonsense"}), "unknown or invalid runtime name: nonsense"),
    (body({"Isolation": "hyperv"}), "invalid isolation"),
    (body({"LogConfig": {"Type": "nonsense"}}), "logger: no log driver named 'nonsense' is registered"),
    (body({"LogConfig": {"Type": "json-file", "Config": {"x": "y"}}}), "unknown log opt 'x' for json-file log driver"),
    (body({"CapAdd": ["NONSENSE"]}), 'unknown capability: "CAP_NONSENSE"'),
    (body({"SecurityOpt": ["nonsense=1"]}), "invalid --security-opt"),
    (body({"Ulimits": [{"Name": "nonsense", "Soft": 1, "Hard": 1}]}), "nonsense"),
    (body({"Ulimits": [{"Name": "nofile", "Soft": 5, "Hard": 1}]}), "soft limit must be less than or equal to hard limit"),
    (body({"Sysctls": {"vm.swappiness": "1"}}), "is not in a separate kernel namespace"),
    (body({"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "z"}]}), "bad mode specified: z"),
    (body({"DeviceCgroupRules": ["nonsense"]}), "invalid device cgroup rule format: 'nonsense'"),
    (body({"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}), 'could not select device driver "" with capabilities: [[gpu]]'),
    (body({"StorageOpt": {"inodes": "5"}}), "Unknown option inodes"),
    (body({"Binds": ["/a:/b:nonsense"]}), "invalid mode: nonsense"), (body({"Binds": ["a:relative"]}), "invalid mount path: 'relative' mount path must be absolute"),
    (body({"Binds": ["/a:/x", "/b:/x"]}), "Duplicate mount point: /x"),
    (body({"Mounts": [{"Type": "bind", "Source": "/nothing/here", "Target": "/x"}]}), "bind source path does not exist: /nothing/here"),
    (body({"Mounts": [{"Type": "nonsense", "Target": "/x"}]}), "nonsense"), (body({"Mounts": [{"Type": "volume", "Target": ""}]}), "Target"),
    (body({"NanoCpus": 10 ** 13}), "range of CPUs is from 0.01 to"), (body({"CpuPeriod": 1}), "CPU cfs period can not be less than 1ms"),
    (body({"BlkioWeight": 5}), "Range of blkio weight is from 10 to 1000"), (body({"OomScoreAdj": 5000}), "range for oom score adj is [-1000, 1000]"),
    (body({"UsernsMode": "nonsense"}), "invalid user namespace mode: nonsense"), (body({"CgroupnsMode": "nonsense"}), "invalid cgroup namespace mode: nonsense"),
    (body(MacAddress="nonsense"), "invalid MAC address: nonsense"),
    (body({"Memory": "much"}), "HostConfig.Memory"), (body(Env="A=1"), "Env"),
])
def test_what_is_refused_and_how(api, engine, request_body, message):  # noqa: F811
    answer = api("POST", "/containers/create", request_body)
    assert answer.status == 400, answer.body
    assert message in answer.message
    assert engine.docker("ps", "-aq").stdout == ""


def created(api, request_body, query="", version="1.51"):  # noqa: F811
    answer = api("POST", f"/v{version}/containers/create{query}", request_body)
    assert answer.status == 201, answer.body
    assert isinstance(answer.json["Warnings"], list)
    return api("GET", f"/v{version}/containers/{answer.json['Id']}/json").json


def test_what_inspect_shows_of_it(api):  # noqa: F811
    plain = created(api, BOX)
    host = plain["HostConfig"]
    assert host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0} and host["IpcMode"] == "private" and host["ShmSize"] == 64 << 20
    assert host["NetworkMode"] == "bridge" and host["LogConfig"]["Type"] == "json-file" and host["Runtime"] and host["PidsLimit"] is None
    assert "/proc/kcore" in host["MaskedPaths"] and "/proc/bus" in host["ReadonlyPaths"] and host["Links"] is None
    assert plain["Path"] == "true" and plain["Args"] == [] and plain["Mounts"] == [] and plain["ExecIDs"] is None
    assert plain["Config"]["Hostname"] == plain["Id"][:12] and plain["State"]["Status"] == "created" and "Health" not in plain["State"]
    assert plain["State"]["StartedAt"] == plain["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"
    assert plain["NetworkSettings"]["Ports"] == {} and list(plain["NetworkSettings"]["Networks"]) == ["bridge"]


def test_limits_are_completed(api):  # noqa: F811
    assert created(api, body({"Memory": 64 << 20}))["HostConfig"]["MemorySwap"] == 128 << 20
    assert created(api, body({"PidsLimit": 0, "MemorySwappiness": -1, "OomKillDisable": False}))["HostConfig"]["PidsLimit"] is None
    assert created(api, body({"MaskedPaths": [], "ReadonlyPaths": []}))["HostConfig"]["MaskedPaths"] == []
    privileged = created(api, body({"Privileged": True}))["HostConfig"]
    assert privileged["MaskedPaths"] is None and privileged["ReadonlyPaths"] is None


def test_paths_words_and_modes_are_put_in_order(api):  # noqa: F811
    assert created(api, body(WorkingDir="/a/../b/./c/"))["Config"]["WorkingDir"] == "/b/c"
    words = created(api, body(Entrypoint=["sh", "-c"], Cmd=["x", "y"]))
    assert (words["Path"], words["Args"]) == ("sh", ["-c", "x", "y"])
    reset = created(api, body(Entrypoint=[""], Cmd=["a", "b"]))
    assert (reset["Path"], reset["Args"]) == ("a", ["b"])
    other = created(api, BOX, "?name=other")
    for mode in ("NetworkMode", "PidMode"):
        assert created(api, body({mode: "container:other"}))["HostConfig"][mode] == f"container:{other['Id']}"
    shared = created(api, body({"IpcMode": "shareable"}), "?name=shared")
    assert created(api, body({"IpcMode": "container:shared"}))["HostConfig"]["IpcMode"] == f"container:{shared['Id']}"
    renamed = created(api, {**BOX, "NetworkingConfig": {"EndpointsConfig": {"default": {"MacAddress": "02:42:0a:00:00:09"}}}})
    assert renamed["NetworkSettings"]["Networks"]["bridge"]["MacAddress"] == "02:42:0a:00:00:09"


def test_versions(api):  # noqa: F811
    assert created(api, body({"ConsoleSize": [5, 7]}), version="1.41")["HostConfig"]["ConsoleSize"] == [0, 0]
    assert created(api, body({"ConsoleSize": [5, 7]}))["HostConfig"]["ConsoleSize"] == [5, 7]
    two = {**BOX, "NetworkingConfig": {"EndpointsConfig": {"one": {}, "two": {}}}}
    answer = api("POST", "/v1.43/containers/create", two)
    assert answer.status == 400 and "Container cannot be created with multiple network endpoints" in answer.message
    assert "Annotations" not in created(api, body({"Annotations": {"a": "b"}}), version="1.42")["HostConfig"]
    assert created(api, body({"Annotations": {"a": "b"}}))["HostConfig"]["Annotations"] == {"a": "b"}
    # What nobody knows is nobody's mistake.
    created(api, {**BOX, "Nonsense": 1, "HostConfig": {"Nonsense": {"a": []}}})


def test_empty_bindings_are_one_of_the_engines_choice(api, engine):  # noqa: F811
    shown = created(api, body({"PortBindings": {"80/tcp": []}}, Cmd=["sleep", "60"]))
    assert api("POST", f"/containers/{shown['Id']}/start").status == 204
    running = api("GET", f"/containers/{shown['Id']}/json").json
    (binding, *_) = running["NetworkSettings"]["Ports"]["80/tcp"]
    assert int(binding["HostPort"]) > 0 and running["NetworkSettings"]["SandboxKey"]
