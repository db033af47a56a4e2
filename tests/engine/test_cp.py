# SPDX-License-Identifier: Apache-2.0
"""Files into and out of containers: cp with both command lines, and the archive endpoints behind it."""
import base64
import http.client
import io
import json
import os
import pathlib
import socket
import stat
import tarfile
import threading
import urllib.parse

import pytest


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def request(engine, method, path, body=None, headers=None):
    connection = UnixConnection(engine.socket)
    connection.request(method, "/v1.51" + path, body=body, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def archive(engine, method, container, path, body=None, **query):
    query = urllib.parse.urlencode({"path": path, **query})
    return request(engine, method, f"/containers/{container}/archive?{query}", body)


def path_stat(headers):
    return json.loads(base64.b64decode(headers["X-Docker-Container-Path-Stat"]))


def tar_of(*entries):
    """A tar of (name, content or TarInfo changes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, dict):
                for key, value in content.items():
                    setattr(info, key, value)
                tar.addfile(info)
            else:
                info.size = len(content)
                info.mode = 0o644
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture(params=["created", "running", "stopped"])
def container(request, engine):
    """The same files in containers of all states: links that lead inside, outside and nowhere."""
    script = ("mkdir -p /data/deep /data/empty && echo -n hello >/data/file && echo -n world >/data/deep/leaf && cd /data && "
              "ln -s file link && ln -s deep dirlink && ln -s nowhere dangling && ln -s / root && ln -s /etc/passwd absolute && "
              "ln -s ../../../../../../etc/passwd climbing && chmod 4750 file && mkfifo pipe && ln file hardlink")
    name = f"files-{request.param}"
    engine.docker("run", "--name", "files-make", "busybox", "sh", "-c", script)
    engine.docker("commit", "files-make", "files-image")
    engine.docker("rm", "files-make")
    if request.param == "created":
        engine.docker("create", "--name", name, "files-image", "true")
    elif request.param == "running":
        engine.docker("run", "-d", "--init", "--name", name, "files-image", "sleep", "1000")
    else:
        engine.docker("run", "--name", name, "files-image", "true")
    yield name
    engine.docker("rm", "-f", name)
    engine.docker("rmi", "files-image")


def test_names_in_archives(engine, container):
    """Slashes and dots at the end of a path, as moby's own test has them."""
    cases = {
        "/data/root": {"root"},
        "/data/deep": {"deep/", "deep/leaf"}, "data/deep/": {"deep/", "deep/leaf"}, "data/deep/.": {"./", "./leaf"},
        "data/deep/leaf": {"leaf"}, "data/link": {"link"}, "data/dirlink": {"dirlink"}, "data/dangling": {"dangling"},
        "data/dirlink/": {"dirlink/", "dirlink/leaf"}, "data/dirlink/.": {"./", "./leaf"},
    }
    for path, expected in cases.items():
        status, _, body = archive(engine, "GET", container, path)
        assert status == 200, path
        names = {m.name + ("/" if m.isdir() else "") for m in tarfile.open(fileobj=io.BytesIO(body))}
        assert names == expected, path
    for path in ("/", ".", "/.", "/data/root/", "/data/root/."):
        body = archive(engine, "GET", container, path)[2]
        raw = {block[:100].rstrip(b"\0").decode() for block in
               (body[i:i + 512] for i in range(0, len(body), 512)) if block[257:262] == b"ustar"}
        prefix = {"/": "/", "/data/root/": "root/"}.get(path, "./")
        assert prefix in raw and prefix + "data/deep/leaf" in raw and prefix + "bin/busybox" in raw, (path, sorted(raw)[:9])
        assert not any(name.startswith(prefix + "proc/") and name != prefix + "proc/" for name in raw)


def test_stat_header_has_go_file_modes(engine, container):
    def of(path):
        status, headers, body = archive(engine, "HEAD", container, path)
        assert status == 200 and body == b""
        return path_stat(headers)

    assert of("/data")["mode"] == (1 << 31) | 0o755 and of("/data")["name"] == "data"
    assert of("/data/file") | {"mtime": ""} == {"name": "file", "size": 5, "mode": (1 << 23) | 0o750, "mtime": "", "linkTarget": ""}
    assert of("/data/link")["mode"] == (1 << 27) | 0o777 and of("/data/link")["linkTarget"] == "/data/file"
    assert of("/data/dangling")["linkTarget"] == "/data/nowhere"
    assert of("/data/climbing")["linkTarget"] == "/etc/passwd"
    assert of("/data/pipe")["mode"] == (1 << 25) | 0o644
    assert of("/tmp")["mode"] == (1 << 31) | (1 << 20) | 0o777
    assert of("/")["name"] == "/" and of("/data/.")["name"] == "."


def test_refusals(engine, container):
    def refusal(method, path, body=None, **query):
        status, _, text = archive(engine, method, container, path, body, **query)
        return status, json.loads(text)["message"] if text else ""

    missing = f"Could not find the file /dne in container {container}"
    assert refusal("GET", "/dne") == (404, missing)
    assert refusal("PUT", "/dne", tar_of(("a", b"a"))) == (404, missing)
    assert archive(engine, "HEAD", container, "/dne")[0] == 404
    status, text = refusal("GET", "/etc/passwd/")
    assert status == 400 and "not a directory" in text
    status, text = refusal("PUT", "/etc/passwd/", tar_of(("a", b"a")))
    assert status == 400 and "not a directory" in text
    assert refusal("PUT", "/etc/passwd", tar_of(("a", b"a"))) == (400, "extraction point is not a directory")
    assert refusal("GET", "")[0] == 400
    status, text = refusal("PUT", "/data", tar_of(("deep", b"x")), noOverwriteDirNonDir="1")
    assert status == 400 and 'cannot overwrite directory "deep" with non-directory' in text
    status, text = refusal("PUT", "/data", tar_of(("file", {"type": tarfile.DIRTYPE})), noOverwriteDirNonDir="1")
    assert status == 400 and "cannot overwrite non-directory" in text
    status, text = refusal("PUT", "/data", tar_of(("../../escape", b"x")))
    assert status == 400
    assert refusal("PUT", "/data", b"this is no archive" * 100)[0] == 400
    assert archive(engine, "GET", "no-such-container", "/")[0] == 404


def test_nothing_escapes_from_the_container(engine, container, tmp_path):
    """Links that lead to the host's files lead to the container's."""
    host = tmp_path / "host"
    host.mkdir()
    secret = host / "secret"
    secret.write_text("secret of the host")
    body = tar_of(("to-host", {"type": tarfile.SYMTYPE, "linkname": str(host)}),
                  ("climb", {"type": tarfile.SYMTYPE, "linkname": "../" * 20 + str(host)}),
                  ("proc-root", {"type": tarfile.SYMTYPE, "linkname": "/proc/self/root" + str(host)}),
                  ("proc-cwd", {"type": tarfile.SYMTYPE, "linkname": f"/proc/{os.getpid()}/cwd"}))
    assert archive(engine, "PUT", container, "/data", body)[0] == 200
    for link in ("to-host", "climb", "proc-root"):
        assert archive(engine, "GET", container, f"/data/{link}/secret")[0] in (400, 404)
        assert archive(engine, "GET", container, f"/data/{link}/")[0] in (400, 404)
        assert archive(engine, "PUT", container, f"/data/{link}", tar_of(("planted", b"x")))[0] in (400, 404)
    # Through a link inside of the archive itself: the parents are made in the container.
    body = tar_of(("to-host/planted", b"x"), ("climb/planted", b"x"))
    archive(engine, "PUT", container, "/data", body)
    archive(engine, "PUT", container, "/data",
            tar_of(("hard", {"type": tarfile.LNKTYPE, "linkname": str(secret)})))
    archive(engine, "PUT", container, "/data",
            tar_of(("hard", {"type": tarfile.LNKTYPE, "linkname": "../" * 20 + str(secret)})))
    assert sorted(p.name for p in host.iterdir()) == ["secret"] and secret.read_text() == "secret of the host"
    assert os.stat(secret).st_nlink == 1


def test_a_race_of_links_stays_inside(engine, tmp_path):
    """A directory that becomes a link to the host's and back all the time: what is written lands in the container."""
    host = tmp_path / "host"
    host.mkdir()
    (host / "flag").write_text("secret of the host")
    engine.docker("run", "-d", "--init", "--name", "racing", "busybox", "sh", "-c",
                  f"mkdir -p /r/dir; ln -s {host} /r/link; cd /r; echo -n inside >dir/flag; "
                  "while :; do mv dir swap; mv link dir; mv dir link; mv swap dir; done")
    try:
        for _ in range(150):
            _, _, body = archive(engine, "GET", "racing", "/r/dir/flag")
            assert b"secret" not in body
            archive(engine, "PUT", "racing", "/r/dir", tar_of(("flag", b"inside"), ("sub/flag", b"inside")))
        assert sorted(p.name for p in host.iterdir()) == ["flag"] and (host / "flag").read_text() == "secret of the host"
    finally:
        engine.docker("rm", "-f", "racing")


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_compressed_uploads(engine, container, compression):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}") as tar:
        info = tarfile.TarInfo("unpacked")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    assert archive(engine, "PUT", container, "/data", out.getvalue())[0] == 200
    body = archive(engine, "GET", container, "/data/unpacked")[2]
    assert tarfile.open(fileobj=io.BytesIO(body)).extractfile("unpacked").read() == b"abc"


