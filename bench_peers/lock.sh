#!/usr/bin/env bash
# Resolve each peer's packages (bench_peers/wishes/NAME.in) into hashed requirements: requirements/peers-NAME.txt. Nothing of
# them belongs to the platform, and what one peer wishes is not another's to bear, hence a file and an environment for each.
# As in requirements/lock.sh no index is named and wheels are enough.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=build/lock
[ -x "$tool/bin/uv" ] || {
  .venv/bin/python -m venv "$tool"
  "$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv
}

for wishes in bench_peers/wishes/*.in; do
  name=$(basename "$wishes" .in)
  env -u PIP_FIND_LINKS -u UV_FIND_LINKS -u UV_EXTRA_INDEX_URL "$tool/bin/uv" pip compile --quiet --no-config --upgrade \
    --universal --python-version 3.11 --only-binary :all: --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
    --custom-compile-command "bench_peers/lock.sh" --output-file "requirements/peers-$name.txt" "$wishes"
done
