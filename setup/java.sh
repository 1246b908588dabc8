#!/usr/bin/env bash
# Puts Java's protobuf with its JSON and its library of CloudEvents, at the versions that java/pom.xml pins, into
# $CACHE/java/lib.
set -euo pipefail
cd "$(dirname "$0")/java"

java=${CACHE:?}/java
version=$(sed -n 's/.*<protobuf.version>\(.*\)<.*/\1/p' pom.xml)
cloudevents=$(sed -n 's/.*<cloudevents.version>\(.*\)<.*/\1/p' pom.xml)

if cmp -s pom.xml "$java/installed.xml"; then
  echo "==> protobuf $version and CloudEvents $cloudevents for Java: here"
else
  echo "==> protobuf $version and CloudEvents $cloudevents for Java: mvn dependency:copy-dependencies"
  rm -rf "$java"
  mkdir -p "$java"
  mvn --quiet --batch-mode --no-transfer-progress -f pom.xml \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$java/lib"
  cp pom.xml "$java/installed.xml"
fi
