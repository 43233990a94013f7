# make up starts everything, make help lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# compose | local | auto; see `make help`.
MODE ?= auto
MODES ?= $(MODE)
PYTHON ?= python3
export MODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
PY := $(VENV)/bin/python
STACK := PYTHONPATH=local/src $(PY) -m stack
RUN_LOCKS := local/requirements.lock sla-worker/requirements.lock sla-worker/postgresql.lock demo-app/requirements.lock
TEST_LOCK := tests/requirements.lock
CLOCK := . local/clock.sh &&
# Fetches what tests and benchmarks need, unless PROMETHEUS_BINARIES names it.
FETCH = [ -n "$$PROMETHEUS_BINARIES" ] || $(STACK) fetch || true

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  MODE=compose|local forces Docker Compose or plain processes; default: what is there.\n'
	@printf '  make up DEMO=0 leaves the demo-app out, and later commands keep to it; DEMO=1 brings it back.\n'
	@printf '  make up SCALE=1 runs two of each over PostgreSQL and VictoriaMetrics (docs/scale.md); SCALE=0 goes back.\n'
	@printf '  STACK_NAME=<name> STACK_ENV_FILE=<file> address a second stack; s=<service> one service.\n'
	@printf '  on=sla-worker-2 gives a command of the SLAs to the second worker of SCALE=1, when that one leads.\n'

# --- The stack ---------------------------------------------------------------------------------------------------

.PHONY: up upgrade down restart ps logs drill smoke clean doctor
up: $(VENV)/.run ## Start everything and wait until it is healthy
	@$(STACK) up

upgrade: $(VENV)/.run ## After an update of these files: keep the ledger as it was, migrate, verify, start; roll back if that fails
	@$(STACK) upgrade

down: $(VENV)/.run ## Stop everything; data stays
	@$(STACK) down

restart: $(VENV)/.run ## Restart everything, or one service: make restart s=prometheus
	@$(STACK) restart $(s)

ps: $(VENV)/.run ## Show the state of each service
	@$(STACK) ps

logs: $(VENV)/.run ## Show logs: make logs, make logs s=sla-worker, make logs f=1 (follows)
	@$(STACK) logs $(s) $(if $(f),--follow)

drill: $(VENV)/.run ## Fire drill on the running stack: make drill ALERT=WorkerUnhealthy (SECONDS=60)
	@$(STACK) drill $(or $(ALERT),'') --seconds $(or $(SECONDS),60)

smoke: $(VENV)/.run ## Check the running Grafana: dashboards, datasource, alert rules, each panel's query, its log
	@$(STACK) smoke

clean: $(VENV)/.run ## Stop everything and remove all data; asks first (YES=1 does not)
	@$(STACK) clean $(if $(YES),--yes)

doctor: $(VENV)/.run ## Show what is there, what is missing and what to do
	@$(STACK) doctor

.PHONY: demo demo-clean demo-pictures
demo: $(VENV)/.run ## Start a stack beside yours that has a month of history with incidents, to look at
	@$(STACK) demo $(if $(GRAPH_DAYS),--graph-days $(GRAPH_DAYS))

demo-clean: $(VENV)/.run ## Stop the demonstration and remove everything of it, and nothing else
	@$(STACK) demo-clean

demo-pictures: $(VENV)/.test ## Take the pictures of README.md again, from the running demonstration (E=its env file)
	@PYTHONPATH=tests:local/src:demo-app/src $(PY) -m readme.pictures $(or $(E),.run/demo/insa-demo/env)

# --- SLAs --------------------------------------------------------------------------------------------------------

.PHONY: sla-report sla-lint sla-recompute sla-backfill sla-explain sla-backtest sla-credits sla-maintenance sla-correct sla-months sla-evidence sla-verify backup restore generate
SLA := python -m sla_worker.cli
# With SCALE=1 the one of the two that leads, for what changes something: on=sla-worker-2.
on ?= sla-worker
sla-report: $(VENV)/.run ## Print the SLAs of the last 24 hours (h=48: of 48; w=month, quarter, 12m …: with error budgets)
	@[ -z "$(w)" ] || [ -z "$(h)" ] || { echo "error: h= and w= are both given"; echo "fix:   make sla-report h=$(h), or make sla-report w=$(w)"; exit 1; }
	@$(STACK) exec $(on) $(SLA) calculator --report $(if $(w),--window $(w),--hours $(or $(h),24))

