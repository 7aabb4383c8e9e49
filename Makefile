# The one door: `make help`. Everything that is installed goes into the checkout, under .cache/ and node_modules/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z0-9-]+):.*/\1/p' Makefile)

PYTHON ?= python3
LANGUAGE ?= all
TARGETS ?=
# What this machine builds packages for, and runs or emulates.
ELSEWHERE := x86_64-unknown-linux-musl aarch64-unknown-linux-gnu aarch64-unknown-linux-musl x86_64-pc-windows-gnu
SECONDS ?= 60
VENV := .cache/venv
SITE := .cache/site
ZIG := .cache/zig
IN_ZIG := $(ZIG)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
IN_VENV := $(CURDIR)/$(VENV)/bin
export PYTHONPATH := $(CURDIR)/target/python

help: ## what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{ printf "make %-25s %s\n", $$1, $$2 }'

demo: build ## a whole login in all languages (LANGUAGE=python: in one), then all on one login (PEERS=1: and Authlib and openid-client beside them)
	@$(PYTHON) tests/demo.py --language $(LANGUAGE)
ifdef PEERS
	@[ -x .cache/peers/bin/python ] || { $(PYTHON) -m venv .cache/peers && .cache/peers/bin/python -m pip install --quiet --disable-pip-version-check authlib==1.9.10 requests==2.34.2; }
	@[ -d .cache/peers/node_modules/openid-client ] || npm install --prefix .cache/peers --no-audit --no-fund --loglevel=error openid-client@6.8.9
	@.cache/peers/bin/python tests/chaos/peers.py
endif

realm: ## the local realm, left running, for a login by hand in your browser
	@cargo build -p sipgate-oauth2-realm
	@target/debug/sipgate-oauth2-realm --human

build: node_modules ## everything that demo and test use, unoptimised
	@cargo build --examples --bins --lib
	@$(PYTHON) bindings-python/stage.py debug
	@node bindings-node/stage.mjs debug
	@bash bindings-c/build.sh debug
	@$(PYTHON) tests/readme/node_block.py target/node/readme.mjs

test: build $(VENV)/.ready ## unit, behaviour and native tests of all languages, and the README's code
	cargo test
	cargo test --features sipgate-oauth2/log --test log
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target behaviour native

# Both are mostly waited for.
behaviour:
	$(PYTHON) tests/behaviour/run.py --languages rust,python,aio,node,c

