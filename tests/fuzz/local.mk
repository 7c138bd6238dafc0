# fuzz-NAME with --enable-fuzzers (`make fuzzers`); replay-NAME runs the same on the corpus in `make check`.
LDFLAGS_fuzz = $(AM_LDFLAGS) -fsanitize=fuzzer

if FUZZERS
EXTRA_PROGRAMS = $(fuzz_targets)
fuzz_targets += \
	tests/fuzz/fuzz-check \
	tests/fuzz/fuzz-config \
	tests/fuzz/fuzz-dockerfile \
	tests/fuzz/fuzz-dockerignore \
	tests/fuzz/fuzz-flags \
	tests/fuzz/fuzz-git-url \
	tests/fuzz/fuzz-include \
	tests/fuzz/fuzz-json-form \
	tests/fuzz/fuzz-log-entries \
	tests/fuzz/fuzz-manifest \
	tests/fuzz/fuzz-reference \
	tests/fuzz/fuzz-run-mount \
	tests/fuzz/fuzz-tar \
	tests/fuzz/fuzz-template \
	tests/fuzz/fuzz-words \
	tests/fuzz/fuzz-www-authenticate
tests_fuzz_fuzz_check_SOURCES = tests/fuzz/fuzz-check.c
tests_fuzz_fuzz_check_LDADD = $(LIBS_frontend)
tests_fuzz_fuzz_check_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
tests_fuzz_fuzz_config_LDADD = $(LIBS_registry)
tests_fuzz_fuzz_config_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_dockerfile_SOURCES = tests/fuzz/fuzz-dockerfile.c
tests_fuzz_fuzz_dockerfile_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_dockerfile_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_dockerignore_SOURCES = tests/fuzz/fuzz-dockerignore.c
tests_fuzz_fuzz_dockerignore_LDADD = $(LIBS_context)
tests_fuzz_fuzz_dockerignore_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_flags_SOURCES = tests/fuzz/fuzz-flags.c
tests_fuzz_fuzz_flags_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_flags_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_git_url_SOURCES = tests/fuzz/fuzz-git-url.c
tests_fuzz_fuzz_git_url_LDADD = $(LIBS_context)
tests_fuzz_fuzz_git_url_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_include_SOURCES = tests/fuzz/fuzz-include.c
tests_fuzz_fuzz_include_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_include_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_json_form_SOURCES = tests/fuzz/fuzz-json-form.c
tests_fuzz_fuzz_json_form_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_json_form_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_log_entries_SOURCES = tests/fuzz/fuzz-log-entries.c
tests_fuzz_fuzz_log_entries_LDADD = $(LIBS_container)
tests_fuzz_fuzz_log_entries_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz-manifest.c
tests_fuzz_fuzz_manifest_LDADD = $(LIBS_oci)
tests_fuzz_fuzz_manifest_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_reference_SOURCES = tests/fuzz/fuzz-reference.c
tests_fuzz_fuzz_reference_LDADD = $(LIBS_oci)
tests_fuzz_fuzz_reference_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_run_mount_SOURCES = tests/fuzz/fuzz-run-mount.c
tests_fuzz_fuzz_run_mount_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_run_mount_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_tar_SOURCES = tests/fuzz/fuzz-tar.c
tests_fuzz_fuzz_tar_LDADD = $(LIBS_exporter)
tests_fuzz_fuzz_tar_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz-template.c
tests_fuzz_fuzz_template_LDADD = $(LIBS_base)
tests_fuzz_fuzz_template_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz-words.c
tests_fuzz_fuzz_words_LDADD = $(LIBS_parser)
tests_fuzz_fuzz_words_LDFLAGS = $(LDFLAGS_fuzz)
tests_fuzz_fuzz_www_authenticate_SOURCES = tests/fuzz/fuzz-www-authenticate.c
tests_fuzz_fuzz_www_authenticate_LDADD = $(LIBS_registry)
tests_fuzz_fuzz_www_authenticate_LDFLAGS = $(LDFLAGS_fuzz)
endif

