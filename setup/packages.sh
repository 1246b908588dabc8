#!/usr/bin/env bash
# Checks that this machine has what `packages.sh build`, `packages.sh kafka` or `packages.sh test` needs,
# each of which is more than the one before, and installs the Debian packages that are missing. Where
# nothing is missing, apt is not asked.
set -euo pipefail

purpose=${1:?usage: packages.sh build|kafka|test}
minor_min=95 # rust-version in Cargo.toml

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# bindgen loads libclang when librocksdb-sys is built, and libclang wants its own stddef.h.
has_libclang() {
  [ -z "${LIBCLANG_PATH:-}" ] || return 0
  compgen -G '/usr/lib*/llvm*/lib*/libclang[.-][0-9s]*' >/dev/null ||
    compgen -G '/usr/lib*/libclang[.-][0-9s]*' >/dev/null ||
    compgen -G '/usr/lib/*-linux-gnu/libclang[.-][0-9s]*' >/dev/null || return 1
  compgen -G '/usr/lib*/llvm*/lib*/clang/*/include/stddef.h' >/dev/null ||
    compgen -G '/usr/lib*/clang/*/include/stddef.h' >/dev/null
}

# librdkafka is compiled against it, for TLS and SASL.
has_openssl() {
  [ -z "${OPENSSL_DIR:-}" ] || return 0
  printf '#include <openssl/ssl.h>\n' | cc -E -x c - >/dev/null 2>&1
}

# 14 is what Debian 12 has and what this is built with; elsewhere the newest that the distribution offers.
libclang_packages() {
  local version pair
  for version in 14 $(apt-cache search --names-only '^libclang1-[0-9]+' | grep -oE '[0-9]+' | sort -rnu); do
    pair="libclang1-$version libclang-common-$version-dev"
    # shellcheck disable=SC2086 # two words on purpose
    if apt-get install --simulate --no-install-recommends $pair >/dev/null 2>&1; then
      echo "$pair"
      return
    fi
  done
  echo libclang-dev
}

missing() {
  have cc && have c++ || echo g++
  has_libclang || echo libclang
  has_openssl || echo libssl-dev
  # With which openssl-sys finds it.
  [ -n "${OPENSSL_DIR:-}" ] || have pkg-config || echo pkg-config
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  [ "$purpose" != build ] || return 0
  if [ "$purpose" = test ]; then
    # A client in Java is compiled as it runs.
    have javac || echo default-jdk-headless
  else
    have java || echo default-jre-headless
  fi
  have mvn || echo maven
  [ "$purpose" = test ] || return 0
  have go || echo golang
  have node || echo nodejs
  have npm || echo npm
}

check_rust() {
  { have cargo && have rustc; } || fail "Rust 1.$minor_min or newer is needed, and cargo is not on the PATH"
  local version minor
  version=$(rustc --version)
  minor=$(sed -E 's/^rustc 1\.([0-9]+)\..*/\1/' <<<"$version")
  [ "$minor" -ge "$minor_min" ] 2>/dev/null || fail "Rust 1.$minor_min or newer is needed; this is $version"
  [ "$purpose" = test ] || return 0
  local component
  for component in clippy fmt; do
    cargo "$component" --version >/dev/null 2>&1 && continue
    component=${component/fmt/rustfmt}
    have rustup || fail "the Rust component $component is needed; install it beside $version"
    say "Rust component $component: rustup component add"
    rustup component add "$component"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing() {
  local wanted=$1
  local more=''
  [ "$purpose" = build ] || more=', Java 17 or newer, Maven'
  [ "$purpose" != test ] || more=', a JDK of Java 17 or newer, Maven, Go 1.19 or newer, Node.js and npm'
  have apt-get || fail "missing: $wanted. This machine has no apt-get: install g++ 11 or newer, libclang with its" \
    "headers, OpenSSL with its headers, pkg-config, python3 with venv$more, then run this again"
  more=''
  [ "$purpose" = build ] || more=' default-jre-headless maven'
  [ "$purpose" != test ] || more=' default-jdk-headless maven golang nodejs npm'
  if [ "$(id -u)" != 0 ] && ! have sudo; then
    fail "missing: $wanted. Neither root nor sudo is here; as root: apt-get install g++ libclang1-14" \
      "libclang-common-14-dev libssl-dev pkg-config python3 python3-venv$more"
  fi
  say "Debian packages missing: $wanted"
  say 'apt-get update'
  as_root apt-get update -qq
  local packages
  packages=${wanted/libclang/$(libclang_packages)}
  packages=${packages/python3-venv/python3 python3-venv}
  say "apt-get install $packages"
  # shellcheck disable=SC2086 # a list of words on purpose
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
}

check_rust
wanted=$(missing | paste -sd ' ')
if [ -n "$wanted" ]; then
  install_missing "$wanted"
  wanted=$(missing | paste -sd ' ')
  [ -z "$wanted" ] || fail "still missing after the installation: $wanted"
fi
say "what $purpose needs of this machine: here"
