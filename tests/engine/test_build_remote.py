# SPDX-License-Identifier: Apache-2.0
"""Builds from elsewhere: URLs and git repositories as contexts and as sources of ADD. The servers are the tests' own, on the
loopback."""
import base64
import hashlib
import http.server
import io
import os
import subprocess
import tarfile
import threading

import pytest

from conftest import write_files
from git_repository import Repository, git


class Handler(http.server.BaseHTTPRequestHandler):
    """Files with validators, and git's smart protocol below /git/."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.seen.append((self.command, path, dict(self.headers)))
        if path.startswith("/git/"):
            return self.git(path, query)
        content = self.server.files.get(path)
        if content is None:
            return self.answer(404, b"no")
        tag = '"' + hashlib.sha256(content).hexdigest()[:16] + '"'
        if self.headers.get("If-None-Match") == tag:
            return self.answer(304, b"")
        self.answer(200, content, {"ETag": tag, "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"})

    do_POST = do_GET

    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def git(self, path, query):
        if self.server.token and self.headers.get("Authorization") != self.server.token:
            return self.answer(401, b"who?", {"WWW-Authenticate": "Basic"})
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        result = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env={
            **os.environ, "GIT_PROJECT_ROOT": str(self.server.repositories), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path[len("/git"):], "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1"}).stdout
        head, _, content = result.partition(b"\r\n\r\n")
        headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self.answer(status, content, headers)


@pytest.fixture
def web(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.seen, server.token = {}, [], ""
    server.repositories = tmp_path / "repositories"
    server.repositories.mkdir()
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.git_url = f"{server.url}/git/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def output(engine, image, *command):
    return engine.docker("run", "--rm", image, *command).stdout


def archive(files, mode="w:gz"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


@pytest.fixture(params=["docker", "hull"])
def build(request, engine, tmp_path):
    def run(dockerfile, *flags, check=True):
        write_files(tmp_path / "context", {"Dockerfile": dockerfile})
        os.environ["DOCKER_BUILDKIT"] = "0"
        result = engine.run(request.param, "build", *(["--progress=plain"] if request.param == "hull" else []), *flags,
                            tmp_path / "context", check=check)
        result.text = result.stdout + result.stderr
        return result
    return run


def test_add_of_a_url(build, engine, web):
    web.files["/files/tool%20x.txt"] = b"one"
    web.files["/a.tar.gz"] = archive({"inside": "in the archive"})
    dockerfile = f"""
FROM busybox
ADD {web.url}/files/tool%20x.txt /data/
ADD --chmod=755 --chown=1001:1002 {web.url}/files/tool%20x.txt /named
ADD {web.url}/a.tar.gz /kept/
ADD --unpack=true {web.url}/a.tar.gz /unpacked/
"""
    build(dockerfile, "-t", "url")
    assert output(engine, "url", "cat", "/data/tool x.txt", "/named", "/unpacked/inside") == "oneonein the archive"
    # 2015-10-21 is the time that the server says; nobody but root may read what has no mode.
    assert output(engine, "url", "stat", "-c", "%a %u:%g %Y", "/data/tool x.txt", "/named") == "600 0:0 1445412480\n755 1001:1002 1445412480\n"
    assert output(engine, "url", "ls", "/kept") == "a.tar.gz\n"
    first = engine.inspect("url", "{{.Id}}")
    web.seen.clear()
    build(dockerfile, "-t", "url")
    assert engine.inspect("url", "{{.Id}}") == first
    assert web.seen and all("If-None-Match" in headers for _, _, headers in web.seen)  # asked, and not sent again
    web.files["/files/tool%20x.txt"] = b"two"
    build(dockerfile, "-t", "url")
    assert output(engine, "url", "cat", "/named") == "two"
    missing = build(f"FROM busybox\nADD {web.url}/nowhere /x\n", check=False)
    assert missing.returncode != 0 and f"{web.url}/nowhere" in missing.text and "404" in missing.text


def test_add_of_a_url_with_a_checksum(build, engine, web):
    web.files["/f"] = b"content"
    digest = "sha256:" + hashlib.sha256(b"content").hexdigest()
    build(f"FROM busybox\nADD --checksum={digest} {web.url}/f /f\n", "-t", "checksum")
    web.seen.clear()
    build(f"FROM busybox\nADD --checksum={digest} {web.url}/f /f\n", "-t", "checksum")
    assert not web.seen  # what it must be is here
    wrong = build(f"FROM busybox\nADD --checksum=sha256:{'0' * 64} {web.url}/f /f\n", check=False)
    assert wrong.returncode != 0 and "digest mismatch" in wrong.text and digest in wrong.text


def test_add_of_a_repository(build, engine, web):
    repository = Repository(web, "tools")
    first = repository.commit({"bin/run": "one", "doc/readme": "r"}, ("tag", "v1"), ("push", "-q", "origin", "v1"))
    (repository.work / "bin" / "run").chmod(0o755)
    second = repository.commit({"bin/run": "two"}, ("tag", "-a", "-m", "t", "v2"), ("push", "-q", "origin", "v2"))
    build(f"""
