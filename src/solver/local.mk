noinst_LIBRARIES += src/solver/libsolver.a
src_solver_libsolver_a_SOURCES = \
	%D%/cache-key.c \
	%D%/cache-memory.c \
	%D%/edge.c \
	%D%/explain.c \
	%D%/graph.c \
	%D%/job.c \
	%D%/listing.c \
	%D%/result.c \
	%D%/scheduler.c \
	%D%/solve.c \
	%D%/solver-priv.h \
	%D%/solver.h \
	%D%/trace.c
