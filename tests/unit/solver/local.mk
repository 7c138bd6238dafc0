unit_tests += \
	tests/unit/solver/test-cache \
	tests/unit/solver/test-graph \
	tests/unit/solver/test-growing \
	tests/unit/solver/test-random-order \
	tests/unit/solver/test-scheduler \
	tests/unit/solver/test-trace
EXTRA_DIST += tests/unit/solver/fake.h
tests_unit_solver_test_cache_SOURCES = tests/unit/solver/test-cache.c
tests_unit_solver_test_cache_LDADD = $(LIBS_solver)
tests_unit_solver_test_graph_SOURCES = tests/unit/solver/test-graph.c
tests_unit_solver_test_graph_LDADD = $(LIBS_solver)
tests_unit_solver_test_growing_SOURCES = tests/unit/solver/test-growing.c
tests_unit_solver_test_growing_LDADD = $(LIBS_solver)
tests_unit_solver_test_random_order_SOURCES = tests/unit/solver/test-random-order.c
tests_unit_solver_test_random_order_LDADD = $(LIBS_solver)
tests_unit_solver_test_scheduler_SOURCES = tests/unit/solver/test-scheduler.c
tests_unit_solver_test_scheduler_LDADD = $(LIBS_solver)
tests_unit_solver_test_trace_SOURCES = tests/unit/solver/test-trace.c
tests_unit_solver_test_trace_LDADD = $(LIBS_solver)