FROM busybox
ADD {repository.url} /head
ADD {repository.url}#v1 /v1
ADD {repository.url}#v2:bin /v2
ADD {repository.url}#{first} /commit
ADD {repository.url}#{first[:10]} /short
ADD --keep-git-dir=true {repository.url}#main /kept
ADD --checksum={second} {repository.url}#main /checked
ADD {repository.url}?tag=v1&subdir=doc /query
""", "-t", "repository")
    say = output(engine, "repository", "sh", "-c", "cat /head/bin/run /v1/bin/run /v2/run /commit/bin/run /short/bin/run /query/readme;"
                 "stat -c ' %a' /head/bin/run; ls -A /head; test -d /kept/.git && cat /kept/.git/HEAD")
    assert say == "two" "one" "two" "one" "one" f"r 755\nbin\ndoc\n{second}\n"
    wrong = build(f"FROM busybox\nADD --checksum={first} {repository.url}#main /x\n", check=False)
    assert wrong.returncode != 0 and "expected checksum to match" in wrong.text
    missing = build(f"FROM busybox\nADD {repository.url}#nobranch /x\n", check=False)
    assert missing.returncode != 0 and "does not contain nobranch" in missing.text


def test_a_branch_that_moves_is_seen(build, engine, web):
    repository = Repository(web, "moving")
    repository.commit({"f": "1"})
    dockerfile = f"FROM busybox\nADD {repository.url} /r\nRUN cat /r/f > /seen\n"
    build(dockerfile, "-t", "moving")
    again = build(dockerfile, "-t", "moving").text
    assert "CACHED" in again or "Using cache" in again
    repository.commit({"f": "2"})
    build(dockerfile, "-t", "moving")
    assert output(engine, "moving", "cat", "/seen") == "2"


def test_submodules_come_along(engine, web, tmp_path):
    inner = Repository(web, "inner")
    inner.commit({"part": "inner"})
    outer = Repository(web, "outer")
    write_files(outer.work, {"own": "outer"})
    git(outer.work, "submodule", "add", "-q", inner.url, "sub")
    outer.commit({})
    write_files(tmp_path / "context", {"Dockerfile": f"FROM busybox\nADD {outer.url} /r\nADD {outer.url}?submodules=false /without\n"})
    engine.hull("build", "-t", "outer", tmp_path / "context")
    assert output(engine, "outer", "sh", "-c", "cat /r/sub/part; ls -A /r /r/sub /without/sub") == \
        "inner/r:\n.gitmodules\nown\nsub\n\n/r/sub:\npart\n\n/without/sub:\n"


def test_a_private_repository_gets_the_token_and_nothing_keeps_it(engine, web, tmp_path):
    token = "t0ken" + os.urandom(9).hex()
    repository = Repository(web, "private")
    repository.commit({"f": "private"})
    web.token = "basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()
    write_files(tmp_path / "context", {"Dockerfile": f"FROM busybox\nADD --keep-git-dir=true {repository.url} /r\n"})
    refused = engine.hull("build", tmp_path / "context", check=False)
    assert refused.returncode == 1
    (tmp_path / "token").write_text(token + "\n")
    engine.hull("build", "-t", "private", "--secret", f"id=GIT_AUTH_TOKEN,src={tmp_path / 'token'}", tmp_path / "context")
    assert output(engine, "private", "cat", "/r/f") == "private"
    encoded = web.token.split()[1]
    found = subprocess.run(["grep", "-rlE", f"{token}|{encoded}", engine.data, engine.exec, engine.log], capture_output=True, text=True)
    assert found.stdout == ""


def test_remote_contexts(engine, web, tmp_path):
    files = {"Dockerfile": "FROM busybox\nCOPY f /f\n", "f": "from afar", "sub/Dockerfile": "FROM busybox\nCOPY g /f\n", "sub/g": "sub"}
    repository = Repository(web, "context")
    repository.commit(files)
    engine.hull("build", "-t", "remote", repository.url)
    assert output(engine, "remote", "cat", "/f") == "from afar"
    engine.hull("build", "-t", "remote", f"{repository.url}#main:sub")
    assert output(engine, "remote", "cat", "/f") == "sub"
    engine.hull("build", "-t", "remote", "-f", "-", repository.url, input="FROM busybox\nCOPY sub/g /f\n")
    assert output(engine, "remote", "cat", "/f") == "sub"
    web.files["/context.tar.gz"] = archive(files)
    engine.hull("build", "-t", "remote", f"{web.url}/context.tar.gz")
    assert output(engine, "remote", "cat", "/f") == "from afar"
    engine.hull("build", "-t", "remote", "-f", "sub/Dockerfile", f"{web.url}/context.tar.gz", check=False)
    web.files["/Dockerfile"] = b"FROM busybox\nRUN echo alone > /f\n"
    engine.hull("build", "-t", "remote", f"{web.url}/Dockerfile")
    assert output(engine, "remote", "cat", "/f") == "alone\n"
    assert engine.hull("build", f"{web.url}/no.tar", check=False).returncode == 1


def test_the_sdk_builds_from_a_url(engine, web):
    docker = pytest.importorskip("docker")
    repository = Repository(web, "sdk")
    repository.commit({"Dockerfile": "FROM busybox\nCOPY f /f\n", "f": "sdk"})
    client = docker.DockerClient(base_url=f"unix://{engine.socket}")
    image, _ = client.images.build(path=repository.url, tag="sdk")
    assert output(engine, image.id, "cat", "/f") == "sdk"


def test_named_remote_contexts(engine, web, tmp_path):
    repository = Repository(web, "named")
    repository.commit({"f": "of git"})
    web.files["/more.tar"] = archive({"g": "of a tar"}, "w")
    write_files(tmp_path / "context", {"Dockerfile": "FROM busybox AS git\nRUN touch /stage\nFROM busybox\nCOPY --from=git f /f\nCOPY --from=web g /g\n"})
    engine.hull("build", "-t", "named", "--build-context", f"git={repository.url}", "--build-context", f"web={web.url}/more.tar",
                tmp_path / "context")
    assert output(engine, "named", "cat", "/f", "/g") == "of gitof a tar"  # a context counts more than a stage
