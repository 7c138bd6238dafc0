# What a contained process sees, against the same under runc: tests/probe/compare.sh.
check_PROGRAMS += tests/probe/run-in-sandbox
tests_probe_run_in_sandbox_SOURCES = %D%/run-in-sandbox.c
tests_probe_run_in_sandbox_LDADD = $(LIBS_executor)
