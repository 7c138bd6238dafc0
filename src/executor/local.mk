noinst_LIBRARIES += src/executor/libexecutor.a
src_executor_libexecutor_a_SOURCES = \
	%D%/caps-priv.h \
	%D%/caps.c \
	%D%/cdi.c \
	%D%/cdi.h \
	%D%/cgroup-priv.h \
	%D%/cgroup.c \
	%D%/devices-priv.h \
	%D%/devices.c \
	%D%/emulation.c \
	%D%/emulation.h \
	%D%/executor.h \
	%D%/identity.c \
	%D%/io.c \
	%D%/launcher-priv.h \
	%D%/launcher.c \
	%D%/mounts.c \
	%D%/plan-mounts.c \
	%D%/plan-print.c \
	%D%/plan-priv.h \
	%D%/plan.c \
	%D%/program.c \
	%D%/protocol-priv.h \
	%D%/protocol.c \
	%D%/rootfs.c \
	%D%/sandbox-priv.h \
	%D%/sandbox.c \
	%D%/seccomp-priv.h \
	%D%/seccomp-profile.c \
	%D%/seccomp.c \
	%D%/spawn.c \
	%D%/spec.c \
	%D%/stage.c \
	%D%/stubs-priv.h \
	%D%/stubs.c \
	%D%/user.c
