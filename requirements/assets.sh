#!/usr/bin/env bash
# Fetch the front-end files that stand in the repository from their npm packages, at exactly these versions, and write where
# each comes from with its SHA-256. Needs npm; nothing else in the project does.
set -euo pipefail
cd "$(dirname "$0")/.."

sources=portal/static/vendor/SOURCES.txt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# package version, then pairs of the file in the package and the file here
take() {
  local package=$1 version=$2 archive
  shift 2
  archive=$(cd "$folder" && npm pack --silent "$package@$version")
  while [ $# -gt 0 ]; do
    mkdir -p "$(dirname "$2")"
    tar --extract --gzip --to-stdout --file "$folder/$archive" "package/$1" >"$2"
    echo "$(sha256sum "$2")  $package $version $1" >>"$folder/sources"
    shift 2
  done
}

take @picocss/pico 2.1.1 \
  css/pico.blue.min.css portal/static/vendor/pico.min.css \
  LICENSE.md portal/static/vendor/pico-LICENSE.md
take htmx.org 2.0.11 \
  dist/htmx.min.js portal/static/vendor/htmx.min.js \
  LICENSE portal/static/vendor/htmx-LICENSE
take axe-core 4.14.1 \
  axe.min.js tests/portal/vendor/axe.min.js \
  LICENSE tests/portal/vendor/axe-LICENSE

{
  echo "# Written by \`make assets\`: SHA-256, file, npm package, version, file in the package."
  cat "$folder/sources"
} >"$sources"
