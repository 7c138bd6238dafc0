unit_tests += \
	tests/unit/parser/test-dockerfile \
	tests/unit/parser/test-fixtures \
	tests/unit/parser/test-run-mount \
	tests/unit/parser/test-words
tests_unit_parser_test_dockerfile_SOURCES = tests/unit/parser/test-dockerfile.c
tests_unit_parser_test_dockerfile_LDADD = $(LIBS_parser)
tests_unit_parser_test_fixtures_SOURCES = tests/unit/parser/test-fixtures.c
tests_unit_parser_test_fixtures_LDADD = $(LIBS_parser)
tests_unit_parser_test_run_mount_SOURCES = tests/unit/parser/test-run-mount.c
tests_unit_parser_test_run_mount_LDADD = $(LIBS_parser)
tests_unit_parser_test_words_SOURCES = tests/unit/parser/test-words.c
tests_unit_parser_test_words_LDADD = $(LIBS_parser)