def test_owners(engine):
    engine.docker("create", "--name", "owned", "-u", "web", "busybox", "true")
    engine.docker("create", "--name", "numbered", "-u", "7777", "busybox", "true")
    body = tar_of(("mine", {"uid": 42, "gid": 43}))

    def owner(name, **query):
        assert archive(engine, "PUT", name, "/tmp", body, **query)[0] == 200
        found = tarfile.open(fileobj=io.BytesIO(archive(engine, "GET", name, "/tmp/mine")[2])).getmember("mine")
        return found.uid, found.gid

    assert owner("owned") == (42, 43)
    assert owner("owned", copyUIDGID="1") == (1001, 1002)
    assert owner("numbered", copyUIDGID="true") == (7777, 0)


def test_mounts_are_what_the_container_sees(engine, tmp_path):
    (tmp_path / "rw").mkdir()
    (tmp_path / "ro").mkdir()
    (tmp_path / "ro" / "there").write_text("from the host")
    options = ["-v", "cp-volume:/vol", "-v", f"{tmp_path}/rw:/rw", "-v", f"{tmp_path}/ro:/ro:ro", "--tmpfs", "/scratch"]
    engine.docker("create", "--name", "mounted", *options, "busybox", "sleep", "1000")
    engine.docker("create", "--name", "sealed", "--read-only", *options, "busybox", "sleep", "1000")
    for _ in range(2):  # never started, then running
        for name in ("mounted", "sealed"):
            for directory in ("/vol", "/rw"):
                assert archive(engine, "PUT", name, directory, tar_of((f"by-{name}", b"x")))[0] == 200
            status, _, text = archive(engine, "PUT", name, "/ro", tar_of(("x", b"x")))
            assert status == 400 and json.loads(text)["message"] == "mounted volume is marked read-only"
            body = archive(engine, "GET", name, "/ro/there")[2]
            assert tarfile.open(fileobj=io.BytesIO(body)).extractfile("there").read() == b"from the host"
        status, _, text = archive(engine, "PUT", "sealed", "/etc", tar_of(("x", b"x")))
        assert status == 400 and json.loads(text)["message"] == "container rootfs is marked read-only"
        assert sorted(p.name for p in (tmp_path / "rw").iterdir()) == ["by-mounted", "by-sealed"]
        engine.docker("start", "mounted", "sealed")
    assert archive(engine, "PUT", "sealed", "/scratch", tar_of(("in-memory", b"x")))[0] == 200
    assert engine.docker("exec", "sealed", "cat", "/scratch/in-memory", "/vol/by-mounted").stdout == "xx"
    # A file that something is mounted on keeps its mount and gets the content.
    assert archive(engine, "PUT", "mounted", "/etc", tar_of(("hosts", b"10.0.0.1 added\n")))[0] == 200
    assert engine.docker("exec", "mounted", "cat", "/etc/hosts").stdout == "10.0.0.1 added\n"
    assert "/etc/hosts" in engine.docker("exec", "mounted", "cat", "/proc/mounts").stdout
    engine.docker("rm", "-f", "mounted", "sealed")
    engine.docker("volume", "rm", "cp-volume")


