unit_tests += tests/unit/context/test-ignore tests/unit/context/test-ignore-git tests/unit/context/test-tarball
tests_unit_context_test_ignore_SOURCES = tests/unit/context/test-ignore.c
tests_unit_context_test_ignore_LDADD = $(LIBS_context)
tests_unit_context_test_tarball_SOURCES = tests/unit/context/test-tarball.c
tests_unit_context_test_tarball_LDADD = $(LIBS_context)
tests_unit_context_test_ignore_git_SOURCES = tests/unit/context/test-ignore-git.c
tests_unit_context_test_ignore_git_LDADD = $(LIBS_context)
