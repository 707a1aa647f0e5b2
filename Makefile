# 通办 Tongban. `make` or `make help` lists the targets. / 运行 make help 查看全部命令。
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON := .venv/bin/python
RUNTIME := .venv/.runtime
DEV := .venv/.dev
QUICK := architecture contracts chassis services gateway portal department_sdk verify
PIP_INSTALL := $(PYTHON) -m pip install -qq --disable-pip-version-check --no-warn-script-location --require-hashes --only-binary :all:

.PHONY: help run up demo demo-servers test check failpoints chaos rolling mutants clocks fuzz bench bench-lists bench-peers evidence contracts dashboards migration lock assets clean

help: ## 列出全部命令 / List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(RUNTIME) ## 启动内嵌平台（SQLite，模拟部门）/ Start the embedded platform at http://localhost:8000
	@exec $(PYTHON) -m embedded

up: $(RUNTIME) ## 不用容器，启动整个平台并监控 / The whole platform on real servers, watched, without containers: make up UP_ARGS="--small"
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m localservers.up $(UP_ARGS)

demo: $(RUNTIME) ## 演示并核验两个多部门事项 / Play and check two multi-department items, embedded
	@exec $(PYTHON) -m demo

demo-servers: $(RUNTIME) ## 同一演示：RabbitMQ、PostgreSQL、各自进程 / The same on RabbitMQ and PostgreSQL, every part its own process
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m demo --servers

# Much of a test's time is waiting for servers; each worker has servers of its own.
SIDE_BY_SIDE = -n 3 --dist loadfile
test: $(DEV) ## 全部测试，含真实服务器和浏览器 / Every test, real servers and a browser included
	@$(PYTHON) -m localservers.install --browser
	@mkdir -p build/test
	@exec $(PYTHON) -m pytest -q $(SIDE_BY_SIDE) --junitxml=build/test/junit.xml $(PYTEST_ARGS)

check: $(DEV) ## 快速检查：格式、类型、结构、单元测试 / Lint, types, structure and the quick tests
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check .
	@.venv/bin/mypy --no-error-summary
	@mkdir -p build
	@.venv/bin/lint-imports --no-logo > build/imports.txt || { cat build/imports.txt; exit 1; }
	@exec $(PYTHON) -m pytest -q $(SIDE_BY_SIDE) -m "not servers" $(wildcard $(QUICK:%=tests/%))

failpoints: $(DEV) ## 每个进程在每个故障点被强制终止 / Kill every process at every failpoint, embedded and on servers
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m faults failpoints $(FAULTS_ARGS)

CASES ?= 300
KILLS ?= 30
chaos: $(DEV) ## 随机故障 / Random faults while cases run: make chaos CASES=10000 KILLS=200
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m faults chaos --cases $(CASES) --kills $(KILLS) $(FAULTS_ARGS)

rolling: $(DEV) ## 逐个重启全部进程，不丢一个请求 / Restart every process under load: no request may fail
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m faults rolling $(FAULTS_ARGS)

mutants: $(DEV) ## 植入缺陷，演练须逐一发现 / Planted bugs, each of which the campaigns must find
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m faults mutants $(FAULTS_ARGS)

HISTORIES ?= 100000
clocks: $(DEV) ## 时限与独立推算比对 / The statutory clock against its oracle: make clocks HISTORIES=5000
	@exec $(PYTHON) -m faults clocks --histories $(HISTORIES)

REQUESTS ?= 100000
fuzz: $(DEV) ## 由接口文档生成的模糊测试 / Fuzz every service from its OpenAPI: make fuzz REQUESTS=2000
	@exec $(PYTHON) -m fuzz --requests $(REQUESTS) $(FUZZ_ARGS)

bench: $(DEV) ## 性能测量，写入 build/evidence / Measure, into build/evidence
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m bench $(BENCH_ARGS)

ROWS ?= 1000000
bench-lists: $(DEV) ## 百万办件的清单与查询 / Lists and searches at a million cases: make bench-lists ROWS=100000
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m bench lists --rows $(ROWS) $(BENCH_ARGS)

bench-peers: $(DEV) ## 与同类软件相比 / The same work by nameko, SpiffWorkflow, Celery and DBOS
	@$(PYTHON) -m localservers.install
	@exec $(PYTHON) -m bench_peers $(BENCH_ARGS)

evidence: $(DEV) ## 由各命令的结果生成 docs/evidence.md / Write docs/evidence.md from what the commands measured
	@$(PYTHON) -m evidence.page

contracts: $(DEV) ## 生成事件模式、AsyncAPI、docs/events.md 与 rights.md / Write schemas, AsyncAPI, docs/events.md and rights.md
	@$(PYTHON) -m contracts_docs

GUIDE ?= docs/operations.md
dashboards: $(DEV) ## 生成 Grafana 页面与手册中的告警各节 / Write the dashboards, and the guide's chapters about alerts
	@$(PYTHON) -m deploy.grafana.builders --guide "$(GUIDE)"
	@$(PYTHON) -m deploy.k8s.copies

migration: $(DEV) ## 生成数据库迁移 / Write a migration: make migration SERVICE=workflow MESSAGE="add column"
	@test -n "$(SERVICE)" -a -n "$(MESSAGE)" || { echo '用法 / usage: make migration SERVICE=workflow MESSAGE="add column"'; exit 2; }
	@$(PYTHON) requirements/make_migration.py "$(SERVICE)" "$(MESSAGE)"

lock: $(RUNTIME) ## 更新依赖锁 / Resolve the dependencies anew into requirements/
	@requirements/lock.sh

assets: ## 重新取得网页所用的第三方文件 / Fetch the portal's third-party files anew (needs npm)
	@requirements/assets.sh

clean: ## 删除 build 与缓存，保留 .venv / Delete build and caches; .venv stays
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# .venv is a plain venv filled from the hashed lock. A stamp is newer than what it was made from, so a second run does nothing.
$(PYTHON):
	@requirements/make_venv.sh

$(RUNTIME): requirements/runtime.txt pyproject.toml requirements/link.py | $(PYTHON)
	@echo "安装依赖 / installing dependencies ..."
	@$(PIP_INSTALL) -r requirements/runtime.txt
	@$(PYTHON) requirements/link.py
	@mkdir -p build && touch $@

$(DEV): requirements/dev.txt $(RUNTIME) | $(PYTHON)
	@echo "安装开发依赖 / installing development dependencies ..."
	@$(PIP_INSTALL) -r requirements/dev.txt
	@mkdir -p build && touch $@
