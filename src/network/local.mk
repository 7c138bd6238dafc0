noinst_LIBRARIES += src/network/libnetwork.a
src_network_libnetwork_a_SOURCES = \
	%D%/network.h \
	%D%/network-priv.h \
	%D%/bridge.c \
	%D%/dns.c \
	%D%/netns.c \
	%D%/network.c
