unit_tests += \
	tests/unit/registry/test-auth \
	tests/unit/registry/test-challenge \
	tests/unit/registry/test-credentials \
	tests/unit/registry/test-pull \
	tests/unit/registry/test-push
tests_unit_registry_test_auth_SOURCES = tests/unit/registry/test-auth.c tests/unit/registry/registry-fixture.h tests/lib/test-server.h
tests_unit_registry_test_auth_LDADD = $(LIBS_registry)
tests_unit_registry_test_challenge_SOURCES = tests/unit/registry/test-challenge.c
tests_unit_registry_test_challenge_LDADD = $(LIBS_registry)
tests_unit_registry_test_credentials_SOURCES = tests/unit/registry/test-credentials.c
tests_unit_registry_test_credentials_LDADD = $(LIBS_registry)
tests_unit_registry_test_pull_SOURCES = tests/unit/registry/test-pull.c tests/unit/registry/registry-fixture.h tests/lib/test-server.h
tests_unit_registry_test_pull_LDADD = $(LIBS_registry)
tests_unit_registry_test_push_SOURCES = tests/unit/registry/test-push.c tests/unit/registry/registry-fixture.h tests/lib/test-server.h
tests_unit_registry_test_push_LDADD = $(LIBS_registry)
