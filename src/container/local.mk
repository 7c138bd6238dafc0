noinst_LIBRARIES += src/container/libcontainer.a
src_container_libcontainer_a_SOURCES = \
	%D%/attach.c \
	%D%/attach.h \
	%D%/container.h \
	%D%/knobs.c \
	%D%/knobs.h \
	%D%/terminal.h \
	%D%/run.c \
	%D%/signals.c \
	%D%/signals.h \
	%D%/spec.c \
	%D%/spec.h \
	%D%/terminal.c \
	%D%/tmpfs.c
