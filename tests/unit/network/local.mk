unit_tests += \
	tests/unit/network/test-dns \
	tests/unit/network/test-dns-message \
	tests/unit/network/test-forward \
	tests/unit/network/test-named \
	tests/unit/network/test-network \
	tests/unit/network/test-ports \
	tests/unit/network/test-rules \
	tests/unit/network/test-usermode
tests_unit_network_test_dns_SOURCES = %D%/test-dns.c
tests_unit_network_test_dns_LDADD = $(LIBS_network)
tests_unit_network_test_dns_message_SOURCES = %D%/test-dns-message.c
tests_unit_network_test_dns_message_LDADD = $(LIBS_network)
tests_unit_network_test_forward_SOURCES = %D%/test-forward.c
tests_unit_network_test_forward_LDADD = $(LIBS_network)
tests_unit_network_test_named_SOURCES = %D%/test-named.c
tests_unit_network_test_named_LDADD = $(LIBS_network)
tests_unit_network_test_network_SOURCES = %D%/test-network.c
tests_unit_network_test_network_LDADD = $(LIBS_network)
tests_unit_network_test_ports_SOURCES = %D%/test-ports.c
tests_unit_network_test_ports_LDADD = $(LIBS_network)
tests_unit_network_test_rules_SOURCES = %D%/test-rules.c
tests_unit_network_test_rules_LDADD = $(LIBS_network)
tests_unit_network_test_usermode_SOURCES = %D%/test-usermode.c
tests_unit_network_test_usermode_LDADD = $(LIBS_network)
