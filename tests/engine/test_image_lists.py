# SPDX-License-Identifier: Apache-2.0
"""Which images a filter selects, and which names a prune takes away."""
import json
import urllib.parse

import pytest

from test_exec import Api


@pytest.fixture
def images(engine):
    """The ids of four images, the oldest first: stack:0 to stack:3."""
    engine.docker("run", "--name", "layer", "busybox", "true")
    ids = [engine.docker("commit", "-m", f"number {n}", "layer", f"stack:{n}").stdout.strip() for n in range(4)]
    engine.docker("rm", "layer")
    yield ids
    engine.remove_containers()
    engine.docker("rmi", "-f", *ids, check=False)


def listed(engine, **filters):
    query = urllib.parse.quote(json.dumps(filters))
    status, answer = Api(engine).call("GET", f"/images/json?filters={query}")
    assert status == 200, answer
    return [one["Id"] for one in answer]


def test_of_several_times_the_earliest_counts(engine, images):
    times = [engine.inspect(one, "{{.Created}}") for one in images]
    assert listed(engine, since=[images[0]], until=[times[2], times[3]]) == [images[1]]
    assert listed(engine, since=[images[0]], before=[images[3]]) == [images[2], images[1]]


@pytest.mark.parametrize("pattern, count", [
    ("stack", 4), ("stack:1", 1), ("stack*", 4), ("docker.io/library/stack", 4), ("docker.io/library/stack:2", 1),
    ("docker.io/library/stack:*", 4), ("docker.io/other/stack", 0), ("*/stack", 0)])
def test_references_are_known_by_both_names(engine, images, pattern, count):
    assert len(listed(engine, reference=[pattern])) == count


def untagged(engine):
    status, answer = Api(engine).call("POST", "/images/prune?filters=" + urllib.parse.quote('{"dangling":["false"]}'))
    assert status == 200, answer
    return [(one.get("Untagged"), one.get("Deleted")) for one in answer["ImagesDeleted"] or []]


def test_a_prune_leaves_an_image_in_use_the_names_that_are_used(engine, images):
    keep = engine.inspect("busybox", "{{.Id}}")
    engine.docker("create", "--name", "keeps-busybox", "busybox", "true")
    for name in ("c", "a", "z"):
        engine.docker("tag", "stack:1", f"stack:{name}")
    engine.docker("create", "--name", "named", "stack:a", "true")
    gone = untagged(engine)
    assert [("stack:1", None), ("stack:c", None), ("stack:z", None)] == [one for one in gone if one[0] in ("stack:1", "stack:c", "stack:z")]
    assert ("stack:a", None) not in gone and (None, images[0]) in gone and (None, images[1]) not in gone
    assert engine.docker("images", "-q", "--no-trunc").stdout.split().count(images[1]) == 1 and keep in engine.docker("images", "-q", "--no-trunc").stdout
    # Of one that is used by its id, the last name stays.
    engine.docker("rm", "named")
    engine.docker("tag", "stack:a", "stack:b")
    engine.docker("create", "--name", "by-id", images[1], "true")
    assert untagged(engine) == [("stack:a", None)]


@pytest.mark.parametrize("platform", ["windows", "windows/amd64", "macos", "macos/arm64"])
def test_what_cannot_run_here_is_not_imported(engine, busybox, platform):
    refused = engine.docker("import", "--platform", platform, busybox, "foreign:1", check=False)
    assert refused.returncode != 0 and "operating system is not supported" in refused.stderr
    assert engine.docker("images", "-q", "foreign").stdout == ""
