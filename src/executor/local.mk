noinst_LIBRARIES += src/executor/libexecutor.a src/executor/liblauncher.a
# The caller's side.
src_executor_libexecutor_a_SOURCES = \
	%D%/caps-priv.h \
	%D%/cdi.c \
	%D%/cdi.h \
	%D%/cgroup-priv.h \
	%D%/cpuset.c \
	%D%/device-option.c \
	%D%/device-rules.c \
	%D%/devices-priv.h \
	%D%/emulation.c \
	%D%/emulation.h \
	%D%/executor.h \
	%D%/facts.c \
	%D%/facts.h \
	%D%/id-helper.c \
	%D%/launcher-handle.c \
	%D%/launcher-priv.h \
	%D%/launcher-program.c \
	%D%/limits.c \
	%D%/limits.h \
	%D%/mount-api-priv.h \
	%D%/plan-limits.c \
	%D%/plan-masks.c \
	%D%/plan-mounts.c \
	%D%/plan-nodes.c \
	%D%/plan-print.c \
	%D%/plan-priv.h \
	%D%/plan-restore.c \
	%D%/plan.c \
	%D%/protocol-priv.h \
	%D%/remnant-priv.h \
	%D%/rlimit.c \
	%D%/sandbox-priv.h \
	%D%/seal.c \
	%D%/seccomp-json.c \
	%D%/seccomp-priv.h \
	%D%/security.c \
	%D%/security.h \
	%D%/single-id.c \
	%D%/spawn.c \
	%D%/spec.c \
	%D%/stubs-priv.h \
	%D%/subids.c \
	%D%/usage.c \
	%D%/usage.h \
	%D%/user.c \
	%D%/userns-priv.h \
	%D%/userns.c \
	%D%/userns.h
# The launcher's side, and what both have. It needs nothing of the caller's, and no library but C's.
src_executor_liblauncher_a_SOURCES = \
	%D%/caps.c \
	%D%/cgroup-devices.c \
	%D%/cgroup-file.c \
	%D%/cgroup-find.c \
	%D%/cgroup-limits.c \
	%D%/cgroup-sweep.c \
	%D%/cgroup-view.c \
	%D%/cgroup.c \
	%D%/devices.c \
	%D%/early.c \
	%D%/identity.c \
	%D%/io.c \
	%D%/join.c \
	%D%/launcher.c \
	%D%/mount-api.c \
	%D%/mounts.c \
	%D%/plan-data.c \
	%D%/program.c \
	%D%/protocol.c \
	%D%/remnant.c \
	%D%/restore.c \
	%D%/rootfs.c \
	%D%/sandbox.c \
	%D%/seccomp-numbers.c \
	%D%/seccomp-profile.c \
	%D%/seccomp-ready.c \
	%D%/seccomp.c \
	%D%/settings.c \
	%D%/space.c \
	%D%/stage-legacy.c \
	%D%/stage.c \
	%D%/stubs.c \
	%D%/waiting-priv.h \
	%D%/waiting.c

# The launcher as a program of its own. Program and launcher know each other by the sum of what the launcher is made of: its build id.
if LAUNCHER
pkglibexec_PROGRAMS += cbuild-launcher
cbuild_launcher_SOURCES = %D%/launcher-main.c
cbuild_launcher_LDADD = src/executor/liblauncher.a src/base/libbase.a
cbuild_launcher_LDFLAGS = $(AM_LDFLAGS) $(LAUNCHER_LDFLAGS) -Wl,--build-id=0x`cat src/executor/launcher-id`
EXTRA_cbuild_launcher_DEPENDENCIES = %D%/launcher-id
launcher_sum = cat $(cbuild_launcher_LDADD) | sha256sum | cut -c1-40
else
launcher_sum = echo
endif

%D%/launcher-id: src/executor/liblauncher.a src/base/libbase.a
	$(AM_V_GEN)$(launcher_sum) >$@
# What the program is made of brings the launcher along.
%D%/launcher-id.h: %D%/launcher-id $(pkglibexec_PROGRAMS)
	$(AM_V_GEN){ printf '#define CB_LAUNCHER_ID "%s"\n' "`cat %D%/launcher-id`" && \
		printf '#define CB_LAUNCHER_DIR "%s"\n' '$(pkglibexecdir)'; } >$@
%D%/launcher-program.$(OBJEXT): %D%/launcher-id.h
CLEANFILES += %D%/launcher-id %D%/launcher-id.h
