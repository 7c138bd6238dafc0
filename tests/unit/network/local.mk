unit_tests += \
	tests/unit/network/test-dns \
	tests/unit/network/test-network
tests_unit_network_test_dns_SOURCES = %D%/test-dns.c
tests_unit_network_test_dns_LDADD = $(LIBS_network)
tests_unit_network_test_network_SOURCES = %D%/test-network.c
tests_unit_network_test_network_LDADD = $(LIBS_network)
