unit_tests += \
	tests/unit/engine/test-contexts \
	tests/unit/engine/test-history \
	tests/unit/engine/test-inputs \
	tests/unit/engine/test-lock-file \
	tests/unit/engine/test-request
tests_unit_engine_test_history_SOURCES = %D%/test-history.c %D%/test-engine.h
tests_unit_engine_test_history_LDADD = $(LIBS_engine)
tests_unit_engine_test_inputs_SOURCES = %D%/test-inputs.c %D%/test-engine.h
tests_unit_engine_test_inputs_LDADD = $(LIBS_engine)
tests_unit_engine_test_request_SOURCES = %D%/test-request.c
tests_unit_engine_test_request_LDADD = $(LIBS_engine)
tests_unit_engine_test_contexts_SOURCES = %D%/test-contexts.c %D%/test-engine.h
tests_unit_engine_test_contexts_LDADD = $(LIBS_engine)
tests_unit_engine_test_lock_file_SOURCES = %D%/test-lock-file.c
tests_unit_engine_test_lock_file_LDADD = $(LIBS_engine)
