noinst_LIBRARIES += src/commands/libcommands.a
src_commands_libcommands_a_SOURCES = \
	%D%/commands.h \
	%D%/completion.c \
	%D%/context.c \
	%D%/copy.c \
	%D%/debug.c \
	%D%/debug.h \
	%D%/options.h \
	%D%/progress.h \
	%D%/app.c \
	%D%/archive.c \
	%D%/build.c \
	%D%/call-json.c \
	%D%/call-text.c \
	%D%/call.c \
	%D%/call.h \
	%D%/builds.c \
	%D%/builds.h \
	%D%/builds-logs.c \
	%D%/builds-print.c \
	%D%/builds-show.c \
	%D%/cache-filter.c \
	%D%/cache-filter.h \
	%D%/du.c \
	%D%/cache-transfer.c \
	%D%/cache.c \
	%D%/cache.h \
	%D%/event-filter.c \
	%D%/event-filter.h \
	%D%/events.c \
	%D%/fsck.c \
	%D%/history.c \
	%D%/image-filter.c \
	%D%/image-filter.h \
	%D%/images.c \
	%D%/info.c \
	%D%/inspect.c \
	%D%/lint-json.c \
	%D%/lint-sarif.c \
	%D%/lint-text.c \
	%D%/lint.c \
	%D%/lint.h \
	%D%/listing.c \
	%D%/listing.h \
	%D%/login.c \
	%D%/manifest.c \
	%D%/network.c \
	%D%/network.h \
	%D%/network-filter.c \
	%D%/network-list.c \
	%D%/options.c \
	%D%/parse.c \
	%D%/progress-colour.c \
	%D%/progress-json.c \
	%D%/progress-log.c \
	%D%/progress-plain.c \
	%D%/progress-quiet.c \
	%D%/progress-tty.c \
	%D%/progress.c \
	%D%/prompt.c \
	%D%/prompt.h \
	%D%/prune.c \
	%D%/pull.c \
	%D%/push.c \
	%D%/rmi.c \
	%D%/run.c \
	%D%/search.c \
	%D%/table.c \
	%D%/tag.c \
	%D%/transfer.c \
	%D%/transfer.h \
	%D%/upkeep.c \
	%D%/version.c

bin_PROGRAMS += cbuild
cbuild_SOURCES = %D%/main.c
cbuild_LDADD = $(LIBS_commands)
