unit_tests += tests/unit/cache/test-local tests/unit/cache/test-parts-json
tests_unit_cache_test_local_SOURCES = tests/unit/cache/test-local.c
tests_unit_cache_test_local_LDADD = $(LIBS_cache)
tests_unit_cache_test_parts_json_SOURCES = tests/unit/cache/test-parts-json.c
tests_unit_cache_test_parts_json_LDADD = $(LIBS_cache)

unit_tests += tests/unit/cache/test-document
tests_unit_cache_test_document_SOURCES = tests/unit/cache/test-document.c
tests_unit_cache_test_document_LDADD = $(LIBS_cache)

unit_tests += tests/unit/cache/test-remote
tests_unit_cache_test_remote_SOURCES = tests/unit/cache/test-remote.c
tests_unit_cache_test_remote_LDADD = $(LIBS_cache)
