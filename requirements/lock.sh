#!/usr/bin/env bash
# Resolve pyproject.toml into hashed requirements for every Python from 3.11 on. The files name no index: whoever installs
# chooses one. Wheels only, so that a machine without a compiler can install them. The machine's own pip and uv settings
# (extra indexes, folders of wheels) are kept out.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=build/lock
[ -x "$tool/bin/uv" ] || {
  .venv/bin/python -m venv "$tool"
  "$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv
}

resolve() {
  env -u PIP_FIND_LINKS -u UV_FIND_LINKS -u UV_EXTRA_INDEX_URL "$tool/bin/uv" pip compile --quiet --no-config --upgrade \
    --universal --python-version 3.11 --only-binary :all: --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" pyproject.toml "$@"
}

resolve --output-file requirements/runtime.txt
resolve --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
