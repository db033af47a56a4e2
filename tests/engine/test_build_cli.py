# SPDX-License-Identifier: Apache-2.0
"""`hull build`: what the docker CLI has only with its plugin."""
import io
import json
import os
import socket
import subprocess
import tarfile
import time

from conftest import write_files
from hull_registry import MANIFEST, make_password_file, new_registry, registry  # noqa: F401


def output(engine, image, *command):
    return engine.docker("run", "--rm", image, *command).stdout


def test_secrets_reach_the_command_and_nothing_else(engine, tmp_path):
    secret = "s3cr3t-" + os.urandom(12).hex()
    (tmp_path / "file").write_text(secret)
    write_files(tmp_path / "context", {"Dockerfile": """
FROM busybox
RUN --mount=type=secret,id=token test "$(cat /run/secrets/token)" && cat /run/secrets/token | md5sum > /sum
RUN --mount=type=secret,id=token,env=TOKEN test -n "$TOKEN"
RUN test ! -e /run/secrets/token && ! ls -A /run | grep secrets
RUN --mount=type=secret,id=token,required true
"""})
    engine.hull("build", "-t", "secret", "--secret", f"id=token,src={tmp_path / 'file'}", tmp_path / "context")
    found = subprocess.run(["grep", "-rl", secret, engine.data, engine.exec, engine.log], capture_output=True, text=True)
    assert found.stdout == ""
    refused = engine.hull("build", "--no-cache", tmp_path / "context", check=False)
    assert refused.returncode == 1 and "token" in refused.stderr


def test_an_ssh_agent_is_there(engine, tmp_path):
    write_files(tmp_path / "context", {"Dockerfile": "FROM busybox\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK\n"})
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "agent"))
    listener.listen()
    engine.hull("build", "--ssh", f"default={tmp_path / 'agent'}", tmp_path / "context")


def test_outputs(engine, tmp_path):
    write_files(tmp_path / "context", {"Dockerfile": "FROM busybox AS b\nRUN echo x > /x\nFROM scratch\nCOPY --from=b /x /made/x\n"})
    engine.hull("build", "-o", tmp_path / "out", tmp_path / "context")
    assert (tmp_path / "out" / "made" / "x").read_text() == "x\n"
    engine.hull("build", "-o", f"type=tar,dest={tmp_path / 'a.tar'}", tmp_path / "context")
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert "made/x" in tar.getnames()
    engine.hull("build", "-t", "exported", "-o", f"type=docker,dest={tmp_path / 'd.tar'}", tmp_path / "context")
    assert engine.hull("images", "-q", "exported").stdout == ""
    assert "Loaded image: exported:latest" in engine.hull("load", "-i", tmp_path / "d.tar").stdout
    engine.hull("build", "--iidfile", tmp_path / "iid", "--metadata-file", tmp_path / "meta", "-t", "named", tmp_path / "context")
    assert (tmp_path / "iid").read_text() == engine.inspect("named", "{{.Id}}")
    assert json.loads((tmp_path / "meta").read_text())["image.name"] == "named:latest"


def test_pushed_outputs(engine, tmp_path, registry):
    name = f"{registry.address}/pushed:v1"
    write_files(tmp_path / "context", {"Dockerfile": "FROM busybox\nRUN echo pushed > /x\n"})
    engine.hull("build", "-t", name, "--push", "--annotation", "org.example.a=1", "--annotation", "manifest:b=2",
                "--metadata-file", tmp_path / "meta", tmp_path / "context")
    answer = registry.request("GET", "/v2/pushed/manifests/v1", headers={"Accept": MANIFEST})
    assert answer.json()["annotations"] == {"org.example.a": "1", "b": "2"} and answer.json()["mediaType"] == MANIFEST
    meta = json.loads((tmp_path / "meta").read_text())
    assert meta["containerimage.digest"] == meta["containerimage.descriptor"]["digest"] == answer.headers["Docker-Content-Digest"]
    assert meta["containerimage.config.digest"] == answer.json()["config"]["digest"] and meta["image.name"] == name
    assert meta["containerimage.descriptor"]["size"] == len(answer.body)
    engine.docker("rmi", name)
    assert output(engine, name, "cat", "/x") == "pushed\n"  # run pulls it

    other = f"{registry.address}/other"
    engine.hull("build", "-o", f'"type=image","name={other}:a,{other}:b",push=true', tmp_path / "context")
    assert registry.request("GET", "/v2/other/tags/list").json()["tags"] == ["a", "b"]
    refused = engine.hull("build", "--push", tmp_path / "context", check=False)
    assert refused.returncode == 1 and "tag is needed" in refused.stderr
    refused = engine.hull("build", "--annotation", "index:a=b", tmp_path / "context", check=False)
    assert refused.returncode == 1 and "several platforms" in refused.stderr
    assert "annotations belong to the manifest" in engine.hull("build", "--annotation", "a=b", tmp_path / "context").stderr


