# The cost of a step without a build around it.
check_PROGRAMS += tests/bench/step-overhead
tests_bench_step_overhead_SOURCES = %D%/step-overhead.c
tests_bench_step_overhead_LDADD = $(LIBS_store) src/executor/libexecutor.a $(LIBS_oci)
