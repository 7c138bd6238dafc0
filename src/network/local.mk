noinst_LIBRARIES += src/network/libnetwork.a
src_network_libnetwork_a_SOURCES = \
	%D%/address.h \
	%D%/named.h \
	%D%/named-priv.h \
	%D%/network.h \
	%D%/network-priv.h \
	%D%/address.c \
	%D%/bridge.c \
	%D%/describe.c \
	%D%/dns.c \
	%D%/endpoints.c \
	%D%/join.c \
	%D%/lease.c \
	%D%/named.c \
	%D%/named-json.c \
	%D%/named-settle.c \
	%D%/netavark.c \
	%D%/netns.c \
	%D%/network.c \
	%D%/ports.c \
	%D%/proxies.c \
	%D%/routes.c \
	%D%/shared.c \
	%D%/slirp-control.c \
	%D%/usermode.c
