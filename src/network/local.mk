noinst_LIBRARIES += src/network/libnetwork.a
src_network_libnetwork_a_SOURCES = \
	%D%/address.h \
	%D%/attach-priv.h \
	%D%/firewall-priv.h \
	%D%/links-priv.h \
	%D%/names-priv.h \
	%D%/named.h \
	%D%/named-priv.h \
	%D%/network.h \
	%D%/network-priv.h \
	%D%/rtnl-priv.h \
	%D%/address.c \
	%D%/attach.c \
	%D%/bridge.c \
	%D%/describe.c \
	%D%/detach.c \
	%D%/dns.c \
	%D%/endpoints.c \
	%D%/firewall.c \
	%D%/join.c \
	%D%/lease.c \
	%D%/links.c \
	%D%/named.c \
	%D%/named-json.c \
	%D%/named-settle.c \
	%D%/names.c \
	%D%/netns.c \
	%D%/network.c \
	%D%/ports.c \
	%D%/proxies.c \
	%D%/routes.c \
	%D%/rtnl.c \
	%D%/rules.c \
	%D%/shared.c \
	%D%/slirp-control.c \
	%D%/usermode.c
