include tests/unit/base/local.mk
include tests/unit/oci/local.mk
include tests/unit/http/local.mk
include tests/unit/network/local.mk
include tests/unit/parser/local.mk
include tests/unit/solver/local.mk
include tests/unit/store/local.mk
include tests/unit/registry/local.mk
include tests/unit/executor/local.mk
include tests/unit/context/local.mk
include tests/unit/ops/local.mk
include tests/unit/cache/local.mk
include tests/unit/exporter/local.mk
include tests/unit/frontend/local.mk
include tests/unit/engine/local.mk
include tests/unit/container/local.mk
include tests/fuzz/local.mk
include tests/probe/local.mk
include tests/bench/local.mk

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
endif

# Unit tests are judged by their exit status; their logs are TAP all the same, which run-tests counts. The lints go through
# automake's TAP driver.
TESTS = $(unit_tests) $(lint_tests)
lint_tests = tests/lint/layering.sh tests/lint/banned.sh tests/lint/public.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP CB_FIXTURES='$(abs_top_srcdir)/tests/fixtures' \
	CB_SRCDIR='$(abs_top_srcdir)' export CMOCKA_MESSAGE_OUTPUT CB_FIXTURES CB_SRCDIR;

# `make check-programs` builds the tests without running them.
check-programs: $(check_PROGRAMS)

# With --enable-fuzzers: `make fuzzers`.
fuzzers: $(fuzz_targets)
.PHONY: check-programs fuzzers
