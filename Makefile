# make demo    the main job: log in, kill the browser, kill the daemon, go on in the same place
# make test    every test, also on real Chromium and with foreign clients
# make lint    formatting, clippy, the walls between the crates, the docs
# make chaos   sessions at work, faults by a seed, and what was acknowledged is there (MINUTES, SESSIONS, SEED)
# make bench   browserd beside raw CDP, numbers and ratios
#
# Each does its own set-up on a Debian machine that has Rust >= 1.95 and nothing else.

SHELL := /bin/sh
export PATH := $(HOME)/.cargo/bin:$(PATH)

# Chromium's sandbox can't be had as root.
ifeq ($(shell id -u),0)
export BROWSERD_NO_SANDBOX ?= 1
endif

TARGET := $(or $(CARGO_TARGET_DIR),target)
CLIENTS := $(abspath $(TARGET))/clients
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

.PHONY: help demo build test capabilities test-rust test-doc examples clients lint chaos bench clean

help:
	@sed -n 's/^# //p' Makefile | head -5

demo:
	@echo "== demo: set up, build, run the main job against a demo application"
	@.ci/setup run
	cargo build --locked -p browserd
	$(TARGET)/debug/browserd demo

build:
	@.ci/setup run
	cargo build --locked -p browserd

test: capabilities test-rust test-doc examples

capabilities:
	@echo "== test: every capability is listed, and the tests it names are there"
	cargo xtask capabilities

# The foreign programs that drive browserd in the tests: exact versions, nothing outside target/.
clients: $(CLIENTS)/.ready

$(CLIENTS)/.ready: tests/clients/requirements.txt tests/clients/miniwob.txt tests/clients/pages.txt tests/clients/get-pages tests/clients/package.json tests/clients/package-lock.json
	@.ci/setup run test
	@echo "== test: installing the foreign clients into $(CLIENTS)"
	mkdir -p $(CLIENTS)/node
	test -x $(CLIENTS)/python/bin/pip || python3 -m venv $(CLIENTS)/python
	$(CLIENTS)/python/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	$(CLIENTS)/python/bin/pip install --quiet --disable-pip-version-check --no-deps --upgrade --require-hashes --target $(CLIENTS)/miniwob -r tests/clients/miniwob.txt
	tests/clients/get-pages tests/clients/pages.txt $(CLIENTS)/pages
	cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS)/node/
	cd $(CLIENTS)/node && npm ci --no-audit --no-fund --loglevel=error
	touch $@

test-rust: export BROWSERD_TEST_CLIENTS := $(CLIENTS)
test-rust: clients
	@echo "== test: rules, protocol, supervision, storage, and end to end on real Chromium"
	cargo build --locked -p browserd
ifeq ($(NEXTEST),yes)
	cargo nextest run --locked --workspace
else
	.ci/cargo-test --locked --workspace --lib --bins --tests
endif

test-doc:
	@echo "== test: examples in the documentation of the crates"
	.ci/cargo-test --locked --workspace --doc

examples: build
	@echo "== test: the examples"
	examples/run $(abspath $(TARGET))/debug/browserd

lint:
	@echo "== lint: formatting, clippy, walls, docs"
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo xtask walls
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --offline check licenses bans sources; \
	 else echo "cargo-deny is not installed: licences are not checked here"; fi

MINUTES ?= 10
SESSIONS ?= 8
SEED ?= 1

chaos:
	@echo "== chaos: $(SESSIONS) sessions, $(MINUTES) minutes, seed $(SEED)"
	@.ci/setup run
	cargo build --locked --release -p browserd -p xtask
	$(TARGET)/release/xtask chaos --program $(TARGET)/release/browserd --minutes $(MINUTES) --sessions $(SESSIONS) --seed $(SEED)

bench:
	@echo "== bench: release build, side by side with raw CDP over a pipe"
	@.ci/setup run
	cargo build --locked --release -p browserd -p xtask
	$(TARGET)/release/xtask bench --program $(TARGET)/release/browserd --json $(TARGET)/bench.json

clean:
	cargo clean