sla-lint: $(VENV)/.run ## Check the definitions of the SLAs against what Prometheus holds
	@$(STACK) exec $(on) $(SLA) lint

sla-recompute: $(VENV)/.run ## Read stored slots again: make sla-recompute from=2026-03-01T09:00 to=2026-03-01T11:00 [sla=KEY]
	@[ -n "$(from)" ] && [ -n "$(to)" ] || { echo "error: from= or to= is missing"; echo "fix:   make sla-recompute from=2026-03-01T09:00 to=2026-03-01T11:00"; exit 1; }
	@$(STACK) exec $(on) $(SLA) calculator --recompute $(from) $(to) $(if $(sla),--sla $(sla))

sla-credits: $(VENV)/.run ## What customers are owed for a month: make sla-credits [m=2026-03], or decide: do=list, do='approve 3 --author … --reason …'
	@$(STACK) exec $(on) $(SLA) credits $(or $(do),$(m))

sla-explain: $(VENV)/.run ## Show where a figure comes from: make sla-explain sla=KEY [t=24h, a time, 30d, month, quarter, 12m, 2026-03, FROM/TO]
	@[ -n "$(sla)" ] || { echo "error: sla= is missing"; echo "fix:   make sla-explain sla=api-error-rate"; exit 1; }
	@$(STACK) exec $(on) $(SLA) explain $(sla) $(or $(t),24h)

sla-backtest: $(VENV)/.run ## What other targets would have meant: make sla-backtest do='--target api-error-rate=0.0005 --from 2026-03-01'
	@$(STACK) exec $(on) $(SLA) backtest $(do)

sla-maintenance: $(VENV)/.run ## Time that does not count: make sla-maintenance do=list, do='add --from … --to … --all --author … --reason …'
	@$(STACK) exec $(on) $(SLA) maintenance $(or $(do),list)

sla-months: $(VENV)/.run ## List the months whose figures are frozen, or print one: make sla-months [m=2026-03] [r=1]
	@$(STACK) exec $(on) $(SLA) months $(m) $(r:%=--revision %)

sla-correct: $(VENV)/.run ## Figures measured wrong: make sla-correct do=list, do='add KEY --from … --counts-as good --author … --reason …'
	@$(STACK) exec $(on) $(SLA) correct $(or $(do),list)

# Through a pipe, as a backup is.
sla-evidence: $(VENV)/.run ## Write the evidence of a frozen month, which anybody can check: make sla-evidence m=2026-03 [f=FILE]
	@[ -n "$(m)" ] || { echo "error: m= is missing"; echo "fix:   make sla-evidence m=2026-03"; exit 1; }
	@f="$(or $(f),sla-evidence-$(m).zip)"; [ ! -e "$$f" ] || { echo "error: $$f is there already"; echo "fix:   make sla-evidence m=$(m) f=FILE"; exit 1; }; \
	  $(STACK) exec $(on) $(SLA) evidence $(m) --output - > "$$f.partial" && mv "$$f.partial" "$$f" && echo "$$f" || { rm -f "$$f.partial"; exit 1; }

sla-verify: $(VENV)/.run ## Check the evidence of a month, every checksum and every figure: make sla-verify f=sla-evidence-2026-03.zip
	@[ -n "$(f)" ] || { echo "error: f= is missing"; echo "fix:   make sla-verify f=FILE, one that make sla-evidence has made"; exit 1; }
	@[ -f "$(f)" ] || { echo "error: no such file: '$(f)'"; echo "fix:   make sla-verify f=FILE, one that make sla-evidence has made"; exit 1; }
	@$(STACK) exec $(on) $(SLA) evidence --verify - < "$(f)"

