# SPDX-License-Identifier: Apache-2.0
"""Projects as people have them: a Node program with npm, a Python program with pip, a C++ program with apt and CMake in two
stages. Their base image is made once of Debian packages, from the mirror that this machine uses; without one the tests are
skipped. What npm, pip and apt install lies in the contexts: nothing is fetched while a test runs."""
import io
import json
import os
import subprocess
import tarfile
import zipfile

import pytest

from conftest import BUILD, Hulld

PACKAGES = ("nodejs", "npm", "python3", "python3-pip", "python3-venv", "python3-setuptools", "python3-wheel", "cmake", "g++", "make")
WITHOUT = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
BY_APT = ("zlib1g-dev", "pkgconf", "pkgconf-bin", "libpkgconf3")


def made_once(name, make):
    """BUILD/images/<name>, which `make(path)` makes when it is not there; skips when it cannot."""
    path = BUILD / "images" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(f"{os.getpid()}-{name}")
        try:
            make(fresh)
            os.rename(fresh, path)
        except (OSError, subprocess.SubprocessError) as reason:
            pytest.skip(f"{name} cannot be made: {reason}")
    return path


def make_base(path):
    subprocess.run(["nice", "mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", *WITHOUT,
                    "--aptopt=APT::Sandbox::User \"root\"", "bookworm", path], check=True, capture_output=True, timeout=900)


def make_repository(path):
    """A directory that apt takes for a repository."""
    path.mkdir()
    subprocess.run(["apt-get", "download", "-qq", *BY_APT], cwd=path, check=True, capture_output=True, timeout=300)
    index = subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=path, check=True, capture_output=True).stdout
    (path / "Packages").write_bytes(index)


@pytest.fixture(scope="module")
def engine():
    base = made_once("projects.tar", make_base)
    hulld = Hulld()
    try:
        hulld.start()
        hulld.docker("import", base, "toolbox", timeout=600)
        yield hulld
    finally:
        hulld.close()


def write(directory, files):
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.write_bytes if isinstance(text, bytes) else path.write_text)(text)


def build(engine, cli, context, *flags):
    flags = ["--network", "none", *flags]
    if cli == "hull":
        return engine.hull("build", "--progress=plain", *flags, context, timeout=600).stderr
    os.environ["DOCKER_BUILDKIT"] = "0"
    return engine.docker("build", *flags, context, timeout=600).stdout


def output(engine, image, *command):
    return engine.docker("run", "--rm", image, *command).stdout


def npm_package(name, version, source, dependencies=None):
    """What `npm pack` makes."""
    manifest = {"name": name, "version": version, "main": "index.js", "dependencies": dependencies or {}}
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for path, text in (("package/package.json", json.dumps(manifest)), ("package/index.js", source)):
            info = tarfile.TarInfo(path)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


@pytest.mark.parametrize("cli", ["docker", "hull"])
def test_node_with_npm(engine, tmp_path, cli):
    write(tmp_path, {
        "Dockerfile": """
FROM toolbox AS dependencies
WORKDIR /app
COPY package.json ./
COPY vendor vendor
RUN --mount=type=cache,target=/root/.npm npm install --omit=dev --no-audit --no-fund

FROM toolbox
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
RUN npm test
USER nobody
EXPOSE 3000
CMD ["node", "server.js"]
""" if cli == "hull" else """
FROM toolbox
WORKDIR /app
COPY package.json ./
COPY vendor vendor
RUN npm install --omit=dev --no-audit --no-fund
COPY . .
RUN npm test
CMD ["node", "server.js"]
""",
        ".dockerignore": "node_modules\n*.log\n",
        "node_modules/left/over": "of the host",
        "package.json": json.dumps({"name": "shop", "version": "1.0.0", "scripts": {"test": "node --test"}, "dependencies": {
            "greeter": "file:vendor/greeter-1.2.3.tgz"}}),
        "vendor/greeter-1.2.3.tgz": npm_package("greeter", "1.2.3", "exports.greet = name => `hello ${name}`;\n"),
        "server.js": "const {greet} = require('greeter');\nconsole.log(greet('npm'));\nmodule.exports = greet;\n",
        "test/greet.test.js": "const test = require('node:test'), assert = require('node:assert');\n"
                              "test('greets', () => assert.equal(require('../server.js')('x'), 'hello x'));\n"})
    build(engine, cli, tmp_path, "-t", "shop")
    assert output(engine, "shop") == "hello npm\n"
    assert output(engine, "shop", "ls", "node_modules").split() == ["greeter"]
    # Another server.js leaves what npm has installed alone.
    (tmp_path / "server.js").write_text("const {greet} = require('greeter');\nconsole.log(greet('again'));\nmodule.exports = greet;\n")
    said = build(engine, cli, tmp_path, "-t", "shop")
    assert "added 1 package" not in said
    assert output(engine, "shop") == "hello again\n"


