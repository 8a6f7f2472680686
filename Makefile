# The door to everything. `make run` and `make test` work from a fresh clone; `make help` tells the rest.

BUILD ?= build
PREFIX ?= /usr/local
MESON_FLAGS ?=
NINJA = ninja -C

AMALGAMATION = $(BUILD)/amalgamation

.PHONY: help amalgamation deps build run install dist test check bench fmt fuzz soak clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/	/' | expand -t 15

deps: ## install the Debian packages that are missing (sudo when not root)
	@tools/deps

build: deps ## release build: build/barograph
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_FLAGS)
	@$(NINJA) $(BUILD)

run: build ## build, then serve on http://127.0.0.1:9090 with data in ./data (Ctrl-C ends it)
	@exec $(BUILD)/barograph serve --storage.tsdb.path=data

install: build ## program, libbaro and packs to PREFIX (/usr/local), below DESTDIR
ifneq ($(origin PREFIX),file) # said now, and maybe not at the first build
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@$(NINJA) $(BUILD)
endif
	@meson install -C $(BUILD) --no-rebuild

dist: build ## build/barograph-VERSION.tar.gz: the last commit and the built web UI, so that it needs no Node
	@tools/dist $(BUILD)

test: build ## every test; the last line is "N passed, M failed"
	@tests/run $(BUILD)

check: build ## format, layering, both compilers, sanitizers, fuzz corpora
	@tools/check

bench: build ## micro-benchmarks: a table of ns and MB/s
	@$(NINJA) $(BUILD) barograph-bench
	@$(BUILD)/barograph-bench
	@bench/bench_client_peers.py

fmt: deps ## format all sources in place
	@git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

fuzz: deps ## run every fuzz target for SECONDS_EACH seconds (default 60)
	@tools/fuzz $${SECONDS_EACH:-60}

soak: build ## two hours of load, reloads and kill -9 (SOAK_MINUTES; see tools/soak --help)
	@tools/soak $(BUILD) --minutes $${SOAK_MINUTES:-120}

amalgamation: ## libbaro as two files: build/amalgamation/baro.h and baro.c
	@tools/amalgamate $(AMALGAMATION)

clean: ## remove all build folders
	rm -rf build build-*