sla-backfill: $(VENV)/.run ## Measure a new SLA over the days before it was defined: make sla-backfill sla=KEY [days=15]
	@[ -n "$(sla)" ] || { echo "error: sla= is missing"; echo "fix:   make sla-backfill sla=api-error-rate"; exit 1; }
	@$(STACK) exec $(on) $(SLA) backfill $(sla) --days $(or $(days),15)

.PHONY: report-daily report-weekly report-monthly report-breach report-customer
report-daily daily-report: $(VENV)/.run
	@$(STACK) exec $(on) $(SLA) reporter --daily
report-daily: ## Mail the daily report now
report-weekly: $(VENV)/.run ## Mail the report of the last week now
	@$(STACK) exec $(on) $(SLA) reporter --weekly
report-monthly: $(VENV)/.run ## Mail the report of the last month now
	@$(STACK) exec $(on) $(SLA) reporter --monthly
report-breach: $(VENV)/.run ## Mail what is known of one breach: make report-breach ID=7
	@[ -n "$(ID)" ] || { echo "error: ID= is missing"; echo "fix:   make report-breach ID=7 (make sla-explain sla=KEY t=month shows the breaches of an SLA)"; exit 1; }
	@$(STACK) exec $(on) $(SLA) reporter --breach $(ID)
report-customer: $(VENV)/.run ## Print a month as customers may see it: make report-customer m=2026-03 [format=html|text|json]
	@[ -n "$(m)" ] || { echo "error: m= is missing"; echo "fix:   make report-customer m=2026-03"; exit 1; }
	@$(STACK) exec $(on) $(SLA) reporter --customer $(m) --format $(or $(format),text)

# Through a pipe: neither needs to know where the ledger is, or whether it is in a container.
backup: $(VENV)/.run ## Copy the ledger to a file while the sla-worker runs: make backup f=ledger.db
	@[ -n "$(f)" ] || { echo "error: f= is missing"; echo "fix:   make backup f=ledger.db"; exit 1; }
	@[ ! -e "$(f)" ] || { echo "error: $(f) is there already"; echo "fix:   make backup f=FILE, one that is not there yet"; exit 1; }
	@$(STACK) exec $(on) $(SLA) backup - > "$(f).partial" && mv "$(f).partial" "$(f)" || { rm -f "$(f).partial"; exit 1; }

restore: $(VENV)/.run ## Put a backup in the place of the ledger, which is kept beside it: make restore f=ledger.db
	@[ -n "$(f)" ] || { echo "error: f= is missing"; echo "fix:   make restore f=FILE, one that make backup has made"; exit 1; }
	@[ -f "$(f)" ] || { echo "error: no such file: '$(f)'"; echo "fix:   make restore f=FILE, one that make backup has made"; exit 1; }
	@$(STACK) exec $(on) $(SLA) restore --force - < "$(f)"

GENERATORS := PYTHONPATH=grafana/src:sla-worker/src
generate: $(VENV)/.test ## Write dashboards and the tables of SLAs and faults again after a change of their sources
	@PYTHONPATH=sla-worker/src $(PY) -m sla_worker.cli generate
	@$(GENERATORS) $(PY) -m dashboards
	@PYTHONPATH=demo-app/src $(PY) -m demo_app.fault_table docs/faults.md

# --- Tests -------------------------------------------------------------------------------------------------------

.PHONY: test test-unit truth test-live test-alerts mutate bench bench-instruments bench-statements bench-ledger bench-months bench-reports bench-panels bench-web bench-take-over bench-series check check-configuration lint format bench-counting
test: $(VENV)/.test ## Run all checks and all tests, the live ones on stacks of their own
	@$(FETCH)  # before anybody looks for it
	@$(CLOCK) timed "checks" $(MAKE) check
	@$(CLOCK) timed "unit, rule, contract and browser tests" $(MAKE) test-unit
	@$(CLOCK) timed "live tests and proof of the alerts" $(MAKE) test-live
	@$(CLOCK) total

# The tests start hundreds of processes: none of them compiles what another has, whatever the machine sets for others.
test test-unit truth test-live test-alerts mutate: export PYTHONDONTWRITEBYTECODE :=

