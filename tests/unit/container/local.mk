unit_tests += \
	tests/unit/container/test-checkpoint-mounts \
	tests/unit/container/test-copy \
	tests/unit/container/test-copy-paths \
	tests/unit/container/test-detach \
	tests/unit/container/test-links \
	tests/unit/container/test-health \
	tests/unit/container/test-log \
	tests/unit/container/test-log-entries \
	tests/unit/container/test-mount-spec \
	tests/unit/container/test-names \
	tests/unit/container/test-record \
	tests/unit/container/test-restart \
	tests/unit/container/test-wire
tests_unit_container_test_checkpoint_mounts_SOURCES = %D%/test-checkpoint-mounts.c
tests_unit_container_test_checkpoint_mounts_LDADD = $(LIBS_container)
tests_unit_container_test_detach_SOURCES = %D%/test-detach.c
tests_unit_container_test_detach_LDADD = $(LIBS_container)
tests_unit_container_test_links_SOURCES = %D%/test-links.c
tests_unit_container_test_links_LDADD = $(LIBS_container)
tests_unit_container_test_health_SOURCES = %D%/test-health.c
tests_unit_container_test_health_LDADD = $(LIBS_container)
tests_unit_container_test_log_SOURCES = %D%/test-log.c
tests_unit_container_test_log_LDADD = $(LIBS_container)
tests_unit_container_test_log_entries_SOURCES = %D%/test-log-entries.c
tests_unit_container_test_log_entries_LDADD = $(LIBS_container)
tests_unit_container_test_mount_spec_SOURCES = %D%/test-mount-spec.c
tests_unit_container_test_mount_spec_LDADD = $(LIBS_container)
tests_unit_container_test_names_SOURCES = %D%/test-names.c
tests_unit_container_test_names_LDADD = $(LIBS_container)
tests_unit_container_test_record_SOURCES = %D%/test-record.c
tests_unit_container_test_record_LDADD = $(LIBS_container)
tests_unit_container_test_restart_SOURCES = %D%/test-restart.c
tests_unit_container_test_restart_LDADD = $(LIBS_container)
tests_unit_container_test_wire_SOURCES = %D%/test-wire.c
tests_unit_container_test_wire_LDADD = $(LIBS_container)
tests_unit_container_test_copy_SOURCES = %D%/test-copy.c
tests_unit_container_test_copy_LDADD = $(LIBS_container)
tests_unit_container_test_copy_paths_SOURCES = %D%/test-copy-paths.c
tests_unit_container_test_copy_paths_LDADD = $(LIBS_container)
