# fuzz-NAME with --enable-fuzzers (`make fuzzers`); replay-NAME runs the same on the corpus in `make check`.
LDFLAGS_fuzz = $(AM_LDFLAGS) -fsanitize=fuzzer

if FUZZERS
EXTRA_PROGRAMS = $(fuzz_targets)
fuzz_targets += \
	tests/fuzz/fuzz-dockerfile \
	tests/fuzz/fuzz-dockerignore \
	tests/fuzz/fuzz-words
tests_fuzz_fuzz_dockerfile_SOURCES = tests/fuzz/fuzz-dockerfile.c
tests_fuzz_fuzz_dockerfile_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_dockerfile_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_dockerignore_SOURCES = tests/fuzz/fuzz-dockerignore.c
tests_fuzz_fuzz_dockerignore_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_dockerignore_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz-words.c
tests_fuzz_fuzz_words_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_words_LDFLAGS = $(LDFLAGS_fuzz)
endif

unit_tests += \
	tests/fuzz/replay-dockerfile \
	tests/fuzz/replay-dockerignore \
	tests/fuzz/replay-words
tests_fuzz_replay_dockerfile_SOURCES = tests/fuzz/fuzz-dockerfile.c tests/fuzz/replay-main.c
tests_fuzz_replay_dockerfile_LDADD = $(LIBS_parser)
tests_fuzz_replay_dockerignore_SOURCES = tests/fuzz/fuzz-dockerignore.c tests/fuzz/replay-main.c
tests_fuzz_replay_dockerignore_LDADD = $(LIBS_parser)
tests_fuzz_replay_words_SOURCES = tests/fuzz/fuzz-words.c tests/fuzz/replay-main.c
tests_fuzz_replay_words_LDADD = $(LIBS_parser)
