#!/usr/bin/env bash
# Puts Go's protobuf, its packages for signed notes and logs, and its library of CloudEvents, at the versions that
# go.mod pins, into $CACHE/go, and compiles what the clients need.
set -euo pipefail
cd "$(dirname "$0")/../ledger-grpc/tests/clients/go"

go=${CACHE:?}/go
# The toolchain that is here, whatever a newer module would like.
export GOMODCACHE=$go/mod GOCACHE=$go/build GOFLAGS='-mod=readonly -modcacherw' GOTOOLCHAIN=local

if cmp -s go.sum "$go/installed.sum"; then
  echo '==> modules for Go: here'
else
  echo '==> modules for Go: go build'
  mkdir -p "$go"
  go build -o "$go/json" .
  go build -o "$go/proofs" ./proofs
  go build -o "$go/cloud" ./cloud
  cp go.sum "$go/installed.sum"
fi
