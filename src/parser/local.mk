noinst_LIBRARIES += src/parser/libparser.a
src_parser_libparser_a_SOURCES = \
	%D%/parser-priv.h \
	%D%/parser.h \
	%D%/words-priv.h \
	%D%/ast.c \
	%D%/condition.c \
	%D%/directive.c \
	%D%/dockerfile.c \
	%D%/flags.c \
	%D%/heredoc.c \
	%D%/include.c \
	%D%/inst-copy.c \
	%D%/inst-env.c \
	%D%/inst-from.c \
	%D%/inst-healthcheck.c \
	%D%/inst-if.c \
	%D%/inst-meta.c \
	%D%/inst-onbuild.c \
	%D%/inst-run.c \
	%D%/instruction.c \
	%D%/json-form.c \
	%D%/lines.c \
	%D%/request.c \
	%D%/run-device.c \
	%D%/run-mount.c \
	%D%/shell-pattern.c \
	%D%/split.c \
	%D%/substitute.c \
	%D%/text.c \
	%D%/words.c
