# What `sam build` runs: one rule for each function and the layer, which fills $(ARTIFACTS_DIR).
#
# LAYER=aws    for Lambda: python3.13 on arm64, whatever this machine is (the default)
# LAYER=local  for the one-machine run, whose engine runs functions with its own interpreter

LAYER ?= aws

UV := $(firstword $(wildcard .venvs/*/bin/uv) $(shell command -v uv))
REQUIREMENTS := infrastructure/dependencies/runtime.txt

ifeq ($(LAYER),local)
BUILD_PYTHON := $(firstword $(wildcard .venvs/engine/bin/python) python3)
UV_TARGET := --python $(BUILD_PYTHON)
PIP := python3 -m pip --python $(BUILD_PYTHON)
else
BUILD_PYTHON := $(shell for python in python3.13 .venv/bin/python; do $$python -c \
	'import sys; sys.version_info[:2] == (3, 13) and print(sys.executable)'; done 2>/dev/null | head -n 1)
UV_TARGET := --python-version 3.13 --python-platform aarch64-manylinux_2_28
PIP := python3 -m pip
PIP_TARGET := --python-version 3.13 --implementation cp \
	--platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64
endif

# Bytecode halves a cold start. A zip's dates say nothing and Lambda's copy is read-only, so only
# bytecode with an unchecked hash is ever used there, and only of the runtime's own minor version.
ifneq ($(BUILD_PYTHON),)
compile = $(BUILD_PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(1)" "$(1)"
else
compile = true
endif

# Installed once for each interpreter and list of requirements, then copied.
LAYER_TREE := .aws-sam/layers/$(LAYER)$(if $(BUILD_PYTHON),-$(shell $(BUILD_PYTHON) -c \
	'import sys; print(sys.implementation.cache_tag)'))

build-DependenciesLayer: $(LAYER_TREE)/complete
	@cp -R $(LAYER_TREE)/python "$(ARTIFACTS_DIR)"

$(LAYER_TREE)/complete: $(REQUIREMENTS) infrastructure/build.mk
	@rm -rf $(LAYER_TREE)
	@mkdir -p $(LAYER_TREE)
ifneq ($(UV),)
	@$(UV) pip install --quiet --require-hashes --no-deps --only-binary :all: --link-mode copy \
		$(UV_TARGET) --target $(LAYER_TREE)/python -r $(REQUIREMENTS)
else
	@$(PIP) install --quiet --require-hashes --no-deps --only-binary :all: --no-compile \
		$(PIP_TARGET) --target $(LAYER_TREE)/python -r $(REQUIREMENTS)
endif
	@cd $(LAYER_TREE)/python && rm -rf bin twilio/rest phonenumbers/geodata phonenumbers/carrierdata
	@$(call compile,$(LAYER_TREE))
	@$(if $(BUILD_PYTHON),,echo "no python3.13 here: built without bytecode, cold starts are slower")
	@touch $@

build-InboundSmsFunction: PACKAGE = inbound_sms
build-InboundChatFunction: PACKAGE = inbound_chat
build-InboundEmailFunction: PACKAGE = inbound_email
build-TimelineApiFunction: PACKAGE = timeline_api
build-PublishEventsFunction: PACKAGE = publish_events
build-MeterCostsFunction: PACKAGE = meter_costs
build-NotifyCustomerFunction: PACKAGE = notify_customer
build-NotifyCustomerFunction: FILES = infrastructure/templates
build-AssignAgentFunction: PACKAGE = assign_agent
build-FetchMediaFunction: PACKAGE = fetch_media
build-DeliverMessageFunction: PACKAGE = deliver_message
build-ReceiptsTwilioFunction: PACKAGE = receipts_twilio
build-UnsubscribeFunction: PACKAGE = unsubscribe
build-ReceiptsEmailFunction: PACKAGE = receipts_email
build-SweepFunction: PACKAGE = sweep
build-ReconcileFunction: PACKAGE = reconcile

build-%Function:
	@test -n "$(PACKAGE)" || { echo "build.mk: which package is $*Function?" >&2; exit 1; }
	@mkdir -p "$(ARTIFACTS_DIR)/functions"
	@cp functions/__init__.py "$(ARTIFACTS_DIR)/functions"
	@cp -R functions/$(PACKAGE) "$(ARTIFACTS_DIR)/functions"
	@cp -R shared "$(ARTIFACTS_DIR)"
	@for files in $(FILES); do mkdir -p "$(ARTIFACTS_DIR)/$$files" && \
		cp -R "$$files/." "$(ARTIFACTS_DIR)/$$files"; done
	@find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +
	@$(call compile,$(ARTIFACTS_DIR))