def test_from_a_registry_with_a_password(engine, tmp_path, new_registry):
    private = new_registry("--htpasswd", make_password_file(tmp_path / "passwords", ann="secret"))
    name = f"{private.address}/base:v1"
    write_files(tmp_path / "context", {"Dockerfile": f"FROM {name}\nRUN cat /x\n"})
    write_files(tmp_path / "base", {"Dockerfile": "FROM busybox\nRUN echo base > /x\n"})
    for cli in ("docker", "hull"):
        engine.docker("logout", private.address)
        assert engine.run(cli, "build", tmp_path / "context", check=False).returncode != 0
        engine.docker("login", "-u", "ann", "--password-stdin", private.address, input="secret")
        engine.hull("build", "-t", name, "--push", tmp_path / "base")
        engine.docker("rmi", name)
        engine.run(cli, "build", "--no-cache", tmp_path / "context")
        engine.docker("rmi", "-f", name)
    engine.docker("logout", private.address)


def test_oci_layouts(engine, tmp_path):
    write_files(tmp_path / "context", {"Dockerfile": "FROM busybox\nRUN echo oci > /x\n"})
    engine.hull("build", "-t", "layout:v1", "--annotation", "a=b", "--annotation", "manifest-descriptor:c=d", "-o",
                f"type=oci,tar=false,dest={tmp_path / 'layout'}", tmp_path / "context")
    index = json.loads((tmp_path / "layout" / "index.json").read_text())
    entry = index["manifests"][0]
    manifest = json.loads((tmp_path / "layout" / "blobs" / "sha256" / entry["digest"].split(":")[1]).read_text())
    assert entry["annotations"]["c"] == "d" and entry["annotations"]["org.opencontainers.image.ref.name"] == "v1"
    assert manifest["annotations"] == {"a": "b"}
    engine.hull("build", "-t", "both", "-o", f"type=tar,dest={tmp_path / 'both.tar'}", "--load", tmp_path / "context")
    assert output(engine, "both", "cat", "/x") == "oci\n"


