#!/usr/bin/env bash
# tool.sh NAME VERSION: builds a cargo subcommand into $CACHE/tools, once.
set -euo pipefail

name=${1:?usage: tool.sh NAME VERSION} version=${2:?usage: tool.sh NAME VERSION}
tools=${CACHE:?}/tools

if [ -x "$tools/bin/$name" ] && [ "$("$tools/bin/$name" --version 2>/dev/null)" = "$name $version" ]; then
  echo "==> $name $version: here"
  exit 0
fi
echo "==> $name $version: cargo install, 2-5 minutes, once"
# A tool that runs for a second does not repay link-time optimisation.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1
CARGO_TARGET_DIR=$tools/build cargo install --locked --force --root "$tools" "$name" --version "=$version"
rm -rf "$tools/build"
