unit_tests += tests/unit/oci/test-annotations
tests_unit_oci_test_annotations_SOURCES = tests/unit/oci/test-annotations.c
tests_unit_oci_test_annotations_LDADD = $(LIBS_oci)

unit_tests += tests/unit/oci/test-config
tests_unit_oci_test_config_SOURCES = tests/unit/oci/test-config.c
tests_unit_oci_test_config_LDADD = $(LIBS_oci)

unit_tests += tests/unit/oci/test-manifest
tests_unit_oci_test_manifest_SOURCES = tests/unit/oci/test-manifest.c
tests_unit_oci_test_manifest_LDADD = $(LIBS_oci)

unit_tests += tests/unit/oci/test-platform
tests_unit_oci_test_platform_SOURCES = tests/unit/oci/test-platform.c
tests_unit_oci_test_platform_LDADD = $(LIBS_oci)

unit_tests += tests/unit/oci/test-reference
tests_unit_oci_test_reference_SOURCES = tests/unit/oci/test-reference.c
tests_unit_oci_test_reference_LDADD = $(LIBS_oci)

unit_tests += tests/unit/oci/test-attestation
tests_unit_oci_test_attestation_SOURCES = tests/unit/oci/test-attestation.c
tests_unit_oci_test_attestation_LDADD = $(LIBS_oci)
