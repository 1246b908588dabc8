# Every target does its own set-up and says what it does. What it downloads and builds goes outside the
# checkout, into $(CACHE), so that a second clone starts warm. `make` alone lists the targets.

CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/points-ledger
CARGO_TARGET_DIR ?= $(CACHE)/target
FUZZ_SECONDS ?= 30
LEDGER_KILLS ?= 200
LEDGER_CHAOS ?= 100
BENCH_ARGS ?=

# Which set-up `packages` makes sure of: `build`, `kafka` or `test`, each more than the one before.
PACKAGES := build

CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.2

# Real purchases: the full set where it could be made, else the sample (data/README.md).
LEDGER_DATA ?= $(shell ls "$(CACHE)/data/cdnow.csv" 2>/dev/null || echo "$(CACHE)/data/cdnow_sample.csv")
# Where the tests find the clients in other languages.
LEDGER_PYTHON ?= $(CACHE)/venv/bin/python
LEDGER_NODE_MODULES ?= $(CACHE)/node/node_modules
LEDGER_JAVA ?= $(CACHE)/java/lib
LEDGER_GO ?= $(CACHE)/go
# And where they find Apache Kafka.
LEDGER_KAFKA ?= $(CACHE)/kafka

export CACHE CARGO_TARGET_DIR LEDGER_DATA LEDGER_PYTHON LEDGER_NODE_MODULES LEDGER_JAVA \
	LEDGER_GO LEDGER_KAFKA

# RocksDB is compiled once, so every command of cargo that needs it gets the same profile and the whole
# workspace. `-p` for one package can choose other features for a tool that RocksDB's build script uses,
# and then cargo compiles RocksDB again.
WHOLE := --locked --release --workspace

# Warnings are errors with the compiler this tree is kept clean with. A newer one may warn of more: its
# warnings are shown and do not fail the tests.
DENY_WARNINGS = $(shell rustc --version | grep -q '^rustc 1\.95\.' && echo '-D warnings')

.NOTPARALLEL:
.PHONY: help demo demo-kafka test build bench fuzz crash chaos fmt reference proto data \
	packages rocksdb-note clients kafka cargo-deny cargo-fuzz

help:
	@sed -n 's/^## //p' Makefile

## make demo    replay the purchases of a real shop through a ledger and show what its members have
demo: build data
	@echo '==> ledgerd demo: real purchases under programs/music.toml'
	@"$$CARGO_TARGET_DIR/release/ledgerd" demo "$$LEDGER_DATA"

## make demo-kafka  the same purchases through a real Kafka, the ledger killed on the way
demo-kafka: PACKAGES := kafka
demo-kafka: build data kafka
	@echo '==> setup/demo-kafka.sh: through Apache Kafka, under programs/music.toml'
	@setup/demo-kafka.sh "$$CARGO_TARGET_DIR/release/ledgerd" "$$LEDGER_DATA"

## make test    all that must hold: format, lints, API, licences, docs, tests, clients in other languages, real Kafka
test: PACKAGES := test
test: packages cargo-deny data clients kafka rocksdb-note
	@echo '==> format'
	@cargo fmt --all --check
	@setup/proto.sh
	@echo '==> lints'
	@cargo clippy $(WHOLE) --all-targets -- $(DENY_WARNINGS)
	@echo '==> licences, banned crates, sources'
	@"$$CACHE/tools/bin/cargo-deny" --locked check --hide-inclusion-graph licenses bans sources
	@echo '==> docs'
	@RUSTDOCFLAGS='$(DENY_WARNINGS)' cargo doc $(WHOLE) --no-deps
	@echo '==> tests'
	@cargo test $(WHOLE)
	@echo '==> fuzz targets over their seeds'
	@cargo test --locked --release --manifest-path fuzz/Cargo.toml
	@echo '==> make test: all of it passed'

## make build   ledgerd, release build
build: packages rocksdb-note
	@echo '==> building ledgerd'
	@cargo build $(WHOLE) --bin ledgerd
	@echo "==> built $$CARGO_TARGET_DIR/release/ledgerd"

## make bench   measure this machine (BENCH_ARGS='...' goes to the program)
bench: PACKAGES := kafka
bench: packages data kafka rocksdb-note
	@echo '==> building the benches'
	@cargo build $(WHOLE) --bins
	@"$$CARGO_TARGET_DIR/release/benches" $(BENCH_ARGS)

## make crash   kill the server LEDGER_KILLS times (200) and look for a lost or half-done event
crash: packages rocksdb-note
	@echo '==> kill -9, $(LEDGER_KILLS) times'
	@LEDGER_KILLS='$(LEDGER_KILLS)' cargo test $(WHOLE) --test kill -- --nocapture

## make chaos   LEDGER_CHAOS rounds (100) of everything that can break around Kafka
chaos: PACKAGES := kafka
chaos: packages kafka rocksdb-note
	@echo '==> chaos, $(LEDGER_CHAOS) rounds'
	@LEDGER_CHAOS='$(LEDGER_CHAOS)' cargo test $(WHOLE) --test kafka chaos -- --nocapture

## make fuzz    every fuzz target for FUZZ_SECONDS (30)
fuzz: packages cargo-fuzz
	@setup/fuzz.sh '$(FUZZ_SECONDS)'

## make fmt     format the code, and proto/ where `make proto` or `make test` has installed buf
fmt:
	@cargo fmt --all
	@[ ! -x "$$LEDGER_NODE_MODULES/.bin/buf" ] || "$$LEDGER_NODE_MODULES/.bin/buf" format --write

## make reference  write docs/ anew from what the code knows; `make test` holds it to that
reference: packages rocksdb-note
	@UPDATE_EXPECT=1 cargo test $(WHOLE) --test reference --test words --bin ledgerd

## make proto   lint proto/, and see that nothing of the last release is broken
proto: PACKAGES := test
proto: packages
	@setup/node.sh
	@setup/proto.sh

## make data    the real purchases that demo and tests use
data: packages
	@setup/python.sh
	@"$$CACHE/venv/bin/python" setup/data.py "$$CACHE/data"

packages:
	@setup/packages.sh $(PACKAGES)

rocksdb-note:
	@ls "$$CARGO_TARGET_DIR"/release/build/librocksdb-sys-*/out/librocksdb.a >/dev/null 2>&1 || \
		echo '==> the first build compiles RocksDB from source: 15-25 minutes on two cores, once'

clients: PACKAGES := test
clients: packages
	@setup/python.sh clients
	@setup/node.sh
	@setup/java.sh
	@setup/go.sh

kafka: packages
	@setup/kafka.sh

cargo-deny: packages
	@setup/tool.sh cargo-deny $(CARGO_DENY)

cargo-fuzz: packages
	@setup/tool.sh cargo-fuzz $(CARGO_FUZZ)