def test_big_files_stream(engine):
    """The engine's memory does not grow with what is copied."""
    engine.docker("run", "-d", "--init", "--name", "big", "busybox", "sleep", "1000")
    status_file = pathlib.Path(f"/proc/{engine.process.pid}/status")

    def peak():
        return int(next(line for line in status_file.read_text().splitlines() if line.startswith("VmHWM")).split()[1])

    def upload():
        info = tarfile.TarInfo("zeros")
        info.size = 300 << 20
        yield info.tobuf()
        for _ in range(300):
            yield bytes(1 << 20)
        yield bytes(1024)

    before = peak()
    status, _, _ = archive(engine, "PUT", "big", "/tmp", upload())
    assert status == 200
    connection = UnixConnection(engine.socket)
    connection.request("GET", "/v1.51/containers/big/archive?path=/tmp/zeros")
    answer, size = connection.getresponse(), 0
    while piece := answer.read(1 << 20):
        size += len(piece)
    assert size >= 300 << 20
    assert peak() - before < 24 << 10  # KiB


# The command lines.


def test_cp_follows_the_rules_of_paths(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"rules-{cli.name}"
    cli("run", "-d", "--init", "--name", name, "busybox", "sleep", "1000")
    (tmp_path / "file").write_text("content")
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "sub" / "leaf").write_text("leaf")
    os.symlink("file", "link")

    def inside(path):
        return cli("exec", name, "cat", path).stdout

    cli("cp", "file", f"{name}:/tmp")
    assert inside("/tmp/file") == "content"
    cli("cp", "file", f"{name}:/tmp/renamed")
    assert inside("/tmp/renamed") == "content"
    cli("cp", "dir", f"{name}:/tmp/new")  # does not exist: becomes it
    assert inside("/tmp/new/sub/leaf") == "leaf"
    cli("cp", "dir", f"{name}:/tmp/new")  # exists: goes into it
    assert inside("/tmp/new/dir/sub/leaf") == "leaf"
    cli("cp", "dir/.", f"{name}:/home")
    assert inside("/home/sub/leaf") == "leaf"
    cli("cp", "link", f"{name}:/tmp/")
    assert cli("exec", name, "readlink", "/tmp/link").stdout == "file\n"
    cli("cp", "-L", "link", f"{name}:/tmp/followed")
    assert inside("/tmp/followed") == "content"
    assert cli("cp", "dir", f"{name}:/tmp/file", check=False).returncode == 1
    assert cli("cp", "file", f"{name}:/tmp/nowhere/", check=False).returncode == 1
    assert "no such file" in cli("cp", "missing", f"{name}:/tmp", check=False).stderr

    cli("cp", f"{name}:/tmp/new", "out")
    assert pathlib.Path("out/sub/leaf").read_text() == "leaf"
    cli("cp", f"{name}:/tmp/new/sub", "out")
    assert pathlib.Path("out/sub/leaf").read_text() == "leaf"
    cli("cp", f"{name}:/tmp/new/.", "dir")
    assert pathlib.Path("dir/dir/sub/leaf").read_text() == "leaf"
    cli("cp", f"{name}:/tmp/file", "fresh")
    assert pathlib.Path("fresh").read_text() == "content"
    cli("cp", f"{name}:/tmp/link", ".")
    cli("cp", "-L", f"{name}:/tmp/link", "through")
    assert pathlib.Path("through").read_text() == "content"
    cli("cp", "-q", f"{name}:/etc/passwd", "passwd")
    assert "web" in pathlib.Path("passwd").read_text()
    assert "must specify at least one container source" in cli("cp", "a", "b", check=False).stderr
    assert "copying between containers is not supported" in cli("cp", "a:/b", "c:/d", check=False).stderr
    missing = cli("cp", f"{name}:/missing", ".", check=False)
    assert missing.returncode == 1 and f"Could not find the file /missing in container {name}" in missing.stderr


