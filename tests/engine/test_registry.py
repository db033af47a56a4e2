# SPDX-License-Identifier: Apache-2.0
"""`hull registry`: what the protocol looks like from outside, limits, passwords, and the verbs that look after it."""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

from conftest import wait_until
from hull_registry import (BUILD, HULL, INDEX, MANIFEST, descriptor, digest_of, make_certificate, make_password_file,
                           new_registry, registry, with_query)  # noqa: F401


def blob(registry, name, data):
    digest = registry.push_blob(name, data)
    return f"/v2/{name}/blobs/{digest}"


def test_the_root_of_the_api(registry):
    answer = registry.request("GET", "/v2/")
    assert answer.status == 200 and answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert registry.request("GET", "/v2").status == 200
    outside = registry.request("GET", "/v1/search")
    assert outside.status == 404 and outside.code() == "NAME_UNKNOWN"


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/v2/no/such/tags/list", 404, "NAME_UNKNOWN"),
    ("GET", "/v2/no/such/manifests/latest", 404, "NAME_UNKNOWN"),
    ("GET", "/v2/errors/manifests/none", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/errors/manifests/sha256:" + "0" * 64, 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/errors/manifests/sha256:short", 400, "DIGEST_INVALID"),
    ("GET", "/v2/errors/manifests/-tag", 404, "MANIFEST_UNKNOWN"),
    ("DELETE", "/v2/errors/manifests/none", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/errors/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN"),
    ("DELETE", "/v2/errors/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN"),
    ("GET", "/v2/errors/blobs/md5:" + "0" * 32, 400, "DIGEST_INVALID"),
    ("GET", "/v2/errors/blobs/sha256:" + "A" * 64, 400, "DIGEST_INVALID"),
    ("GET", "/v2/Upper/tags/list", 400, "NAME_INVALID"),
    ("GET", "/v2/a..b/tags/list", 400, "NAME_INVALID"),
    ("GET", "/v2/../../etc/blobs/sha256:" + "0" * 64, 400, "NAME_INVALID"),
    ("GET", "/v2/%2e%2e/%2e%2e/tags/list", 400, "NAME_INVALID"),
    ("GET", "/v2/_uploads/tags/list", 400, "NAME_INVALID"),
    ("GET", "/v2/" + "a" * 256 + "/tags/list", 400, "NAME_INVALID"),
    ("GET", "/v2/errors/blobs/uploads/0190a1b2-c3d4-7000-a000-000000000000", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("PATCH", "/v2/errors/blobs/uploads/..%2f..%2f_tags%2fx", 404, "NAME_UNKNOWN"),
    ("PATCH", "/v2/errors/blobs/uploads/none", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("POST", "/v2/errors/blobs/uploads/?digest=nonsense", 400, "DIGEST_INVALID"),
    ("POST", "/v2/errors/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"),
    ("POST", "/v2/errors/blobs/uploads/?mount=nonsense&from=a", 400, "DIGEST_INVALID"),
    ("POST", "/v2/errors/blobs/uploads/?mount=sha256:" + "0" * 64 + "&from=../a", 400, "NAME_INVALID"),
    ("GET", "/v2/errors/referrers/nonsense", 400, "DIGEST_INVALID"),
    ("GET", "/v2/errors/tags/list?n=many", 400, "UNSUPPORTED"),
    ("PUT", "/v2/errors/tags/list", 405, "UNSUPPORTED"),
    ("POST", "/v2/", 405, "UNSUPPORTED"),
])
def test_every_error_has_its_code(registry, method, path, status, code):
    registry.push_blob("errors", b"so that the repository exists")
    answer = registry.request(method, path)
    assert (answer.status, answer.code()) == (status, code)
    assert answer.headers["Content-Type"] == "application/json" and answer.json()["errors"][0]["message"]
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("manifest, media_type, code", [
    (b"", MANIFEST, "MANIFEST_INVALID"),
    (b"[]", MANIFEST, "MANIFEST_INVALID"),
    (b'{"schemaVersion":1}', MANIFEST, "MANIFEST_INVALID"),
    (b'{"schemaVersion":2}', MANIFEST, "MANIFEST_INVALID"),
    (b'{"schemaVersion":2,"manifests":{}}', INDEX, "MANIFEST_INVALID"),
    (b'{"schemaVersion":2,"mediaType":"%s","manifests":[]}' % MANIFEST.encode(), INDEX, "MANIFEST_INVALID"),
    (b'{"schemaVersion":2,"config":{"digest":"sha256:xyz","size":1}}', MANIFEST, "DIGEST_INVALID"),
    (b'{"schemaVersion":2,"config":{"digest":"sha256:%s"}}' % (b"0" * 64), MANIFEST, "MANIFEST_INVALID"),
    (b'{"schemaVersion":2,"config":{"digest":"sha256:%s","size":1}}' % (b"0" * 64), MANIFEST, "MANIFEST_BLOB_UNKNOWN"),
    (b'{"schemaVersion":2,"manifests":[{"digest":"sha256:%s","size":1}]}' % (b"0" * 64), INDEX, "MANIFEST_BLOB_UNKNOWN"),
    (b'{"schemaVersion":2}', "text/plain", "MANIFEST_INVALID"),
    (b'{"schemaVersion":2,"annotations":{"a":1},"manifests":[]}', INDEX, "MANIFEST_INVALID"),
    (b'{"a":' * 100_000, MANIFEST, "MANIFEST_INVALID"),
])
def test_manifests_are_checked(registry, manifest, media_type, code):
    answer = registry.request("PUT", "/v2/checked/manifests/bad", manifest, {"Content-Type": media_type})
    assert (answer.status, answer.code()) == (400, code), answer.body
    assert registry.request("GET", "/v2/checked/manifests/bad").status == 404


def test_a_manifest_comes_back_byte_by_byte(registry):
    image = registry.image("bytes")
    text = json.dumps(image, indent=3).encode() + b"\n\n"
    digest = registry.push_manifest("bytes", "v1", text)
    assert digest == digest_of(text)
    for reference in ("v1", digest):
        answer = registry.request("GET", f"/v2/bytes/manifests/{reference}")
        assert answer.body == text and answer.headers["Content-Type"] == MANIFEST
        assert answer.headers["Docker-Content-Digest"] == digest
        head = registry.request("HEAD", f"/v2/bytes/manifests/{reference}")
        assert head.body == b"" and head.headers["Content-Length"] == str(len(text))
        unchanged = registry.request("GET", f"/v2/bytes/manifests/{reference}", headers={"If-None-Match": f'"{digest}"'})
        assert unchanged.status == 304
    wrong = registry.request("PUT", "/v2/bytes/manifests/sha256:" + "0" * 64, text, {"Content-Type": MANIFEST})
    assert wrong.status == 400 and wrong.code() == "DIGEST_INVALID"


def test_removing_a_manifest_removes_its_tags(registry):
    digest = registry.push_image("removal", "a")
    registry.push_manifest("removal", "b", registry.request("GET", "/v2/removal/manifests/a").body)
    registry.push_image("removal", "c", layer=b"other")
    assert registry.request("DELETE", "/v2/removal/manifests/c").status == 202
    assert registry.request("GET", "/v2/removal/tags/list").json()["tags"] == ["a", "b"]
    assert registry.request("DELETE", f"/v2/removal/manifests/{digest}").status == 202
    assert registry.request("GET", "/v2/removal/tags/list").json() == {"name": "removal", "tags": []}
    assert registry.request("GET", f"/v2/removal/manifests/{digest}").status == 404


def test_pages_of_tags_and_repositories(registry):
    image = json.dumps(registry.image("pages/one")).encode()
    for tag in ("b", "a", "B", "10", "9", "_x"):
        registry.push_manifest("pages/one", tag, image)
    path, seen, requests = "/v2/pages/one/tags/list?n=4", [], 0
    while path:
        answer = registry.request("GET", path)
        seen, requests = seen + answer.json()["tags"], requests + 1
        link = answer.headers["Link"]
        path = re.fullmatch(r'<(.*)>; rel="next"', link)[1] if link else None
    assert seen == sorted(["b", "a", "B", "10", "9", "_x"]) and requests == 2
    none = registry.request("GET", "/v2/pages/one/tags/list?n=0")
    assert none.json()["tags"] == [] and not none.headers["Link"]
    registry.push_image("pages/one/nested", "a")
    registry.push_image("pages-two", "a")
    first = registry.request("GET", "/v2/_catalog?n=1&last=pages")
    assert first.json()["repositories"] == ["pages-two"]
    second = registry.request("GET", re.match("<(.*)>", first.headers["Link"])[1])
    assert second.json()["repositories"] == ["pages/one"]
    assert "pages/one/nested" in registry.request("GET", "/v2/_catalog").json()["repositories"]


def test_referrers_come_in_pages(registry):
    subject = registry.image("many")
    text = json.dumps(subject).encode()
    registry.push_manifest("many", "subject", text)
    for number in range(6):
        registry.push_manifest("many", f"r{number}", {
            **subject, "artifactType": f"application/vnd.test.{number % 2}", "subject": descriptor(MANIFEST, text),
            "annotations": {"number": str(number), "long": "x" * 1_000_000}})
    path, seen = f"/v2/many/referrers/{digest_of(text)}", []
    pages = 0
    while path:
        answer = registry.request("GET", path)
        assert answer.headers["Content-Type"] == INDEX and len(answer.body) <= 4_200_000
        seen += [one["annotations"]["number"] for one in answer.json()["manifests"]]
        pages += 1
        link = answer.headers["Link"]
        path = re.fullmatch(r'<(.*)>; rel="next"', link)[1] if link else None
    assert sorted(seen) == list("012345") and pages == 2
    filtered = registry.request("GET", f"/v2/many/referrers/{digest_of(text)}?artifactType=application%2Fvnd.test.1")
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    assert sorted(one["annotations"]["number"] for one in filtered.json()["manifests"]) == list("135")


@pytest.mark.parametrize("header, status, parts", [
    ("bytes=0-0", 206, [(0, 1)]),
    ("bytes=5-", 206, [(5, 1000)]),
    ("bytes=-10", 206, [(990, 1000)]),
    ("bytes=-5000", 206, [(0, 1000)]),
    ("bytes=990-99999999999999999999", 200, [(0, 1000)]),  # no number that fits: no range
    ("bytes=1000-", 416, []),
    ("bytes=-0", 416, []),
    ("bytes=9-3", 416, []),
    ("bytes=x-3", 200, [(0, 1000)]),
    ("lines=1-3", 200, [(0, 1000)]),
    ("bytes=0-9, 20-29,-5", 206, [(0, 10), (20, 30), (995, 1000)]),
    ("bytes=0-,0-,0-", 200, [(0, 1000)]),
])
def test_ranges(registry, header, status, parts):
    data = bytes(range(250)) * 4
    path = blob(registry, "ranges", data)
    answer = registry.request("GET", path, headers={"Range": header})
    assert answer.status == status
    if status == 416:
        assert answer.headers["Content-Range"] == "bytes */1000"
    elif len(parts) == 1:
        begin, end = parts[0]
        assert answer.body == data[begin:end]
        assert answer.headers["Content-Range"] == (f"bytes {begin}-{end - 1}/1000" if status == 206 else None)
    else:
        boundary = re.fullmatch("multipart/byteranges; boundary=(.*)", answer.headers["Content-Type"])[1]
        found = answer.body.split(b"--" + boundary.encode())[1:-1]
        for part, (begin, end) in zip(found, parts, strict=True):
            head, body = part[2:-2].split(b"\r\n\r\n", 1)
            assert f"Content-Range: bytes {begin}-{end - 1}/1000".encode() in head and body == data[begin:end]
        assert answer.headers["Content-Length"] == str(len(answer.body))


def test_if_range_with_another_blob_gives_the_whole(registry):
    path = blob(registry, "ranges", b"0123456789")
    etag = registry.request("HEAD", path).headers["ETag"]
    assert registry.request("GET", path, headers={"Range": "bytes=2-3", "If-Range": etag}).body == b"23"
    assert registry.request("GET", path, headers={"Range": "bytes=2-3", "If-Range": '"x"'}).body == b"0123456789"


def test_chunks_in_order_only(registry):
    data = os.urandom(3000)
    location = registry.begin("chunks")
    first = registry.request("PATCH", location, data[:1000], {"Content-Range": "0-999"})
    assert first.status == 202 and first.headers["Range"] == "0-999"
    location = first.headers["Location"]
    for content_range, part, status, code in [("2000-2999", data[2000:], 416, "BLOB_UPLOAD_INVALID"),
                                              ("0-999", data[:1000], 416, "BLOB_UPLOAD_INVALID"),
                                              ("bytes 1000-1999/*", data[1000:2000], 400, "BLOB_UPLOAD_INVALID"),
                                              ("1000-1500", data[1000:2000], 400, "SIZE_INVALID")]:
        answer = registry.request("PATCH", location, part, {"Content-Range": content_range})
        assert (answer.status, answer.code()) == (status, code)
    status = registry.request("GET", location)
    assert status.status == 204 and status.headers["Range"] == "0-999"
    # The rest without a Content-Range: a stream.
    assert registry.request("PATCH", location, iter([data[1000:1500], data[1500:2000]])).status == 202
    done = registry.request("PUT", with_query(location, digest=digest_of(data)), data[2000:], {"Content-Range": "2000-2999"})
    assert done.status == 201
    assert registry.request("GET", done.headers["Location"]).body == data
    assert registry.request("GET", location).code() == "BLOB_UPLOAD_UNKNOWN"


def test_a_blob_with_another_digest_is_refused_and_leaves_nothing(registry):
    location = registry.begin("liar")
    answer = registry.request("PUT", with_query(location, digest=digest_of(b"truth")), b"lie")
    assert (answer.status, answer.code()) == (400, "DIGEST_INVALID")
    single = registry.request("POST", with_query("/v2/liar/blobs/uploads/", digest=digest_of(b"truth")), b"lie")
    assert (single.status, single.code()) == (400, "DIGEST_INVALID")
    assert registry.request("PUT", location + "?digest=" + digest_of(b"x"), b"x").status == 404
    assert list((registry.root / "repositories" / "liar").glob("_uploads/*")) == []


def test_sha512_with_and_without_a_word_in_advance(registry):
    data = os.urandom(100_000)
    digest = digest_of(data, "sha512")
    location = registry.begin("sha512", "?digest-algorithm=sha512")
    assert "digest-algorithm=sha512" in location
    assert registry.request("PUT", with_query(location, digest=digest), data).status == 201
    other = data + b"!"
    assert registry.push_blob("sha512", other, "sha512") == digest_of(other, "sha512")
    assert registry.request("GET", f"/v2/sha512/blobs/{digest}").body == data


def test_mounting(registry):
    digest = registry.push_blob("mount/from", b"shared content")
    answer = registry.request("POST", f"/v2/mount/to/blobs/uploads/?mount={digest}&from=mount/from")
    assert answer.status == 201 and answer.headers["Location"] == f"/v2/mount/to/blobs/{digest}"
    assert registry.request("POST", f"/v2/mount/any/blobs/uploads/?mount={digest}").status == 201
    assert registry.request("POST", f"/v2/mount/x/blobs/uploads/?mount={digest}&from=mount/none").status == 202
    assert len({os.stat(p).st_ino for p in registry.root.glob("repositories/mount/*/_blobs/sha256/" + digest[7:])}) == 1
    for name in ("mount/from", "mount/to", "mount/any"):
        assert registry.request("DELETE", f"/v2/{name}/blobs/{digest}").status == 202
    assert digest[7:] not in registry.blobs_on_disk()
    assert registry.request("POST", f"/v2/mount/x/blobs/uploads/?mount={digest}").status == 202


def test_limits(new_registry):
    server = new_registry("--max-blob-size", "1000", "--max-manifest-size", "2000")
    for body in (b"x" * 1001, iter([b"x" * 600, b"x" * 600])):
        answer = server.request("PUT", with_query(server.begin("a"), digest=digest_of(b"")), body)
        assert (answer.status, answer.code()) == (413, "SIZE_INVALID")
    assert server.push_blob("a", b"x" * 1000)
    for body in (b" " * 2001, iter([b" " * 1500, b" " * 1500])):
        answer = server.request("PUT", "/v2/a/manifests/m", body, {"Content-Type": MANIFEST})
        assert (answer.status, answer.code()) == (413, "MANIFEST_INVALID")
    assert list(server.root.glob("repositories/a/_uploads/*")) == []


def test_read_only(new_registry):
    server = new_registry()
    digest = server.push_image("a", "1")
    server.stop()
    server.arguments = ["--read-only"]
    server.start()
    assert server.request("GET", "/v2/a/manifests/1").status == 200
    for method, path in [("POST", "/v2/a/blobs/uploads/"), ("PUT", "/v2/a/manifests/2"),
                         ("DELETE", f"/v2/a/manifests/{digest}"), ("DELETE", "/v2/a/manifests/1")]:
        answer = server.request(method, path, b"{}")
        assert (answer.status, answer.code()) == (405, "UNSUPPORTED")


def test_passwords(new_registry, tmp_path):
    users = make_password_file(tmp_path / "htpasswd", alice="secret", bob="other:word")
    server = new_registry("--htpasswd", users)
    nobody = server.request("GET", "/v2/")
    assert nobody.status == 401 and nobody.code() == "UNAUTHORIZED"
    assert nobody.headers["WWW-Authenticate"].startswith("Basic realm=")
    for user, status in [(("alice", "secret"), 200), (("bob", "other:word"), 200), (("alice", "wrong"), 401),
                         (("mallory", "secret"), 401), (("", ""), 401)]:
        server.user = user
        assert server.request("GET", "/v2/_catalog").status == status
    # Users change without a restart, and whoever was known before is asked again.
    server.user = ("alice", "secret")
    make_password_file(users, alice="new")
    deadline = time.monotonic() + 5
    while server.request("GET", "/v2/").status != 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.user = ("alice", "new")
    assert server.request("GET", "/v2/").status == 200
    server.wait_for_log(r" alice GET ")


def test_bad_password_files_are_refused(tmp_path):
    for text, reason in [("", "has no user"), ("alice:plain\n", "is no line of an htpasswd file"),
                         ("alice:$apr1$abc$def\n", "is no line of an htpasswd file")]:
        path = tmp_path / "htpasswd"
        path.write_text(text)
        result = subprocess.run([HULL, "registry", "serve", "--root", tmp_path / "root", "--htpasswd", path,
                                 "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=10)
        assert result.returncode == 1 and reason in result.stderr


def test_tls(new_registry, tmp_path):
    server = new_registry(tls=make_certificate(tmp_path))
    data = os.urandom(5_000_000)
    digest = server.push_blob("a", data)
    assert server.request("GET", f"/v2/a/blobs/{digest}").body == data
    assert server.request("GET", f"/v2/a/blobs/{digest}", headers={"Range": "bytes=1000000-1999999"}).body == data[1_000_000:2_000_000]
    server.wait_for_log(r"127\.0\.0\.1:\d+ - GET ")


def test_the_log_has_a_line_for_each_request(new_registry):
    server = new_registry()
    server.push_image("logged", "1")
    server.request("GET", "/v2/logged/manifests/1", headers={"User-Agent": 'a "test"'})
    server.request("GET", "/v2/logged/manifests/%0aforged")
    server.wait_for_log(r'127\.0\.0\.1:\d+ - GET "/v2/logged/manifests/1" 200 \d+ B \d+ ms "a \\"test\\""')
    server.wait_for_log(r'GET "/v2/logged/manifests/\\nforged" 404')
    server.stop()
    server.arguments = ["--quiet"]
    before = len(server.log.read_text())
    server.start()
    server.request("GET", "/v2/")
    assert " GET " not in server.log.read_text()[before:]


def test_an_upload_that_is_taken_over_goes_on(registry):
    """A client whose connection died unseen comes back: the old request must not hold the upload."""
    data = os.urandom(200_000)
    location = registry.begin("takeover")
    stuck = registry.stuck_patch(location, data, 50_000)
    wait_until(lambda: registry.received(location) == 50_000)
    resumed = registry.request("PATCH", location, data[50_000:], {"Content-Range": f"50000-{len(data) - 1}"})
    assert resumed.status == 202
    try:
        stuck.send(b"x" * 50_000)  # comes too late: not a byte of it may be written
    except OSError:
        pass
    assert registry.request("PUT", with_query(location, digest=digest_of(data))).status == 201
    stuck.close()


def test_many_clients_push_the_same_blob(registry):
    data = os.urandom(1_000_000)
    digests = []
    threads = [threading.Thread(target=lambda n=n: digests.append(registry.push_blob(f"same/{n % 4}", data))) for n in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert digests == [digest_of(data)] * 16
    assert os.stat(registry.root / "blobs" / "sha256" / digest_of(data)[7:9] / digest_of(data)[7:]).st_nlink == 5
    assert list(registry.root.glob("repositories/same/*/_uploads/*")) == []


def test_ls_and_rm(new_registry):
    server = new_registry()
    digest = server.push_image("team/app", "1", layer=b"x" * 10_000)
    server.push_manifest("team/app", "2", server.request("GET", "/v2/team/app/manifests/1").body)
    server.push_image("other", "latest")
    lines = server.hull("ls").stdout.splitlines()
    assert lines[0].split() == ["REPOSITORY", "TAG", "SIZE"]
    assert [line.split()[:2] for line in lines[1:]] == [["other", "latest"], ["team/app", "1"], ["team/app", "2"]]
    assert "10.5kB" in lines[2]
    assert server.hull("ls", "-q").stdout.split() == ["other", "team/app"]
    assert digest in server.hull("ls", "--digests", "team/app").stdout
    assert server.hull("rm", "team/app:1").stdout == "Deleted: team/app:1\n"
    assert server.request("GET", "/v2/team/app/tags/list").json()["tags"] == ["2"]
    server.hull("rm", f"team/app@{digest}", "other")
    assert server.hull("ls").stdout.split() == ["REPOSITORY", "TAG", "SIZE"]
    missing = server.hull("rm", "other:latest", check=False)
    assert missing.returncode == 1 and "no tag" in missing.stderr


def test_ls_of_no_registry(tmp_path):
    result = subprocess.run([HULL, "registry", "ls", "--root", tmp_path], capture_output=True, text=True)
    assert result.returncode == 1 and "there is no registry" in result.stderr
    (tmp_path / "precious").write_text("")
    result = subprocess.run([HULL, "registry", "serve", "--root", tmp_path, "--listen", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=10)
    assert result.returncode == 1 and "not empty" in result.stderr


def test_gc_gives_back_what_nothing_refers_to(new_registry):
    server = new_registry()
    kept = server.push_image("kept", "1", layer=b"kept layer")
    gone = server.push_image("gone/deep", "1", layer=b"gone layer" * 1000)
    orphan = server.push_blob("kept", b"orphan")
    server.request("DELETE", f"/v2/gone/deep/manifests/{gone}")
    assert server.hull("gc").stdout.splitlines()[1] == "Blobs removed: 0"  # all of it is young
    dry = server.hull("gc", "--grace", "0s", "--dry-run").stdout
    assert "Blobs removed: 3" in dry and "Space that would be reclaimed" in dry
    assert server.request("HEAD", f"/v2/kept/blobs/{orphan}").status == 200
    assert "Blobs removed: 3" in server.hull("gc", "--grace", "0s").stdout
    assert server.request("HEAD", f"/v2/kept/blobs/{orphan}").status == 404
    assert server.request("GET", f"/v2/kept/manifests/{kept}").status == 200
    assert len(server.blobs_on_disk()) == 2
    # The repository is gone with its last content, and the directory above it that nobody needs.
    assert server.request("GET", "/v2/_catalog").json()["repositories"] == ["kept"]
    assert not (server.root / "repositories" / "gone").exists()
    server.request("DELETE", f"/v2/kept/manifests/{kept}")
    server.hull("gc", "--grace", "0s")
    assert server.blobs_on_disk() == [] and list((server.root / "repositories").iterdir()) == []


def test_gc_of_untagged_manifests_keeps_what_an_index_or_a_subject_keeps(new_registry):
    server = new_registry()
    old = server.push_image("a", "1", layer=b"old")
    child = server.image("a", layer=b"child")
    text = json.dumps(child).encode()
    server.push_manifest("a", digest_of(text), text)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(MANIFEST, text)]}
    server.push_manifest("a", "1", index, INDEX)
    signature = {**server.image("a", layer=b"signature"), "subject": descriptor(MANIFEST, text)}
    signature_text = json.dumps(signature).encode()
    server.push_manifest("a", digest_of(signature_text), signature_text)
    out = server.hull("gc", "--grace", "0s", "--untagged").stdout
    assert "Manifests removed: 1" in out and "Blobs removed: 1" in out
    assert server.request("GET", f"/v2/a/manifests/{old}").status == 404
    for digest in (digest_of(text), digest_of(signature_text)):
        assert server.request("GET", f"/v2/a/manifests/{digest}").status == 200
    assert len(server.request("GET", f"/v2/a/referrers/{digest_of(text)}").json()["manifests"]) == 1


def test_gc_in_the_server(new_registry):
    server = new_registry("--gc-interval", "200ms", "--gc-grace", "0s")
    server.push_blob("a", b"nobody needs this")
    wait_until(lambda: not server.blobs_on_disk())


def test_help_names_every_verb():
    text = subprocess.run([HULL, "registry", "--help"], capture_output=True, text=True).stdout
    for verb in ("serve", "gc", "ls", "rm"):
        assert f"\n  {verb} " in text
        assert subprocess.run([HULL, "registry", verb, "--help"], capture_output=True, text=True).stdout.startswith(
            f"Usage:  hull registry {verb} ")