# One more than there are cores: some tests wait for real time to pass. The longest tests come first, so that the
# end finds short ones to share out.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
test-unit: $(VENV)/.test ## Run the unit, rule, contract and browser tests
	@# What cannot be fetched is said here and skipped, loudly, by the tests that need it; CI names its own.
	@$(FETCH)
	@$(PY) -m pytest -q -n $(WORKERS) --dist worksteal --durations=20 --durations-min=5 tests/contract tests/truth tests/rules tests/browser tests/unit

truth: $(VENV)/.test ## Count simulated worlds by hand and by the worker, on every engine: make truth SEED=7 (DAYS=31: a month)
	@$(if $(DAYS),PYTHONPATH=tests:sla-worker/src:demo-app/src $(PY) -m truth.month $(or $(SEED),1) $(DAYS),SEED=$(or $(SEED),1) $(PY) -m pytest -q tests/truth)

# Lanes run side by side, their steps one after the other: LANES="compose:tests,compose:proof local:tests".
COMMA := ,
EMPTY :=
LANES ?= $(subst $(EMPTY) $(EMPTY),$(COMMA),$(foreach mode,$(MODES),$(mode):tests $(mode):proof $(mode):scale) local:readme)
LIVE := PYTHONPATH=tests:local/src:sla-worker/src $(PY) -m
test-live: $(VENV)/.test ## Run the live tests, then prove every alert; MODES="compose local" does so both ways
	@$(LIVE) e2e.lanes $(LANES)

test-alerts: $(VENV)/.test ## Prove every alert live: cause, pending, firing, mail, end (ONLY=Name,Name REAL_TIME=1 KEEP=1)
	@for mode in $(MODES); do MODE=$$mode $(LIVE) alerts || exit; done

mutate: $(VENV)/.test ## Change the rules and see whether their cases notice: ONLY=Rule, GROUP=group, CHANGED=1, WRITE=1
	@$(FETCH)
	@PYTHONPATH=tests $(PY) -m mutation $(ONLY:%=--only %) $(GROUP:%=--group %) $(if $(BAR),--bar $(BAR)) $(if $(CHANGED),--changed) $(if $(WRITE),--write)

bench: $(VENV)/.test ## Print what the running stack costs beside its budgets
	@$(LIVE) benchmarks $(or $(STACK_ENV_FILE),.env)

bench-instruments: $(VENV)/.test ## Print what an instrumented call costs beside a bare one
	@PYTHONPATH=tests:demo-app/src $(PY) -m benchmarks.instruments

bench-statements: $(VENV)/.test ## Print how many SQL statements a pass and an idle minute of the sla-worker take
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.statements

bench-ledger: $(VENV)/.test ## Print how large a simulated year of the ledger gets, and how fast it is read: DATABASE=postgresql SIZES=36x365,360x36 TRIM_AT_END=1
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.ledger $(if $(DATABASE),--database $(DATABASE)) $(if $(SIZES),--sizes $(SIZES)) $(if $(TRIM_AT_END),--trim-at-end)

bench-take-over: $(VENV)/.test ## Print how long no sla-worker leads after the leader of two is lost: KILLS=6 PAUSES=2
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.take_over

bench-series: $(VENV)/.test ## Print what Prometheus takes for so many series: SERIES=1000,10000,50000
	@$(FETCH)
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.series

bench-months: $(VENV)/.test ## Print what closing a month and its evidence cost: SLAS=36,3600
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.months $(if $(SLAS),--slas $(SLAS))

bench-reports: $(VENV)/.test ## Print what reports, their mails and PDFs cost, and the memory they take: SLAS=36,3600 DAYS=365 DATABASE=postgresql
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.reports $(if $(SLAS),--slas $(SLAS)) $(if $(DAYS),--days $(DAYS)) $(if $(DATABASE),--database $(DATABASE))

bench-panels: $(VENV)/.test ## Print the slowest ten queries of the dashboards on 15 days of data, beside their budget
	@$(FETCH)
	@PYTHONPATH=tests:sla-worker/src:demo-app/src:grafana/src:local/src $(PY) -m benchmarks.panels

