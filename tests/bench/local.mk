# The cost of a step without a build around it.
check_PROGRAMS += tests/bench/step-overhead
tests_bench_step_overhead_SOURCES = %D%/step-overhead.c
tests_bench_step_overhead_LDADD = $(LIBS_store) $(EXECUTOR) $(LIBS_oci)

# What parsing costs.
check_PROGRAMS += tests/bench/parse-speed
tests_bench_parse_speed_SOURCES = %D%/parse-speed.c
tests_bench_parse_speed_LDADD = $(LIBS_parser)
