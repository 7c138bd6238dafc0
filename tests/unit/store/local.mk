EXTRA_DIST += tests/unit/store/store-test.h tests/unit/store/tree-test.h

unit_tests += tests/unit/store/test-blob-feed
tests_unit_store_test_blob_feed_SOURCES = tests/unit/store/test-blob-feed.c
tests_unit_store_test_blob_feed_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-cache-mount
tests_unit_store_test_cache_mount_SOURCES = tests/unit/store/test-cache-mount.c
tests_unit_store_test_cache_mount_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-clamp
tests_unit_store_test_clamp_SOURCES = tests/unit/store/test-clamp.c
tests_unit_store_test_clamp_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-compress-chunk
tests_unit_store_test_compress_chunk_SOURCES = tests/unit/store/test-compress-chunk.c
tests_unit_store_test_compress_chunk_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-content
tests_unit_store_test_content_SOURCES = tests/unit/store/test-content.c
tests_unit_store_test_content_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-crash
tests_unit_store_test_crash_SOURCES = tests/unit/store/test-crash.c
tests_unit_store_test_crash_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-db-answers
tests_unit_store_test_db_answers_SOURCES = tests/unit/store/test-db-answers.c
tests_unit_store_test_db_answers_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-delta
tests_unit_store_test_delta_SOURCES = tests/unit/store/test-delta.c
tests_unit_store_test_delta_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-driver-copy
tests_unit_store_test_driver_copy_SOURCES = tests/unit/store/test-driver-copy.c
tests_unit_store_test_driver_copy_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-evil-layer
tests_unit_store_test_evil_layer_SOURCES = tests/unit/store/test-evil-layer.c
tests_unit_store_test_evil_layer_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-gc
tests_unit_store_test_gc_SOURCES = tests/unit/store/test-gc.c
tests_unit_store_test_gc_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-journal
tests_unit_store_test_journal_SOURCES = tests/unit/store/test-journal.c
tests_unit_store_test_journal_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-layer
tests_unit_store_test_layer_SOURCES = tests/unit/store/test-layer.c
tests_unit_store_test_layer_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-layer-waste
tests_unit_store_test_layer_waste_SOURCES = tests/unit/store/test-layer-waste.c
tests_unit_store_test_layer_waste_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-layout
tests_unit_store_test_layout_SOURCES = tests/unit/store/test-layout.c
tests_unit_store_test_layout_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-lease
tests_unit_store_test_lease_SOURCES = tests/unit/store/test-lease.c
tests_unit_store_test_lease_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-record
tests_unit_store_test_record_SOURCES = tests/unit/store/test-record.c
tests_unit_store_test_record_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-platforms
tests_unit_store_test_platforms_SOURCES = tests/unit/store/test-platforms.c
tests_unit_store_test_platforms_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-refs
tests_unit_store_test_refs_SOURCES = tests/unit/store/test-refs.c
tests_unit_store_test_refs_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-outbox
tests_unit_store_test_outbox_SOURCES = tests/unit/store/test-outbox.c
tests_unit_store_test_outbox_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-outline
tests_unit_store_test_outline_SOURCES = tests/unit/store/test-outline.c
tests_unit_store_test_outline_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-restack
tests_unit_store_test_restack_SOURCES = tests/unit/store/test-restack.c
tests_unit_store_test_restack_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-snapshot
tests_unit_store_test_snapshot_SOURCES = tests/unit/store/test-snapshot.c
tests_unit_store_test_snapshot_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-snapshot-spare
tests_unit_store_test_snapshot_spare_SOURCES = tests/unit/store/test-snapshot-spare.c
tests_unit_store_test_snapshot_spare_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-sqlite-math
tests_unit_store_test_sqlite_math_SOURCES = tests/unit/store/test-sqlite-math.c
tests_unit_store_test_sqlite_math_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-stat-index
tests_unit_store_test_stat_index_SOURCES = tests/unit/store/test-stat-index.c
tests_unit_store_test_stat_index_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-tar
tests_unit_store_test_tar_SOURCES = tests/unit/store/test-tar.c
tests_unit_store_test_tar_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-tree-digest
tests_unit_store_test_tree_digest_SOURCES = tests/unit/store/test-tree-digest.c
tests_unit_store_test_tree_digest_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-trim
tests_unit_store_test_trim_SOURCES = tests/unit/store/test-trim.c
tests_unit_store_test_trim_LDADD = $(LIBS_store)

unit_tests += tests/unit/store/test-prune
tests_unit_store_test_prune_SOURCES = tests/unit/store/test-prune.c
tests_unit_store_test_prune_LDADD = $(LIBS_store)
