#!/usr/bin/env bash
# Make .venv with the newest Python from 3.11 on. On Debian, root (or sudo without a password) installs what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
complete() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3; do
    if usable "$name" && complete "$name"; then
      echo "$name"
      return
    fi
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

install_python() {
  echo "缺少 Python ≥ 3.11 或其 venv 模块 / Python 3.11 or newer with its venv module is missing (Debian: python3 python3-venv)"
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    echo "正在安装 python3-venv / installing python3-venv ..."
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
    return
  fi
  echo "请先安装 / please install it first: sudo apt-get install python3 python3-venv" >&2
  exit 1
}

python=$(find_python) || {
  install_python
  python=$(find_python) || {
    echo "系统自带的 Python 低于 3.11 / this system's Python is older than 3.11; install a newer one" >&2
    exit 1
  }
}
"$python" -m venv --clear .venv