def test_the_working_directory_of_a_created_container_is_there(cli, tmp_path):
    name = f"work-{cli.name}"
    cli("create", "--name", name, "-w", "/made/for/work", "busybox", "ls")
    (tmp_path / "file").write_text("text")
    cli("cp", str(tmp_path / "file"), f"{name}:/made/for/work/")
    assert "made/for/work/file" in tarfile.open(fileobj=io.BytesIO(cli("export", name, text=False).stdout)).getnames()
    assert cli("start", "-a", name).stdout == "file\n"


def test_cp_pipes_archives(cli, tmp_path):
    name = f"pipes-{cli.name}"
    cli("create", "--name", name, "busybox", "true")
    cli("cp", "-", f"{name}:/tmp", input=tar_of(("a/b", b"from a pipe")), text=False)
    body = cli("cp", f"{name}:/tmp/a", "-", text=False).stdout
    assert tarfile.open(fileobj=io.BytesIO(body)).extractfile("a/b").read() == b"from a pipe"
    refused = cli("cp", "-", f"{name}:/etc/passwd", input=tar_of(("a", b"")), text=False, check=False)
    assert refused.returncode == 1 and b"must be a directory" in refused.stderr


def test_cp_keeps_modes_times_and_kinds(cli, tmp_path):
    name = f"kinds-{cli.name}"
    cli("run", "--name", name, "busybox", "sh", "-c",
        "mkdir /k && cd /k && echo 1 >x && chmod 640 x && ln x y && ln -s x z && mkfifo p && touch -d '2001-02-03 04:05:06' x; "
        f"mkdir {'n' * 120} && echo long >{'n' * 120}/{'m' * 120}; chmod 700 .")
    cli("cp", f"{name}:/k", tmp_path)
    found = tmp_path / "k"
    assert stat.S_IMODE(found.stat().st_mode) == 0o700 and stat.S_IMODE((found / "x").stat().st_mode) == 0o640
    assert (found / "x").stat().st_ino == (found / "y").stat().st_ino and os.readlink(found / "z") == "x"
    assert stat.S_ISFIFO((found / "p").stat().st_mode) and int((found / "x").stat().st_mtime) == 981173106
    assert (found / ("n" * 120) / ("m" * 120)).read_text() == "long\n"
    cli("cp", found, f"{name}:/back")
    cli("cp", f"{name}:/back", tmp_path)
    back = tmp_path / "back"
    assert (back / "x").stat().st_ino == (back / "y").stat().st_ino and os.readlink(back / "z") == "x"
    assert (back / ("n" * 120) / ("m" * 120)).read_text() == "long\n"
    assert int((back / "x").stat().st_mtime) == 981173106