unit_tests += \
	tests/fuzz/replay-check \
	tests/fuzz/replay-config \
	tests/fuzz/replay-dockerfile \
	tests/fuzz/replay-dockerignore \
	tests/fuzz/replay-flags \
	tests/fuzz/replay-git-url \
	tests/fuzz/replay-include \
	tests/fuzz/replay-json-form \
	tests/fuzz/replay-log-entries \
	tests/fuzz/replay-manifest \
	tests/fuzz/replay-reference \
	tests/fuzz/replay-run-mount \
	tests/fuzz/replay-tar \
	tests/fuzz/replay-template \
	tests/fuzz/replay-words \
	tests/fuzz/replay-www-authenticate
tests_fuzz_replay_check_SOURCES = tests/fuzz/fuzz-check.c tests/fuzz/replay-main.c
tests_fuzz_replay_check_LDADD = $(LIBS_frontend)
tests_fuzz_replay_config_SOURCES = tests/fuzz/fuzz-config.c tests/fuzz/replay-main.c
tests_fuzz_replay_config_LDADD = $(LIBS_registry)
tests_fuzz_replay_dockerfile_SOURCES = tests/fuzz/fuzz-dockerfile.c tests/fuzz/replay-main.c
tests_fuzz_replay_dockerfile_LDADD = $(LIBS_parser)
tests_fuzz_replay_dockerignore_SOURCES = tests/fuzz/fuzz-dockerignore.c tests/fuzz/replay-main.c
tests_fuzz_replay_dockerignore_LDADD = $(LIBS_context)
tests_fuzz_replay_flags_SOURCES = tests/fuzz/fuzz-flags.c tests/fuzz/replay-main.c
tests_fuzz_replay_flags_LDADD = $(LIBS_parser)
tests_fuzz_replay_git_url_SOURCES = tests/fuzz/fuzz-git-url.c tests/fuzz/replay-main.c
tests_fuzz_replay_git_url_LDADD = $(LIBS_context)
tests_fuzz_replay_include_SOURCES = tests/fuzz/fuzz-include.c tests/fuzz/replay-main.c
tests_fuzz_replay_include_LDADD = $(LIBS_parser)
tests_fuzz_replay_json_form_SOURCES = tests/fuzz/fuzz-json-form.c tests/fuzz/replay-main.c
tests_fuzz_replay_json_form_LDADD = $(LIBS_parser)
tests_fuzz_replay_log_entries_SOURCES = tests/fuzz/fuzz-log-entries.c tests/fuzz/replay-main.c
tests_fuzz_replay_log_entries_LDADD = $(LIBS_container)
tests_fuzz_replay_manifest_SOURCES = tests/fuzz/fuzz-manifest.c tests/fuzz/replay-main.c
tests_fuzz_replay_manifest_LDADD = $(LIBS_oci)
tests_fuzz_replay_reference_SOURCES = tests/fuzz/fuzz-reference.c tests/fuzz/replay-main.c
tests_fuzz_replay_reference_LDADD = $(LIBS_oci)
tests_fuzz_replay_run_mount_SOURCES = tests/fuzz/fuzz-run-mount.c tests/fuzz/replay-main.c
tests_fuzz_replay_run_mount_LDADD = $(LIBS_parser)
tests_fuzz_replay_tar_SOURCES = tests/fuzz/fuzz-tar.c tests/fuzz/replay-main.c
tests_fuzz_replay_tar_LDADD = $(LIBS_exporter)
tests_fuzz_replay_template_SOURCES = tests/fuzz/fuzz-template.c tests/fuzz/replay-main.c
tests_fuzz_replay_template_LDADD = $(LIBS_base)
tests_fuzz_replay_words_SOURCES = tests/fuzz/fuzz-words.c tests/fuzz/replay-main.c
tests_fuzz_replay_words_LDADD = $(LIBS_parser)
tests_fuzz_replay_www_authenticate_SOURCES = tests/fuzz/fuzz-www-authenticate.c tests/fuzz/replay-main.c
tests_fuzz_replay_www_authenticate_LDADD = $(LIBS_registry)