def wheel(name, version, source):
    data = io.BytesIO()
    information = f"{name}-{version}.dist-info"
    files = {f"{name}.py": source, f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
             f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},,\n" for path in [*files, f"{information}/RECORD"])
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in {**files, f"{information}/RECORD": record}.items():
            archive.writestr(path, text)
    return data.getvalue()


@pytest.mark.parametrize("cli", ["docker", "hull"])
def test_python_with_pip(engine, tmp_path, cli):
    write(tmp_path, {
        "Dockerfile": """
FROM toolbox
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH
RUN python3 -m venv $VIRTUAL_ENV
WORKDIR /srv
COPY wheels /wheels
COPY requirements.txt .
RUN pip install --no-index --find-links /wheels -r requirements.txt
COPY setup.py ./
COPY src src
RUN pip install --no-index --no-build-isolation --no-deps . 2>&1 | tail -1 && python -m counter
ENTRYPOINT ["python", "-m", "counter"]
""",
        "requirements.txt": "adder==2.0\n",
        "wheels/adder-2.0-py3-none-any.whl": wheel("adder", "2.0", "def add(*numbers):\n    return sum(numbers)\n"),
        "setup.py": "from setuptools import setup\nsetup(name='counter', version='0.1', package_dir={'': 'src'}, py_modules=['counter'])\n",
        "src/counter.py": "import sys\nfrom adder import add\nprint(add(*map(int, sys.argv[1:])))\n"})
    # setuptools is in the base, a virtual environment of its own does not see it.
    text = (tmp_path / "Dockerfile").read_text().replace("-m venv $VIRTUAL_ENV", "-m venv --system-site-packages $VIRTUAL_ENV")
    (tmp_path / "Dockerfile").write_text(text)
    build(engine, cli, tmp_path, "-t", "counter")
    assert output(engine, "counter", "1", "2", "39") == "42\n"
    (tmp_path / "src" / "counter.py").write_text("from adder import add\nprint('sum', add(1, 2))\n")
    said = build(engine, cli, tmp_path, "-t", "counter")
    assert "adder" not in said  # pip did not run again for the requirements
    assert output(engine, "counter") == "sum 3\n"


@pytest.mark.parametrize("cli", ["docker", "hull"])
def test_cxx_with_apt_and_cmake_in_two_stages(engine, tmp_path, cli):
    packages = made_once("packages", make_repository)
    write(tmp_path, {
        "Dockerfile": """
FROM toolbox AS build
COPY packages /packages
RUN echo "deb [trusted=yes] file:/packages ./" > /etc/apt/sources.list && rm -rf /etc/apt/sources.list.d/* \\
 && apt-get update && apt-get install -y --no-install-recommends zlib1g-dev pkgconf \\
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt .
COPY src src
RUN cmake -S . -B /build -DCMAKE_BUILD_TYPE=Release && cmake --build /build -j2 && cmake --install /build --prefix /opt/app
RUN ldd /opt/app/bin/pack | awk '/=> \\//{print $3} /ld-linux/{print $1}' | xargs -I{} cp --parents -L {} /opt/app

FROM scratch
COPY --from=build /opt/app /
ENTRYPOINT ["/bin/pack"]
""",
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nproject(pack CXX)\nset(CMAKE_CXX_STANDARD 20)\nfind_package(PkgConfig REQUIRED)\n"
                          "pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)\nadd_executable(pack src/main.cpp)\n"
                          "target_link_libraries(pack PkgConfig::ZLIB)\ninstall(TARGETS pack)\n",
        "src/main.cpp": "#include <zlib.h>\n#include <iostream>\n#include <string>\nint main() { std::string text(4096, 'x'), out(4096, 0);\n"
                        "  uLongf size = out.size(); compress((Bytef*)out.data(), &size, (const Bytef*)text.data(), text.size());\n"
                        "  std::cout << (size < 100 ? \"packed\" : \"not packed\") << std::endl; }\n"})
    subprocess.run(["cp", "-r", packages, tmp_path / "packages"], check=True)
    build(engine, cli, tmp_path, "-t", "pack")
    assert output(engine, "pack") == "packed\n"
    size = int(engine.inspect("pack", "{{.Size}}"))
    assert size < 20e6  # of a base with half a gigabyte nothing but the libraries is there
    (tmp_path / "src" / "main.cpp").write_text("#include <iostream>\nint main() { std::cout << \"other\" << std::endl; }\n")
    said = build(engine, cli, tmp_path, "-t", "pack")
    assert "Setting up zlib1g-dev" not in said
    assert output(engine, "pack") == "other\n"
