unit_tests += \
	tests/unit/exporter/test-load \
	tests/unit/exporter/test-save \
	tests/unit/exporter/test-sbom
tests_unit_exporter_test_load_SOURCES = tests/unit/exporter/test-load.c tests/unit/exporter/archive-fixture.h
tests_unit_exporter_test_load_LDADD = $(LIBS_exporter)
tests_unit_exporter_test_save_SOURCES = tests/unit/exporter/test-save.c tests/unit/exporter/archive-fixture.h
tests_unit_exporter_test_save_LDADD = $(LIBS_exporter)
tests_unit_exporter_test_sbom_SOURCES = tests/unit/exporter/test-sbom.c
tests_unit_exporter_test_sbom_LDADD = $(LIBS_exporter)
