# SPDX-License-Identifier: Apache-2.0
"""Images from Dockerfiles: what the docker CLI's classic builder and the SDK make of them."""
import io
import json
import os
import signal
import subprocess
import tarfile
import time

import pytest

from conftest import write_files

os.environ["DOCKER_BUILDKIT"] = "0"  # without the plugin buildx: POST /build


@pytest.fixture(params=["docker", "hull"])
def build(request, engine, tmp_path):
    """build(dockerfile, *flags, files={…}): builds with one of the command lines; gives what was printed."""
    def run(dockerfile, *flags, files=None, check=True, context=None):
        directory = context or tmp_path / "context"
        write_files(directory, {**(files or {}), **({"Dockerfile": dockerfile} if dockerfile is not None else {})})
        plain = ["--progress=plain"] if request.param == "hull" else []
        result = engine.run(request.param, "build", *plain, *flags, directory, check=check)
        result.text = result.stdout + result.stderr
        return result
    run.engine, run.cli, run.context = engine, request.param, tmp_path / "context"
    return run


def config(engine, image):
    return json.loads(engine.docker("image", "inspect", image).stdout)[0]["Config"]


def output(engine, image, *command):
    return engine.docker("run", "--rm", image, *command).stdout


def test_every_instruction_shows_in_the_image(build):
    build("""
ARG BASE=busybox
FROM ${BASE} AS first
LABEL a=1 b="two words"
ENV X=1 Y="$X two"
ARG GREETING=hello
WORKDIR /work
WORKDIR sub
COPY one.txt two.txt ./
RUN echo "$GREETING $X" > said && pwd >> said
USER web
EXPOSE 80 53/udp
VOLUME /data
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-ec"]
HEALTHCHECK --interval=5s CMD true
ONBUILD RUN true
ENTRYPOINT ["echo"]
CMD ["a", "b"]
""", "-t", "all:1", "-t", "all:2", "--label", "c=3", files={"one.txt": "1", "two.txt": "2"})
    engine = build.engine
    made = config(engine, "all:1")
    assert made["Labels"] == {"a": "1", "b": "two words", "c": "3"}
    assert "X=1" in made["Env"] and "Y= two" in made["Env"]
    assert (made["WorkingDir"], made["User"], made["StopSignal"]) == ("/work/sub", "web", "SIGINT")
    assert set(made["ExposedPorts"]) == {"80/tcp", "53/udp"} and set(made["Volumes"]) == {"/data"}
    assert made["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000}
    assert made["OnBuild"] == ["RUN true"] and made["Shell"] == ["/bin/sh", "-ec"]
    assert made["Entrypoint"] == ["echo"] and made["Cmd"] == ["a", "b"]
    assert output(engine, "all:2") == "a b\n"
    assert engine.docker("run", "--rm", "--entrypoint", "cat", "all:1", "said").stdout == "hello 1\n/work/sub\n"
    history = [line["CreatedBy"] for line in map(json.loads, engine.hull(
        "history", "--no-trunc", "--format", "json", "all:1").stdout.splitlines())]
    assert history[0] == 'CMD ["a" "b"]'
    assert 'RUN |1 GREETING=hello /bin/sh -c echo "$GREETING $X" > said && pwd >> said # buildkit' in history
    assert "COPY one.txt two.txt ./ # buildkit" in history
    triggered = build("FROM all:1\nENTRYPOINT []\n", "-t", "child")
    assert "RUN true" in triggered.text
    assert not config(engine, "child").get("OnBuild")


def test_what_docker_prints(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN echo out; echo err >&2\nENV A=b\n"})
    lines = engine.docker("build", "-t", "words", tmp_path).stdout.splitlines()
    text = "\n".join(lines)
    assert "Step 1/3 : FROM busybox" in text and "Step 2/3 : RUN echo out; echo err >&2" in text
    assert " ---> Running in " in text and " ---> Removed intermediate container " in text and "\nout" in text
    assert "\x1b[91merr\n\x1b[0m" in text  # what goes to the standard error is red
    built = next(line for line in lines if line.startswith("Successfully built "))
    assert engine.inspect("words", "{{.Id}}").startswith("sha256:" + built.split()[-1])
    assert lines[-1] == "Successfully tagged words:latest"
    again = engine.docker("build", "-q", tmp_path).stdout
    assert again.strip() == engine.inspect("words", "{{.Id}}")


def test_sdk_finds_the_image_and_the_error(engine):
    docker = pytest.importorskip("docker")
    client = docker.DockerClient(base_url=f"unix://{engine.socket}")
    image, log = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo hi > /hi\n"), tag="sdk:1")
    assert image.tags == ["sdk:1"] and any("Step 2/2" in line.get("stream", "") for line in log)
    with pytest.raises(docker.errors.BuildError) as failure:
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 3\n"))
    assert "returned a non-zero code: 3" in str(failure.value)
    with pytest.raises(docker.errors.APIError) as refusal:
        client.images.build(fileobj=io.BytesIO(b"FRM busybox\n"))
    assert refusal.value.status_code == 400 and "unknown instruction: FRM" in str(refusal.value)


CACHED = ("CACHED", "Using cache")


def cached_steps(result):
    return sum(any(word in line for word in CACHED) for line in result.text.splitlines())


def test_cache_hits_and_misses(build):
    dockerfile = "FROM busybox\nARG V=1\nCOPY a /a\nRUN echo $V > /v\nCOPY d /d\nRUN cat /a /d/* > /all\n"
    files = {"a": "a1", "d/x": "x1", "d/y": "y1"}
    build(dockerfile, "-t", "cache", "--build-arg", f"V={build.cli}", files=files)
    first = build.engine.inspect("cache", "{{.Id}}")

    again = build(None, "-t", "cache", "--build-arg", f"V={build.cli}")
    assert build.engine.inspect("cache", "{{.Id}}") == first  # to the byte
    assert "Running in" not in again.text and cached_steps(again) >= 4

    os.utime(build.context / "a", (1, 1))  # the time is not what is looked at
    build(None, "-t", "cache", "--build-arg", f"V={build.cli}")
    assert build.engine.inspect("cache", "{{.Id}}") == first

    (build.context / "d" / "x").write_text("x2")  # only what comes after it is done anew
    changed = build(None, "-t", "cache", "--build-arg", f"V={build.cli}")
    assert output(build.engine, "cache", "cat", "/all") == "a1x2y1"
    layers = [json.loads(build.engine.inspect(name, "{{json .RootFS.Layers}}")) for name in ("cache", first)]
    assert layers[0][:3] == layers[1][:3] and layers[0][3:] != layers[1][3:]

    (build.context / "d" / "x").chmod(0o755)  # the mode counts
    build(None, "-t", "mode", "--build-arg", f"V={build.cli}")
    assert output(build.engine, "mode", "stat", "-c", "%a", "/d/x") == "755\n"

    other = build(None, "-t", "other", "--build-arg", f"V=other-{build.cli}")  # the argument is RUN's environment
    assert output(build.engine, "other", "cat", "/v") == f"other-{build.cli}\n"
    none = build(None, "--no-cache", "--build-arg", f"V={build.cli}")
    assert cached_steps(none) == 0
    assert changed.returncode == other.returncode == 0


def test_a_known_step_below_a_new_one_is_shown_as_known(build):
    """The new step changes no file, so that what comes after it is what it was."""
    build(f"FROM busybox\nRUN : first {build.cli}\nRUN echo {build.cli} > /same\n")
    again = build(f"FROM busybox\nRUN : second {build.cli}\nRUN echo {build.cli} > /same\n")
    assert cached_steps(again) == 1


def test_empty_commands_are_none(build):
    build('FROM scratch\nENTRYPOINT ["/bin/first"]\nCMD []\n', "-t", "without:cmd")
    build('FROM scratch\nENTRYPOINT []\nCMD ["/bin/first"]\n', "-t", "without:entrypoint")
    inspected = [json.loads(build.engine.docker("image", "inspect", name).stdout)[0]["Config"]
                 for name in ("without:cmd", "without:entrypoint")]
    assert (inspected[0].get("Cmd"), inspected[0]["Entrypoint"]) == (None, ["/bin/first"])
    assert (inspected[1]["Cmd"], inspected[1].get("Entrypoint")) == (["/bin/first"], None)


def test_cache_survives_a_restart(own_engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN date +%N > /when\nCOPY Dockerfile /\n"})
    own_engine.docker("build", "-t", "before", tmp_path)
    own_engine.crash()
    own_engine.start()
    own_engine.docker("build", "-t", "after", tmp_path)
    assert own_engine.inspect("before", "{{.Id}}") == own_engine.inspect("after", "{{.Id}}")
    own_engine.hull("rmi", "before", "after")  # the layers belong to the cache now
    own_engine.docker("build", "-t", "again", tmp_path)
    assert "Using cache" in own_engine.docker("build", tmp_path).stdout


def test_copy_rules(build):
    directory = build.context
    write_files(directory, {"dir/one": "1", "dir/sub/two": "2", "dir/x.md": "m", "a.txt": "a", "b.txt": "b"})
    with tarfile.open(directory / "archive.tar", "w") as tar:
        info = tarfile.TarInfo("inside/f")
        info.size, info.uid = 3, 5
        tar.addfile(info, io.BytesIO(b"tar"))
    build("""
FROM busybox AS files
RUN mkdir -p /s/deep && echo s > /s/deep/f && chown 7:8 /s/deep/f && ln -s deep/f /s/link
FROM busybox
COPY dir /new/
COPY dir/one /file
COPY *.txt /texts/
COPY --chown=1001 --chmod=600 dir/one /owned
COPY --chown=web dir /named/
COPY --from=files /s /from
COPY --from=0 /s/link /followed
COPY --exclude=*.md dir /excluded/
COPY <<a <<b /docs/
first
a
second
b
ADD archive.tar /unpacked/
WORKDIR /etc
COPY dir .
""", "-t", "copy")

    def shell(script):
        return output(build.engine, "copy", "sh", "-c", script).split()
    assert shell("cd /new && find . | sort") == [".", "./one", "./sub", "./sub/two", "./x.md"]
    assert shell("cat /file; ls /texts") == ["1a.txt", "b.txt"]
    assert shell("stat -c '%u:%g %a' /owned /named/sub/two /new/one") == ["1001:1001", "600", "1001:1002", "644", "0:0", "644"]
    assert shell("stat -c '%u:%g' /from/deep/f; readlink /from/link; cat /followed") == ["7:8", "deep/f", "s"]
    assert shell("ls /excluded; cat /docs/a /docs/b") == ["one", "sub", "first", "second"]
    assert shell("stat -c '%u' /unpacked/inside/f; cat /unpacked/inside/f; cat /etc/one; ls /etc/passwd") == [
        "5", "tar1/etc/passwd"]


def test_ignored_files_stay_away(build):
    build("FROM busybox\nCOPY . /c/\n", "-t", "ignored",
          files={".dockerignore": "*.log\n!keep.log\nnode_modules\n", "a": "", "b.log": "", "keep.log": "",
                 "node_modules/big": ""})
    assert output(build.engine, "ignored", "ls", "/c").split() == ["Dockerfile", "a", "keep.log"]


def test_stages_that_nobody_needs_are_not_built(build):
    result = build("""
FROM busybox AS broken
RUN exit 1
FROM busybox AS left
RUN sleep 1; echo left > /f
FROM busybox AS right
RUN sleep 1; echo right > /f
FROM busybox
COPY --from=left /f /left
COPY --from=right /f /right
""", "-t", "stages")
    assert result.returncode == 0
    assert output(build.engine, "stages", "cat", "/left", "/right") == "left\nright\n"
    failed = build(None, "--target", "broken", check=False)
    assert failed.returncode == 1
    missing = build(None, "--target", "nothing", check=False)
    assert missing.returncode == 1 and "nothing" in missing.text


def test_independent_steps_run_at_the_same_time(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": """
FROM busybox AS left
RUN sleep 2; touch /l
FROM busybox AS right
RUN sleep 2; touch /r
FROM busybox
COPY --from=left /l /
COPY --from=right /r /
"""})
    begin = time.monotonic()
    engine.docker("build", "--no-cache", tmp_path)
    assert time.monotonic() - begin < 3.8


def test_arguments_that_nobody_takes_are_named(build):
    text = "FROM busybox\nARG TAKEN\nRUN : $TAKEN\n"
    said = build(text, "--build-arg", "TAKEN=1", "--build-arg", "LOST=1", "--build-arg", "ALONE=2", "--build-arg", "http_proxy=x")
    assert "One or more build-args [ALONE LOST] were not consumed" in said.text
    assert "not consumed" not in build(None, "--build-arg", "TAKEN=2").text
    if build.cli == "docker":  # it sends names of which it has no value, too
        assert "One or more build-args [NOWHERE] were not consumed" in build(None, "--build-arg", "NOWHERE").text


def test_a_step_has_the_network_of_another_container(engine, build):
    engine.docker("run", "-d", "--name", "server", "busybox", "sh", "-c", "hostname > /tmp/index.html; httpd -f -p 80 -h /tmp")
    try:
        text = "FROM busybox\nRUN while ! wget -qO /got http://127.0.0.1/; do sleep 0.1; done\n"
        build(text, "--no-cache", "--network", "container:server", "-t", "beside")
        identity = engine.inspect("server", "{{.Id}}")
        assert engine.docker("run", "--rm", "beside", "cat", "/got").stdout.strip() == identity[:12]
    finally:
        engine.docker("rm", "-f", "server")


def test_a_dockerfile_at_the_standard_input_beside_a_context(engine, tmp_path):
    (tmp_path / "file").write_text("from the context")
    engine.docker("build", "-t", "piped", "-f", "-", tmp_path, input="FROM busybox\nCOPY file /\n")
    assert engine.docker("run", "--rm", "piped", "cat", "/file").stdout == "from the context"


def test_a_failing_step_says_where(build):
    failed = build("FROM busybox\nRUN echo before\nRUN echo doomed; exit 7\n", check=False)
    assert failed.returncode == (7 if build.cli == "docker" else 1)  # as the classic builder's command line has it
    assert "doomed" in failed.text and "returned a non-zero code: 7" in failed.text
    if build.cli == "hull":
        assert "Dockerfile:3" in failed.text and ">>>" in failed.text
    unknown = build("FROM busybox\nCOPY nowhere /\n", check=False)
    assert unknown.returncode == 1 and "nowhere" in unknown.text


def test_mounts_of_run(engine, tmp_path):
    write_files(tmp_path, {"src/a": "context", "Dockerfile": """
FROM busybox AS other
RUN mkdir /o && echo stage > /o/f
FROM busybox
RUN --mount=type=bind,source=src,target=/m cat /m/a > /one; touch /m/b 2>/dev/null && exit 1; true
RUN --mount=type=bind,source=src,target=/m,rw touch /m/b
RUN --mount=from=other,source=/o,target=/o cat /o/f > /two
RUN --mount=type=cache,target=/cache echo x >> /cache/n; wc -l < /cache/n > /count
RUN --mount=type=tmpfs,target=/t mount | grep -q ' /t type tmpfs'
RUN ls -d /m /o /t /cache 2>/dev/null && exit 1; true
"""})
    engine.docker("build", "-t", "mounts", tmp_path)
    assert output(engine, "mounts", "cat", "/one", "/two", "/count") == "contextstage\n1\n"
    assert sorted(os.listdir(tmp_path / "src")) == ["a"]  # writes are nobody's
    engine.docker("build", "-t", "mounts", "--no-cache", tmp_path)
    assert output(engine, "mounts", "cat", "/count") == "2\n"  # the cache mount outlives the build


def test_networks_of_run(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": """
FROM busybox
RUN ip addr show eth0
RUN --network=none ! ip addr show eth0
RUN grep -q 'myhost' /etc/hosts
"""})
    engine.docker("build", "--add-host", "myhost:10.9.8.7", tmp_path)


def test_heredocs(build):
    build("""
FROM busybox
RUN <<EOF
echo one > /f
echo two >> /f
EOF
RUN <<EOF cat > /g
three
EOF
RUN <<EOF
#!/bin/busybox sh
echo four > /h
EOF
COPY <<-"END" /quoted
	$keep
	END
""", "-t", "heredoc")
    assert output(build.engine, "heredoc", "cat", "/f", "/g", "/h", "/quoted") == "one\ntwo\nthree\nfour\n$keep\n"


def test_usage_and_prune(own_engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN --mount=type=cache,target=/c dd if=/dev/zero of=/big bs=1M count=3\n"})
    own_engine.docker("build", tmp_path)
    def kinds():
        usage = own_engine.docker("system", "df", "-v", "--format", "{{json .BuildCache}}").stdout
        return {row["CacheType"] for row in json.loads(usage)}
    assert kinds() == {"regular", "exec.cachemount"}
    own_engine.docker("image", "prune", "-f")
    assert "Total reclaimed space: 3.1" in own_engine.docker("builder", "prune", "-f").stdout
    assert kinds() == set()
    assert not list((own_engine.data / "build" / "cache").iterdir())


def until_started(engine, directory):
    """A build whose step has said "started"."""
    build = engine.popen("docker", "build", directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in build.stdout:
        if line == "started\n":
            return build
    raise AssertionError("the step did not start")


def test_kill_in_the_middle_of_a_step(own_engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN echo done > /first\nRUN echo started; sleep 60\n"})
    build = until_started(own_engine, tmp_path)
    own_engine.crash()
    assert build.wait() != 0
    own_engine.start()
    own_engine.assert_clean()
    assert not (own_engine.exec / "build").exists()
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo done > /first\nRUN true\n")
    assert "Using cache" in own_engine.docker("build", tmp_path).stdout


def test_a_client_that_goes_away_ends_its_build(own_engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN echo started; sleep 60\n"})
    build = until_started(own_engine, tmp_path)
    build.send_signal(signal.SIGKILL)
    build.wait()
    own_engine.assert_clean()
