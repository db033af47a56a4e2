# SPDX-License-Identifier: Apache-2.0
"""docker import of what a server on the loopback has."""
import gzip
import http.server
import threading

import pytest


@pytest.fixture
def server(busybox):
    tar = busybox.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/root.tar")
                self.end_headers()
                return
            body = {"/root.tar": tar, "/root.tar.gz": gzip.compress(tar, 1), "/short": tar, "/text": b"no archive" * 100}.get(self.path)
            if body is None:
                self.send_error(404, "there is no such file")
                return
            self.send_response(200)
            if self.path != "/root.tar.gz":  # that one ends with its connection
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:len(body) // 2] if self.path == "/short" else body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.mark.parametrize("path", ["root.tar", "root.tar.gz", "moved"])
def test_an_archive_is_imported_from_a_url(cli, server, path):
    url = f"http://{server}/{path}"
    output = cli("import", "-c", "CMD [\"echo\", \"imported\"]", url, f"from-url-{cli.name}:1").stdout
    assert f"Downloading from {url}" in output and "sha256:" in output
    assert cli("run", "--rm", f"from-url-{cli.name}:1").stdout == "imported\n"
    assert cli("history", "--no-trunc", "--format", "{{.Comment}}", f"from-url-{cli.name}:1").stdout.strip() == f"Imported from {url}"
    cli("rmi", f"from-url-{cli.name}:1")


@pytest.mark.parametrize("path, expected", [
    ("none", "with status 404"), ("short", "Get "), ("text", "invalid tar archive")])
def test_what_goes_wrong_is_said_and_leaves_nothing(cli, server, path, expected):
    result = cli("import", f"http://{server}/{path}", "wrong:1", check=False)
    assert result.returncode == 1 and expected in result.stderr, result.stderr
    assert cli("images", "-q", "wrong").stdout == ""
    assert not list((cli.engine.data / "incoming").glob("import-*"))


def test_nobody_listens(cli):
    result = cli("import", "http://127.0.0.1:1/x.tar", "wrong:1", check=False)
    assert result.returncode == 1 and "dial tcp 127.0.0.1:1: connect: connection refused" in result.stderr
    result = cli("import", "http://a..b/x.tar", "wrong:1", check=False)  # no name at all: nobody is asked
    assert result.returncode == 1 and "dial tcp: lookup a..b: no such host" in result.stderr


def test_an_escaped_path_is_no_host(cli):
    result = cli("import", "http://%2Fdata%2Ffile.tar", "wrong:1", check=False)
    assert result.returncode == 1 and "the name of a host has no escapes" in result.stderr
