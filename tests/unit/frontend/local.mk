unit_tests += \
	tests/unit/frontend/test-change \
	tests/unit/frontend/test-checks \
	tests/unit/frontend/test-describe \
	tests/unit/frontend/test-exports \
	tests/unit/frontend/test-graph \
	tests/unit/frontend/test-named \
	tests/unit/frontend/test-scope
tests_unit_frontend_test_change_SOURCES = %D%/test-change.c %D%/fake-build.h
tests_unit_frontend_test_change_LDADD = $(LIBS_frontend)
tests_unit_frontend_test_checks_SOURCES = %D%/test-checks.c %D%/fake-build.h
tests_unit_frontend_test_checks_LDADD = $(LIBS_frontend)
tests_unit_frontend_test_describe_SOURCES = %D%/test-describe.c
tests_unit_frontend_test_describe_LDADD = $(LIBS_frontend)
tests_unit_frontend_test_exports_SOURCES = %D%/test-exports.c %D%/fake-build.h
tests_unit_frontend_test_exports_LDADD = $(LIBS_frontend)
tests_unit_frontend_test_graph_SOURCES = %D%/test-graph.c %D%/fake-build.h
tests_unit_frontend_test_graph_LDADD = $(LIBS_frontend)
tests_unit_frontend_test_scope_SOURCES = %D%/test-scope.c %D%/fake-build.h
tests_unit_frontend_test_scope_LDADD = $(LIBS_frontend)
tests_unit_frontend_test_named_SOURCES = %D%/test-named.c %D%/fake-build.h
tests_unit_frontend_test_named_LDADD = $(LIBS_frontend)
