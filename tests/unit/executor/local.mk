unit_tests += \
	tests/unit/executor/test-emulation \
	tests/unit/executor/test-expect \
	tests/unit/executor/test-limits \
	tests/unit/executor/test-mounts \
	tests/unit/executor/test-plan \
	tests/unit/executor/test-remnant \
	tests/unit/executor/test-run \
	tests/unit/executor/test-sandbox \
	tests/unit/executor/test-seccomp \
	tests/unit/executor/test-user \
	tests/unit/executor/test-userns
tests_unit_executor_test_emulation_SOURCES = %D%/test-emulation.c
tests_unit_executor_test_emulation_LDADD = $(LIBS_executor)
tests_unit_executor_test_expect_SOURCES = \
	%D%/test-expect.c \
	%D%/sandbox-fixture.h
tests_unit_executor_test_expect_LDADD = $(LIBS_executor)
tests_unit_executor_test_limits_SOURCES = %D%/test-limits.c
tests_unit_executor_test_limits_LDADD = $(LIBS_executor)
tests_unit_executor_test_mounts_SOURCES = \
	%D%/test-mounts.c \
	%D%/sandbox-fixture.h
tests_unit_executor_test_mounts_LDADD = $(LIBS_executor)
tests_unit_executor_test_plan_SOURCES = \
	%D%/test-plan.c \
	%D%/sandbox-fixture.h
tests_unit_executor_test_plan_LDADD = $(LIBS_executor)
tests_unit_executor_test_remnant_SOURCES = %D%/test-remnant.c
tests_unit_executor_test_remnant_LDADD = $(LIBS_executor)
tests_unit_executor_test_run_SOURCES = \
	%D%/test-run.c \
	%D%/sandbox-fixture.h
tests_unit_executor_test_run_LDADD = $(LIBS_executor)
tests_unit_executor_test_sandbox_SOURCES = \
	%D%/test-sandbox.c \
	%D%/sandbox-fixture.h
tests_unit_executor_test_sandbox_LDADD = $(LIBS_executor)
tests_unit_executor_test_seccomp_SOURCES = %D%/test-seccomp.c
tests_unit_executor_test_seccomp_LDADD = $(LIBS_executor)
tests_unit_executor_test_user_SOURCES = \
	%D%/test-user.c \
	%D%/sandbox-fixture.h
tests_unit_executor_test_user_LDADD = $(LIBS_executor)
tests_unit_executor_test_userns_SOURCES = %D%/test-userns.c
tests_unit_executor_test_userns_LDADD = $(LIBS_executor)