def test_squash(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": """
FROM busybox AS base
RUN mkdir /d /gone && echo 1 > /d/one && echo 2 > /d/two && echo g > /gone/g && echo k > /kept
FROM base
"""})
    engine.hull("build", "-t", "squash-base", tmp_path)
    write_files(tmp_path, {"Dockerfile": """
FROM squash-base
RUN rm -r /gone /d/one && echo 3 > /d/three
RUN rm /d/three && mkdir /gone && echo new > /gone/h && echo 22 > /d/two
RUN echo e > /end
"""})
    engine.hull("build", "--squash", "-t", "squashed", tmp_path)
    layers = [json.loads(engine.inspect(name, "{{json .RootFS.Layers}}")) for name in ("squash-base", "squashed")]
    assert layers[1][:-1] == layers[0]
    assert output(engine, "squashed", "sh", "-c", "ls /d /gone; cat /d/two /end /kept") == "/d:\ntwo\n\n/gone:\nh\n22\ne\nk\n"
    assert "merge sha256:" in engine.docker("history", "--no-trunc", "squashed").stdout


def test_the_same_image_twice_with_a_date(own_engine, tmp_path):
    write_files(tmp_path, {"f": "x", "Dockerfile": "FROM busybox\nCOPY f /d/f\nRUN touch /now\n"})
    ids = []
    for name in ("one", "two"):
        os.utime(tmp_path / "f")
        own_engine.hull("build", "--no-cache", "-t", name, "--build-arg", "SOURCE_DATE_EPOCH=1000000000", "-o",
                        "type=image,rewrite-timestamp=true", tmp_path)
        ids.append(own_engine.inspect(name, "{{.Id}}"))
        time.sleep(1.1)
    assert ids[0] == ids[1]


def test_standard_input_and_other_dockerfiles(engine, tmp_path):
    result = engine.hull("build", "-q", "-", input="FROM busybox\nRUN true\n")
    assert result.stdout.startswith("sha256:")
    write_files(tmp_path / "context", {"f": "f"})
    engine.hull("build", "-t", "stdin", "-f", "-", tmp_path / "context", input="FROM busybox\nCOPY f /f\n")
    assert output(engine, "stdin", "cat", "/f") == "f"
    write_files(tmp_path, {"outside": "FROM busybox\nCOPY f /g\n"})
    engine.hull("build", "-t", "outside", "-f", tmp_path / "outside", tmp_path / "context")
    assert output(engine, "outside", "cat", "/g") == "f"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in {"Dockerfile": b"FROM busybox\nCOPY h /h\n", "h": b"h"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    engine.hull("build", "-t", "tar", "-", input=archive.getvalue(), text=False)
    assert output(engine, "tar", "cat", "/h") == "h"


def test_named_contexts(engine, tmp_path):
    write_files(tmp_path / "context", {"Dockerfile": "FROM base\nCOPY --from=more f /f\n"})
    write_files(tmp_path / "more", {"f": "more"})
    engine.hull("build", "-t", "contexts", "--build-context", f"more={tmp_path / 'more'}", "--build-context",
                "base=docker-image://busybox", tmp_path / "context")
    assert output(engine, "contexts", "cat", "/f") == "more"


def test_a_context_is_an_image_of_an_oci_layout(engine, tmp_path):
    layout = tmp_path / "layout"
    write_files(tmp_path / "context", {"Dockerfile": "FROM base\nRUN cat /kept\n"})
    for number, tag in enumerate(("latest", "other")):
        write_files(tmp_path / tag, {"Dockerfile": "FROM busybox\nCOPY kept /kept\n", "kept": tag})
        engine.hull("build", "-o", f"type=oci,dest={tmp_path / tag}.tar", tmp_path / tag)
        subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", f"oci-archive:{tmp_path / tag}.tar", f"oci:{layout}:{tag}"], check=True)
    manifests = json.loads((layout / "index.json").read_text())["manifests"]
    digest = next(one["digest"] for one in manifests if one["annotations"]["org.opencontainers.image.ref.name"] == "other")
    names = lambda: sorted(engine.docker("images", "--filter", "dangling=false", "--format", "{{.Repository}}:{{.Tag}}").stdout.split())
    named = names()
    for reference, content in ((layout, "latest"), (f"{layout}:other", "other"), (f"{layout}:latest", "latest"), (f"{layout}@{digest}", "other")):
        engine.hull("build", "-t", "layout", "--build-context", f"base=oci-layout://{reference}", tmp_path / "context")
        assert output(engine, "layout", "cat", "/kept") == content
    engine.docker("rmi", "layout")
    assert names() == named
    for reference, says in ((f"{layout}:missing", 'none with the tag "missing"'), (tmp_path / "context", "is no OCI image layout"),
                            (f"{layout}@sha256:{'0' * 64}", "No such file")):
        refused = engine.hull("build", "--build-context", f"base=oci-layout://{reference}", tmp_path / "context", check=False)
        assert refused.returncode == 1 and says in refused.stderr, refused.stderr


def test_checks(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox as one\nCMD echo $X\n"})
    found = engine.hull("build", "--check", tmp_path, check=False)
    assert found.returncode == 1 and "FromAsCasing" in found.stdout and "JSONArgsRecommended" in found.stdout
    assert "warnings found" in engine.hull("build", tmp_path).stderr
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN true\n"})
    assert "no warnings" in engine.hull("build", "--call=check", tmp_path).stdout


def test_progress(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN echo shown; echo $((1+1))\n"})
    plain = engine.hull("build", "--progress=plain", "--no-cache", tmp_path).stderr
    assert "[2/2] RUN echo shown" in plain and " shown\n" in plain and " DONE " in plain
    raw = [json.loads(line) for line in engine.hull("build", "--progress=rawjson", tmp_path).stderr.splitlines()
           if line.startswith("{")]
    assert any(vertex.get("cached") for report in raw for vertex in report.get("vertexes", []))
    quiet = engine.hull("build", "-q", tmp_path)
    assert quiet.stdout.startswith("sha256:") and quiet.stderr == ""
    refused = engine.hull("build", "--progress=odd", tmp_path, check=False)
    assert refused.returncode == 1 and "odd" in refused.stderr
