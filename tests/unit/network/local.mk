unit_tests += tests/unit/network/test-dns
tests_unit_network_test_dns_SOURCES = tests/unit/network/test-dns.c
tests_unit_network_test_dns_LDADD = $(LIBS_network)