bench-web: $(VENV)/.test ## Ask the status page and the API 200 times a second for a minute: SLAS=36 DAYS=40
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.web $(if $(SLAS),--slas $(SLAS)) $(if $(DAYS),--days $(DAYS))

bench-counting: $(VENV)/.test ## Print what counting a slot costs beside other ways: SLAS=36,360,3600,10000 DATABASE=postgresql VICTORIAMETRICS=1
	@$(FETCH)
	@PYTHONPATH=tests:sla-worker/src $(PY) -m benchmarks.counting $(if $(SLAS),--slas $(SLAS)) $(if $(DATABASE),--database $(DATABASE)) $(if $(VICTORIAMETRICS),--victoria-metrics)

.PHONY: pictures
pictures: $(VENV)/.test ## Draw the pictures of the four reports in docs/images again (needs Chromium and poppler-utils)
	@PYTHONPATH=tests:sla-worker/src $(PY) -m pictures

check: lint check-configuration ## Check format, style, types, imports and all configuration

check-configuration: $(VENV)/.test ## Check all configuration, rules, definitions and dashboards
	@PATH="$${PROMETHEUS_BINARIES:+$$PROMETHEUS_BINARIES:}$$PATH" $(STACK) check
	@$(GENERATORS) $(PY) -m dashboards --check

lint: $(VENV)/.test ## Check format, style, types and imports of all Python
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@PYTHONPATH=sla-worker/src:demo-app/src:local/src:grafana/src $(VENV)/bin/lint-imports

format: $(VENV)/.test ## Format all Python and fix what ruff can fix
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

# --- Releases ----------------------------------------------------------------------------------------------------

.PHONY: release
release: $(VENV)/.test ## Make a release: make release VERSION=1.2.3 (DRY_RUN=1; IMAGES=0; PUSH=1 REGISTRY=registry.example.com/team)
	@[ -n "$(VERSION)" ] || { echo "error: VERSION= is missing"; echo "fix:   make release VERSION=1.2.3 DRY_RUN=1"; exit 1; }
	@PYTHONPATH=local/src $(PY) -m release $(VERSION) $(if $(DRY_RUN),--dry-run) $(if $(filter 0,$(IMAGES)),--no-images) $(if $(PUSH),--push) $(if $(REGISTRY),--registry $(REGISTRY))

# --- Python ------------------------------------------------------------------------------------------------------

# The stamps: a second run costs nothing, a changed lock file installs again.
$(VENV)/.run: $(RUN_LOCKS) | $(PY)
	@echo "Installing what the stack needs into $(VENV) (some seconds, once)"
	@$(PY) -m pip install --quiet --require-hashes $(RUN_LOCKS:%=-r %)
	@touch $@

$(VENV)/.test: $(TEST_LOCK) $(VENV)/.run
	@echo "Installing what tests and generators need into $(VENV) (a minute or two, once)"
	@$(PY) -m pip install --quiet --require-hashes -r $(TEST_LOCK)
	@touch $@

$(PY):
	@sh local/make-venv.sh $(PYTHON) $(VENV)

.PHONY: lock
UV ?= uv
COMPILE = $(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11
PROJECTS := local/pyproject.toml sla-worker/pyproject.toml demo-app/pyproject.toml
lock: ## Resolve all lock files again, with the newest versions (needs uv)
	@command -v $(UV) >/dev/null || { echo "error: uv is missing"; echo "fix:   pip install uv, or give its path: make lock UV=/path/to/uv"; exit 1; }
	@$(COMPILE) tests/requirements.in $(PROJECTS) -o $(TEST_LOCK)
	@for each in local sla-worker demo-app; do \
	  echo 'setuptools>=80' | $(COMPILE) $$each/pyproject.toml - -c $(TEST_LOCK) -o $$each/requirements.lock || exit 1; done
	@echo 'psycopg[binary]>=3.2' | $(COMPILE) - -c $(TEST_LOCK) -o sla-worker/postgresql.lock