native:
	cd bindings-python && $(PYTHON) ../tests/differential/canary.py $(IN_VENV)/python -m pytest -q -s
	cd bindings-node && $(PYTHON) ../tests/differential/canary.py node --test test/*.test.mjs
	bash bindings-c/tests/run.sh
	$(PYTHON) tests/readme/run.py

test-memory: build ## what is left of secrets in freed memory; the C suite under valgrind, and under the address sanitizer where there is a nightly toolchain
	$(PYTHON) tests/memory/run.py
	bash bindings-c/tests/run.sh --valgrind
	bash bindings-c/tests/run.sh --asan

test-soak: build ## ten thousand logins in one process of each language: memory, descriptors and threads stay flat
	$(PYTHON) tests/soak/run.py

test-keycloak: build ## a real Keycloak 26.7.3 (needs Java 17 and Maven), and the local realm compared with it
	$(PYTHON) tests/keycloak/run.py

test-keycloak-22: build ## the same with Keycloak 22.0.5, whose responses differ as tests/keycloak/allowed.py says
	$(PYTHON) tests/keycloak/run.py --version 22.0.5 --contention 20

test-differential: build ## generated inputs and every fault, through all languages: one verdict, and no secret in any output
	$(PYTHON) tests/differential/run.py
	$(PYTHON) tests/differential/faults.py

test-signing-in: build ## the programs of examples/sign_in in each web framework (from PyPI and npm), with a browser, against the local realm
	cargo build -p sign-in-axum -p signing-in-axum
	$(PYTHON) tests/signing_in/run.py

screenshots: build ## those of docs/images, made again in Chromium
	$(PYTHON) tests/signing_in/run.py --frameworks "Flask in Chromium,Command line in Chromium"
	cd .cache/signing_in_browser/screenshots && cp Flask/sign-in.png Flask/login.png Flask/home.png Flask/not-logged-in.png command-line/logged-in.png $(CURDIR)/docs/images

test-kit: build ## the local realm as users install it, and the tests of docs/testing.md: pytest, node:test, Vitest, Jest, Rust, C
	node realm/stage.mjs debug
	$(PYTHON) tests/testing/run.py

test-command-line: build $(VENV)/.ready ## the command line of each package against the local realm, and each fault that its doctor finds
	$(IN_VENV)/python -m pytest -q -rs tests/command_line

test-pages: build ## the blocks of code in docs/ that no other test runs
	$(PYTHON) tests/pages/run.py

test-migration: build ## the programs of docs/migration with other libraries and with ours, and tokens taken along
	$(PYTHON) tests/migration/run.py

migration: build ## the same, and those with the crate oauth2
	$(PYTHON) tests/migration/run.py --long

test-bundlers: build ## the packed npm packages in esbuild, webpack, Rollup and @vercel/nft as docs/bundlers.md says, moved and run; publint and attw
	$(PYTHON) tests/bundlers/run.py

bundlers: build ## the same, and Next.js, four versions of Node, Bun, Deno and PyInstaller
	$(PYTHON) tests/bundlers/run.py --long

test-openid: build ## OpenID Connect: what servers may send, in all languages and a certified relying party; Wycheproof's vectors; 20,000 mutated tokens and other libraries
	$(PYTHON) tests/openid/run.py
	cargo test -p sipgate-oauth2-protocol --test wycheproof -- --nocapture
	cargo build -p openid-tests
	$(PYTHON) tests/openid/differential.py

test-chaos: build $(VENV)/.ready ## processes that share one store: some that open and close its files, sixteen that fight for a login, one that is stopped, hundreds that are killed
	$(PYTHON) tests/chaos/foreign_closes.py --saves 100
	$(PYTHON) tests/chaos/syncs.py
	$(PYTHON) tests/chaos/contention.py
	$(PYTHON) tests/chaos/stopped.py
	$(PYTHON) tests/chaos/faults.py
	$(IN_VENV)/python tests/chaos/workers.py
	$(PYTHON) tests/chaos/actions.py
	$(PYTHON) tests/chaos/kills.py --kills 250

chaos: build $(VENV)/.ready ## the same for long: 2,000 saves of each kind, two minutes of contention, ten thousand killed
	$(PYTHON) tests/chaos/foreign_closes.py
	$(PYTHON) tests/chaos/contention.py --seconds 120
	$(IN_VENV)/python tests/chaos/workers.py --kills 300
	$(PYTHON) tests/chaos/actions.py --languages rust,python,aio,node,c
	$(PYTHON) tests/chaos/kills.py --kills 5000 --languages rust,c,python,node

test-fleet: build $(VENV)/.ready ## stores for fleets on real PostgreSQL, pgbouncer, Redis and Valkey: the kit, all languages on one login, every failure
	$(PYTHON) tests/fleet/run.py

fleet: build $(VENV)/.ready ## the same for long: each failure in each language, and contention between machines
	$(PYTHON) tests/fleet/run.py --long

test-platforms: ## the core's unit tests on Windows, built with mingw and run under wine (needs root, to install these)
	$(PYTHON) tests/platforms/run.py $(ONLY)

platforms: $(ZIG)/.ready build ## the same, and on Linux with musl, and on arm64 under qemu; the Python package with Python 3.14; for macOS, compiles and links, and runs nothing (ONLY=arm64: one of them)
	$(PYTHON) tests/platforms/run.py --long $(ONLY)

test-protocol: ## the refresh protocol: every state of small worlds, and a hundred years of logins in a large one
	cargo test -p protocol
	cargo run -p protocol --bin model -- --small
	cargo run -p protocol --bin simulate -- --years 100

protocol: ## the same for long: worlds of up to three million states, and a thousand years
	cargo run -p protocol --bin model
	cargo run -p protocol --bin simulate

test-schedules: ## the threads of the driver in tens of thousands of orders (SEED=2: in others; SCHEDULES=10000: so many of each kind)
	cargo test -p schedules

test-oidc-provider: build ## a real oidc-provider 9 with strict rotation, fetched from npm
	$(PYTHON) tests/oidc_provider/run.py

test-django-oauth-toolkit: build ## a real django-oauth-toolkit 3, known by discovery only, fetched from PyPI
	$(PYTHON) tests/django_oauth_toolkit/run.py

lint: build $(VENV)/.ready ## formatting, lints, types, spelling, dependencies, stubs against the binary, generated files against their sources
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features sipgate-oauth2/log -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features -p sipgate-oauth2
	$(IN_VENV)/ruff check .
	$(IN_VENV)/ruff format --check .
	$(PYTHON) tests/prose.py
	$(PYTHON) tests/pages/check.py
	$(PYTHON) benches/growth_page.py --check
	bash tests/lint_python.sh $(IN_VENV)
	cd bindings-node && npm run --silent lint && npm run --silent types
	bash tests/house/dependencies.sh
	$(IN_VENV)/typos
	$(PYTHON) tests/house/circles.py
	bash bindings-c/header.sh --check
	$(PYTHON) bindings-c/abi.py
	$(PYTHON) tests/behaviour/run.py --check-table
	$(IN_VENV)/python -m pytest -q tests/api_parity tests/house
	$(IN_VENV)/python tests/api_parity/run.py

site: build $(SITE)/.ready ## the documentation as a site, in target/site, with the reference of each language; a broken link fails
	bash tests/site/build.sh

api-table: build $(VENV)/.ready ## tests/api_parity/TABLE.md: what each language offers
	$(IN_VENV)/python tests/api_parity/run.py --write

header: ## include/sipgate_oauth2.h, made again from bindings-c
	bash bindings-c/header.sh

abi: ## accepts the C header's interface as the one to compare with, though it may break programs
	$(PYTHON) bindings-c/abi.py --accept

test-fuzz: ## what fuzzing has found and was given to start from, replayed
	cargo test -p sipgate-oauth2-fuzz

fuzz: $(VENV)/.ready ## each fuzz target for so many seconds (SECONDS=60)
	bash fuzz/run.sh $(SECONDS)

mutants: ## changes to the pure modules that no unit test notices (long)
	@[ -x .cache/tools/bin/cargo-mutants ] || cargo install --locked --quiet --root .cache/tools cargo-mutants
	.cache/tools/bin/cargo-mutants mutants --output target

night: build ## what takes too long for every change: hours
	$(PYTHON) tests/keycloak/run.py --contention 120
	$(PYTHON) tests/oidc_provider/run.py --contention 120
	$(MAKE) test-dist test-dist-long test-dist-elsewhere test-keycloak-22 protocol chaos fleet bundlers migration platforms
	$(MAKE) fuzz SECONDS=600
	bash fuzz/run.sh --asan 600
	$(MAKE) bench mutants
	$(PYTHON) benches/growth.py --goal

test-instructions: $(ZIG)/.ready ## how many instructions operations without I/O take, under valgrind: over 3 % more than recorded fails
	$(PYTHON) benches/instructions.py

instructions: $(ZIG)/.ready ## the same, and records today's figures
	$(PYTHON) benches/instructions.py --record

bench: node_modules ## speed against hand-written code, as ratios in one run, and beside other libraries
	$(PYTHON) benches/run.py
	$(PYTHON) benches/peers/run.py

growth: ## saves and refreshes a second of one SQLite store, with disks of three kinds: docs/growth.md and its data, measured anew
	cargo build --release -p bench-rust -p sipgate-oauth2-realm
	$(PYTHON) benches/growth.py
	$(PYTHON) benches/growth_page.py

dist: $(ZIG)/.ready node_modules ## what users install, in dist/: wheels, npm packages, C tree, sdist, crates (TARGETS="x86_64-unknown-linux-musl …": for these)
	$(PYTHON) tests/dist/build.py $(TARGETS)

test-dist: dist build ## what is in each of them, and the main job and the tests of docs/testing.md with each in an empty environment
	$(IN_ZIG)/python tests/dist/check.py
	$(PYTHON) tests/dist/run.py
	$(PYTHON) tests/testing/run.py --installed

test-dist-long: dist build ## sdist and crates, compiled from what they hold; two builds, whose bytes must be the same; an old glibc
	cargo package --locked --package sipgate-oauth2-protocol --package sipgate-oauth2 --package sipgate-oauth2-cli --package sipgate-oauth2-realm
	$(PYTHON) tests/dist/run.py sdist python3.14 node-on-old-glibc c-on-old-glibc
	$(PYTHON) tests/dist/reproducible.py

test-dist-elsewhere: $(ZIG)/.ready build ## packages for musl, arm64 and Windows, emulated or under wine: the main job with each (ONLY=node-on-musl: one of them), and the behaviour suite
	$(PYTHON) tests/dist/build.py $(or $(TARGETS),$(ELSEWHERE))
	$(IN_ZIG)/python tests/dist/check.py
	$(PYTHON) tests/dist/run.py $(or $(ONLY),--elsewhere)
	$(if $(ONLY),,$(PYTHON) tests/dist/suite.py)
	$(if $(ONLY),,$(PYTHON) tests/dist/node_tests.py)

clean: ## all that was built or installed here
	cargo clean
	rm -rf .cache dist node_modules bindings-node/node_modules tests/oidc_provider/node_modules

node_modules: bindings-node/node_modules/.package-lock.json
.PHONY: node_modules

bindings-node/node_modules/.package-lock.json: bindings-node/package-lock.json
	@cd bindings-node && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/.ready: tests/requirements.txt
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

$(SITE)/.ready: tests/site/requirements.txt tests/site/package.json
	@$(PYTHON) -m venv $(SITE)
	@$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/site/requirements.txt
	@cp tests/site/package.json $(SITE)
	@npm install --prefix $(SITE) --no-audit --no-fund --loglevel=error
	@touch $@

# What packages are built with. It is large, and only they need it.
$(ZIG)/.ready: tests/dist/requirements.txt
	@$(PYTHON) -m venv $(ZIG)
	@$(IN_ZIG)/python -m pip install --quiet --disable-pip-version-check -r tests/dist/requirements.txt
	@touch $@
