unit_tests += \
	tests/unit/http/test-client \
	tests/unit/http/test-proxy \
	tests/unit/http/test-retry \
	tests/unit/http/test-url
tests_unit_http_test_client_SOURCES = tests/unit/http/test-client.c tests/lib/test-server.h
tests_unit_http_test_client_LDADD = $(LIBS_http)
tests_unit_http_test_proxy_SOURCES = tests/unit/http/test-proxy.c
tests_unit_http_test_proxy_LDADD = $(LIBS_http)
tests_unit_http_test_retry_SOURCES = tests/unit/http/test-retry.c
tests_unit_http_test_retry_LDADD = $(LIBS_http)
tests_unit_http_test_url_SOURCES = tests/unit/http/test-url.c
tests_unit_http_test_url_LDADD = $(LIBS_http)
