unit_tests += tests/unit/base/test-atomic-file
tests_unit_base_test_atomic_file_SOURCES = tests/unit/base/test-atomic-file.c tests/unit/base/unit.h tests/unit/base/scratch.h
tests_unit_base_test_atomic_file_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-digest
tests_unit_base_test_digest_SOURCES = tests/unit/base/test-digest.c tests/unit/base/unit.h
tests_unit_base_test_digest_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-error
tests_unit_base_test_error_SOURCES = tests/unit/base/test-error.c tests/unit/base/unit.h
tests_unit_base_test_error_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-fs-walk
tests_unit_base_test_fs_walk_SOURCES = tests/unit/base/test-fs-walk.c tests/unit/base/unit.h tests/unit/base/scratch.h
tests_unit_base_test_fs_walk_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-fs
tests_unit_base_test_fs_SOURCES = tests/unit/base/test-fs.c tests/unit/base/unit.h tests/unit/base/scratch.h
tests_unit_base_test_fs_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-glob
tests_unit_base_test_glob_SOURCES = tests/unit/base/test-glob.c tests/unit/base/unit.h
tests_unit_base_test_glob_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-json-writer
tests_unit_base_test_json_writer_SOURCES = tests/unit/base/test-json-writer.c tests/unit/base/unit.h
tests_unit_base_test_json_writer_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-json
tests_unit_base_test_json_SOURCES = tests/unit/base/test-json.c tests/unit/base/unit.h
tests_unit_base_test_json_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-lockfile
tests_unit_base_test_lockfile_SOURCES = tests/unit/base/test-lockfile.c tests/unit/base/unit.h tests/unit/base/scratch.h
tests_unit_base_test_lockfile_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-map
tests_unit_base_test_map_SOURCES = tests/unit/base/test-map.c tests/unit/base/unit.h
tests_unit_base_test_map_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-path
tests_unit_base_test_path_SOURCES = tests/unit/base/test-path.c tests/unit/base/unit.h
tests_unit_base_test_path_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-pattern-list
tests_unit_base_test_pattern_list_SOURCES = tests/unit/base/test-pattern-list.c tests/unit/base/unit.h
tests_unit_base_test_pattern_list_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-pool
tests_unit_base_test_pool_SOURCES = tests/unit/base/test-pool.c tests/unit/base/unit.h
tests_unit_base_test_pool_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-strbuf
tests_unit_base_test_strbuf_SOURCES = tests/unit/base/test-strbuf.c tests/unit/base/unit.h
tests_unit_base_test_strbuf_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-subprocess
tests_unit_base_test_subprocess_SOURCES = tests/unit/base/test-subprocess.c tests/unit/base/unit.h tests/unit/base/scratch.h
tests_unit_base_test_subprocess_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-text
tests_unit_base_test_text_SOURCES = tests/unit/base/test-text.c tests/unit/base/unit.h
tests_unit_base_test_text_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-timestamp
tests_unit_base_test_timestamp_SOURCES = tests/unit/base/test-timestamp.c tests/unit/base/unit.h
tests_unit_base_test_timestamp_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-redact
tests_unit_base_test_redact_SOURCES = tests/unit/base/test-redact.c
tests_unit_base_test_redact_LDADD = $(LIBS_base)

unit_tests += tests/unit/base/test-template
tests_unit_base_test_template_SOURCES = tests/unit/base/test-template.c tests/unit/base/unit.h
tests_unit_base_test_template_LDADD = $(LIBS_base)
unit_tests += tests/unit/base/test-utf8
tests_unit_base_test_utf8_SOURCES = tests/unit/base/test-utf8.c
tests_unit_base_test_utf8_LDADD = $(LIBS_base)
