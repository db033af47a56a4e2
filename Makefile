# SPDX-License-Identifier: Apache-2.0
# hull's own commands; `make help` lists them. The build itself is CMake's and Ninja's.
BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
JOBS     ?= $(shell nproc)
PYTEST    = /usr/bin/python3 -m pytest -q -p no:cacheprovider
export CCACHE_BASEDIR = $(CURDIR)
export CCACHE_NOHASHDIR = 1

.PHONY: help build run test unit engine install deb reference uninstall bench bench-build bench-runtime bench-cli bench-load bench-images bench-peers format lint fuzz asan tsan clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

build: $(BUILD)/build.ninja ## hull, hulld, hull-shim, hull-runtime in build/bin
	ninja -C $(BUILD) -j $(JOBS)

$(BUILD)/build.ninja: CMakeLists.txt $(wildcard cmake/*.cmake) scripts/install-dependencies
	scripts/install-dependencies build
	cmake -S . -B $(BUILD) -G Ninja

run: build ## build, start what is needed, and run a first container
	scripts/first-run $(BUILD)

test: build ## every test, as root: units, engine, conformance, faults, virtual machine
	scripts/install-dependencies test
	cd $(BUILD) && ctest --output-on-failure --timeout 300
	HULL_BUILD=$(abspath $(BUILD)) $(PYTEST) tests

unit: build ## the unit tests alone
	cd $(BUILD) && ctest --output-on-failure --timeout 300

engine: build ## the black-box tests of the engine alone
	HULL_BUILD=$(abspath $(BUILD)) $(PYTEST) tests/engine

install: build ## to $(DESTDIR)$(PREFIX)
	cmake -D CMAKE_INSTALL_PREFIX=$(PREFIX) -P $(BUILD)/cmake_install.cmake

deb: build ## a package for Debian 12 in $(BUILD)/package
	scripts/install-dependencies package
	cd $(BUILD) && cpack -B package >/dev/null && ls package/*.deb

reference: build ## docs/reference from the tables of commands
	rm -f docs/reference/*.md
	$(BUILD)/bin/hull __document --form markdown docs/reference
	$(BUILD)/bin/hull manifest __document markdown docs/reference
	$(BUILD)/bin/hull registry __document markdown docs/reference

uninstall: ## what install put there
	cat $(BUILD)/install_manifest.txt | sed 's|^|$(DESTDIR)|' | xargs -r rm -f

bench: build ## hull beside docker, podman, runc, crun and the bare kernel: a table, and JSON in build/bench.json
	/usr/bin/python3 bench/bench.py --build $(BUILD) --json $(BUILD)/bench.json
	/usr/bin/python3 bench/network.py --build $(BUILD) --json $(BUILD)/bench-network.json

bench-load: build ## the same under load: many at once, many running, many clients, a gigabyte of log; takes minutes
	/usr/bin/python3 bench/load.py --build $(BUILD) --json $(BUILD)/bench-load.json

bench-images: build ## pull, load, save and push beside docker and podman, on a file system of their own
	/usr/bin/python3 bench/images.py --build $(BUILD) --json $(BUILD)/bench-images.json

bench-runtime: build ## hull-runtime beside crun, runc and the bare kernel
	/usr/bin/python3 bench/runtime.py --build $(BUILD) --json $(BUILD)/bench-runtime.json

bench-build: build ## builds by hull, Docker's classic builder, BuildKit and Buildah; JSON in build/bench-build.json
	bench/install-buildkit $(BUILD)/buildkit
	/usr/bin/python3 bench/build.py --build $(BUILD) --json $(BUILD)/bench-build.json

bench-cli: build ## the command lines of hull and docker beside each other; JSON in build/bench-cli.json
	/usr/bin/python3 bench/cli.py --build $(BUILD) --json $(BUILD)/bench-cli.json

bench-peers: ## install the engines that make bench compares with
	scripts/install-dependencies peers

format: ## clang-format over all sources
	scripts/install-dependencies lint
	git ls-files '*.cpp' '*.h' | xargs clang-format -i

lint: $(BUILD)/build.ninja ## layering, sizes, formatting, shellcheck, clang-tidy
	scripts/install-dependencies lint
	scripts/lint $(BUILD)

fuzz: build ## every fuzz target for a minute (SECONDS=60)
	scripts/fuzz $(or $(SECONDS),60) $(abspath $(BUILD))-fuzz

asan: ## the unit and engine tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) sanitized SANITIZER=address,undefined BUILD=build-asan

tsan: ## the same under ThreadSanitizer
	$(MAKE) sanitized SANITIZER=thread BUILD=build-tsan

.PHONY: sanitized
sanitized:
	scripts/install-dependencies build test
	cmake -S . -B $(BUILD) -G Ninja -D CMAKE_BUILD_TYPE=Debug -D HULL_SANITIZE=$(SANITIZER)
	ninja -C $(BUILD) -j $(JOBS)
	cd $(BUILD) && ctest --output-on-failure --timeout 600
	HULL_BUILD=$(abspath $(BUILD)) $(PYTEST) tests/engine

clean: ## remove the build trees
	rm -rf build build-asan build-tsan build-fuzz
